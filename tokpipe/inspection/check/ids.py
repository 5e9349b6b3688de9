"""Tokens and ids: each token once, each id once, no gap."""

from collections import defaultdict
from collections.abc import Iterator

from tokpipe.foundation.sizes import plural
from tokpipe.inspection.check.finding import ERROR, WARNING, Finding, examples, quoted
from tokpipe.inspection.source import Source
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR

_MOST_FINDINGS = 10


def check_ids(source: Source) -> Iterator[Finding]:
    """Look for repeated tokens, repeated ids, gaps, and tokens that cannot be meant."""
    place = f"{source.path.name}: vocabulary"
    if not source.entries:
        yield Finding(ERROR, place, "there is no token in it")
        return
    yield from _repeated_tokens(source, place)
    yield from _repeated_ids(source, place)
    yield from _gaps(source, place)
    yield from _odd_tokens(source, place)


def _repeated_tokens(source: Source, place: str) -> Iterator[Finding]:
    seen: defaultdict[str, list[int]] = defaultdict(list)
    for token, id in source.entries:
        seen[token].append(id)
    repeated = [(token, ids) for token, ids in seen.items() if len(ids) > 1]
    for token, ids in repeated[:_MOST_FINDINGS]:
        yield Finding(
            ERROR,
            place,
            f"the token {quoted(token)} stands {len(ids)} times, with the ids "
            f"{', '.join(map(str, ids[:5]))}",
            "Readers keep the last; the other ids are never produced.",
        )
    if len(repeated) > _MOST_FINDINGS:
        more = plural(len(repeated) - _MOST_FINDINGS, "more token", ("stands", "stand"))
        yield Finding(ERROR, place, f"{more} several times")
    inside = dict(source.entries)
    for added in source.added:
        if inside.get(added.content, added.id) != added.id:
            yield Finding(
                ERROR,
                f"{source.path.name}: added_tokens",
                f"{quoted(added.content)} has the id {added.id}, in the vocabulary it has "
                f"{inside[added.content]}",
            )


def _repeated_ids(source: Source, place: str) -> Iterator[Finding]:
    tokens: defaultdict[int, set[str]] = defaultdict(set)
    for token, id in [*source.entries, *((a.content, a.id) for a in source.added)]:
        tokens[id].add(token)
    shared = [(id, sharing) for id, sharing in tokens.items() if len(sharing) > 1]
    for id, sharing in shared[:_MOST_FINDINGS]:
        yield Finding(
            ERROR,
            place,
            f"the id {id} belongs to {len(sharing)} tokens: {examples(sorted(sharing))}",
        )
    if len(shared) > _MOST_FINDINGS:
        more = plural(len(shared) - _MOST_FINDINGS, "more id", ("belongs", "belong"))
        yield Finding(ERROR, place, f"{more} to several tokens")


def _gaps(source: Source, place: str) -> Iterator[Finding]:
    ids = set(source.ids.values())
    negative = sorted(id for id in ids if id < 0)
    if negative:
        yield Finding(ERROR, place, f"{plural(len(negative), 'id')} below 0, such as {negative[0]}")
    largest = max(ids)
    missing = largest + 1 - len(ids) + len(negative)
    if missing > 0:
        first = next(id for id in range(largest + 1) if id not in ids)
        yield Finding(
            ERROR,
            place,
            f"ids run to {largest:,} but {missing:,} of them belong to no token, the first is "
            f"{first:,}",
            "Embeddings need a row for each id up to the largest; number the tokens densely.",
        )


def _odd_tokens(source: Source, place: str) -> Iterator[Finding]:
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
