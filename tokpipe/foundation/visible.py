r"""Foreign text made harmless for a terminal: what would act or hide is shown as an escape.

Escaped are control characters (C0, DEL, C1), bidi controls and other format characters, line and
paragraph separators, tags, lone surrogates and noncharacters. All else stays as it is, so that
readable text stays readable; a backslash of the text itself is not doubled.
"""

import re

# Written as escapes throughout: a file that shows hostile characters must not hold any.
_HOSTILE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: ESC, CSI, OSC, BEL, line ends
    "\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"  # format, bidi
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # shorthand, music, tags
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"  # surrogates, noncharacters
    + "".join(
        f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(1 << 16, 0x110000, 1 << 16)
    )
    + "]"
)
_NOT_ASCII = re.compile("[^\x20-\x7e]")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def visible(text: str, *, ascii_only: bool = False) -> str:
    r"""Return `text` with each character that acts or hides replaced by its escape.

    Examples
    --------
    >>> print(visible("a\x1b]0;title\x07\u202e[bold]"))
    a\x1b]0;title\x07\u202e[bold]
    >>> print(visible("naïve 東", ascii_only=True))
    na\xefve \u6771
    """
    return (_NOT_ASCII if ascii_only else _HOSTILE).sub(lambda match: escape_of(match[0]), text)


def escape_of(character: str) -> str:
    r"""Return the escape of one character, hostile or not.

    Examples
    --------
    >>> print(escape_of("\n"), escape_of("\x1b"), escape_of("\u202e"), escape_of("😀"))
    \n \x1b \u202e \U0001f600
    """
    point = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    return (
        f"\\x{point:02x}"
        if point < 256
        else f"\\u{point:04x}"
        if point < 65536
        else f"\\U{point:08x}"
    )
