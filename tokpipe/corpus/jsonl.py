"""JSON lines: a block of a file to the texts under one key."""

import json
from typing import NamedTuple

import numpy as np

from tokpipe.corpus.batch import TextBatch
from tokpipe.corpus.blocks import Block
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.encoding import emptied
from tokpipe.corpus.kernels import jsonl as lines_of_json
from tokpipe.corpus.lines import read_lines
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import InputError

_ESCAPE_HINT = "Repair the escape, or pass --errors replace."


class Key(NamedTuple):
    """A member of the outermost object that is wanted, and the option that names another."""

    name: str
    flag: str = "--text-column"
    depth_flag: str = "--max-json-depth"  # "": the command has none


def read_json_lines(block: Block, config: ReadConfig) -> TextBatch:
    """Make a batch of a block of JSON lines: a document for each line, none for blank ones.

    Raises
    ------
    InputError
        If a line is no JSON object with one string under `text_column`, unless ``errors`` is
        "skip": then its text is empty.
    """
    lines, tally = read_lines(block, config)
    key = np.frombuffer(bytearray(config.text_column.encode()), np.uint8)
    data, offsets, status, lone = lines_of_json.json_texts(
        lines.data, lines.offsets, key, config.max_json_depth
    )
    wrong = status >= lines_of_json.MISSING
    if config.errors != "replace":
        wrong |= status == lines_of_json.SURROGATE
    unread = np.diff(lines.offsets) == 0  # emptied for its bytes; a blank line has a line end
    wrong &= ~unread
    if wrong.any() and (config.errors != "skip"):
        i, wanted = int(wrong.argmax()), Key(config.text_column)
        raise explain(block, lines, i, int(status[i]), wanted, config.max_json_depth)
    kept = (status != lines_of_json.BLANK) | unread
    texts = emptied(Strings(data, offsets), wrong)
    texts = Strings(texts.data, np.concatenate(([0], texts.offsets[1:][kept])))
    tally = {
        "replaced": tally.get("replaced", 0) + (lone if config.errors == "replace" else 0),
        "skipped": tally.get("skipped", 0) + int(wrong.sum()),
        "null": int((status == lines_of_json.NULL).sum()),
    }
    documents = np.arange(len(texts) + 1, dtype=np.int64)
    return TextBatch(texts, documents, tally={name: n for name, n in tally.items() if n})


def explain(
    block: Block, lines: Strings, i: int, status: int, wanted: Key, max_depth: int
) -> InputError:
    """Make the error for line `i` of a block, whose status says that it is not as it should be."""
    place = f"{block.name}:{1 + block.lines_before() + i}"
    line, key = lines.bytes_of(i).decode(), wanted.name
    if status == lines_of_json.MALFORMED:
        return _malformed(place, line)
    if status == lines_of_json.NO_OBJECT:
        array = block.offset == 0 and i == 0 and line.lstrip().startswith("[")
        hint = "A JSON array? Write one object a line: jq -c '.[]'." if array else ""
        return InputError(f"{place}:1: the line is no JSON object", hint=hint)
    if status == lines_of_json.TOO_DEEP:
        more = f", or raise {wanted.depth_flag}" if wanted.depth_flag else ""
        what = f"nested deeper than {max_depth} objects and arrays"
        return InputError(f"{place}: {what}", hint=f"Flatten it{more}.")
    if status == lines_of_json.MISSING:
        return InputError(f"{place}: no key {key!r}", hint=f"Pass {wanted.flag}{_keys_of(line)}.")
    if status == lines_of_json.TWICE:
        return InputError(f"{place}: the key {key!r} stands more than once")
    if status == lines_of_json.SURROGATE:
        return InputError(f"{place}: {key!r} holds half a surrogate pair", hint=_ESCAPE_HINT)
    return InputError(f"{place}: {key!r} is no string", hint=f"Pass {wanted.flag} for another key.")


def _keys_of(line: str) -> str:
    try:
        keys = list(json.loads(line, parse_int=len))
    except RecursionError:  # Python's parser is not as deep as --max-json-depth may be
        return ""
    return f"; here: {', '.join(map(repr, keys[:8])) or 'none'}"


def _malformed(place: str, line: str) -> InputError:
    try:
        json.loads(line, parse_int=len)
    except json.JSONDecodeError as error:
        hint = "JSON lines hold one whole object a line." if line.strip() == "{" else ""
        if "\r" in line.strip():
            hint = "A lone CR ends no line; LF and CRLF do."
        return InputError(f"{place}:{error.pos + 1}: not JSON: {error.msg}", hint=hint)
    except RecursionError:
        pass
    return InputError(f"{place}: not JSON")
