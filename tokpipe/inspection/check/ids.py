"""Tokens that cannot be meant; that each has one id is for `tokenizer.schema` to check."""

from collections.abc import Iterator

from tokpipe.foundation.sizes import plural
from tokpipe.inspection.check.finding import ERROR, WARNING, Finding, quoted
from tokpipe.inspection.source import Source
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR


def check_ids(source: Source) -> Iterator[Finding]:
    """Look for tokens that cannot be meant, and bytes that have none."""
    place = f"{source.path.name}: vocabulary"
    if not source.entries:
        yield Finding(WARNING, place, "there is no token in it")
        return
    if "" in source.ids:
        yield Finding(WARNING, place, f"the token with the id {source.ids['']} is empty")
    mark = source.form.prefix
    if source.model == "wordpiece" and mark and not any(t.startswith(mark) for t in source.ids):
        yield Finding(
            WARNING,
            place,
            f"no token begins with {quoted(mark)}: no word can have a second piece",
            "Is continuing_subword_prefix the one that the vocabulary was made with?",
        )
    if source.model == "byte-bpe":
        yield from _missing_bytes(source, place)


def _missing_bytes(source: Source, place: str) -> Iterator[Finding]:
    missing = [byte for byte, char in enumerate(BYTE_TO_CHAR) if char not in source.ids]
    if missing:
        shown = " ".join(f"{byte:02X}" for byte in missing[:8])
        yield Finding(
            ERROR if source.unk_token is None else WARNING,
            place,
            f"{plural(len(missing), 'byte', ('has', 'have'))} no token: {shown}",
            "Text with such bytes is dropped; a byte-level vocabulary needs all 256.",
        )
