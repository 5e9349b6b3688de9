"""What is not UTF-8: found, told with its place, or mended and counted."""

import numpy as np
from numpy.typing import NDArray

from tokpipe.corpus.blocks import Block
from tokpipe.corpus.kernels.lines import first_invalid, invalid_strings
from tokpipe.foundation.arrays import Strings, padded
from tokpipe.foundation.errors import InputError

REPLACE = "latin-1? Convert it (iconv -f latin1 -t UTF-8), or pass --errors replace."
CONVERT = "latin-1? Convert it (iconv -f latin1 -t UTF-8)."  # where nothing is replaced

_UTF16 = {b"\xff\xfe": "UTF-16-LE", b"\xfe\xff": "UTF-16-BE"}


def check_start(head: NDArray[np.uint8], name: str) -> None:
    """Refuse (`InputError`) a file that begins like UTF-16: it may look like UTF-8 full of NULs."""
    first = head[:1024].tobytes()
    encoding = _UTF16.get(first[:2])
    even, odd = first[0::2], first[1::2]
    for half, other, guess in ((odd, even, "UTF-16-LE"), (even, odd, "UTF-16-BE")):
        if not encoding and half.count(0) >= 8 and half.count(0) * 2 > len(half):
            encoding = None if other.count(0) else guess
    if encoding:
        raise InputError(
            f"{name}: the text is {encoding}; only UTF-8 is read",
            hint=f"Convert it: iconv -f {encoding} -t UTF-8.",
        )


def not_utf8(block: Block, position: int, hint: str = REPLACE) -> InputError:
    """Make the error for the byte ``block.data[position]``."""
    line, offset = block.place(position)
    return bad_byte(f"{block.name}:{line}", int(block.data[position]), f"at offset {offset}", hint)


def bad_byte(place: str, byte: int, where: str, hint: str = REPLACE) -> InputError:
    """Make the error for a byte that begins no UTF-8 sequence."""
    return InputError(f"{place}: byte 0x{byte:02X} {where} is not UTF-8", hint=hint)


def check_plain(block: Block) -> None:
    """Refuse what is not UTF-8, and NUL bytes, which plain text has none of.

    Raises
    ------
    InputError
        With the line.
    """
    if block.offset == 0:
        check_start(block.data[block.start : block.stop], block.name)
    bad = first_invalid(block.data, block.start, block.stop)
    if bad >= 0:
        raise not_utf8(block, bad, CONVERT)
    nul = block.data[block.start : block.stop].tobytes().find(0)
    if nul >= 0:
        line, offset = block.place(block.start + nul)
        problem = f"{block.name}:{line}: a NUL byte at offset {offset}"
        raise InputError(problem, hint="Is it a binary file, or damaged?")


def emptied(strings: Strings, mask: NDArray[np.bool_]) -> Strings:
    """Return the strings with those marked (bool[n]) made empty."""
    if not mask.any():
        return strings
    lengths = np.diff(strings.offsets)
    kept = strings.data[strings.offsets[0] : strings.offsets[-1]][np.repeat(~mask, lengths)]
    return Strings(padded(kept), np.concatenate(([0], np.cumsum(np.where(mask, 0, lengths)))))


def mend(strings: Strings, errors: str) -> tuple[Strings, dict[str, int]]:
    """Replace bad bytes by U+FFFD as Python does, or empty the strings that hold any.

    The tally says how many U+FFFD were put in ("replaced"), or how many strings emptied
    ("skipped").
    """
    bad = np.flatnonzero(invalid_strings(strings.data, strings.offsets))
    if not len(bad):
        return strings, {}
    data, offsets = memoryview(strings.data.data), strings.offsets
    lengths, parts, at, replaced = np.diff(offsets), [], int(offsets[0]), 0
    for i in bad.tolist():
        old = strings.bytes_of(i)
        text = old.decode(errors="replace").encode() if errors == "replace" else b""
        replaced += text.count(b"\xef\xbf\xbd") - old.count(b"\xef\xbf\xbd")
        parts += [data[at : offsets[i]], text]
        lengths[i], at = len(text), int(offsets[i + 1])
    parts.append(data[at : offsets[-1]])
    borders = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    tally = {"replaced": replaced} if errors == "replace" else {"skipped": len(bad)}
    return Strings(padded(b"".join(parts)), borders), tally
