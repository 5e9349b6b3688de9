r"""Make `unicode.npz`: every code point's properties, as the `tokenizers` library sees them.

Run it by hand, ``python -m tokpipe.words.tables.generate``, when a newer `tokenizers` moves to
newer Unicode data; it takes half a minute. It asks the library about every code point and not
Python's `unicodedata`, because parts of the library follow different editions of Unicode, none
of them Python's. Seen with tokenizers 0.23.3, against Unicode 14.0 (`unicodedata` of Python 3.11):

- lower-casing, white space: Rust's standard library, Unicode 16 or newer (55 more capitals);
- ``\p{L}``, ``\p{N}``, ``\w``, ``\s``: the regular expressions' own, 16 or newer;
- NFC, NFD, NFKC, NFKD and combining classes: an edition between 11.0 and 12.0: U+32FF (12.1) and
  U+11938 (13.0) do not decompose there, and 100 newer marks count as starters;
- punctuation, controls and nonspacing marks of `BertNormalizer` and `BertPreTokenizer`: about
  8.0 (U+2E43 of 9.0 is no punctuation); unassigned code points are kept, U+180E and the private
  areas are dropped.

Layout of the file (R records, each a distinct set of properties; S strings):
``pages uint16[4352]``, ``records uint16[P * 256]`` give the record of a code point;
``flags uint16[R]``, ``combining uint8[R]``, ``bert uint8[16, R]`` (class, by variant);
``lower, strip, lower_strip, nfd, nfkd uint16[R]``: the string put in its place, 0 for itself;
``string_offsets int32[S + 1]``, ``strings uint8``: UTF-8;
``pair_first, pair_second, pair_composed int32[C]``: canonical compositions, sorted by pair.
"""

import itertools
import sys
import unicodedata
from pathlib import Path

import numpy as np
from tokenizers import Regex, normalizers, pre_tokenizers

from tokpipe.words.tables import names

TARGET = Path(__file__).with_name("unicode.npz")
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
CHARACTERS = "".join(map(chr, CODE_POINTS))


def ask(normalizer):
    """Return what a normalizer makes of every character alone, where that is another string."""
    pairs = ((c, normalizer.normalize_str(c)) for c in CHARACTERS)
    return {c: out for c, out in pairs if out != c}


def bert_normalizer(**on: bool) -> normalizers.BertNormalizer:
    """Return a `BertNormalizer` with nothing on but what is named."""
    off = dict.fromkeys(("clean_text", "handle_chinese_chars", "strip_accents", "lowercase"), False)
    return normalizers.BertNormalizer(**{**off, **on})


def matches(pattern: str) -> set[str]:
    """Return the characters that a one-character pattern of the library matches."""
    split = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
    spans = (span for _, span in split.pre_tokenize_str(CHARACTERS))
    return {c for start, end in spans for c in CHARACTERS[start:end]}


def pieces(pre_tokenizer, character: str) -> int:
    """Count the words in a character between two letters: 1 joins, 2 is space, 3 stands alone."""
    return len(pre_tokenizer.pre_tokenize_str(f"a{character}a"))


def combining_classes() -> dict[str, int]:
    """Return the class of each nonstarter; newer marks, which the library takes as starters, no."""
    order = normalizers.NFD().normalize_str
    moves = {c for c in CHARACTERS if order("\u0345" + c) != "\u0345" + order(c)}
    marks = {c for c in CHARACTERS if unicodedata.combining(c) and order(c) == c}
    classes = {c: unicodedata.combining(c) for c in marks if c in moves or c == "\u0345"}
    assert not {c for c in moves if order(c) == c} - set(classes), "a nonstarter unknown here"
    least = {k: next(c for c in sorted(classes) if classes[c] == k) for k in classes.values()}
    for (c, k), (other, mark) in itertools.product(classes.items(), least.items()):
        assert order(c + mark) == (mark + c if other < k else c + mark), (c, mark)
    return classes


def compositions(nfd: dict[str, str]) -> dict[tuple[str, str], str]:
    """Return the pairs of characters that NFC joins, Hangul syllables left out."""
    compose = normalizers.NFC().normalize_str
    found = {}
    for whole, parts in nfd.items():
        if compose(parts) == whole and not is_hangul(whole):
            first = compose(parts[:-1])
            assert len(first) == 1, whole
            found[first, parts[-1]] = whole
    return dict(sorted(found.items()))


