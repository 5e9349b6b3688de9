"""Normalisation and splitting against the `tokenizers` library: characters, texts, conformance."""

import lzma
import os
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import pytest

from tests.parity.peers_words import peer_normalizer, peer_spans, peer_words
from tests.parity.texts_words import lines_of, text_files
from tokpipe.foundation.arrays import Strings
from tokpipe.words.config import BERT_CASED, BERT_UNCASED, GPT2, WordsConfig
from tokpipe.words.normalizers import before_plain_split, before_split, normalize, original_spans
from tokpipe.words.pre_tokenizers import pre_tokenize, split_words

CHARACTERS = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
# alone, within a word, after a space, twice, before marks of two classes, after a kept mark
CONTEXTS = (
    "{0}",
    "a{0}a",
    " {0}",
    "{0}{0}",
    "{0}\u0301",
    "e{0}\u0323",
    "\u302e{0}1",
    "\u0915{0}'s",
)

BARE_BERT = WordsConfig(clean_text=False, handle_chinese_chars=False, lowercase=False)
STRIPPED = WordsConfig(strip_accents=True)
WORDS = {
    "bert-uncased": BERT_UNCASED,
    "bert-cased": BERT_CASED,
    "bert-stripped": STRIPPED,
    "bert-stripped-cased": WordsConfig(strip_accents=True, lowercase=False),
    "bert-bare": BARE_BERT,
    "bert-bare-stripped": WordsConfig(**{**BARE_BERT.to_dict(), "strip_accents": True}),
    "gpt2": GPT2,
    "whitespace": WordsConfig(**{**GPT2.to_dict(), "pre_tokenizer": "whitespace"}),
    "whitespace-split": WordsConfig(**{**GPT2.to_dict(), "pre_tokenizer": "whitespace-split"}),
}
FORMS = {
    form: WordsConfig(normalizer=form, lowercase=False, pre_tokenizer="gpt2")
    for form in ("nfc", "nfd", "nfkc", "nfkd")
}
NORMALIZED = {
    **FORMS,
    "lowercase": WordsConfig(**{**GPT2.to_dict(), "lowercase": True}),
    "nfkd-stripped": WordsConfig(normalizer="nfkd", strip_accents=True),
    "bert-uncased": BERT_UNCASED,
    "bert-stripped": STRIPPED,
    "bert-bare-stripped": WORDS["bert-bare-stripped"],
}


def groups(items: Iterable[str], count: int) -> Iterator[list[str]]:
    iterator = iter(items)
    while group := list(islice(iterator, count)):
        yield group


# the others are alike in their thousands: Han, Hangul, private, unassigned
ODD = [c for c in CHARACTERS if not ("\u3400" <= c < "\ua48d" or "\uac00" <= c < "\ud7a4")]
ODD = [c for c in ODD if unicodedata.category(c) not in ("Cn", "Co") and c < "\U00020000"]
ALL = os.environ.get("TOKPIPE_PARITY") == "all"


def in_contexts(every: bool) -> Iterator[list[str]]:
    """Yield code points in contexts, 256 of them a text, so that few calls do.

    The odd in all contexts and, if `every`, all of them in two; with TOKPIPE_PARITY=all, all in
    all, which takes the library half a minute a configuration.
    """
    for group in groups(CHARACTERS if ALL else ODD, 256):
        yield ["\n".join(context.format(c) for c in group) for context in CONTEXTS]
    for group in groups(CHARACTERS if every and not ALL else (), 256):
        yield ["\n".join(context.format(c) for c in group) for context in ("a{0}a", "{0}{0}\u0301")]


def count_contexts(every: bool) -> int:
    """Return how many code points in a context `in_contexts` yields."""
    return len(CHARACTERS if ALL else ODD) * len(CONTEXTS) + 2 * len(CHARACTERS) * (
        every and not ALL
    )


def count_differences(texts: list[str], config: WordsConfig) -> int:
    """Return in how many texts the words differ."""
    strings = Strings.from_list(texts)
    words, text_words = split_words(before_split(strings, config), config)
    data, borders, expected = words.data.tobytes(), words.offsets.tolist(), peer_words(config)
    differences = 0
    for text, first, last in zip(texts, text_words[:-1], text_words[1:], strict=True):
        ours = [data[borders[i] : borders[i + 1]] for i in range(first, last)]
        differences += ours != expected(text)
    return differences


def count_normalized_differences(texts: list[str], config: WordsConfig) -> int:
    """Return in how many texts the normalised texts differ."""
    ours, expected = normalize(Strings.from_list(texts), config), peer_normalizer(config)
    pairs = zip(ours.iter_bytes(), texts, strict=True)
    return sum(mine.decode() != expected.normalize_str(text) for mine, text in pairs)


