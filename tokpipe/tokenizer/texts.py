"""What callers give as texts: strings, and nothing that only looks like them."""

from collections.abc import Iterator, Sequence

from tokpipe.foundation.errors import InputError


def utf8_of(texts: Sequence[str], pairs: Sequence[str] | None = None) -> Iterator[bytes]:
    """Yield the UTF-8 of each text, and behind it that of its pair, if there are pairs.

    Raises
    ------
    InputError
        If one holds a lone surrogate, naming where.
    """
    for number, text in enumerate(texts):
        yield _utf8(text, "the text" if len(texts) == 1 else f"text {number + 1}")
        if pairs is not None:
            place = "the second text" if len(texts) == 1 else f"the pair of text {number + 1}"
            yield _utf8(pairs[number], place)


def _utf8(text: str, place: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{place} has a lone surrogate U+{ord(text[error.start]):04X} "
            f"at character {error.start}",
            hint="It is half a character: read the text with errors='replace'.",
        ) from error
