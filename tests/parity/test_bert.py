"""The model against transformers and torch: hidden states, logits, losses, every gradient."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the peers extra is not installed")
pytest.importorskip("transformers", reason="the peers extra is not installed")

from tests.parity import torch_bert  # noqa: E402
from tests.unit.bert.models import judged_batch, random_batch, random_parameters, trained  # noqa: E402
from tokpipe.bert.config import HIDDEN_ACTS, BertConfig  # noqa: E402
from tokpipe.bert.kernels.activations import ACTIVATIONS, GATED  # noqa: E402
from tokpipe.bert.model import Model  # noqa: E402
from tokpipe.bert.positions import distance_buckets, sine_table  # noqa: E402

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]


def relative(ours, theirs):
    """Return the size of the difference, as a share of what is right."""
    difference = np.linalg.norm(np.asarray(ours, np.float64) - np.asarray(theirs, np.float64))
    return difference / max(np.linalg.norm(np.asarray(theirs, np.float64)), 1e-30)


@pytest.fixture(scope="module", params=[("tiny", 1e-5), ("small", 1e-4)], ids=["tiny", "small"])
def both(request):
    """Our model and transformers' BertForPreTraining, after one pass over one batch."""
    preset, tolerance = request.param
    config = BertConfig.preset(preset)
    parameters = trained(config)
    batch = judged_batch(config)
    theirs = torch_bert.torch_model(config, "bert")
    torch_bert.put_weights(theirs, parameters.views, torch_bert.BERT)
    theirs.set_attn_implementation("eager")
    out = theirs(
        **torch_bert.padded(batch, config.pad_token_id),
        next_sentence_label=torch.tensor(batch.next_sentence_label, dtype=torch.long),
        output_hidden_states=True,
        output_attentions=True,
    )
    out.loss.backward()
    slopes = torch_bert.gradients_of(theirs, parameters.views, torch_bert.BERT)
    return Model(config, parameters), batch, out, slopes, tolerance


def test_hidden_states_of_every_layer_are_those_of_transformers(both, compared):
    model, batch, out, _, tolerance = both
    ours = model.hidden_states(batch, range(model.config.num_hidden_layers + 1))
    for one, other in zip(ours, out.hidden_states, strict=True):
        assert relative(one, torch_bert.unpadded(other, batch)) < tolerance
    compared("the model", layers=len(ours))


def test_attentions_are_those_of_transformers(both):
    model, batch, out, _, tolerance = both
    for layer, theirs in zip(model.look(batch), out.attentions, strict=True):
        for b in range(len(batch)):
            weights = layer.weights(b)
            count = weights.shape[1]
            assert relative(weights, theirs[b, :, :count, :count].detach().numpy()) < tolerance


def test_logits_and_losses_are_those_of_transformers(both):
    model, batch, out, _, tolerance = both
    logits = torch_bert.unpadded(out.prediction_logits, batch)[batch.masked_positions]
    assert relative(model.logits("mlm", batch), logits) < tolerance
    pairs = out.seq_relationship_logits.detach().numpy()
    assert relative(model.logits("nsp", batch), pairs) < tolerance
    losses = model.losses(batch, model.workspace(400, 8, 60))
    assert losses.total == pytest.approx(out.loss.item(), rel=tolerance)
    assert losses["mlm"].correct == (logits.argmax(1) == batch.masked_ids).sum()
    assert losses["nsp"].correct == (pairs.argmax(1) == batch.next_sentence_label).sum()


def test_every_gradient_is_that_of_transformers(both, compared):
    model, batch, _, slopes, tolerance = both
    gradients = model.parameters.zeros_like()
    model.loss_and_gradients(batch, gradients, model.workspace(400, 8, 60))
    errors = {name: relative(gradients.views[name], slopes[name]) for name in slopes}
    worst = max(errors, key=errors.__getitem__)
    print(f"worst gradient: {worst} {errors[worst]:.1e}")
    assert errors[worst] < tolerance, worst
    compared("the model", gradients=len(errors), values=model.parameters.count)


