r"""A kernel that takes one string out of each line of JSON, and checks the whole line on the way.

Lines are strings of a batch (valid UTF-8). A line is what Python's `json.loads` takes: RFC 8259
and NaN, Infinity, -Infinity. Nothing is built of the other values, so their size does no harm.
"""

import json
import re

import numpy as np

from tokpipe.corpus.kernels.json_strings import read_string
from tokpipe.foundation.intrinsics import load_u8, store_u8
from tokpipe.foundation.jit import compiled_helper, inlined_helper, kernel
from tokpipe.foundation.utf8 import copy_bytes

# What a line may be; up to NULL it has a text, from MISSING on it is not as it should be.
TEXT, SURROGATE, BLANK, NULL, MISSING, NOT_TEXT, TWICE, NO_OBJECT, MALFORMED, TOO_DEEP = range(10)


def text_of_line_reference(line, key, max_depth):
    """Return the status of one line (str), its text, and how many lone surrogates were in it."""
    stripped = line.strip(" \t\r\n")
    if not stripped:
        return BLANK, "", 0
    if stripped[0] != "{":
        return NO_OBJECT, "", 0
    end = _too_deep_reference(line, max_depth)
    try:
        pairs = json.loads(line[:end], object_pairs_hook=list, parse_int=len)
    except json.JSONDecodeError as error:
        return (TOO_DEEP if end is not None and error.pos >= end else MALFORMED), "", 0
    values = [value for name, value in pairs if name == key]
    if len(values) != 1:
        return (TWICE if values else MISSING), "", 0
    if values[0] is None:
        return NULL, "", 0
    if not isinstance(values[0], str):
        return NOT_TEXT, _as_written_reference(line, key), 0
    text, lone = re.subn("[\ud800-\udfff]", "\ufffd", values[0])
    return (SURROGATE if lone else TEXT), text, lone


def _as_written_reference(line, key):
    """Return the value under a key of a line that is an object, as it stands there."""
    decoder, space = json.JSONDecoder(parse_int=len), re.compile(r"[ \t\r\n]*")
    end = line.index("{")
    while True:
        name, end = decoder.raw_decode(line, space.match(line, end + 1).end())
        begin = space.match(line, line.index(":", end) + 1).end()
        _, end = decoder.raw_decode(line, begin)
        if name == key:
            return line[begin:end]
        end = line.index(",", end)


def _too_deep_reference(line, max_depth):
    """Return the position behind the bracket that is too deep, or None."""
    depth, inside, at = 0, False, 0
    while at < len(line):
        c = line[at]
        if c == '"':
            inside = not inside
        elif inside and c == "\\":
            at += 1
        elif not inside:
            depth += (c in "[{") - (c in "]}")
            if depth > max_depth:
                return at + 1
        at += 1
    return None


def json_texts_reference(data, offsets, key, max_depth):
    lines = [data[offsets[i] : offsets[i + 1]].tobytes().decode() for i in range(len(offsets) - 1)]
    name = key.tobytes().decode()
    found = [text_of_line_reference(line, name, max_depth) for line in lines]
    texts = [text.encode() for _, text, _ in found]
    out = np.frombuffer(b"".join(texts) + bytes(64), np.uint8)
    borders = np.cumsum([0] + [len(text) for text in texts]).astype(np.int64)
    return out, borders, np.array([f[0] for f in found], np.uint8), sum(f[2] for f in found)


@inlined_helper
def _is_space(byte):
    return byte == 32 or byte == 10 or byte == 13 or byte == 9


@inlined_helper
def _skip_space(at, end):
    while at < end and _is_space(load_u8(at)):
        at += 1
    return at


@compiled_helper
def _same_string(at, end, key, key_end, scratch):
    """Say whether the string behind a quote is the key; `scratch` has room for it unescaped."""
    _, copied, _ = read_string(at, end, scratch, True)
    if copied - scratch != key_end - key:
        return False
    for i in range(key_end - key):
        if load_u8(scratch + i) != load_u8(key + i):
            return False
    return True


@inlined_helper
def _digits(at, end):
    while at < end and 48 <= load_u8(at) <= 57:
        at += 1
    return at


@inlined_helper
def _word_is(at, end, word, length):
    """Say whether up to eight letters stand at an address; `word` holds them, low byte first."""
    if end - at < length:
        return False
    for i in range(length):
        if np.uint64(load_u8(at + i)) != (word >> np.uint64(8 * i)) & np.uint64(255):
            return False
    return True


_NULL = np.uint64(int.from_bytes(b"null", "little"))
_TRUE = np.uint64(int.from_bytes(b"true", "little"))
_FALSE = np.uint64(int.from_bytes(b"false", "little"))
_NAN = np.uint64(int.from_bytes(b"NaN", "little"))
_INFINITY = np.uint64(int.from_bytes(b"Infinity", "little"))


@compiled_helper
def _read_scalar(at, end):
    """Return the address behind a number, true, false, null, NaN or Infinity, or -1."""
    if _word_is(at, end, _NULL, 4) or _word_is(at, end, _TRUE, 4):
        return at + 4
    if _word_is(at, end, _FALSE, 5):
        return at + 5
    if _word_is(at, end, _NAN, 3):
        return at + 3
    if load_u8(at) == 45:
        at += 1
    if _word_is(at, end, _INFINITY, 8):
        return at + 8
    if at >= end or not 48 <= load_u8(at) <= 57:
        return np.int64(-1)
    at = at + 1 if load_u8(at) == 48 else _digits(at, end)
    if at + 1 < end and load_u8(at) == 46 and 48 <= load_u8(at + 1) <= 57:
        at = _digits(at + 1, end)
    if at < end and load_u8(at) | 32 == 101:
        sign = 1 if at + 1 < end and (load_u8(at + 1) == 43 or load_u8(at + 1) == 45) else 0
        if at + 1 + sign < end and 48 <= load_u8(at + 1 + sign) <= 57:
            at = _digits(at + 1 + sign, end)
    return at


