"""Our side of single products in bfloat16, operands as in training, one thread.

Rows and weights are float32, but for what is made for products alone: the inner activation, and the
gradient of logits.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.bench.peers_products import fastest
from tokpipe.bert.kernels.bfloat16 import write_values
from tokpipe.bert.products.kinds import IN_BFLOAT16
from tokpipe.bert.products.maps import Linear
from tokpipe.bert.workspace import new_halves


def describe(result: Any) -> Any:
    """Return what of a result goes into the report."""
    return result


def products(shapes: dict[str, list[int]], times: int) -> Callable:
    """Make the three products of linear maps; the result is each one's least seconds.

    `shapes` has rows, inputs and outputs of each map.
    """
    work = {}
    for name, shape in shapes.items():
        work |= {f"{name}, {way}": run for way, run in _of_map(name, *shape).items()}
    return lambda: {name: fastest(run, times) for name, run in work.items()}


def _of_map(name: str, rows: int, into: int, out: int) -> dict[str, Callable[[], None]]:
    random = np.random.default_rng(0)

    def normal(*shape: int) -> Any:
        return random.standard_normal(shape, np.float32)

    x, y, weight, bias = normal(rows, into), normal(rows, out), normal(out, into), normal(out)
    linear, d_linear = (
        Linear(weight, bias, IN_BFLOAT16.for_weight(weight)),
        Linear(normal(out, into), bias),
    )
    made, d_x = np.empty_like(y), np.empty_like(x)
    x = _written(x, new_halves(*x.shape)) if name == "back" else x
    y = _written(y, linear.products.gradient_in(np.empty_like(y))) if name == "decoder" else y
    return {
        "forward": lambda: linear.products.forward(x, linear, made),
        "of the input": lambda: linear.products.input_gradient(y, linear, d_x, False),
        "of the weight": lambda: linear.products.weight_gradient(x, y, d_linear),
    }


def _written(rows: Any, halves: Any) -> Any:
    write_values(rows, halves)
    return halves
