"""The unit that flows: strings as one buffer of UTF-8 bytes and the offsets of their borders.

Layout: string ``i`` of ``n`` is ``data[offsets[i]:offsets[i + 1]]``. At least `PADDING` zero bytes
follow the last string, so that a kernel may load up to 64 bytes from any position inside.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

if TYPE_CHECKING:
    import pyarrow as pa

PADDING = 64  # bytes: the widest load of a kernel is of 64
_LINE = 64  # bytes of a cache line
_GATHERED = 1 << 20  # bytes taken at a time: an index of eight bytes stands for each


@dataclass(frozen=True, slots=True, eq=False)
class Strings:
    """Many strings in one buffer.

    Attributes
    ----------
    data : uint8[N + PADDING]
        The bytes of all strings, end to end, then zeros.
    offsets : int64[n + 1]
        Ascending borders; ``offsets[0]`` need not be 0.
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    @classmethod
    def from_list(cls, items: Iterable[str | bytes]) -> Self:
        """Copy Python strings into one buffer.

        Examples
        --------
        >>> Strings.from_list(["ab", "", "å"]).offsets.tolist()
        [0, 2, 2, 4]
        """
        encoded = [item.encode() if isinstance(item, str) else item for item in items]
        offsets = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(item) for item in encoded], out=offsets[1:])
        return cls(padded(b"".join(encoded)), offsets)

    @classmethod
    def from_arrow(cls, array: "pa.Array") -> Self:
        """Copy an Arrow string or binary column; null becomes the empty string."""
        import pyarrow as pa  # heavy, and only Arrow's callers need it
        import pyarrow.compute as pc

        large = pc.fill_null(array.cast(pa.large_binary()), b"")
        offsets = np.frombuffer(large.buffers()[1], np.int64)[large.offset :][: len(large) + 1]
        values = large.buffers()[2]
        raw = np.frombuffer(values, np.uint8) if values is not None else np.zeros(0, np.uint8)
        return cls(padded(raw[offsets[0] : offsets[-1]]), offsets - offsets[0])

    def to_arrow(self) -> "pa.LargeStringArray":
        """Wrap the buffers as an Arrow column, without a copy; the bytes must be UTF-8."""
        import pyarrow as pa

        return pa.LargeStringArray.from_buffers(
            len(self), pa.py_buffer(self.offsets), pa.py_buffer(self.data)
        )

    def bytes_of(self, index: int) -> bytes:
        """Return string `index` as Python bytes."""
        return self.data[self.offsets[index] : self.offsets[index + 1]].tobytes()

    def iter_bytes(self) -> Iterator[bytes]:
        """Yield every string as Python bytes: for tests, reports and small inputs."""
        return (self.bytes_of(i) for i in range(len(self)))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def nbytes(self) -> int:
        """How many bytes the strings hold together, padding left out."""
        return int(self.offsets[-1] - self.offsets[0])


def padded(data: "bytes | bytearray | memoryview | NDArray[np.uint8]") -> NDArray[np.uint8]:
    """Copy bytes into a fresh array with `PADDING` zero bytes behind them."""
    source = np.frombuffer(data, np.uint8)
    out = np.empty(len(source) + PADDING, np.uint8)
    out[: len(source)] = source
    out[len(source) :] = 0
    return out


def aligned_zeros(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
    """Return zeros that begin with a cache line: none of a vector of 64 bytes lies on two then."""
    size = prod(shape) * np.dtype(dtype).itemsize
    raw = np.zeros(size + _LINE, np.uint8)  # of the system: pages that nobody touches are none
    start = -raw.ctypes.data % _LINE
    return raw[start : start + size].view(dtype).reshape(shape)


_COUNTED = 1 << 20  # at once: of all ids of a text of 100 MB the 64-bit copy took 800 MB


def add_counts(values: NDArray[np.integer], counts: NDArray[np.int64]) -> None:
    """Add to `counts` (int64[V]) how often each number below V is among `values`."""
    for start in range(0, len(values), _COUNTED):
        found = np.bincount(values[start : start + _COUNTED], minlength=len(counts))
        counts += found[: len(counts)]


def distinct(values: Sequence[int] | NDArray[np.integer]) -> NDArray[np.integer]:
    """Return the values that occur, in order: `np.unique` imports NumPy's masked arrays for it."""
    ordered = np.sort(np.asarray(values))
    is_new = np.ones(len(ordered), np.bool_)
    is_new[1:] = ordered[1:] != ordered[:-1]
    return ordered[is_new]


def gather_ranges(
    borders: NDArray[np.integer], rows: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which items belong to some rows, int64[N], row by row, and the rows' borders in them.

    Row ``b`` is items ``borders[b]:borders[b + 1]`` (int[B + 1]); `rows`, int[R], are those wanted,
    in any order; the borders returned are int64[R + 1].

    Examples
    --------
    >>> index, offsets = gather_ranges(np.array([0, 2, 5, 6]), np.array([1, 0]))
    >>> index.tolist(), offsets.tolist()
    ([2, 3, 4, 0, 1], [0, 3, 5])
    """
    first = borders[rows].astype(np.int64)
    sizes = borders[rows + 1] - first
    return range_items(first, sizes), np.concatenate([[0], np.cumsum(sizes)])


def range_items(starts: NDArray[np.integer], sizes: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the numbers of many ranges, end to end.

    Examples
    --------
    >>> range_items(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(starts - (ends - sizes), sizes) + np.arange(total)


def take_strings(strings: Strings, rows: NDArray[np.integer]) -> Strings:
    """Copy some of many strings, in any order.

    Parameters
    ----------
    strings
        Of n.
    rows : int[R]
        Which of them; one may come more than once.

    Returns
    -------
    Strings
        R strings in a buffer of their own.

    Examples
    --------
    >>> list(take_strings(Strings.from_list(["a", "bc", "d"]), np.array([1, 0])).iter_bytes())
    [b'bc', b'a']
    """
    rows = np.asarray(rows, np.int64)
    lengths = strings.offsets[rows + 1] - strings.offsets[rows]
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    out = np.zeros(offsets[-1] + PADDING, np.uint8)
    begin = 0
    while begin < len(rows):
        end = int(np.searchsorted(offsets, offsets[begin] + _GATHERED, side="right")) - 1
        end = max(end, begin + 1)
        index, _ = gather_ranges(strings.offsets, rows[begin:end])
        out[offsets[begin] : offsets[end]] = strings.data[index]
        begin = end
    return Strings(out, offsets)


def join_strings(parts: Sequence[Strings]) -> Strings:
    """Copy many strings, part after part, into one buffer."""
    sizes = [part.nbytes for part in parts]
    out, at = np.zeros(sum(sizes) + PADDING, np.uint8), 0
    offsets = [np.zeros(1, np.int64)]
    for part, size in zip(parts, sizes, strict=True):
        out[at : at + size] = part.data[part.offsets[0] : part.offsets[-1]]
        offsets.append(part.offsets[1:] - part.offsets[0] + at)
        at += size
    return Strings(out, np.concatenate(offsets))
