"""Merges: each comes once, and together they make every token."""

import re
from collections.abc import Iterator, Mapping, Sequence

from tokpipe.foundation.sizes import plural
from tokpipe.inspection.check.finding import ERROR, WARNING, Finding, examples
from tokpipe.inspection.source import Source
from tokpipe.tokenizer.kernels.bpe import merge_by_rank

_BYTE = re.compile("<0x[0-9A-F]{2}>")
LONGEST = 2_000  # characters; merging step by step is quadratic, and no honest token is longer

Ranks = Mapping[tuple[str, str], tuple[int, str]]


def check_merges(source: Source) -> Iterator[Finding]:
    """Look for merges that come twice, and tokens that no merge makes."""
    if source.model not in ("bpe", "byte-bpe"):
        return
    place = f"{source.path.name}: merges"
    if not source.merges:
        problem = "there are none: every word falls into single symbols"
        yield Finding(ERROR, place, problem, "Is merges.txt missing?")
        return
    repeated = len(source.merges) - len(set(source.merges))
    if repeated:
        yield Finding(WARNING, place, f"{plural(repeated, 'merge', ('comes', 'come'))} twice")
    yield from _unmade(source)


def merge_ranks(source: Source) -> dict[tuple[str, str], tuple[int, str]]:
    """Return each pair's rank and the token that it becomes."""
    prefix = source.form.prefix
    return {
        (merge[0], merge[1]): (rank, merge[0] + merge[1].removeprefix(prefix))
        for rank, merge in enumerate(source.merges)
        if len(merge) == 2
    }


def symbols_of(token: str, prefix: str, suffix: str) -> list[str]:
    """Cut a token into the symbols that merging starts from.

    Examples
    --------
    >>> symbols_of("##ing", "##", "")
    ['##i', '##n', '##g']
    """
    inside = bool(prefix) and token.startswith(prefix)
    body = token.removeprefix(prefix) if inside else token
    ends = bool(suffix) and body.endswith(suffix)
    body = body.removesuffix(suffix) if ends else body
    symbols = [prefix * (inside or index > 0) + c for index, c in enumerate(body)]
    if ends and symbols:
        symbols[-1] += suffix
    return symbols


def merged(symbols: Sequence[str], ranks: Ranks) -> list[str]:
    """Merge by rank until nothing merges."""
    word = list(symbols)
    for _ in merge_by_rank(word, ranks):
        pass
    return word


def is_byte_token(token: str, source: Source) -> bool:
    """Say whether a token stands for a byte of text that has no other: ``<0x0A>`` of Llama."""
    return source.settings.get("byte_fallback") is True and _BYTE.fullmatch(token) is not None


def _unmade(source: Source) -> Iterator[Finding]:
    """Find tokens whose own text the merges turn into something else."""
    if source.settings.get("ignore_merges") is True:
        return
    form, ranks = source.form, merge_ranks(source)
    lost = [
        token
        for token, _ in source.entries
        if token not in form.special_tokens
        and token != form.unk_token
        and not is_byte_token(token, source)
        and len(token) <= LONGEST
        and merged(symbols_of(token, form.prefix, form.suffix), ranks) != [token]
        and len(symbols_of(token, form.prefix, form.suffix)) > 1
    ]
    if lost:
        yield Finding(
            WARNING,
            f"{source.path.name}: vocabulary",
            f"{plural(len(lost), 'token', ('is', 'are'))} out of reach of the merges: "
            f"{examples(lost, form)}",
            "Their ids are never produced; take them out, or add the merges that make them.",
        )