FAMILIES = {
    "albert": (
        torch_bert.ALBERT,
        {"embedding_size": 16, "share_layers": "all", "hidden_act": "gelu_new"},
    ),
    "pre-norm": (torch_bert.PRE_NORM, {"norm_position": "pre", "pooler": False, "nsp_head": False}),
}


class Gate(torch.nn.Module):
    def forward(self, x):
        gate, values = x.chunk(2, -1)
        return torch.nn.functional.gelu(gate) * values


def test_a_gated_model_is_transformers_with_a_gate_in_its_layers():
    config = BertConfig.preset("tiny", vocab_size=900, ffn="glu")
    parameters, batch = trained(config), random_batch(config, (30, 7, 50), masks=12)
    theirs = torch_bert.torch_model(config, "bert")
    torch_bert.put_weights(theirs, parameters.views, torch_bert.BERT)

    for layer in theirs.bert.encoder.layer:
        layer.intermediate.intermediate_act_fn = Gate()
    label = torch.tensor(batch.next_sentence_label, dtype=torch.long)
    out = theirs(
        **torch_bert.padded(batch, 0), next_sentence_label=label, output_hidden_states=True
    )
    out.loss.backward()
    slopes = torch_bert.gradients_of(theirs, parameters.views, torch_bert.BERT)
    model, gradients = Model(config, parameters), parameters.zeros_like()
    for one, other in zip(model.hidden_states(batch, range(3)), out.hidden_states, strict=True):
        assert relative(one, torch_bert.unpadded(other, batch)) < 1e-5
    losses = model.loss_and_gradients(batch, gradients, model.workspace(99, 3, 12))
    assert losses.total == pytest.approx(out.loss.item(), rel=1e-5)
    for name, slope in slopes.items():
        assert relative(gradients.views[name], slope) < 2e-5, name


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_of_other_families_are_those_of_transformers(family):
    table, changes = FAMILIES[family]
    config = BertConfig.preset("tiny", vocab_size=900, layer_norm_eps=1e-6, **changes)
    if family == "pre-norm":  # counts its positions behind the padding id
        config = BertConfig.from_dict(config.to_dict() | {"position_offset": 1})
    parameters = trained(config)
    batch = random_batch(config, (30, 7, 50), masks=12)
    batch.input_ids[:] = np.maximum(batch.input_ids, 1)
    theirs = torch_bert.torch_model(config, family)
    torch_bert.put_weights(theirs, parameters.views, table)
    inputs = torch_bert.padded(batch, 0)
    if config.nsp_head:
        label = torch.tensor(batch.next_sentence_label, dtype=torch.long)
        inputs["sentence_order_label"] = label
    out = theirs(**inputs)
    out.loss.backward()
    slopes = torch_bert.gradients_of(theirs, parameters.views, table)
    model, gradients = Model(config, parameters), parameters.zeros_like()
    losses = model.loss_and_gradients(batch, gradients, model.workspace(99, 3, 12))
    assert losses.total == pytest.approx(out.loss.item(), rel=1e-5)
    for name, slope in slopes.items():
        assert relative(gradients.views[name], slope) < 2e-5, name


THEIR_ACTS = {
    "gelu": torch.nn.functional.gelu,
    "gelu_new": lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
    "relu": torch.relu,
    "silu": torch.nn.functional.silu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "elu": torch.nn.functional.elu,
}


@pytest.mark.parametrize("name", HIDDEN_ACTS)
def test_activations_and_slopes_are_those_of_torch(name):
    forward, backward = ACTIVATIONS[name]
    before = np.linspace(-12, 12, 4001, dtype=np.float32).reshape(1, -1)
    x = torch.tensor(before, dtype=torch.float64, requires_grad=True)
    y = THEIR_ACTS[name](x)
    y.sum().backward()
    out, slope, d_bias = np.empty_like(before), np.ones_like(before), np.zeros(4001, np.float32)
    forward(before, out)
    np.testing.assert_allclose(out, y.detach().numpy(), rtol=1e-6, atol=2e-6)
    backward(before, slope, out, d_bias)
    np.testing.assert_allclose(slope, x.grad.numpy(), rtol=1e-6, atol=5e-6)
    np.testing.assert_array_equal(slope[0], d_bias)


