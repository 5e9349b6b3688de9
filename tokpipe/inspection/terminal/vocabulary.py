"""A vocabulary in figures: facts, bar charts, examples."""

from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from tokpipe.inspection.readable import TokenForm, parts_of
from tokpipe.inspection.terminal.charts import INDENT, bars, facts, title
from tokpipe.inspection.terminal.marks import (
    HEADING,
    QUIET,
    SPECIAL,
    Marks,
    cut,
    cut_line,
    flow,
    laid,
    parts_text,
)
from tokpipe.inspection.terminal.tokens import heading
from tokpipe.inspection.terminal.trace import pair_text
from tokpipe.inspection.vocabulary import CorpusUse, VocabularyView

_MOST_BARS = 16  # rows of a chart; what is more is added up in the last


@laid
def vocabulary_renderable(
    width: int, marks: Marks, view: VocabularyView, form: TokenForm
) -> Iterator[Text]:
    """Draw what a vocabulary consists of."""
    yield heading(view.name, f"{view.model}, {view.size:,} tokens", width, marks)
    yield from facts(_own_facts(view), width, marks)
    if view.special_tokens:
        yield from title("special tokens")
        specials = _with_ids(view.special_tokens, form, marks, SPECIAL)
        yield from flow(specials, width, "   ", INDENT)
    if view.lengths:
        yield from title("length, in characters")
        yield from bars(_folded(view.lengths), width, marks, right=True)
        yield from title("script")
        yield from bars(_with_rest(view.scripts), width, marks)
        yield from title("longest tokens")
        yield from flow(_with_ids(view.longest, form, marks), width, "   ", INDENT)
    for which, merges in (("first", view.first_merges), ("last", view.last_merges)):
        if merges:
            yield from title(f"{which} merges")
            yield from flow(_merges(merges, form, marks), width, "   ", INDENT)


@laid
def corpus_renderable(width: int, marks: Marks, use: CorpusUse, form: TokenForm) -> Iterator[Text]:
    """Draw how a vocabulary fares on a corpus."""
    yield Text("On the corpus", HEADING)
    yield from facts(_corpus_facts(use), width, marks)
    yield from title("tokens a word")
    yield from bars(_folded(use.pieces), width, marks, right=True)
    if use.unused:
        yield from title(f"unused tokens, {use.ordinary - use.used:,}")
        yield from flow(_with_ids(use.unused, form, marks), width, "   ", INDENT)
    if use.broken:
        yield from title("words that cost the most extra tokens")
        yield from _broken_words(use, form, width, marks)


def _own_facts(view: VocabularyView) -> Iterator[tuple[str, str]]:
    yield from view.settings
    if view.holes:
        yield "ids of no token", f"{view.holes:,}"
    if view.later is not None and view.first is not None:
        yield "begin a word", _share(view.first, view.first + view.later)
        yield "go on with one", _share(view.later, view.first + view.later)
    unit = "single bytes" if view.model == "byte-bpe" else "single characters"
    yield unit, f"{view.alphabet:,}"
    if view.merges:
        yield "merges", f"{view.merges:,}"


def _corpus_facts(use: CorpusUse) -> Iterator[tuple[str, str]]:
    yield "words", f"{use.words:,} ({use.unique_words:,} different)"
    yield "stay whole", _share(use.whole, use.words)
    yield "of different ones", _share(use.unique_whole, use.unique_words)
    yield "unknown", _share(use.unknown, use.words)
    yield "tokens a word", f"{use.tokens / max(use.words, 1):.3f}"
    yield "bytes a token", f"{use.bytes / max(use.tokens, 1):.3f}"
    yield "tokens in use", _share(use.used, use.ordinary)


def _folded(rows: Sequence[tuple[int, int]]) -> list[tuple[str | int, int]]:
    """Put what lies beyond the last bar into one."""
    shown: list[tuple[str | int, int]] = [*rows[:_MOST_BARS]]
    if len(rows) > _MOST_BARS + 1:
        return [*shown, (f"{rows[_MOST_BARS][0]}+", sum(count for _, count in rows[_MOST_BARS:]))]
    return [*rows]


def _with_rest(rows: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Put the rarest into one bar, so that shares are shares of all."""
    if len(rows) <= _MOST_BARS + 1:
        return [*rows]
    rest = rows[_MOST_BARS:]
    return [*rows[:_MOST_BARS], (f"{len(rest)} others", sum(count for _, count in rest))]


def _with_ids(
    tokens: Iterable[tuple[str, int]], form: TokenForm, marks: Marks, style: str = ""
) -> Iterator[Text]:
    for token, id in tokens:
        text = parts_text(parts_of(token, form), marks, style)
        yield Text.assemble(cut(text, 60, marks), (f" {id}", QUIET), end="")


def _merges(
    merges: Iterable[tuple[int, tuple[str, ...]]], form: TokenForm, marks: Marks
) -> Iterator[Text]:
    for rank, pair in merges:
        if len(pair) == 2:
            drawn = pair_text((pair[0], pair[1]), form, marks)
            yield Text.assemble((f"{rank:,} ", QUIET), drawn, end="")


def _broken_words(use: CorpusUse, form: TokenForm, width: int, marks: Marks) -> Iterator[Text]:
    figure = max(len(f"{count:,}") for _, count, _ in use.broken)
    for _, count, tokens in use.broken:
        line = Text(f"{INDENT}{count:>{figure},}  ", QUIET, end="")
        for index, token in enumerate(tokens):
            line.append(marks.piece if index else "", QUIET)
            line.append_text(parts_text(parts_of(token, form), marks))
        yield cut_line(line, width, marks)


def _share(part: int, whole: int) -> str:
    share = 100 * part / whole if whole else 0.0
    return f"{part:,} ({share:.{'1f' if share >= 0.05 else '1g'}} %)" if share else f"{part:,}"
