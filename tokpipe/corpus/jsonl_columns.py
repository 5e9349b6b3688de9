"""Several members of the objects of a JSON lines file at once."""

import json
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.corpus.blocks import Block
from tokpipe.corpus.columns import (
    Choose,
    Chosen,
    Column,
    Columns,
    TableHead,
    check_single,
    missing_column,
)
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.encoding import check_plain
from tokpipe.corpus.jsonl import Key, explain
from tokpipe.corpus.kernels import jsonl as lines_of_json
from tokpipe.corpus.lines import read_lines
from tokpipe.corpus.streams import cut_stream
from tokpipe.foundation.arrays import Strings, take_strings
from tokpipe.foundation.errors import InputError

_PIECE = 4 << 20  # bytes looked at together


def read_json_columns(
    chunks: Iterator[bytes], name: str, config: ReadConfig, choose: Choose
) -> Iterator[Columns]:
    """Yield the chosen members of each object, block after block; blank lines are no rows.

    Parameters
    ----------
    chunks
        Of the file.
    name
        Of the file, for messages.
    config
        How long a line may be, and how deep.
    choose
        Is shown the keys of the first object, and says which are wanted.

    Raises
    ------
    InputError
        If a byte is not UTF-8, or a line is no JSON object with each of the keys once.
    """
    chosen: Chosen | None = None
    keys: tuple[str, ...] = ()
    for block in cut_stream(chunks, name, _PIECE, config.max_line_bytes):
        check_plain(block)
        lines, _ = read_lines(block, config)
        if chosen is None:
            found = _keys(block, lines, config)
            if found is None:  # nothing but blank lines so far
                continue
            keys, chosen = found, choose(TableHead(name, found, True, tuple))
            check_single(name, keys, chosen)
        yield _columns(block, lines, keys, chosen, config)


def _keys(block: Block, lines: Strings, config: ReadConfig) -> tuple[str, ...] | None:
    """Return the keys of the first object."""
    found = _texts(lines, "", config)
    rows = np.flatnonzero(found.status != lines_of_json.BLANK)
    if not len(rows):
        return None
    i = int(rows[0])
    if found.status[i] >= lines_of_json.NO_OBJECT:
        wanted = Key("", depth_flag="")
        raise explain(block, lines, i, int(found.status[i]), wanted, config.max_json_depth)
    pairs = json.loads(lines.bytes_of(i), object_pairs_hook=list, parse_int=len)
    return tuple(key for key, _ in pairs)


class _Found(NamedTuple):
    texts: Strings
    status: NDArray[np.uint8]


def _texts(lines: Strings, key: str, config: ReadConfig) -> _Found:
    name = np.frombuffer(bytearray(key.encode("utf-8", "surrogatepass")), np.uint8)
    depth = config.max_json_depth
    data, offsets, status, _ = lines_of_json.json_texts(lines.data, lines.offsets, name, depth)
    return _Found(Strings(data, offsets), status)


def _columns(
    block: Block, lines: Strings, keys: tuple[str, ...], chosen: Chosen, config: ReadConfig
) -> Columns:
    found = [_texts(lines, keys[column], config) for column in chosen.columns]
    _check(block, lines, [each.status for each in found], keys, chosen, config)
    rows = np.flatnonzero(found[0].status != lines_of_json.BLANK)
    columns = []
    for each in found:
        texts = each.texts if len(rows) == len(lines) else take_strings(each.texts, rows)
        status = each.status[rows]
        null, values = status == lines_of_json.NULL, status == lines_of_json.NOT_TEXT
        columns.append(Column(texts, null, values))
    return Columns(tuple(columns), (block.lines_before() + 1 + rows).astype(np.int64))


def _check(
    block: Block,
    lines: Strings,
    statuses: list[np.ndarray],
    keys: tuple[str, ...],
    chosen: Chosen,
    config: ReadConfig,
) -> None:
    """Raise for the first line that is not as it should be."""
    fine = (lines_of_json.TEXT, lines_of_json.BLANK, lines_of_json.NULL, lines_of_json.NOT_TEXT)
    wrong = [~np.isin(status, fine) for status in statuses]
    at = [int(mask.argmax()) if mask.any() else len(mask) for mask in wrong]
    worst = int(np.argmin(at))
    i = at[worst]
    if i == len(lines):
        return
    status, key = int(statuses[worst][i]), keys[chosen.columns[worst]]
    place = f"{block.name}:{1 + block.lines_before() + i}"
    if status == lines_of_json.SURROGATE:
        raise InputError(f"{place}: {key!r} holds half a surrogate pair", hint="Repair the escape.")
    if status == lines_of_json.MISSING:
        names = list(json.loads(lines.bytes_of(i), parse_int=len))
        raise missing_column(place, key, names, chosen.flags[worst])
    wanted = Key(key, chosen.flags[worst], depth_flag="")
    raise explain(block, lines, i, status, wanted, config.max_json_depth)
