"""The kinds of products by name. Tiles of AMX are none of them: nothing here was tried on it."""

from collections.abc import Callable
from typing import NamedTuple

from tokpipe.bert.products.maps import FLOAT32, Array, Products
from tokpipe.bert.products.own import (
    BFLOAT16_PAIRS,
    BFLOAT16_SINGLES,
    OWN_FLOAT32,
    own_or_blas,
)
from tokpipe.foundation.processors import multiplies, pairs_pay, precision_for


class Kind(NamedTuple):
    """How the linear maps of a model multiply."""

    name: str  # as settings and manifests have it
    for_weight: Callable[[Array], Products]  # what multiplies for a weight, or its gradient
    takes_halves: bool = False  # whether what is only multiplied may be bfloat16 from the start


def _in_float32(weight: Array) -> Products:
    return own_or_blas(OWN_FLOAT32, weight) if multiplies("float32") else FLOAT32


def _in_bfloat16(weight: Array) -> Products:
    return own_or_blas(BFLOAT16_PAIRS if pairs_pay() else BFLOAT16_SINGLES, weight)


IN_FLOAT32 = Kind("float32", _in_float32)
IN_BFLOAT16 = Kind("bfloat16", _in_bfloat16, takes_halves=True)
KINDS = {kind.name: kind for kind in (IN_FLOAT32, IN_BFLOAT16)}


def kind_for(asked: str) -> Kind:
    """Return the kind of products that is asked for by name; "auto": what is faster here.

    Raises
    ------
    ConfigError
        If the processor has no such products.
    """
    return KINDS[precision_for(asked)]
