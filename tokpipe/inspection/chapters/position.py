"""Positions: without them the order of words says nothing; four ways to tell them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.attention_start import one_sided_bias
from tokpipe.bert.config import POSITIONS, RELATIVE_BUCKETS, BertConfig
from tokpipe.bert.model import Model
from tokpipe.bert.parameters import Parameters
from tokpipe.bert.positions import distance_buckets, rotation_tables, sine_table
from tokpipe.foundation.batch import Batch
from tokpipe.inspection.attention import Chosen
from tokpipe.inspection.chapters.chapter import Array, Chapter, Grid, Step, token_names
from tokpipe.tasks.model import BertModel

HEADS = ()
ALL_LAYERS = True
TAKES = ()
TEXTS = ("The boy hit the ball.",)

_WORDS = ("the", "boy", "hit", "ball")
_FIRST, _SECOND = np.array([0, 1, 2, 0, 3], np.int32), np.array([0, 3, 2, 0, 1], np.int32)
SMALL = BertConfig(
    vocab_size=len(_WORDS),
    hidden_size=8,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=16,
    max_position_embeddings=8,
    type_vocab_size=0,
    pooler=False,
    mlm_head=False,
    nsp_head=False,
)
_WAYS = {
    "none": "not told",
    "learned": "a learned vector for each place is added",
    "sinusoidal": "a vector of sines for each place is added",
    "relative": "a learned number for each distance is added to scores",
    "learned-relative": "both of learned and relative",
    "rope": "queries and keys are turned by an angle for each place",
}
_FAR, _NEAR = 39, 4
_DISTANCES = np.array([-_FAR, -20, -10, -3, -2, -1, 0, 1, 2, 3, 10, 20, _FAR])
_ABOUT = (
    "Attention lets each token, a word or a piece of one, gather from all tokens of a text: the "
    "query of the one and the key of the other, two rows of numbers, make a score of how well they "
    "fit. Where they stand has no part in it: a text is a heap of words without order, unless the "
    "model is told the places."
)
_REFERENCE = (
    'A. Vaswani et al., "Attention Is All You Need" (2017), 3.5; J. Devlin et al., "BERT" (2018); '
    'C. Raffel et al., "Exploring the Limits of Transfer Learning" (2019), 2.1; J. Su et al., '
    '"RoFormer" (2021); O. Press, N. A. Smith and M. Lewis, "Train Short, Test Long" (2022)'
)


def drawn(config: BertConfig) -> Parameters:
    """Return weights drawn at random, in float64, the same each time."""
    parameters = Parameters(config, np.float64)
    for name, view in parameters.views.items():
        draws = np.random.default_rng([len(name), *name.encode()])
        view[...] = draws.standard_normal(view.shape) * 0.3 + name.endswith("norm.weight")
    return parameters


def drawn_states(position: str) -> tuple[Array, Array]:
    """Return what a small model, its weights drawn, makes of both sentences: float64[5, 8] each."""
    parameters = drawn(replace(SMALL, position=position))
    model = Model(parameters.config, parameters)
    (first,), (second,) = (states_of(model, ids) for ids in (_FIRST, _SECOND))
    return first, second


def states_of(model: Model, ids: NDArray[np.int32], layers: Sequence[int] = (-1,)) -> list[Array]:
    """Return the hidden states of one text in some layers: [n, H] each."""
    return model.hidden_states(Batch(ids, np.array([0, len(ids)], np.int32)), layers)


def toy() -> Chapter:
    """Return the chapter on the boy and the ball."""
    order = np.array([0, 4, 2, 3, 1])  # where in the second sentence each word of the first is
    found = {way: drawn_states(way) for way in POSITIONS}
    far = {way: float(abs(a - b[order]).max()) for way, (a, b) in found.items()}
    first, second = found["none"]
    words = [_WORDS[id] for id in _FIRST]
    pairs = np.stack([array for i in (1, 4) for array in (first[i], second[order[i]])])
    ways = [way for way in _WAYS if way != "none"]
    return Chapter(
        title="Positions: the boy hit the ball, the ball hit the boy",
        about=_ABOUT,
        reference=_REFERENCE,
        steps=(
            Step(
                "The same words in another order",
                "A small model of two layers (steps of work, one after another), its learned "
                "numbers drawn at random, reads both sentences. "
                "In both it makes a vector (a row of 8 numbers) of each word.",
                "the boy hit the ball\nthe ball hit the boy",
            ),
            Step(
                "Without positions",
                "The vectors of a word in the one sentence and in the other:",
                "",
                (
                    Grid(
                        "vectors",
                        pairs,
                        [f"{words[i]}, {n}" for i in (1, 4) for n in ("1st", "2nd")],
                    ),
                ),
                f"largest difference of all words: {far['none']:.1e}, which is rounding: who hit "
                "whom is lost",
            ),
            Step(
                "With positions",
                "The largest difference between a word's two vectors, by how places are told: "
                + "; ".join(f"{way}: {_WAYS[way]}" for way in ways)
                + ".",
                "",
                (Grid("largest difference", np.array([[far[way]] for way in ways]), ways),),
                "now the vectors differ: the model can tell the sentences apart",
            ),
            _sines(),
            _rotation(),
            _distances(),
            _begun_near_by(),
        ),
    )


def _begun_near_by(heads: int = 4) -> Step:
    """Show what `pretrain --attention-start local` begins with."""
    distances = np.arange(-_NEAR, _NEAR + 1)
    bias = one_sided_bias(heads)[distance_buckets(_NEAR + 1)].T
    names = [f"head {head}" for head in range(1, heads + 1)]
    return Step(
        "Begin near by",
        "A layer has several heads, each with scores of its own. Drawn at random, a head looks at "
        "all places alike, and has to learn that neighbours tell most. tokpipe pretrain "
        "--attention-start local begins with biases by which a head looks at one side: heads 1 and "
        "2 (pair 0) before and after, heads 3 and 4 (pair 1) the same but twice as far, and so on.",
        "bias = -(how far - 1) / 2^pair; -8 for itself and the other side",
        (Grid("bias by distance", bias, names, [str(one) for one in distances], digits=2),),
    )


def _sines(width: int = 32) -> Step:
    return Step(
        "Sines",
        "Each pair of columns is a wave over the places, a sine and a cosine, the first fast, the "
        "next ones slower: as "
        "the hands of a clock tell the time, so they tell a place. A line is a place, a column a "
        f"number of its vector. i is the pair, counted from 0; d is {width}.",
        "sin(place / 10000^(2i / d)) and cos of the same",
        (Grid(f"16 places, {width} numbers", sine_table(16, width), _numbered(16), as_signs=True),),
    )


def _rotation(size: int = 8) -> Step:
    cosines, sines = rotation_tables(8, size)
    degrees = np.degrees(np.arctan2(sines, cosines)) % 360
    return Step(
        "Rotation (RoPE)",
        "Pairs of numbers of a query or key are taken as points on a plane and turned by an angle "
        "that grows with the place. A query and a key at the same distance are always turned "
        "against each other by the same angle, wherever they stand. i is the pair, counted from 0; "
        f"d is how many numbers a query has, here {size}.",
        "angle = place / 10000^(2i / d) · 180 / π degrees, less full turns of 360",
        (Grid("degrees by place and pair", degrees, _numbered(8), _pairs(size // 2), digits=2),),
    )


def _distances(learned: Array | None = None) -> Step:
    """Show which number a distance gets; and those that a model has learned, [32, A], if given."""
    buckets = distance_buckets(_FAR + 1)[_DISTANCES + _FAR]
    columns = [str(distance) for distance in _DISTANCES]
    which = buckets[None].astype(np.float64)
    shown = [Grid("which number, by distance", which, (), columns, digits=0)]
    if learned is not None:
        heads = [f"head {head}" for head in range(1, learned.shape[1] + 1)]
        shown.append(Grid("the learned number, by distance", learned[buckets].T, heads, columns))
    return Step(
        "Bias by distance",
        "A number is added to the score of two tokens by how far apart they are and on which side. "
        "Near distances have a number of their own, far ones share some: the table says which of "
        f"{RELATIVE_BUCKETS} learned numbers, counted from 0, a distance gets. A distance below 0: "
        "the key stands before the query.",
        "score + bias[which]",
        tuple(shown),
    )


def real(chosen: Chosen, model: BertModel) -> Chapter:
    """Return the chapter on a text and the same tokens backwards, in a model."""
    seen, config = chosen.seen, model.config
    plain = [i for i, word in enumerate(seen.words) if word]
    ids = np.array(seen.ids, np.int32)
    order = np.arange(len(ids))
    order[plain] = plain[::-1]
    names = [token_names(chosen)[i] for i in plain]
    rows, far = [], []
    for one in (without_positions(model.parameters), model.parameters):
        worker = Model(one.config, one)
        (first,), (second,) = states_of(worker, ids), states_of(worker, ids[order])
        second = second[order]
        gaps = abs(first - second)[plain]
        rows.append(gaps.max(1))
        far.append(float(gaps.max(initial=0)))
    return Chapter(
        title="Positions: a text, and its tokens backwards",
        about=_ABOUT,
        reference=_REFERENCE,
        model=f"{chosen.name}, {config.position} positions",
        steps=(
            Step(
                "The same tokens in another order",
                "The model reads the text, and then the same tokens from the last to the first.",
                _quoted(names),
            ),
            Step(
                "Without and with positions",
                "The largest difference between the two vectors that a token gets in the last "
                f"layer: with the places not told, and as this model has them: "
                f"{_WAYS[config.position]}.",
                "",
                (
                    Grid(
                        "largest difference",
                        np.stack(rows, 1),
                        names,
                        ("without", "with"),
                        digits=6,
                    ),
                ),
                f"largest of all: without places {far[0]:.1e}, which is rounding; with places "
                f"{far[1]:.4f}",
            ),
            *_own_steps(model.parameters),
        ),
    )


def _quoted(names: Sequence[str]) -> str:
    tokens = [name.split(" ", 1)[1] for name in names]
    return f"{' '.join(tokens)}\n{' '.join(tokens[::-1])}"


def without_positions(parameters: Parameters) -> Parameters:
    """Return the same weights in a model that is not told any place."""
    config = parameters.config
    bare = Parameters(replace(config, position="none", position_offset=0), parameters.block.dtype)
    for name, view in bare.views.items():
        view[...] = parameters.views[name]
    return bare


def _own_steps(parameters: Parameters) -> Iterator[Step]:
    """Show what tells the places in the model."""
    config = parameters.config
    if config.has_places:
        table = parameters.views["embeddings.position"][config.position_offset :][:16]
        about = "The first places of the learned table: a line is a place, a column a number."
        grid = Grid("learned vectors", table, _numbered(len(table)), as_signs=True)
        yield Step("The table", about, shown=(grid,))
    if config.position == "sinusoidal":
        yield _sines(config.embedding_width)
    if config.position == "rope":
        yield _rotation(config.head_size)
    if config.has_distances:
        yield _distances(parameters.views["relative.weight"])


def _numbered(count: int) -> list[str]:
    return [f"place {place}" for place in range(count)]


def _pairs(count: int) -> list[str]:
    return [f"pair {pair}" for pair in range(1, count + 1)]