def is_hangul(character: str) -> bool:
    """Tell a precomposed Hangul syllable, which decomposes by arithmetic."""
    return "\uac00" <= character <= "\ud7a3"


def primitive_flags(asked: dict) -> dict[str, int]:  # type: ignore[type-arg]
    """Return the flags of each character, see `names`."""
    split, bert, whitespace = (
        pre_tokenizers.WhitespaceSplit(),
        pre_tokenizers.BertPreTokenizer(),
        pre_tokenizers.Whitespace(),
    )
    space = {c for c in CHARACTERS if pieces(split, c) == 2}
    lone = matches(r"\s") ^ space
    assert not lone, f"two notions of white space: {lone}"
    assert {c for c in CHARACTERS if pieces(bert, c) == 2} == space
    assert {c for c in CHARACTERS if not whitespace.pre_tokenize_str(c)} == space
    sets = {
        names.SPACE: space,
        names.PUNCTUATION: {c for c in CHARACTERS if pieces(bert, c) == 3},
        names.LETTER: matches(r"\p{L}"),
        names.NUMBER: matches(r"\p{N}"),
        names.WORD: {c for c in CHARACTERS if pieces(whitespace, c) == 1},
        names.CONTROL: {c for c, out in asked["clean"].items() if out == ""},
        names.CHINESE: set(asked["chinese"]),
        names.BERT_MARK: {c for c, out in asked["bert_strip"].items() if out == ""},
        names.MARK: {c for c, out in asked["strip"].items() if out == ""},
    }
    assert all(out in ("", " ") for out in asked["clean"].values())
    assert all(c in space for c, out in asked["clean"].items() if out == " ")
    assert space - sets[names.CONTROL] == {c for c, o in asked["clean"].items() if o} | {" "}
    flags = dict.fromkeys(CHARACTERS, 0)
    for flag, members in sets.items():
        for c in members:
            flags[c] |= flag
    return flags


class BertClasses:
    """The class of a character and its replacement in one variant of the BERT normalizer."""

    def __init__(self, flags, classes, asked, variant):
        self.flags, self.classes, self.asked, self.variant = flags, classes, asked, variant

    def mapped(self, c: str) -> str:
        """Return what is left of a kept character after stripping and lower-casing."""
        if self.variant & names.STRIP_ACCENTS:
            parts = self.asked["nfd"].get(c, c)
            c = "".join(p for p in parts if not self.flags[p] & names.BERT_MARK)
        if self.variant & names.LOWERCASE:
            c = "".join(self.asked["lower"].get(p, p) for p in c)
        return c

    def of(self, c: str) -> int:
        """Return the class, see `names`."""
        flags, clean = self.flags[c], self.variant & names.CLEAN_TEXT
        if clean and flags & names.CONTROL:
            return names.DROPPED
        if flags & names.SPACE:
            return names.SEPARATOR
        if self.variant & names.STRIP_ACCENTS and is_hangul(c):
            return names.HANGUL
        return self._of_mapped(c, self.mapped(c))

    def _of_mapped(self, c: str, out: str) -> int:
        if not out:
            marks = all(p in self.classes for p in self.asked["nfd"].get(c, c))
            return names.DROPPED if marks else names.DROPPED_STARTER
        alone = any(self.flags[p] & (names.PUNCTUATION | names.SPACE) for p in out)
        if self.variant & names.CHINESE_CHARS and self.flags[c] & names.CHINESE:
            alone = True
        if alone:
            assert len(out) == 1 and out not in self.classes
            return names.ALONE if out == c else names.ALONE_MAPPED
        if self.variant & names.STRIP_ACCENTS and any(p in self.classes for p in out):
            return names.SORTED
        return names.PLAIN if out == c else names.MAPPED


def ask_all() -> dict:  # type: ignore[type-arg]
    """Ask the library about every character in every way."""
    asked = {
        "clean": ask(bert_normalizer(clean_text=True)),
        "chinese": ask(bert_normalizer(handle_chinese_chars=True)),
        "bert_strip": ask(bert_normalizer(strip_accents=True)),
        "lower": ask(normalizers.Lowercase()),
        "strip": ask(normalizers.StripAccents()),
        "nfd": ask(normalizers.NFD()),
        "nfkd": ask(normalizers.NFKD()),
        "nfc": ask(normalizers.NFC()),
        "nfkc": ask(normalizers.NFKC()),
    }
    assert asked["lower"] == ask(bert_normalizer(lowercase=True))
    assert all(asked["chinese"][c] == f" {c} " for c in asked["chinese"])
    return asked


