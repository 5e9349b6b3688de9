"""The matrix products of a step and nothing else: what the machine's SGEMM reaches at their shapes.

One step is made and every product in it noted: the operands where they lie, and the arguments of
attention, whose products are made inside its kernels. Run again and again are then those products
alone, through the same door to BLAS, each part of the batch by a thread as in training.
"""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any
from unittest.mock import patch

import numba
import numpy as np

from tests.bench.ours_train import capacity_for, loaded_batches, operations
from tokpipe.bert import attention
from tokpipe.bert.blas import sgemm_address
from tokpipe.bert.config import BertConfig
from tokpipe.bert.kernels.own_attention import BY_SGEMM
from tokpipe.bert.kernels.products import LEFT, NOT, RIGHT, product_at
from tokpipe.bert.model import Model
from tokpipe.bert.parameters import Parameters
from tokpipe.bert.products import maps
from tokpipe.bert.products.kinds import Kind
from tokpipe.foundation.threads import run_in_threads
from tokpipe.training.config import TrainingConfig
from tokpipe.training.parts import split_batch

_BY_BLAS = Kind("float32", lambda weight: maps.FLOAT32)  # not by our own products, where there are
_FORWARD_ARGUMENTS = 6  # of attention, behind queries, address, offsets and heads


def describe(result: Any) -> Any:
    """Return what of a result goes into the report."""
    return result


def step(batches: str, preset: str, steps: int) -> Callable:
    """Make the products of so many steps; two threads."""
    batch, config = loaded_batches(batches)[0], BertConfig.preset(preset)
    parts = split_batch(batch, TrainingConfig().gradient_shards)
    model = Model(config, Parameters.initialised(config, 0), kind=_BY_BLAS)
    room = capacity_for([batch])
    noted = []
    for number, part in enumerate(parts):
        gradients, workspace = model.parameters.zeros_like(), model.workspace(*room)
        with _Notes() as notes:
            model.loss_and_gradients(part, gradients, workspace, dropout_key=number)
        noted.append(notes)
    wanted = operations(config, batch)
    made = sum(notes.operations for notes in noted)
    assert abs(made / wanted - 1) < 0.01, f"{made:,} operations made, {wanted:,} counted"

    def run() -> dict[str, float]:
        for _ in range(steps):
            run_in_threads(lambda feed: [notes.run() for notes in feed], noted, 2)
        return {"operations": made * steps}

    return run


class _Notes(ExitStack):
    """Notes the products that are made while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self._products: list[Callable[[], None]] = []
        self.operations = 0

    def __enter__(self) -> "_Notes":
        self.enter_context(patch.object(maps, "gemm", self._gemm(maps.gemm)))
        around = tuple(self._attention(kernel) for kernel in attention._WAYS[BY_SGEMM])
        self.enter_context(patch.dict(attention._WAYS, {BY_SGEMM: around}))
        return self

    def run(self) -> None:
        """Make all products once more."""
        for product in self._products:
            product()

    def _gemm(self, gemm: Callable) -> Callable:
        def noting(left: Any, right: Any, out: Any, *, transposed: int = NOT, add: bool = False):
            gemm(left, right, out, transposed=transposed, add=add)
            self._products.append(partial(gemm, left, right, out, transposed=transposed, add=add))
            self.operations += 2 * left.size * out.shape[1]

        return noting

    def _attention(self, kernel: Callable) -> Callable:
        def noting(qkv: Any, address: int, offsets: Any, count: int, *rest: Any) -> None:
            kernel(qkv, address, offsets, count, *rest)
            backward = len(rest) > _FORWARD_ARGUMENTS
            rows, d_qkv = rest[6:8] if backward else (rest[5], qkv)
            given = sgemm_address(), qkv, offsets, count, rows, d_qkv, backward
            self._products.append(partial(_attention_products, *given))
            squares = int((np.diff(offsets).astype(np.int64) ** 2).sum())
            self.operations += squares * rows.shape[1] * (8 if backward else 4)

        return noting


@numba.njit(nogil=True)
def _attention_products(address, qkv, offsets, heads, rows, d_qkv, backward):
    """Make two products forward or four backward for each head of each sequence."""
    hidden = qkv.shape[1] // 3
    width, stride, one = hidden // heads, 3 * hidden, np.float32(1.0)
    scores = np.zeros(128 * 128, np.float32)
    at = scores.ctypes.data
    for b in range(len(offsets) - 1):
        start, count = np.int64(offsets[b]), np.int64(offsets[b + 1] - offsets[b])
        for h in range(heads):
            place, value = 4 * (start * stride + h * width), 4 * hidden
            q, dq = qkv.ctypes.data + place, d_qkv.ctypes.data + place
            k, v, dk, dv = q + value, q + 2 * value, dq + value, dq + 2 * value
            row = rows.ctypes.data + 4 * (start * hidden + h * width)
            if backward:
                product_at(
                    *(address, LEFT, count, width, count, one, at, count),
                    *(row, hidden, False, dv, stride),
                )
                product_at(
                    *(address, RIGHT, count, count, width, one, row, hidden),
                    *(v, stride, False, at, count),
                )
                product_at(
                    *(address, NOT, count, width, count, one, at, count),
                    *(k, stride, False, dq, stride),
                )
                product_at(
                    *(address, LEFT, count, width, count, one, at, count),
                    *(q, stride, False, dk, stride),
                )
            else:
                product_at(
                    *(address, RIGHT, count, count, width, one, q, stride),
                    *(k, stride, False, at, count),
                )
                product_at(
                    *(address, NOT, count, width, count, one, at, count),
                    *(v, stride, False, row, hidden),
                )
    _ = qkv.size + rows.size + d_qkv.size + scores.size  # still in use
