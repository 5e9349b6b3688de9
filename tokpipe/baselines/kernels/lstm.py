"""One direction of an LSTM over packed sequences, there and back through time.

Rows are packed by steps, the longest sequence first: those of step ``t`` are the word number ``t``
of the ``sizes[t]`` sequences that are long enough, so that a step is one matrix product and nothing
is padded. Both directions read the same rows; the second goes through the steps from the last to
the first. A sequence that begins where others are under way begins at zero.

References
----------
S. Hochreiter, J. Schmidhuber: Long Short-Term Memory, Neural Computation 9(8), 1997.
F. Gers, J. Schmidhuber, F. Cummins: Learning to Forget, ICANN 1999: the forget gate.
"""

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.kernels.formulas import ONE, ZERO, hyperbolic_tangent, logistic
from tokpipe.bert.kernels.products import LEFT, NOT, RIGHT, product_at
from tokpipe.foundation.jit import FUSED, compiled_helper, inlined_formula, inlined_helper, kernel

Array = NDArray[np.floating]

FORWARD, BACKWARD = 0, 1


def lstm_forward_reference(
    gates: Array,
    address: int,
    sizes: NDArray[np.int64],
    weight: Array,
    direction: int,
    cells: Array,
    out: Array,
) -> None:
    """Go through the steps in one direction.

    Parameters
    ----------
    gates : float32[T, 8H]
        Of both directions, input, forget, cell and output gate in each: the mapped inputs with
        their bias; becomes the values of the gates.
    address
        Of SGEMM.
    sizes : int64[L]
        Sequences in each step, never more than in the step before.
    weight : float32[4H, H]
        From the state before to the gates.
    direction
        `FORWARD` or `BACKWARD`: the first or the second half of the columns.
    cells : float32[T, 2H]
        What the cells hold, written.
    out : float32[T, 2H]
        The states, written.
    """
    gate, cell, state = (_half(array, direction) for array in (gates, cells, out))
    for rows, before in _steps(sizes, direction):
        carried = before.stop - before.start
        here = gate[rows]
        here[:carried] += state[before] @ weight.T
        given, forgotten, new, shown = np.split(here, 4, axis=1)
        for part in (given, forgotten, shown):
            part[:] = 0.5 + 0.5 * np.tanh(0.5 * part)
        new[:] = np.tanh(new)
        cell[rows] = given * new
        cell[rows][:carried] += forgotten[:carried] * cell[before]
        state[rows] = shown * np.tanh(cell[rows])


def _half(array: Array, direction: int) -> Array:
    width = array.shape[1] // 2
    return array[:, direction * width : (direction + 1) * width]


def _steps(sizes: NDArray[np.int64], direction: int) -> list[tuple[slice, slice]]:
    """Return the rows of each step, in its order, and those of the states that go on into it."""
    first = np.concatenate([[0], np.cumsum(sizes)]).tolist()
    last = len(sizes) - 1
    found = []
    for t in range(last + 1) if direction == FORWARD else range(last, -1, -1):
        before = t - 1 if direction == FORWARD else t + 1
        if 0 <= before <= last:
            carried = int(min(sizes[before], sizes[t]))
            found.append(
                (slice(first[t], first[t + 1]), slice(first[before], first[before] + carried))
            )
        else:
            found.append((slice(first[t], first[t + 1]), slice(0, 0)))
    return found


@kernel(reference=lstm_forward_reference, rounding=FUSED)
def lstm_forward(gates, address, sizes, weight, direction, cells, out):
    hidden, steps = weight.shape[1], sizes.size
    first = _firsts(sizes)
    column = direction * hidden
    for n in range(steps):
        t = n if direction == FORWARD else steps - 1 - n
        before, carried = _before(first, sizes, t, direction)
        if carried > 0:
            product_at(
                address, RIGHT, carried, 4 * hidden, hidden, ONE,
                out.ctypes.data + 4 * (before * 2 * hidden + column), 2 * hidden,
                weight.ctypes.data, hidden, True,
                gates.ctypes.data + 4 * (first[t] * 8 * hidden + 4 * column), 8 * hidden,
            )  # fmt: skip
        for i in range(sizes[t]):
            row = first[t] + i
            _gates_of(
                gates[row, 4 * column : 4 * (column + hidden)],
                cells[before + i, column : column + hidden], i < carried,
                cells[row, column : column + hidden], out[row, column : column + hidden],
            )  # fmt: skip
    _ = gates.size + weight.size + out.size  # still in use


@inlined_helper
def _firsts(sizes):
    # the first row of each step, and the end of the last
    first = np.zeros(sizes.size + 1, np.int64)
    for t in range(sizes.size):
        first[t + 1] = first[t] + sizes[t]
    return first


@inlined_helper
def _before(first, sizes, t, direction):
    # the first row of the states that go on into step t, and how many do; row 0 where none does
    if direction == FORWARD:
        return (first[t - 1], sizes[t]) if t > 0 else (np.int64(0), np.int64(0))
    if t + 1 < sizes.size:
        return first[t + 1], sizes[t + 1]
    return np.int64(0), np.int64(0)