def safe_flags(c: str, asked: dict, classes: dict, seconds: set[str]) -> int:  # type: ignore[type-arg]
    """Return which normal forms leave a character, and all before it, alone."""
    if c in classes:
        return 0
    first = asked["nfd"].get(c, c)[0]
    if first in classes:
        return 0
    assert first == c or first not in seconds, "a composed character that joins what is before it"
    full = asked["nfkd"].get(c, c)[0]  # U+FF9E decomposes to a mark
    flags = 0 if full in classes else names.STARTER_FIRST
    for form, flag in names.FORM_FLAGS.items():
        joins = form in ("nfc", "nfkc") and (c in seconds or "\u1161" <= c <= "\u11c2")
        if c not in asked[form] and not joins:
            flags |= flag
    return flags


class StringPool:
    """Distinct replacement strings; number 0 means that a character stays."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.strings = [""]

    def number(self, c: str, out: str) -> int:
        """Return the number of a replacement, 0 if nothing is replaced."""
        if out == c or is_hangul(c):
            return 0
        if out not in self.numbers:
            self.numbers[out] = len(self.strings)
            self.strings.append(out)
        return self.numbers[out]


def build() -> dict[str, np.ndarray]:
    """Return the arrays of the file."""
    asked, classes = ask_all(), combining_classes()
    flags, pairs, pool = primitive_flags(asked), compositions(asked["nfd"]), StringPool()
    seconds = {second for _, second in pairs}
    variants = [BertClasses(flags, classes, asked, v) for v in range(16)]
    mapping = {  # the variants that clean nothing hold each mapping once
        "lower": variants[names.LOWERCASE].mapped,
        "strip": variants[names.STRIP_ACCENTS].mapped,
        "lower_strip": variants[names.LOWERCASE | names.STRIP_ACCENTS].mapped,
        "nfd": lambda c: asked["nfd"].get(c, c),
        "nfkd": lambda c: asked["nfkd"].get(c, c),
    }
    seen: dict[tuple, int] = {}  # type: ignore[type-arg]
    record_of = np.zeros(0x110000, np.uint16)
    for code_point, c in zip(CODE_POINTS, CHARACTERS, strict=True):
        record = (
            flags[c] | safe_flags(c, asked, classes, seconds),
            classes.get(c, 0),
            tuple(v.of(c) for v in variants),
            *(pool.number(c, f(c)) for f in mapping.values()),
        )
        record_of[code_point] = seen.setdefault(record, len(seen))
    return arrays(record_of, list(seen), list(mapping), pool, pairs)


def arrays(record_of, records, mappings, pool, pairs) -> dict[str, np.ndarray]:
    """Lay the tables out as the module's docstring says."""
    assert len(records) < 1 << 16
    numbers: dict[bytes, int] = {}  # page 0 gets number 0: kernels look ASCII up without `pages`
    pages = [numbers.setdefault(p.tobytes(), len(numbers)) for p in record_of.reshape(-1, 256)]
    encoded = [s.encode() for s in pool.strings]
    columns = list(zip(*records, strict=True))
    out = {
        "pages": np.array(pages, np.uint16),
        "records": np.frombuffer(b"".join(numbers), np.uint16),
        "flags": np.array(columns[0], np.uint16),
        "combining": np.array(columns[1], np.uint8),
        "bert": np.array(columns[2], np.uint8).T.copy(),
        "string_offsets": np.cumsum([0] + [len(s) for s in encoded]).astype(np.int32),
        "strings": np.frombuffer(b"".join(encoded), np.uint8),
        "pair_first": np.array([ord(a) for a, _ in pairs], np.int32),
        "pair_second": np.array([ord(b) for _, b in pairs], np.int32),
        "pair_composed": np.array([ord(c) for c in pairs.values()], np.int32),
    }
    return out | {n: np.array(columns[3 + i], np.uint16) for i, n in enumerate(mappings)}


def main() -> None:
    """Write the file and say how large its parts are."""
    tables = build()
    np.savez_compressed(TARGET, allow_pickle=False, **tables)
    for name, array in tables.items():
        sys.stdout.write(f"{name}: {array.dtype}{list(array.shape)}\n")
    sys.stdout.write(f"{TARGET}: {TARGET.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
