"""Arguments for the kernels of the model: rows, products, norms, activations, losses."""

import numpy as np
from hypothesis import strategies as st

from tokpipe.bert.blas import sgemm_address
from tokpipe.bert.kernels.activations import ACTIVATIONS
from tokpipe.bert.kernels.products import LEFT, NOT, RIGHT

HEIGHTS, WIDTHS = st.integers(0, 5), st.integers(1, 40)
SEEDS = st.integers(0, 2**32 - 1)
SCALES = st.sampled_from([0.01, 1.0, 20.0])
# key, threshold, scale: nothing dropped, a tenth, half
DROPS = st.sampled_from([(0, 1.0), (429496730, 10 / 9), (1 << 31, 2.0)]).flatmap(
    lambda drop: st.tuples(
        st.integers(0, 2**64 - 1).map(np.uint64), st.just(np.uint32(drop[0])), st.just(drop[1])
    )
)


def normal(seed, *shape, scale=1.0):
    draws = np.random.default_rng(seed).standard_normal(shape)
    return np.asarray(draws * scale, np.float32)


def indices(seed, count, limit):
    return np.random.default_rng(seed).integers(0, limit, count).astype(np.int32)


@st.composite
def gathers(draw, scatters=False):
    seed, height, width, count = draw(SEEDS), draw(st.integers(1, 5)), draw(WIDTHS), draw(HEIGHTS)
    table, rows = normal(seed, height, width), normal(seed + 1, count, width)
    index = indices(seed, count, height)
    return (rows, index, table) if scatters else (table, index, rows, draw(st.booleans()))


@st.composite
def sums(draw):
    seed, height, width = draw(SEEDS), draw(HEIGHTS), draw(WIDTHS)
    return normal(seed, height, width), normal(seed + 1, width)


@st.composite
def positions(draw):
    lengths = draw(st.lists(st.integers(1, 9), max_size=4))
    offsets = np.cumsum([0, *lengths]).astype(np.int32)
    return offsets, draw(st.integers(0, 3)), np.zeros(offsets[-1], np.int32)


@st.composite
def products(draw):
    seed = draw(SEEDS)
    rows, columns, depth = draw(WIDTHS), draw(WIDTHS), draw(WIDTHS)
    transposed = draw(st.sampled_from([NOT, LEFT, RIGHT]))
    left = normal(seed, *((depth, rows) if transposed == LEFT else (rows, depth)))
    right = normal(seed + 1, *((columns, depth) if transposed == RIGHT else (depth, columns)))
    out = normal(seed + 2, rows, columns)
    return sgemm_address(), left, right, out, transposed, draw(st.booleans())


@st.composite
def norms(draw, drops=False):
    seed, height, width = draw(SEEDS), draw(HEIGHTS), draw(st.integers(2, 40))
    # deviations far below the mean too: the values are exact, so a norm of them can be right
    scale, shift = draw(st.sampled_from([(0.01, 0), (1, 0), (1, 2), (20, -3), (0.01, 2), (1, 900)]))
    x = normal(seed, height, width, scale=scale) + np.float32(shift)
    weight, bias = normal(seed + 1, width), normal(seed + 2, width)
    kept = (np.zeros_like(x), np.zeros(height, np.float32), np.zeros_like(x))
    if not drops:
        return x, weight, bias, 1e-5, *kept
    residual = normal(seed + 3, height, width)
    return x, residual, weight, bias, 1e-5, *draw(DROPS), *kept


@st.composite
def norm_slopes(draw, drops=False):
    seed, height, width = draw(SEEDS), draw(HEIGHTS), draw(WIDTHS)
    gradient, normalised = normal(seed, height, width), normal(seed + 1, height, width)
    scales, weight = np.abs(normal(seed + 2, height)), normal(seed + 3, width)
    outs = [normal(seed + 4 + i, height, width) for i in range(2)]
    sums = [normal(seed + 6 + i, width) for i in range(3)]
    if not drops:
        return gradient, normalised, scales, weight, outs[0], *sums[:2]
    return gradient, normalised, scales, weight, *draw(DROPS), *outs, *sums


@st.composite
def drops(draw):
    return normal(draw(SEEDS), draw(HEIGHTS), draw(WIDTHS)), *draw(DROPS)


@st.composite
def activations(draw, slopes=False):
    seed, height, width = draw(SEEDS), draw(HEIGHTS), draw(WIDTHS)
    before = normal(seed, height, width, scale=draw(SCALES))
    if not slopes:
        return before, np.zeros_like(before)
    return before, normal(seed + 1, height, width), np.zeros_like(before), normal(seed + 2, width)