@compiled_helper
def _read_line(at, end, key, key_end, max_depth, stack, scratch, out):
    """Check one line; return its status, the address behind its text at `out`, its surrogates."""
    at = _skip_space(at, end)
    if at >= end:
        return BLANK, out, np.int64(0)
    if load_u8(at) != 123:
        return NO_OBJECT, out, np.int64(0)
    status, text_end, lone = MISSING, out, np.int64(0)
    depth, container = np.int64(0), np.int64(0)  # where a container that is our value begins
    wants_value = True  # else a comma or a closing bracket
    may_close = False  # whether the container may end where a value (or key) is wanted
    while True:
        at = _skip_space(at, end)
        if at >= end:
            return MALFORMED, out, lone
        byte = load_u8(at)
        if not wants_value or (may_close and (byte == 93 or byte == 125)):
            if byte == 44 and not wants_value:
                wants_value, may_close = True, False
                at += 1
                continue
            if byte != (125 if load_u8(stack + depth - 1) == 123 else 93):
                return MALFORMED, out, lone
            depth -= 1
            at += 1
            if depth == 0:
                break
            if depth == 1 and container != 0:
                copy_bytes(out, container, at - container)
                text_end, container = out + at - container, np.int64(0)
            wants_value, may_close = False, False
            continue
        ours = False
        if depth > 0 and load_u8(stack + depth - 1) == 123:  # a key and a colon come first
            name = at + 1
            at = np.int64(-1)
            if byte == 34:
                at, _, _ = read_string(name, end, scratch, False)
            if at < 0:
                return MALFORMED, out, lone
            ours = depth == 1 and _same_string(name, at, key, key_end, scratch)
            at = _skip_space(at, end)
            if at >= end or load_u8(at) != 58:
                return MALFORMED, out, lone
            at = _skip_space(at + 1, end)
            if at >= end:
                return MALFORMED, out, lone
            byte = load_u8(at)
        kind = NOT_TEXT
        wants_value, may_close = False, False
        here = ours and status == MISSING
        if byte == 34:
            at, copied, surrogates = read_string(at + 1, end, out, here)
            if here:
                text_end, lone = copied, surrogates
            kind = SURROGATE if surrogates > 0 else TEXT
        elif byte == 123 or byte == 91:
            if depth >= max_depth:
                return TOO_DEEP, out, lone
            store_u8(stack + depth, byte)
            container = at if here else container
            depth += 1
            at += 1
            wants_value, may_close = True, True
        else:
            kind = NULL if byte == 110 else NOT_TEXT
            begin = at
            at = _read_scalar(at, end)
            if here and kind == NOT_TEXT and at >= 0:
                copy_bytes(out, begin, at - begin)
                text_end = out + at - begin
        if at < 0:
            return MALFORMED, out, lone
        if ours:
            status = kind if status == MISSING else TWICE
    if _skip_space(at, end) < end:
        return MALFORMED, out, lone
    if status != TEXT and status != SURROGATE:
        return status, text_end if status == NOT_TEXT else out, np.int64(0)
    return status, text_end, lone


@kernel(reference=json_texts_reference)
def json_texts(data, offsets, key, max_depth):
    """Take the string under one key out of each line of JSON.

    Parameters
    ----------
    data : uint8[N + 64]
    offsets : int64[n + 1]
        Borders of the lines; valid UTF-8.
    key : uint8[K]
        Which member of the outermost object holds the text.
    max_depth : int
        How deep objects and arrays may be nested.

    Returns
    -------
    data : uint8[M + 64]
        The texts, end to end, then zeros; lone surrogates as U+FFFD. A value that is no text
        stands as it is written (NOT_TEXT); all other lines give the empty text.
    offsets : int64[n + 1]
    status : uint8[n]
        TEXT, SURROGATE, BLANK, NULL, or what is wrong with the line.
    lone : int
        How many surrogates had no other half.

    References
    ----------
    RFC 8259, The JavaScript Object Notation (JSON) Data Interchange Format.
    """
    n = offsets.size - 1
    out = np.empty(offsets[n] - offsets[0] + 64, np.uint8)
    scratch = np.empty(offsets[n] - offsets[0] + 64, np.uint8)
    stack = np.empty(max_depth + 1, np.uint8)
    borders = np.empty(n + 1, np.int64)
    status = np.empty(n, np.uint8)
    base, first = data.ctypes.data, out.ctypes.data
    name = key.ctypes.data
    lone, behind = np.int64(0), first
    borders[0] = 0
    for i in range(n):
        kind, behind, surrogates = _read_line(
            base + offsets[i],
            base + offsets[i + 1],
            name,
            name + key.size,
            max_depth,
            stack.ctypes.data,
            scratch.ctypes.data,
            behind,
        )
        status[i] = kind
        lone += surrogates if kind == SURROGATE else 0
        borders[i + 1] = behind - first
    total = borders[n]
    for i in range(total, total + 64):
        out[i] = 0
    stack[0] = scratch[0] = 0  # keeps them alive while their addresses are in use
    return out[: total + 64], borders, status, lone