def _gates_in_place(gates, before, carried, cell, out):
    hidden = len(cell)
    given, forgotten = gates[:hidden], gates[hidden : 2 * hidden]
    new, shown = gates[2 * hidden : 3 * hidden], gates[3 * hidden : 4 * hidden]
    for j in range(hidden):
        given[j] = logistic(given[j])
        forgotten[j] = logistic(forgotten[j])
        new[j] = hyperbolic_tangent(new[j])
        shown[j] = logistic(shown[j])
    if carried:
        for j in range(hidden):
            cell[j] = given[j] * new[j] + forgotten[j] * before[j]
    else:
        for j in range(hidden):
            cell[j] = given[j] * new[j]
    for j in range(hidden):
        out[j] = shown[j] * hyperbolic_tangent(cell[j])


_gates_of = compiled_helper(_gates_in_place, FUSED)


def lstm_backward_reference(
    gates: Array,
    address: int,
    sizes: NDArray[np.int64],
    weight: Array,
    direction: int,
    cells: Array,
    out: Array,
    gradient: Array,
    d_weight: Array,
) -> None:
    """Take the gradients of `lstm_forward`.

    Parameters
    ----------
    gates, address, sizes, weight, direction, cells, out
        As forward left them; the gates become their gradient, before what made values of them.
    gradient : float32[T, 2H]
        Of the states; what comes back through time is added to it.
    d_weight : float32[4H, H]
        Gradient of the weight, added to.
    """
    arrays = (gates, cells, out, gradient)
    gate, cell, state, above = (_half(array, direction) for array in arrays)
    carry = np.zeros((int(sizes.max(initial=0)), weight.shape[1]), gates.dtype)
    for rows, before in reversed(_steps(sizes, direction)):
        carried = before.stop - before.start
        size = rows.stop - rows.start
        given, forgotten, new, shown = (part.copy() for part in np.split(gate[rows], 4, axis=1))
        bent = np.tanh(cell[rows])
        last = np.zeros_like(bent)
        last[:carried] = cell[before]
        d_cell = carry[:size] + above[rows] * shown * (1 - bent * bent)
        carry[:size] = d_cell * forgotten
        parts = (
            d_cell * new * given * (1 - given),
            d_cell * last * forgotten * (1 - forgotten),
            d_cell * given * (1 - new * new),
            above[rows] * bent * shown * (1 - shown),
        )
        gate[rows] = np.concatenate(parts, axis=1)
        above[before] += gate[rows][:carried] @ weight
        d_weight += gate[rows][:carried].T @ state[before]


@kernel(reference=lstm_backward_reference, rounding=FUSED)
def lstm_backward(gates, address, sizes, weight, direction, cells, out, gradient, d_weight):
    hidden, steps, rows = weight.shape[1], sizes.size, out.shape[0]
    first = _firsts(sizes)
    column = direction * hidden
    most = 0
    for t in range(steps):
        most = max(most, sizes[t])
    carry = np.zeros((most, hidden), np.float32)
    states = np.zeros((rows, hidden), np.float32)  # those before, beside the gates: one product
    for n in range(steps):
        t = steps - 1 - n if direction == FORWARD else n
        before, carried = _before(first, sizes, t, direction)
        for i in range(sizes[t]):
            row = first[t] + i
            _slopes_of(
                gates[row, 4 * column : 4 * (column + hidden)],
                cells[before + i, column : column + hidden], i < carried,
                cells[row, column : column + hidden], gradient[row, column : column + hidden],
                carry[i],
            )  # fmt: skip
        for i in range(carried):
            source, target = out[before + i, column : column + hidden], states[first[t] + i]
            for j in range(hidden):
                target[j] = source[j]
        if carried > 0:
            product_at(
                address, NOT, carried, hidden, 4 * hidden, ONE,
                gates.ctypes.data + 4 * (first[t] * 8 * hidden + 4 * column), 8 * hidden,
                weight.ctypes.data, hidden, True,
                gradient.ctypes.data + 4 * (before * 2 * hidden + column), 2 * hidden,
            )  # fmt: skip
    product_at(
        address, LEFT, 4 * hidden, hidden, rows, ONE,
        gates.ctypes.data + 16 * column, 8 * hidden, states.ctypes.data, hidden, True,
        d_weight.ctypes.data, hidden,
    )  # fmt: skip
    _ = gates.size + weight.size + gradient.size + d_weight.size + states.size  # still in use


@inlined_formula
def _slope_of_logistic(value):
    return value * (ONE - value)


def _slopes_in_place(gates, before, carried, cell, above, carry):
    hidden = len(cell)
    given, forgotten = gates[:hidden], gates[hidden : 2 * hidden]
    new, shown = gates[2 * hidden : 3 * hidden], gates[3 * hidden : 4 * hidden]
    for j in range(hidden):
        bent = hyperbolic_tangent(cell[j])
        d_cell = carry[j] + above[j] * shown[j] * (ONE - bent * bent)
        shown[j] = above[j] * bent * _slope_of_logistic(shown[j])
        carry[j] = d_cell * forgotten[j]
        i, g = given[j], new[j]
        given[j] = d_cell * g * _slope_of_logistic(i)
        new[j] = d_cell * i * (ONE - g * g)
        last = before[j] if carried else ZERO
        forgotten[j] = d_cell * last * _slope_of_logistic(forgotten[j])


_slopes_of = compiled_helper(_slopes_in_place, FUSED)
