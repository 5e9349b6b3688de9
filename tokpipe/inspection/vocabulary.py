"""What a vocabulary consists of, and how it fares on a corpus: counts, plain data, no drawing."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.inspection.readable import body_of, is_placeholder, readable
from tokpipe.inspection.scripts import script_of
from tokpipe.inspection.source import Source

_EXAMPLES = 12  # tokens of each list: a line or two


@dataclass(frozen=True, slots=True)
class VocabularyView:
    """A vocabulary in figures."""

    name: str
    model: str
    settings: tuple[tuple[str, str], ...]
    size: int  # tokens, added ones included
    holes: int  # ids up to the greatest that no token has
    special_tokens: tuple[tuple[str, int], ...]  # token and id
    alphabet: int  # tokens of one character, or of one byte in a byte-level vocabulary
    # `first`, `later`: tokens that begin a word, and tokens that go on with one; None where tokens
    # do not say
    first: int | None
    later: int | None
    merges: int
    lengths: tuple[tuple[int, int], ...]  # (characters, tokens), ascending; affixes are not counted
    scripts: tuple[tuple[str, int], ...]  # (script, tokens), the commonest first
    longest: tuple[tuple[str, int], ...]  # the longest tokens and their ids
    # `first_merges`, `last_merges`: (rank, pair)
    first_merges: tuple[tuple[int, tuple[str, ...]], ...]
    last_merges: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class CorpusUse:
    """How a vocabulary fares on the words of a corpus."""

    # `words`, `unique_words`: words in the corpus, and different words
    words: int
    unique_words: int
    # `whole`, `unique_whole`: those among them that are one token
    whole: int
    unique_whole: int
    unknown: int  # words with an unknown part, each as often as it occurs
    # `tokens`, `bytes`: tokens and bytes of all words
    tokens: int
    bytes: int
    used: int  # tokens that occur at least once, special ones left out
    ordinary: int  # tokens that could: all but the special ones
    # some of those that do not occur, lowest id first, without placeholders
    unused: tuple[tuple[str, int], ...]
    pieces: tuple[tuple[int, int], ...]  # (tokens a word, words), ascending
    # (word, count, tokens): words in the most pieces, weighted by how often they occur
    broken: tuple[tuple[str, int, tuple[str, ...]], ...]


def view_vocabulary(name: str, source: Source) -> VocabularyView:
    """Count what there is to count in a vocabulary's files."""
    form = source.form
    ordinary = [token for token in source.tokens if token not in form.special_tokens]
    bodies = [body_of(token, form) for token in ordinary]
    sizes = [len(token) for token in ordinary] if form.byte_level else list(map(len, bodies))
    lengths = Counter(len(body) for body in bodies)
    longest = sorted(ordinary, key=lambda token: -len(body_of(token, form)))[:_EXAMPLES]
    later = _going_on(ordinary, source)
    ranked = list(enumerate(source.merges))
    return VocabularyView(
        name=name,
        model=source.model,
        settings=tuple(_settings(source)),
        size=len(source.ids),
        holes=max(source.ids.values(), default=-1) + 1 - len(set(source.ids.values())),
        special_tokens=tuple((token, source.ids[token]) for token in source.special_tokens),
        alphabet=sum(size == 1 for size in sizes),
        first=None if later is None else len(ordinary) - later,
        later=later,
        merges=len(source.merges),
        lengths=tuple(sorted(lengths.items())),
        scripts=tuple(Counter(map(script_of, bodies)).most_common()),
        longest=tuple((token, source.ids[token]) for token in longest),
        first_merges=tuple(ranked[:_EXAMPLES]),
        last_merges=tuple(ranked[_EXAMPLES:][-_EXAMPLES:]),
    )


