"""The BiLSTM: gradients against differences, and torch's layer with the same weights."""

import numpy as np
import pytest

from tokpipe.baselines.packing import pack
from tokpipe.baselines.recurrent import Net, backward, forward, initialise, shapes
from tokpipe.bert.blas import use_one_thread
from tokpipe.bert.parameters import Tensors

BORDERS = np.array([0, 3, 4, 9, 9, 14, 16])  # one sequence is empty
NETS = [
    Net(width=5, hidden=4, layers=layers, outputs=3, texts=texts, dropout=dropout)
    for layers, texts, dropout in ((1, 0, 0.0), (2, 0, 0.5), (1, 1, 0.5), (1, 2, 0.0), (2, 2, 0.4))
]


def made(net, dtype=np.float64, seed=0):
    tensors = Tensors(shapes(net), dtype)
    initialise(net, tensors, seed)
    draw = np.random.default_rng(seed)
    for view in tensors.views.values():
        view += 0.3 * draw.normal(size=view.shape)
    x = draw.normal(size=(int(BORDERS[-1]), net.width)).astype(dtype)
    return tensors, x, pack(BORDERS, np.arange(len(BORDERS) - 1))


@pytest.mark.parametrize("net", NETS, ids=str)
def test_gradients_are_those_of_finite_differences(net):
    net = net._replace(input_dropout=0.3 if net.dropout else 0.0)
    tensors, x, packed = made(net)
    key = 7 if net.dropout else None
    outputs, tape = forward(net, tensors.views, x[packed.items], packed, key)
    slope = np.random.default_rng(1).normal(size=outputs.shape)
    into = tensors.zeros_like()
    into.views["output.bias"] += slope.sum(0)  # is summed where the loss is
    d_x = backward(net, tensors.views, packed, tape, slope, into.views)
    found = np.zeros_like(x)
    found[packed.items] = d_x

    def value():
        return (forward(net, tensors.views, x[packed.items], packed, key)[0] * slope).sum()

    draw = np.random.default_rng(2)
    arrays = [*((name, tensors.views[name], into.views[name]) for name in tensors.views)]
    for name, array, gradient in [*arrays, ("inputs", x, found)]:
        for _ in range(12):
            place = tuple(draw.integers(0, size) for size in array.shape)
            sides = []
            for step in (1e-6, -2e-6):
                array[place] += step
                sides.append(value())
            array[place] += 1e-6
            assert (sides[0] - sides[1]) / 2e-6 == pytest.approx(gradient[place], abs=1e-6), name


@pytest.mark.parametrize("net", NETS, ids=str)
def test_kernels_and_twins_say_the_same(net):
    use_one_thread()
    found = []
    for dtype in (np.float32, np.float64):
        tensors, x, packed = made(net, dtype)
        outputs, tape = forward(net, tensors.views, x[packed.items], packed, 5)
        into = tensors.zeros_like()
        slope = np.cos(np.arange(outputs.size)).reshape(outputs.shape).astype(dtype)
        d_x = backward(net, tensors.views, packed, tape, slope, into.views)
        found.append((outputs, d_x, into.block))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5 * max(1, np.abs(other).max()))


def test_a_sequence_is_read_as_if_it_were_alone():
    net = NETS[0]
    tensors, x, packed = made(net, np.float32)
    together = np.zeros((len(x), net.outputs), np.float32)
    together[packed.items] = forward(net, tensors.views, x[packed.items], packed)[0]
    for number in range(len(BORDERS) - 1):
        alone = pack(BORDERS, np.array([number]))
        said = forward(net, tensors.views, x[alone.items], alone)[0]
        np.testing.assert_allclose(said, together[alone.items], atol=1e-6)


def test_forget_gates_begin_open_and_other_biases_at_zero():
    net = NETS[1]
    tensors = Tensors(shapes(net))
    initialise(net, tensors, 0)
    bias = tensors.views["lstm.1.input.bias"].reshape(2, 4, net.hidden)
    assert (bias[:, 1] == 1).all() and not bias[:, [0, 2, 3]].any()
    weight = tensors.views["lstm.1.forward.weight"]
    assert np.abs(weight).max() <= 0.5 and weight.std() > 0.2


@pytest.mark.peers
@pytest.mark.parametrize("layers", [1, 2])
def test_states_and_gradients_are_those_of_torch(layers):
    torch = pytest.importorskip("torch")
    net = Net(width=24, hidden=32, layers=layers, outputs=7, texts=0)
    draw = np.random.default_rng(3)
    borders = np.concatenate([[0], np.cumsum(draw.integers(1, 40, 16))])
    packed = pack(borders, np.arange(16))
    tensors = Tensors(shapes(net))
    initialise(net, tensors, 1)
    for view in tensors.views.values():
        view += (0.1 * draw.normal(size=view.shape)).astype(np.float32)
    x = draw.normal(size=(int(borders[-1]), net.width)).astype(np.float32)
    outputs, tape = forward(net, tensors.views, x[packed.items], packed)
    slope = draw.normal(size=outputs.shape).astype(np.float32)
    into = tensors.zeros_like()
    d_x = backward(net, tensors.views, packed, tape, slope, into.views)

    theirs = torch.nn.LSTM(net.width, net.hidden, layers, bidirectional=True)
    views, ours = tensors.views, {}
    for layer in range(layers):
        for half, (name, suffix) in enumerate((("forward", ""), ("backward", "_reverse"))):
            part = slice(half * 4 * net.hidden, (half + 1) * 4 * net.hidden)
            for weight, place, rows in (
                (f"weight_ih_l{layer}{suffix}", f"lstm.{layer}.input.weight", part),
                (f"bias_ih_l{layer}{suffix}", f"lstm.{layer}.input.bias", part),
                (f"weight_hh_l{layer}{suffix}", f"lstm.{layer}.{name}.weight", slice(None)),
            ):
                getattr(theirs, weight).data = torch.from_numpy(views[place][rows].copy())
                ours[weight] = into.views[place][rows]
            getattr(theirs, f"bias_hh_l{layer}{suffix}").data.zero_()
    read = torch.from_numpy(x[packed.items]).requires_grad_()
    sizes = torch.from_numpy(packed.sizes)
    states = theirs(torch.nn.utils.rnn.PackedSequence(read, sizes))[0].data
    mapped = states @ torch.from_numpy(views["output.weight"]).T
    mapped = mapped + torch.from_numpy(views["output.bias"])
    (mapped * torch.from_numpy(slope)).sum().backward()

    def check(one, other):
        other = other.detach().numpy()
        assert np.abs(one - other).max() < 1e-5 * max(1, np.abs(other).max())

    check(outputs, mapped)
    check(d_x, read.grad)
    for name, gradient in ours.items():
        check(gradient, getattr(theirs, name).grad)