@st.composite
def gated_activations(draw, slopes=False):
    before, *others = draw(activations(slopes=slopes))
    values = normal(draw(SEEDS), *before.shape)
    both = np.concatenate([before, values], axis=1)
    if not slopes:
        return both, *others
    gradient, out, d_bias = others
    return both, gradient, out, np.concatenate([d_bias, d_bias[::-1]])


@st.composite
def losses(draw):
    seed, height, width = draw(SEEDS), draw(HEIGHTS), draw(WIDTHS)
    logits = normal(seed, height, width, scale=draw(SCALES))
    return (
        logits,
        indices(seed, height, width),
        draw(st.sampled_from([1.0, 0.25])),
        normal(seed, width),
    )


@st.composite
def written_losses(draw):
    given = draw(losses())
    return *given, np.empty_like(given[0])


@st.composite
def weighted_losses(draw):
    logits, targets, factor, d_bias = draw(losses())
    weights = np.abs(normal(draw(SEEDS), logits.shape[1]))
    weights[draw(st.integers(0, len(weights) - 1))] = draw(st.sampled_from([0.0, 1.0]))
    return logits, targets, weights, draw(st.sampled_from([0.0, 0.1, 0.9])), factor, d_bias


@st.composite
def row_losses(draw, truths=False):
    logits, _, factor, d_bias = draw(losses())
    targets = normal(draw(SEEDS), *logits.shape)
    return logits, (targets > 0).astype(np.float32) if truths else targets, factor, d_bias


@st.composite
def soft_losses(draw):
    logits, _, factor, d_bias = draw(losses())
    teacher = normal(draw(SEEDS), *logits.shape, scale=draw(SCALES))
    return logits, teacher, draw(st.sampled_from([1.0, 2.0, 4.0])), factor, d_bias


@st.composite
def span_losses(draw):
    lengths = draw(st.lists(st.integers(1, 9), max_size=4))
    offsets = np.cumsum([0, *lengths]).astype(np.int32)
    logits = normal(draw(SEEDS), offsets[-1], 2, scale=draw(SCALES))
    ends = [(draw(st.integers(0, n - 1)), draw(st.integers(0, n - 1))) for n in lengths]
    spans = [draw(st.sampled_from([pair, (-1, -1)])) for pair in ends]
    spans = np.array(spans, np.int32).reshape(-1, 2)
    return logits, offsets, spans, draw(st.sampled_from([1.0, 0.25])), normal(0, 2)


_KERNELS = "tokpipe.bert.kernels"
CASES = {
    f"{_KERNELS}.rows.gather_rows": gathers(),
    f"{_KERNELS}.rows.scatter_rows": gathers(scatters=True),
    f"{_KERNELS}.rows.add_column_sums": sums(),
    f"{_KERNELS}.rows.fill_rows": sums().map(lambda pair: pair[::-1]),
    f"{_KERNELS}.rows.count_positions": positions(),
    f"{_KERNELS}.products.multiply": products(),
    f"{_KERNELS}.norms.norm_forward": norms(),
    f"{_KERNELS}.norms.norm_backward": norm_slopes(),
    f"{_KERNELS}.norms.sum_norm_forward": norms(drops=True),
    f"{_KERNELS}.norms.sum_norm_backward": norm_slopes(drops=True),
    f"{_KERNELS}.dropout.drop": drops(),
    f"{_KERNELS}.losses.cross_entropy": written_losses(),
    f"{_KERNELS}.losses.weighted_cross_entropy": weighted_losses(),
    f"{_KERNELS}.losses.squared_error": row_losses(),
    f"{_KERNELS}.losses.binary_cross_entropy": row_losses(truths=True),
    f"{_KERNELS}.losses.span_cross_entropy": span_losses(),
    f"{_KERNELS}.losses.soft_cross_entropy": soft_losses(),
}
for _name in ACTIVATIONS:
    CASES[f"{_KERNELS}.activations.{_name}_forward"] = activations()
    CASES[f"{_KERNELS}.activations.{_name}_backward"] = activations(slopes=True)
    CASES[f"{_KERNELS}.activations.{_name}_gated_forward"] = gated_activations()
    CASES[f"{_KERNELS}.activations.{_name}_gated_backward"] = gated_activations(slopes=True)

_EXACT = {"gather_rows", "fill_rows", "count_positions", "drop"}
TOLERANCES = {name: 3e-6 for name in CASES if name.rsplit(".", 1)[1] not in _EXACT}
# slopes lose some digits where two shares cancel: x times one minus a logistic that rounds to one
for _name in ACTIVATIONS:
    TOLERANCES[f"{_KERNELS}.activations.{_name}_backward"] = 2e-5
    TOLERANCES[f"{_KERNELS}.activations.{_name}_gated_backward"] = 2e-5