@pytest.mark.slow
@pytest.mark.parametrize("name", WORDS)
def test_words_of_every_code_point_in_context(name, compared):
    every = name in ("bert-uncased", "bert-stripped", "gpt2")
    differences = sum(count_differences(texts, WORDS[name]) for texts in in_contexts(every))
    compared("words", **{"code points in a context": count_contexts(every)})
    assert differences == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", NORMALIZED)
def test_normalised_every_code_point_in_context(name, compared):
    every, config = name in FORMS, NORMALIZED[name]
    found = [count_normalized_differences(texts, config) for texts in in_contexts(every)]
    compared("normalised texts", **{"code points in a context": count_contexts(every)})
    assert sum(found) == 0


@pytest.mark.parametrize("name", ["bert-uncased", "gpt2"])
def test_words_of_every_text_of_the_shared_data(name, shared_data, compared):
    wrong = {}
    for path in text_files(shared_data):
        for texts in groups(lines_of(path), 5_000):
            differences = count_differences(texts, WORDS[name])
            if differences:
                wrong[path.name] = wrong.get(path.name, 0) + differences
            compared("words", texts=len(texts), bytes=sum(len(t.encode()) for t in texts))
    assert not wrong


@pytest.mark.parametrize("name", sorted(set(WORDS) - {"bert-uncased", "gpt2"}))
def test_words_of_many_languages(name, shared_data, compared):
    for texts in some_lines(shared_data, 400):
        assert count_differences(texts, WORDS[name]) == 0
        compared("words", texts=len(texts), bytes=sum(len(t.encode()) for t in texts))


@pytest.mark.parametrize("name", NORMALIZED)
def test_normalised_texts_of_many_languages(name, shared_data, compared):
    for texts in some_lines(shared_data, 1_000):
        assert count_normalized_differences(texts, NORMALIZED[name]) == 0
        compared("normalised texts", texts=len(texts), bytes=sum(len(t.encode()) for t in texts))


@pytest.mark.parametrize("name", [*NORMALIZED, "gpt2", "whitespace"])
def test_original_spans_in_many_languages(name, shared_data, compared):
    config = (NORMALIZED | WORDS)[name]
    for texts in some_lines(shared_data, 60):
        strings = Strings.from_list(texts)
        aligned = before_plain_split(strings, config)
        starts, ends, text_words = pre_tokenize(aligned.texts, config)
        spans = np.stack(original_spans(aligned.sources, strings.data, starts, ends), axis=1)
        for i, text in enumerate(texts):
            ours = spans[text_words[i] : text_words[i + 1]] - strings.offsets[i]
            assert [tuple(span) for span in ours.tolist()] == peer_spans(config)(text)
        compared("original spans", words=len(spans))


def some_lines(shared_data, count: int) -> Iterator[list[str]]:
    """Yield the first lines of each text that is not mere English."""
    paths = [p for p in text_files(shared_data) if p.parent.name in ("multi", "pathological")]
    paths += [shared_data / "pathological" / "unicode-15.0" / "NormalizationTest.txt.xz"]
    for path in paths:
        yield list(islice(lines_of(path), count))


@pytest.mark.parametrize("form", FORMS)
def test_normalization_conformance_file(form, shared_data, compared):
    path = shared_data / "pathological" / "unicode-15.0" / "NormalizationTest.txt.xz"
    with lzma.open(path, "rt", encoding="utf-8") as file:
        rows = [line.split("#")[0].split(";")[:5] for line in file if line[0] not in "#@\n"]
    columns = [["".join(chr(int(c, 16)) for c in cell.split()) for cell in row] for row in rows]
    given = [text for row in columns for text in row]
    assert count_normalized_differences(given, FORMS[form]) == 0
    compared("normalised texts", **{"conformance texts": len(given)})
    # The library's data is older than the file's: where it differs from Unicode 15.0, so do we.
    ours = [text.decode() for text in normalize(Strings.from_list(given), FORMS[form]).iter_bytes()]
    column = {"nfc": (1, 1, 1, 3, 3), "nfd": (2, 2, 2, 4, 4), "nfkc": (3,) * 5, "nfkd": (4,) * 5}
    expected = [row[column[form][i]] for row in columns for i in range(5)]
    apart = sum(mine != standard for mine, standard in zip(ours, expected, strict=True))
    compared("normalised texts", **{"of them unlike Unicode 15.0, as in tokenizers": apart})
    assert apart < len(given) / 50
