"""Which script a token is written in, by the Unicode names of its letters."""

import unicodedata
from functools import lru_cache

BYTES = "bytes of cut characters"
MIXED = "mixed scripts"
DIGITS = "digits"
SIGNS = "punctuation and symbols"
SPACE = "white space"
MARKS = "combining marks"
OTHER = "other letters"

# First words of Unicode names that say how a letter looks, not which script it is of.
_MANNERS = frozenset(
    (
        *("MATHEMATICAL", "MODIFIER", "DOUBLE-STRUCK", "SCRIPT", "BLACK-LETTER", "SUPERSCRIPT"),
        *("SUBSCRIPT", "TURNED", "FEMININE", "MASCULINE", "MICRO", "OHM", "KELVIN", "ANGSTROM"),
    )
)
_TWO_WORDS = frozenset(("OLD", "NEW", "TAI", "LINEAR", "CANADIAN", "MEETEI", "SYLOTI"))
_RENAMED = {"Cjk": "Han", "Katakana-Hiragana": "Katakana", "Canadian Aboriginal": "Canadian"}


def script_of(text: str) -> str:
    """Return the script of a piece of text, or what else it consists of.

    Examples
    --------
    >>> script_of("naïve"), script_of(" 東京"), script_of("42"), script_of("aβ")
    ('Latin', 'Han', 'digits', 'mixed scripts')
    """
    if "\N{REPLACEMENT CHARACTER}" in text:
        return BYTES
    scripts = {_script_of_letter(c) for c in text if unicodedata.category(c)[0] == "L"}
    if scripts:
        return scripts.pop() if len(scripts) == 1 else MIXED
    groups = {unicodedata.category(c)[0] for c in text if not c.isspace()}
    if not groups:
        return SPACE
    return DIGITS if groups == {"N"} else MARKS if groups == {"M"} else SIGNS


@lru_cache(maxsize=65536)
def _script_of_letter(letter: str) -> str:
    words = unicodedata.name(letter, "OTHER").split()
    if words[0] in ("FULLWIDTH", "HALFWIDTH"):
        words = words[1:]
    if words[0] in _MANNERS:
        return OTHER
    name = " ".join(words[:2]) if words[0] in _TWO_WORDS else words[0]
    return _RENAMED.get(name.title(), name.title()) if name != "OTHER" else OTHER
