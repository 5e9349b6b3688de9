"""Training, step by step, as a textbook prints it: pair table, choice, ties, the words after it."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from tokpipe.foundation.sizes import plural
from tokpipe.inspection.explain import Explanation, reason
from tokpipe.inspection.readable import TokenForm, parts_of
from tokpipe.inspection.terminal.charts import source
from tokpipe.inspection.terminal.marks import (
    GOOD,
    HEADING,
    HOT,
    QUIET,
    Laid,
    Marks,
    flow,
    laid,
    pad,
    parts_text,
    plain_text,
    whole_line,
)
from tokpipe.inspection.terminal.trace import pair_text, symbols_text, trace_renderable
from tokpipe.vocab.steps import MergeStep, PairRow

_INDENT = "  "
_MOST_ROWS = 10  # pairs of a step
_MOST_WORDS = 24  # words after a step, a few lines
_TIE_BREAKS = {
    "first-seen": "of pairs as frequent: the shortest, then the first seen, as textbooks do",
    "lowest-id": "of pairs as frequent: the lowest ids, as Hugging Face does",
}
_ABOUT = {
    "bpe": "A text is cut into symbols, at first its characters. In each step two neighbours (a "
    "pair) become one new symbol. All symbols together are the vocabulary, its tokens.",
    "wordpiece": "Words are cut into pieces, at first their characters. ## marks a piece inside a "
    "word; a number after a word is how often it occurs. In each step two neighbours (a pair) "
    "become one piece. All pieces together are the vocabulary, its tokens.",
}


_SOURCES = {
    "bpe": 'P. Gage, "A New Algorithm for Data Compression" (1994); R. Sennrich, B. Haddow and '
    'A. Birch, "Neural Machine Translation of Rare Words with Subword Units" (2016)',
    "wordpiece": 'M. Schuster and K. Nakajima, "Japanese and Korean Voice Search" (2012), 3; '
    'Y. Wu et al., "Google\'s Neural Machine Translation System" (2016), 4.1',
}


@laid
def explanation_renderable(width: int, marks: Marks, explanation: Explanation) -> Iterator[Text]:
    """Draw a training run from its first to its last step."""
    drawer = _Drawer(explanation, width, marks)
    yield from drawer.introduction()
    for number, step in enumerate(explanation.trace.steps, 1):
        yield from drawer.step(number, step)
    yield from drawer.result()


def encoded_renderable(explanation: Explanation) -> Laid | None:
    """Draw how the learnt vocabulary encodes the further word, if one was given."""
    if explanation.encoded is None:
        return None
    wordpiece = explanation.config.model == "wordpiece"
    title = "encoded by longest match" if wordpiece else "encoded by the merges, in their order"
    return trace_renderable(explanation.encoded, _form(explanation), title)


@laid
def source_renderable(width: int, marks: Marks, explanation: Explanation) -> Iterator[Text]:
    """Draw where the algorithm is from."""
    yield from source(_SOURCES[explanation.config.model], width, marks)


class _Drawer:
    """One explanation, one width, one set of signs."""

    def __init__(self, explanation: Explanation, width: int, marks: Marks) -> None:
        self.explanation = explanation
        self.config = explanation.config
        self.width = width
        self.marks = marks
        self.form = _form(explanation)
        self.likelihood = self.config.score == "likelihood"

    def introduction(self) -> Iterator[Text]:
        """Say what is done, by which rule, and where it starts."""
        what = "WordPiece" if self.config.model == "wordpiece" else "Byte pair encoding"
        yield Text(what, HEADING)
        yield from flow(
            plain_text(_ABOUT[self.config.model], self.marks).split(" "), self.width, " ", ""
        )
        rule = (
            "the highest count(pair) / (count(left) x count(right))"
            if self.likelihood
            else "the pair that occurs most often; in aaa (a, a) occurs twice"
        )
        yield Text(f"merge  {rule.replace(' x ', f' {self.marks.times} ')}", QUIET)
        yield Text(f"ties   {_TIE_BREAKS[self.config.tie_break]}", QUIET)
        yield Text()
        steps = self.explanation.trace.steps
        yield from self._words(steps[0].words if steps else self.explanation.trace.words)

    def step(self, number: int, step: MergeStep) -> Iterator[Text]:
        """Draw one merge: its table, its tie, and the words after it."""
        yield Text()
        title = Text(f"Step {number}  ", HEADING, end="")
        title.append_text(self._symbol(step.token, HOT))
        title.append(" = ")
        if self.explanation.names:
            title.append_text(self._symbol(step.left)).append_text(self._symbol(step.right))
        else:
            title.append_text(self._pair(step.left, step.right))
        yield whole_line(title)
        yield from self._table(step)
        yield from self._notes(step)
        steps = self.explanation.trace.steps
        after = steps[number].words if number < len(steps) else self.explanation.trace.words
        yield from self._words(after, step.token)

    def result(self) -> Iterator[Text]:
        """Say where it ended and why."""
        trace, made = self.explanation.trace, len(self.explanation.trace.steps)
        yield Text()
        if made < self.explanation.wanted:
            floor = max(1, self.config.min_frequency)
            seldom = f" that occurs at least {floor:,} times" if floor > 1 else ""
            yield Text(f"No pair is left{seldom}.", QUIET)
        if self.explanation.names:
            named = [self._definition(step) for step in trace.steps]
            yield from flow(named, self.width, ", ")
        before = sum(len(word) * count for word, count in self.explanation.words.items())
        after = sum(len(symbols) * count for symbols, count in trace.words)
        size = plural(len(trace.tokens), "token")
        yield Text(f"{plural(before, 'symbol')} became {after:,}; the vocabulary has {size}:")
        tokens = [self._symbol(token) for token in trace.tokens]
        yield from flow(tokens, self.width, "  ", _INDENT)

    def _table(self, step: MergeStep) -> Iterator[Text]:
        rows = step.table[:_MOST_ROWS]
        if step.chosen not in rows:
            rows = [*rows[:-1], step.chosen]
        pairs = [self._pair(row.left, row.right) for row in rows]
        room = max(pair.cell_len for pair in pairs)
        heads, cells = self._figures(rows, self.width - room - 5)
        yield Text(f"{_INDENT}{'pair':<{room}}{heads}", QUIET)
        for row, pair, figures in zip(rows, pairs, cells, strict=True):
            line = Text.assemble(_INDENT, pad(pair, room), figures)
            if row is step.chosen:
                line.append(f"  {self.marks.good}", GOOD)
                line.stylize("bold")
            elif not row.allowed:
                line.append(f"  below {self.config.min_frequency}", QUIET)
            yield line
        if len(step.table) > len(rows):
            more = len(step.table) - len(rows)
            yield Text(f"{_INDENT}{self.marks.more} {more:,} more", QUIET)

    def _figures(self, rows: Sequence[PairRow], room: int) -> tuple[str, list[str]]:
        counts = _column("count", [f"{row.count:,}" for row in rows])
        if not self.likelihood:
            return counts[0], counts[1:]
        left = _column("left", [f"{row.left_count:,}" for row in rows])
        right = _column("right", [f"{row.right_count:,}" for row in rows])
        ratios = _column("score", [str(row.score) for row in rows])
        decimals = _column("", [f"= {float(row.score):.4f}" for row in rows])
        columns = [counts, left, right, ratios, decimals]
        for expendable in (decimals, right, left, counts):
            if sum(len(column[0]) for column in columns) > room:
                columns.remove(expendable)
        lines = ["".join(parts) for parts in zip(*columns, strict=True)]
        return lines[0], lines[1:]

    def _notes(self, step: MergeStep) -> Iterator[Text]:
        if step.ties:
            tied = [self._pair(row.left, row.right) for row in (step.chosen, *step.ties[:5])]
            if len(step.ties) > 5:
                tied.append(Text(f"{self.marks.more} {len(step.ties) - 5:,} more", end=""))
            why = tied[0].copy().append(f" {reason(step, self.config)}")
            at = Text(f"tie at {step.chosen.score}:", "yellow", end="")
            items = [at, *tied, Text(self.marks.arrow, end=""), why]
            yield from flow(items, self.width, " ", _INDENT)
        commonest = max((row for row in step.table if row.allowed), key=lambda row: row.count)
        if self.likelihood and commonest.count > step.chosen.count:
            text = Text(f"{_INDENT}BPE would take ", QUIET, end="")
            text.append_text(self._pair(commonest.left, commonest.right))
            text.append(f", the commonest with {commonest.count:,}")
            yield whole_line(text)

    def _words(self, words: Sequence[tuple[list[str], int]], new: str = "") -> Iterator[Text]:
        if self.explanation.names or (len(words) == 1 and not new and self._plain):
            text = Text(end="")
            for symbol in words[0][0]:
                text.append_text(self._symbol(symbol, HOT if symbol == new else ""))
            yield Text.assemble(_INDENT, f"{self.marks.arrow} " if new else "", text)
            return
        shown = []
        for symbols, count in words[:_MOST_WORDS]:
            text = symbols_text(symbols, self.form, self.marks, (new,))
            text.append(f" {self.marks.times}{count:,}", QUIET)
            shown.append(text)
        if len(words) > _MOST_WORDS:
            shown.append(Text(f"{self.marks.more} {len(words) - _MOST_WORDS:,} more words", QUIET))
        yield from flow(shown, self.width, "   ", _INDENT)

    @property
    def _plain(self) -> bool:
        return not self.config.prefix and not self.config.end_of_word_suffix

    def _definition(self, step: MergeStep) -> Text:
        parts = self._symbol(step.left), self._symbol(step.right)
        return Text.assemble(self._symbol(step.token, HOT), " = ", *parts, end="")

    def _pair(self, left: str, right: str) -> Text:
        name = self.explanation.name
        return pair_text((name(left), name(right)), self.form, self.marks)

    def _symbol(self, token: str, style: str = "") -> Text:
        return parts_text(parts_of(self.explanation.name(token), self.form), self.marks, style)


def _column(head: str, cells: Sequence[str]) -> list[str]:
    width = max(map(len, (head, *cells)))
    return [f"  {cell:>{width}}" for cell in (head, *cells)]


def _form(explanation: Explanation) -> TokenForm:
    config = explanation.config
    return TokenForm(prefix=config.prefix, suffix=config.end_of_word_suffix)
