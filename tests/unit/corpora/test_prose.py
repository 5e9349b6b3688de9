"""The prose is as large and as varied as it is said to be, in plain UTF-8."""

import re
import unicodedata
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "corpora"
FILES = sorted(FOLDER.glob("*/*.txt"))
LANGUAGES = {  # and a word that begins the names of its letters in Unicode
    "de": "LATIN", "fr": "LATIN", "ru": "CYRILLIC", "el": "GREEK", "ar": "ARABIC", "he": "HEBREW",
    "hi": "DEVANAGARI", "th": "THAI", "zh": "CJK", "ja": "HIRAGANA", "ko": "HANGUL", "tr": "LATIN",
}  # fmt: skip


def _bytes(part):
    return sum(path.stat().st_size for path in (FOLDER / part).glob("*.txt"))


def test_there_is_as_much_english_and_swedish_as_promised():
    assert _bytes("english") >= 60 * 1024
    assert _bytes("swedish") >= 20 * 1024


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_is_utf8_with_a_paragraph_a_line(path):
    text = path.read_bytes().decode("utf-8")
    assert text.endswith("\n") and not text.endswith("\n\n")
    assert "\r" not in text and "\n\n\n" not in text and not text.startswith("\ufeff")
    assert not any(line != line.strip() for line in text.split("\n"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_a_page_in_its_own_script(language):
    text = (FOLDER / "languages" / f"{language}.txt").read_text(encoding="utf-8")
    assert 1_500 < len(text.encode()) < 4_000
    letters = [unicodedata.name(c, "") for c in text if c.isalpha()]
    own = sum(name.startswith(LANGUAGES[language]) for name in letters)
    assert own > len(letters) * (0.3 if language == "ja" else 0.6)


def test_the_pages_hold_what_breaks_tokenizers():
    text = "".join(path.read_text(encoding="utf-8") for path in (FOLDER / "languages").iterdir())
    for odd in "\u00a0\u2009\u202f\u3000\u200b\u00ad\u0301😀☔²√∑≠ﬁ":
        assert odd in text, hex(ord(odd))
    assert "  " in text and "\t" in text and "print(" in text


@pytest.mark.parametrize("part", ["english", "swedish"])
def test_no_sentence_comes_twice(part):
    sentences = [
        sentence
        for path in (FOLDER / part).glob("*.txt")
        for sentence in re.split(r"(?<=[.!?])\s+|\n", path.read_text(encoding="utf-8"))
        if len(sentence.split()) > 4
    ]
    repeated = {s for s in sentences if sentences.count(s) > 1}
    assert not repeated


@pytest.mark.parametrize("part", ["english", "swedish"])
def test_few_runs_of_six_words_come_twice(part):
    words = " ".join(
        path.read_text(encoding="utf-8") for path in sorted((FOLDER / part).glob("*.txt"))
    ).split()
    runs = [tuple(words[i : i + 6]) for i in range(len(words) - 5)]
    assert len(set(runs)) > 0.995 * len(runs)
