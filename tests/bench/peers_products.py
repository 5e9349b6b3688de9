"""The peer's side of single products in bfloat16: torch (oneDNN), operands in bfloat16, one thread.

That is what they come as under autocast, where what is made of them is bfloat16, too.
"""

import time
from collections.abc import Callable
from typing import Any


def describe(result: Any) -> Any:
    """Return what of a result goes into the report."""
    return result


def products(shapes: dict[str, list[int]], times: int) -> Callable:
    """Make the three products of linear maps; see our side."""
    import torch

    torch.set_num_threads(1)
    work = {}
    for name, (rows, into, out) in shapes.items():
        x, y, weight, bias = (
            torch.randn(*shape, dtype=torch.bfloat16)
            for shape in ((rows, into), (rows, out), (out, into), (out,))
        )
        work[f"{name}, forward"] = _bound(torch.nn.functional.linear, x, weight, bias)
        work[f"{name}, of the input"] = _bound(torch.mm, y, weight)
        work[f"{name}, of the weight"] = _bound(torch.mm, y.t(), x)

    def run() -> dict[str, float]:
        with torch.no_grad():
            return {name: fastest(one, times) for name, one in work.items()}

    return run


def _bound(function: Callable, *arguments: Any) -> Callable[[], Any]:
    return lambda: function(*arguments)


def fastest(run: Callable[[], Any], times: int) -> float:
    """Return the least seconds of some calls."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return min(found)
