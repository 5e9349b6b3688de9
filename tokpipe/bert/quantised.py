"""A model in 8 bits, made of one in float32: for answers, not for training.

Of each layer the four maps are in 8 bits, and that from narrower embeddings; attention, norms and
all that a head has beside them stay float32.
"""

from tokpipe.bert.config import BertConfig
from tokpipe.bert.model import Model
from tokpipe.bert.parameters import Parameters
from tokpipe.bert.products.int8 import Columns, Int8, RowByRow, Watched, is_left_to_float32
from tokpipe.bert.products.kinds import Kind
from tokpipe.bert.products.maps import FLOAT32, Array, Products
from tokpipe.bert.weights import weights_of
from tokpipe.foundation.batch import Batch

# How much of what columns of activations differ in goes to the weights: behind a norm half of it
# (all-MiniLM-L6-v2: the worst cosine of 2,100 texts with only these maps in 8 bits is then 0.9992,
# without it 0.9965); elsewhere nothing, for a value that hardly ever comes looks small on a sample
# (0.9764 instead of 0.9965).
_BEHIND_NORM = 0.5
_MOST_BY_ROW = 1 << 20  # values of a weight in float32 that is multiplied by each row by itself
_ROW_BY_ROW = RowByRow()


def in_int8(config: BertConfig, parameters: Parameters, sample: Batch) -> Model:
    """Return a model in 8 bits.

    Parameters
    ----------
    config, parameters
        Its shape, and its weights in float32, which must not change.
    sample
        Sequences on which is measured what its maps are given.
    """
    given: dict[int, tuple[Array, Watched]] = {}  # by the place of a weight: layers may share it

    def watching(weight: Array) -> Products:
        return given.setdefault(weight.ctypes.data, (weight, Watched()))[1]

    Model(config, parameters, kind=Kind("float32, watched", watching)).hidden_states(sample)
    behind_norms = _behind_norms(parameters)
    made = {
        place: _products(weight, seen.columns(), _BEHIND_NORM if place in behind_norms else 0.0)
        for place, (weight, seen) in given.items()
    }

    def in_8_bits(weight: Array) -> Products:
        if weight.ctypes.data not in made:
            raise ValueError("a model in 8 bits does not learn: its weights may not change")
        return made[weight.ctypes.data]

    return Model(config, parameters, kind=Kind("int8", in_8_bits))


def _products(weight: Array, seen: Columns | None, strength: float) -> Products:
    if seen is not None and not is_left_to_float32(weight):
        return Int8(weight, seen, strength)
    # the decoder of masked tokens is 20 times slower by rows: its last bits may differ
    return _ROW_BY_ROW if weight.size <= _MOST_BY_ROW else FLOAT32


def _behind_norms(parameters: Parameters) -> set[int]:
    """Return the places of the weights that are given what a norm has made."""
    layers = weights_of(parameters).layers
    maps = [one for attention, ffn in layers for one in (attention.qkv, ffn.input)]
    return {one.weight.ctypes.data for one in maps}