@pytest.mark.parametrize("name", HIDDEN_ACTS)
def test_gated_activations_and_slopes_are_those_of_torch(name):
    forward, backward = GATED[name]
    rng = np.random.default_rng(0)
    before = rng.standard_normal((7, 2 * 40)).astype(np.float32) * 3
    slope, d_bias = rng.standard_normal((7, 40)).astype(np.float32), np.zeros(80, np.float32)
    x = torch.tensor(before, dtype=torch.float64, requires_grad=True)
    if name == "sigmoid":  # the unit that all are named after
        y = torch.nn.functional.glu(torch.cat(x.chunk(2, 1)[::-1], 1))
    else:
        y = THEIR_ACTS[name](x[:, :40]) * x[:, 40:]
    y.backward(torch.tensor(slope, dtype=torch.float64))
    out, again = np.empty_like(slope), np.empty_like(slope)
    forward(before, out)
    np.testing.assert_allclose(out, y.detach().numpy(), rtol=1e-5, atol=2e-5)
    backward(before, slope, again, d_bias)
    np.testing.assert_array_equal(again, out)
    np.testing.assert_allclose(before, x.grad.numpy(), rtol=1e-5, atol=2e-5)
    np.testing.assert_allclose(d_bias, x.grad.numpy().sum(0), rtol=1e-4, atol=1e-4)


def test_places_are_told_as_by_their_authors_code_in_transformers():
    from transformers.models.distilbert.modeling_distilbert import create_sinusoidal_embeddings
    from transformers.models.t5.modeling_t5 import T5Attention

    theirs = torch.empty(100, 32)
    create_sinusoidal_embeddings(100, 32, theirs)
    np.testing.assert_allclose(sine_table(100, 32), theirs.numpy(), atol=1e-6)
    distances = torch.arange(1 - 300, 300)
    buckets = T5Attention._relative_position_bucket(distances)
    np.testing.assert_array_equal(distance_buckets(300), buckets.numpy())


def test_rotation_is_that_of_llama_in_transformers():
    from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

    from tokpipe.bert.kernels.rotation import rotate
    from tokpipe.bert.positions import rotation_tables

    heads, width, count = 3, 8, 11
    qkv = np.random.default_rng(0).standard_normal((count, 3 * heads * width)).astype(np.float32)
    cosines, sines = (table.astype(np.float32) for table in rotation_tables(count, width))
    parts = torch.tensor(qkv).reshape(1, count, 3 * heads, width).transpose(1, 2).split(heads, 1)
    doubled = (torch.tensor(np.concatenate([t, t], 1))[None] for t in (cosines, sines))
    query, key = apply_rotary_pos_emb(parts[0], parts[1], *doubled)
    expected = torch.cat([query, key, parts[2]], 1).transpose(1, 2).reshape(count, -1)
    rotate(qkv, np.arange(count, dtype=np.int32), heads, cosines, sines)
    np.testing.assert_allclose(qkv, expected.numpy(), atol=1e-6)


@pytest.mark.parametrize("seed", [0, 1])
def test_loss_of_pairs_alone_is_that_of_torch(seed):
    config = BertConfig.preset("tiny", vocab_size=50, mlm_head=False)
    model = Model(config, random_parameters(config, seed, np.float32, 0.1))
    batch = random_batch(config, (4, 9, 2), seed)
    losses = model.losses(batch, model.workspace(20, 3, 4))
    logits = torch.tensor(model.logits("nsp", batch))
    labels = torch.tensor(batch.next_sentence_label, dtype=torch.long)
    expected = torch.nn.functional.cross_entropy(logits, labels)
    assert losses.total == pytest.approx(expected.item(), rel=1e-5)
