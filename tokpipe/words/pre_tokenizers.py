"""Texts to words: the tables to split by, and the spans of words for offsets."""

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.words.config import WordsConfig
from tokpipe.words.kernels import classes as kernels
from tokpipe.words.kernels import layout
from tokpipe.words.tables import names
from tokpipe.words.tables.unicode import unicode_tables

_KINDS = {
    "bert": kernels.BERT,
    "gpt2": kernels.GPT2,
    "whitespace": kernels.WHITESPACE,
    "whitespace-split": kernels.WHITESPACE_SPLIT,
    "none": kernels.NONE,
}
_MAPPINGS = {
    0: "lower",  # never looked up: no class of these variants replaces anything
    names.LOWERCASE: "lower",
    names.STRIP_ACCENTS: "strip",
    names.LOWERCASE | names.STRIP_ACCENTS: "lower_strip",
}


class SplitTables(NamedTuple):
    """What the kernels need to split texts; P pages of 256 code points, S strings."""

    kind: int  # `kernels.classes.BERT`, `GPT2`, `WHITESPACE`, `WHITESPACE_SPLIT` or `NONE`
    lower: int  # 1 if ASCII capitals are lowered (and other letters by `replacements`)
    pages: NDArray[np.uint16]  # uint16[4352]: the page of each 256 code points
    # uint8[P * 256]: what a code point does to words; for the kind bert see `tables.names`, for the
    # others `kernels.classes`
    classes: NDArray[np.uint8]
    # uint16[P * 256]: the string that takes the place of a code point, 0 for none
    replacements: NDArray[np.uint16]
    string_offsets: NDArray[np.int32]  # int32[S + 1]: borders of the strings
    strings: NDArray[np.uint8]  # uint8[...]: their UTF-8
    combining: NDArray[np.uint8]  # uint8[P * 256]: canonical combining classes


def split_tables(config: WordsConfig) -> SplitTables:
    """Return the tables for texts as the corpus has them.

    Only ``BertNormalizer`` before ``BertPreTokenizer`` is part of the split. Any other
    normalisation looks at more than one character, or changes what a split finds, and is done
    before it: see `normalizers.before_split`.
    """
    fused = config.normalizer == "bert" and config.pre_tokenizer == "bert"
    return _tables(_KINDS[config.pre_tokenizer], variant_of(config) if fused else 0)


def plain_split_tables(config: WordsConfig) -> SplitTables:
    """Return the tables for texts that are normalised already: words are slices of the text."""
    return _tables(_KINDS[config.pre_tokenizer], 0)


def variant_of(config: WordsConfig) -> int:
    """Return the number of a variant of the BERT normalizer, see `tables.names`."""
    return (
        names.CLEAN_TEXT * config.clean_text
        + names.CHINESE_CHARS * config.handle_chinese_chars
        + names.LOWERCASE * config.lowercase
        + names.STRIP_ACCENTS * config.strip_accents
    )


def scratch_bytes(longest: int, config: WordsConfig) -> int:
    """Return how large the scratch of `take_word` must be for texts up to `longest` bytes.

    A Hangul syllable of three bytes becomes three jamo of nine, and as much again is there to
    sort marks in; without stripping, lower-casing makes two bytes three at most (U+0130).
    """
    if config.pre_tokenizer != "bert" or config.normalizer != "bert":
        return 64
    return (6 if config.strip_accents else 2) * longest + 64


def split_words(texts: Strings, config: WordsConfig) -> tuple[Strings, NDArray[np.int64]]:
    """Return the words of all texts, in order, and which belong to which text, int64[T + 1]."""
    words, borders, text_words = layout.split_words(texts.data, texts.offsets, split_tables(config))
    return Strings(words, borders), text_words


def pre_tokenize(
    texts: Strings, config: WordsConfig
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return where the words are in texts that are normalised already.

    Starts and ends in ``texts.data`` are int64[W]; text ``t`` has the words ``text_words[t]`` to
    ``text_words[t + 1]`` of int64[T + 1].
    """
    return layout.word_spans(texts.data, texts.offsets, plain_split_tables(config))


@functools.cache
def _tables(kind: int, variant: int) -> SplitTables:
    source = unicode_tables()
    records = source["records"]
    mapping = source[_MAPPINGS[variant & (names.LOWERCASE | names.STRIP_ACCENTS)]]
    classes = source["bert"][variant] if kind == kernels.BERT else _regex_classes(kind)
    return SplitTables(
        kind=kind,
        lower=int(kind == kernels.BERT and variant & names.LOWERCASE > 0),
        pages=source["pages"],
        classes=classes[records],
        replacements=mapping[records],
        string_offsets=source["string_offsets"],
        strings=source["strings"],
        combining=source["combining"][records],
    )


def _regex_classes(kind: int) -> NDArray[np.uint8]:
    """Return the class of each record for a split by regular expression."""
    flags = unicode_tables()["flags"]
    classes = np.full(flags.size, kernels.OTHER, np.uint8)
    if kind == kernels.GPT2:
        classes[flags & names.LETTER > 0] = kernels.LETTER
        classes[flags & names.NUMBER > 0] = kernels.NUMBER
    elif kind == kernels.WHITESPACE:
        classes[flags & names.WORD > 0] = kernels.LETTER
    classes[flags & names.SPACE > 0] = kernels.SPACE
    return classes
