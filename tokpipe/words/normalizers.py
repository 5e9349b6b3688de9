"""Texts normalised as `tokenizers` does it, with or without what each byte comes from."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import PADDING, Strings
from tokpipe.words.config import WordsConfig
from tokpipe.words.kernels.forms import normal_form
from tokpipe.words.kernels.normalize import map_characters
from tokpipe.words.tables import names
from tokpipe.words.tables.unicode import number_of, unicode_tables

FORMS = ("nfc", "nfd", "nfkc", "nfkd")
BYTES_AT_ONCE = 1 << 20  # read in one call of a kernel: 100 ms where every character changes

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]


class MapTables(NamedTuple):
    """What a step does to each character; P pages of 256 code points, S strings."""

    lower: int  # 1 if ASCII capitals are lowered
    pages: NDArray[np.uint16]  # uint16[4352]: the page of each 256 code points
    actions: Bytes  # uint8[P * 256]: see `tables.names`: keep, remove, replace, spaces round it
    replacements: NDArray[np.uint16]  # uint16[P * 256]: the string that takes a code point's place
    string_offsets: NDArray[np.int32]  # int32[S + 1]: borders of the strings
    strings: Bytes  # uint8[...]: their UTF-8


class FormTables(NamedTuple):
    """One of the four normal forms; P pages of 256 code points, S strings, C pairs."""

    pages: NDArray[np.uint16]  # uint16[4352]: the page of each 256 code points
    unsafe: Bytes  # uint8[P * 256]: see `tables.names`: safe, cut, bound
    replacements: NDArray[np.uint16]  # uint16[P * 256]: the decomposition, 0 for none
    string_offsets: NDArray[np.int32]  # int32[S + 1]: borders of the strings
    strings: Bytes  # uint8[...]: their UTF-8
    combining: Bytes  # uint8[P * 256]: canonical combining classes
    # int64[C]: what composes, ``first << 21 | second``, ascending; C is 0 for NFD and NFKD
    pair_keys: Places
    pair_values: NDArray[np.int32]  # int32[C]: what it makes


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """Normalised texts and where they come from."""

    texts: Strings  # the normalised texts; M bytes
    # int64[M]: for each byte, where in the original `data` the character begins that it belongs to.
    # The `tokenizers` library gives bytes ``a`` to ``b`` of the result the original span from
    # ``sources[a]`` to the end of the character at ``sources[b - 1]``
    sources: Places


def original_spans(
    sources: Places, original: Bytes, starts: Places, ends: Places
) -> tuple[Places, Places]:
    """Return the spans in the original data, uint8[N + PADDING], for spans in normalised texts.

    Starts and ends are int64[K]; no span is empty. `sources` as `Aligned` has them.
    """
    last = sources[ends - 1]
    first_bytes = original[last]
    widths = 1 + (first_bytes >= 0xC0) + (first_bytes >= 0xE0) + (first_bytes >= 0xF0)
    return sources[starts], last + widths


def normalize(texts: Strings, config: WordsConfig) -> Strings:
    r"""Return the texts as the normalizer of `tokenizers` leaves them (``normalize_str``).

    Examples
    --------
    >>> texts = Strings.from_list(["Café", "e\u0301"])
    >>> [text.decode() for text in normalize(texts, WordsConfig(normalizer="nfc")).iter_bytes()]
    ['café', 'é']
    """
    for step in _steps(config):
        texts = step(texts, False).texts
    return texts


def normalize_aligned(texts: Strings, config: WordsConfig) -> Aligned:
    """Return the normalised texts and, for each byte, where it comes from."""
    return _aligned(texts, _steps(config))


def before_split(texts: Strings, config: WordsConfig) -> Strings:
    """Return the texts that `pre_tokenizers.split_tables` are for, most often the same object.

    What a split by those tables does not do itself is done here: every normalizer but BERT's
    before BERT's split, and the space that `add_prefix_space` asks for.
    """
    if config.normalizer == "bert" and config.pre_tokenizer == "bert":
        return texts
    texts = normalize(texts, config)
    return _prefix_space(texts, False).texts if config.add_prefix_space else texts


def before_plain_split(texts: Strings, config: WordsConfig) -> Aligned:
    """Return normalised texts, with the prefix space, for `pre_tokenizers.plain_split_tables`."""
    steps = _steps(config)
    return _aligned(texts, [*steps, _prefix_space] if config.add_prefix_space else steps)


_Step = Callable[[Strings, bool], Aligned]


def _aligned(texts: Strings, steps: list[_Step]) -> Aligned:
    sources = None
    for step in steps:
        result = step(texts, True)
        texts = result.texts
        sources = result.sources if sources is None else sources[result.sources]
    if sources is None:
        return _unchanged(texts)
    return Aligned(texts, sources)


def _unchanged(texts: Strings) -> Aligned:
    start, end = int(texts.offsets[0]), int(texts.offsets[-1])
    places = np.arange(start, end)
    begins = texts.data[start:end] & 0xC0 != 0x80
    moved = Strings(texts.data[start:], texts.offsets - start)
    return Aligned(moved, np.maximum.accumulate(np.where(begins, places, 0)))


def _steps(config: WordsConfig) -> list[_Step]:
    if config.normalizer == "bert":
        first = (names.CONTROL * config.clean_text, names.CHINESE * config.handle_chinese_chars)
        steps = [_map_step(False, *first)] if any(first) else []
        steps += [_form_step("nfd")] if config.strip_accents else []
        mark = names.BERT_MARK
    else:
        steps = [_form_step(config.normalizer)] if config.normalizer != "none" else []
        mark = names.MARK
    if config.lowercase or config.strip_accents:
        steps.append(_map_step(config.lowercase, mark * config.strip_accents, 0))
    return steps


def _map_step(lower: bool, removed: int, spaced: int) -> _Step:
    return lambda texts, aligned: _run(
        map_characters, texts, map_tables(lower, removed, spaced), aligned
    )


def _form_step(form: str) -> _Step:
    return lambda texts, aligned: _run(normal_form, texts, form_tables(form), aligned)


def _run(kernel: Any, texts: Strings, tables: Any, aligned: bool) -> Aligned:
    """Run a kernel over all texts, a stretch at a time, and join what it gives."""
    parts, ends, sources = [], [np.zeros(1, np.int64)], []
    text, position, size = 0, int(texts.offsets[0]), 0
    while text < len(texts):
        out, finished, places, text, position = kernel(
            texts.data, texts.offsets, text, position, BYTES_AT_ONCE, tables, aligned
        )
        parts.append(out)
        ends.append(finished + size)
        sources.append(places)
        size += out.size
    parts.append(np.zeros(PADDING, np.uint8))
    joined = np.concatenate(sources) if sources else np.zeros(0, np.int64)
    return Aligned(Strings(np.concatenate(parts), np.concatenate(ends)), joined)


def _prefix_space(texts: Strings, aligned: bool) -> Aligned:
    """Put a space before each text that has none; it belongs to the text's first character."""
    start, end = texts.offsets[0], texts.offsets[-1]
    wanting = (np.diff(texts.offsets) > 0) & (texts.data[texts.offsets[:-1]] != ord(" "))
    places = texts.offsets[:-1][wanting] - start
    data = np.insert(texts.data[start : end + PADDING], places, ord(" "))
    added = np.concatenate([[0], np.cumsum(wanting)])
    moved = Strings(data, texts.offsets - start + added)
    if not aligned:
        return Aligned(moved, np.zeros(0, np.int64))
    sources = _unchanged(texts).sources
    return Aligned(moved, np.insert(sources, places, places + start))


