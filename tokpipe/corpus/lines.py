"""Plain text: a block of a file to the texts and documents in it."""

import numpy as np

from tokpipe.corpus.batch import TextBatch
from tokpipe.corpus.blocks import BOM, Block, line_too_long
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.encoding import check_start, mend, not_utf8
from tokpipe.corpus.kernels.lines import document_starts, first_invalid, fold_crlf, line_offsets
from tokpipe.foundation.arrays import Strings


def read_lines(block: Block, config: ReadConfig) -> tuple[Strings, dict[str, int]]:
    """Find the lines of a block and make them UTF-8; say how many were "replaced" or "skipped".

    Each has its line end, the byte order mark of the file is gone, CRLF folded to LF.

    Raises
    ------
    InputError
        If a byte is not UTF-8 and ``errors`` is "strict", or a line is too long.
    """
    data, start = block.data, block.start
    if block.offset == 0:
        check_start(data[start : block.stop], block.name)
        start += 3 if data[start : start + 3].tobytes() == BOM else 0
    bad = first_invalid(data, start, block.stop)
    if bad >= 0 and config.errors == "strict":
        raise not_utf8(block, bad)
    offsets, crlf = line_offsets(data, start, block.stop)
    lengths = np.diff(offsets)
    if len(lengths) and lengths.max() > config.max_line_bytes:
        line, _ = block.place(int(offsets[lengths.argmax()]))
        raise line_too_long(block.name, line, config.max_line_bytes)
    lines = Strings(*fold_crlf(data, offsets)) if crlf else Strings(data, offsets)
    return (lines, {}) if bad < 0 else mend(lines, config.errors)


def read_text(block: Block, config: ReadConfig) -> TextBatch:
    """Make a batch of a block of plain text."""
    lines, tally = read_lines(block, config)
    if not len(lines):
        return TextBatch(lines, np.zeros(1, np.int64))
    blank_lines = config.documents == "blank-line"
    starts = document_starts(lines.data, lines.offsets) if blank_lines else np.zeros(0, np.int64)
    first_blank = not lines.bytes_of(0).strip()
    continues = block.offset > 0 and not (blank_lines and block.follows_blank and not first_blank)
    borders = np.concatenate(([0], starts, [len(lines)])).astype(np.int64)
    return TextBatch(lines, borders, continues, is_lines=True, tally=tally)