def view_corpus_use(
    source: Source,
    words: Strings,
    counts: NDArray[np.int64],
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
) -> CorpusUse:
    """Sum up the ids that the words of a corpus become.

    The W different words are normalised, and occur so many times, int64[W]. Their ids, int32[T],
    stand end to end, special tokens left out, between `offsets`, int64[W + 1].
    """
    pieces = np.diff(offsets)
    bad = _has(ids, offsets, source.ids.get(source.unk_token or "", -1))
    whole = (pieces == 1) & ~bad
    by_id = {id: token for token, id in source.ids.items()}
    special = source.form.special_tokens
    ordinary = [id for id in sorted(by_id) if by_id[id] not in special]
    seen = set(np.unique(ids).tolist())
    unused = [id for id in ordinary if id not in seen]
    telling = [id for id in unused if not is_placeholder(by_id[id])]
    return CorpusUse(
        words=int(counts.sum()),
        unique_words=len(words),
        whole=int(counts[whole].sum()),
        unique_whole=int(whole.sum()),
        unknown=int(counts[bad].sum()),
        tokens=int((counts * pieces).sum()),
        bytes=int((counts * np.diff(words.offsets)).sum()),
        used=len(ordinary) - len(unused),
        ordinary=len(ordinary),
        unused=tuple((by_id[id], id) for id in telling[:_EXAMPLES]),
        pieces=tuple((int(n), int(counts[pieces == n].sum())) for n in np.unique(pieces)),
        broken=tuple(_broken(words, counts, ids, offsets, by_id)),
    )


def _has(ids: NDArray[np.int32], offsets: NDArray[np.int64], id: int) -> NDArray[np.bool_]:
    """Say of each word whether `id` is among its ids."""
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(ids == id)])
    return before[offsets[1:]] > before[offsets[:-1]]


def _broken(
    words: Strings,
    counts: NDArray[np.int64],
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    by_id: dict[int, str],
) -> Iterable[tuple[str, int, tuple[str, ...]]]:
    extra = (np.diff(offsets) - 1) * counts
    for index in np.argsort(-extra, kind="stable")[:_EXAMPLES]:
        if extra[index] > 0:
            row = ids[offsets[index] : offsets[index + 1]].tolist()
            word = words.bytes_of(int(index)).decode("utf-8", "replace")
            yield word, int(counts[index]), tuple(by_id.get(id, f"#{id}") for id in row)


def vocabulary_json(view: VocabularyView, use: CorpusUse | None, source: Source) -> dict[str, Any]:
    """Return both views as JSON types."""
    fields = {name: getattr(view, name) for name in VocabularyView.__slots__}
    fields["settings"] = dict(view.settings)
    fields["special_tokens"] = dict(view.special_tokens)
    fields["lengths"] = {str(length): count for length, count in view.lengths}
    fields["scripts"] = dict(view.scripts)
    fields["longest"] = [
        {"token": token, "id": id, "text": readable(token, source.form)}
        for token, id in view.longest
    ]
    if use is not None:
        corpus = {name: getattr(use, name) for name in CorpusUse.__slots__}
        corpus["unused"] = dict(use.unused)
        corpus["pieces"] = {str(pieces): words for pieces, words in use.pieces}
        corpus["broken"] = [
            {"word": word, "count": count, "tokens": tokens} for word, count, tokens in use.broken
        ]
        fields["corpus"] = corpus
    return fields


def _going_on(tokens: Sequence[str], source: Source) -> int | None:
    """Count the tokens that go on with a word, if tokens of this vocabulary show it."""
    form = source.form
    if form.prefix:
        return sum(token.startswith(form.prefix) and token != form.prefix for token in tokens)
    if form.suffix:  # a token without it is followed by more of its word
        return sum(not token.endswith(form.suffix) for token in tokens)
    if form.byte_level or form.space:
        return sum(not body_of(token, form).startswith(" ") for token in tokens)
    return None


def _settings(source: Source) -> Iterable[tuple[str, str]]:
    for step in ("normalizer", "pre_tokenizer"):
        parts = source.step_parts(step)
        if parts:
            yield step, " + ".join(_step_text(part) for part in parts)
    for name in ("unk_token", "continuing_subword_prefix", "end_of_word_suffix"):
        if source.settings.get(name):
            yield name, str(source.settings[name])
    if source.model == "wordpiece":
        yield "max_input_chars_per_word", str(source.settings.get("max_input_chars_per_word", 100))


def _step_text(part: Any) -> str:
    switches = [name for name, value in part.items() if value is True and name != "type"]
    return f"{part['type']} ({', '.join(switches)})" if switches else part["type"]