@functools.cache
def map_tables(lower: bool, removed: int, spaced: int) -> MapTables:
    """Return the tables of a step that removes or spaces characters by flag, and lowers others."""
    source = unicode_tables()
    flags, numbers = source["flags"], source["lower"].copy()
    offsets, strings = source["string_offsets"], source["strings"]
    blank = offsets.size - 1  # a new string: what white space becomes where controls are removed
    offsets = np.append(offsets, offsets[-1] + 1).astype(np.int32)
    strings = np.append(strings, np.uint8(ord(" ")))
    actions = np.full(flags.size, names.KEEP, np.uint8)
    if lower:
        actions[numbers > 0] = names.REPLACE
    if removed & names.MARK:  # the only mark that lower-casing makes is the dot of İ
        numbers[numbers == number_of("i\u0307")] = number_of("i")
    if removed & names.CONTROL:
        cleaned = flags & names.SPACE > 0
        actions[cleaned], numbers[cleaned] = names.REPLACE, blank
    actions[flags & removed > 0] = names.REMOVE
    actions[flags & spaced > 0] = names.SPACED
    records = source["records"]
    return MapTables(
        int(lower), source["pages"], actions[records], numbers[records], offsets, strings
    )


@functools.cache
def form_tables(form: str) -> FormTables:
    """Return the tables of one of `FORMS`."""
    source = unicode_tables()
    records, compose = source["records"], form in ("nfc", "nfkc")
    numbers = source["nfkd" if "k" in form else "nfd"]
    unsafe = np.where(source["flags"] & names.FORM_FLAGS[form], names.SAFE, names.BOUND)
    begins = source["flags"] & names.STARTER_FIRST > 0
    unsafe[(unsafe == names.BOUND) & begins] = names.CUT
    keys = (source["pair_first"].astype(np.int64) << 21) | source["pair_second"]
    return FormTables(
        pages=source["pages"],
        unsafe=unsafe.astype(np.uint8)[records],
        replacements=numbers[records],
        string_offsets=source["string_offsets"],
        strings=source["strings"],
        combining=source["combining"][records],
        pair_keys=keys if compose else keys[:0],
        pair_values=source["pair_composed"] if compose else source["pair_composed"][:0],
    )
