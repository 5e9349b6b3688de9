"""Masked text, and the masking of one example step by step."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.text import Text

from tokpipe.examples.config import MaskConfig
from tokpipe.examples.kernels.mask_trace import KEPT, MASKED, PART, Draw, Fate, MaskTrace
from tokpipe.inspection.readable import TokenForm, parts_of
from tokpipe.inspection.terminal.charts import INDENT, source, title
from tokpipe.inspection.terminal.marks import (
    GOOD,
    HEADING,
    HOT,
    QUIET,
    SPECIAL,
    Marks,
    chunks,
    flow,
    laid,
    pad,
    parts_text,
    plain_text,
)

_ABOUT = (
    "To learn a language, a model has to guess some tokens (words or pieces of words) that are "
    "covered by a mask. {} tokens, such as [CLS] and [SEP], mark where a text begins and "
    "ends. The same settings always give the same draws."
)
_SOURCE = 'J. Devlin et al., "BERT" (2018), 3.1, task 1; Y. Liu et al., "RoBERTa" (2019), 4.1'
_BECOMES = {MASKED: "bold red", KEPT: GOOD}  # a random token is yellow


class Vocabulary(NamedTuple):
    """What views write ids with: the tokens by id, and how they are written."""

    tokens: Sequence[str]
    form: TokenForm


def token_text(token: int, vocabulary: Vocabulary, marks: Marks, style: str = "") -> Text:
    """Draw a token by its id."""
    name = vocabulary.tokens[token]
    if not style and name in vocabulary.form.special_tokens:
        style = SPECIAL
    return parts_text(parts_of(name, vocabulary.form), marks, style)


def masked_lines(
    ids: Sequence[int],
    masked: Sequence[int],
    positions: Iterable[int],
    vocabulary: Vocabulary,
    place: tuple[int, Marks],
) -> Iterator[Text]:
    """Draw what a model gets, and under each chosen token what stood there (= the same)."""
    width, _ = place
    chosen = set(positions)
    above, below = Text(INDENT), Text(INDENT)
    for position, (was, now) in enumerate(zip(ids, masked, strict=True)):
        for top, bottom in _cells(was, now, position in chosen, vocabulary, place):
            columns = max(top.cell_len, bottom.cell_len)
            if above.cell_len > len(INDENT) and above.cell_len + columns > width:
                yield from _set(above, below)
                above, below = Text(INDENT), Text(INDENT)
            above.append_text(pad(top, columns)).append(" ")
            below.append_text(pad(bottom, columns)).append(" ")
    yield from _set(above, below)


def _cells(
    was: int, now: int, chosen: bool, vocabulary: Vocabulary, place: tuple[int, Marks]
) -> Iterator[tuple[Text, Text]]:
    width, marks = place
    style, note = "", Text(end="")
    if chosen and now == was:
        style, note = GOOD, Text("=", GOOD, end="")
    elif chosen:
        is_mask = vocabulary.tokens[now] in vocabulary.form.special_tokens
        style = "bold red" if is_mask else "yellow"
        note = token_text(was, vocabulary, marks, HOT)
    most = max(width - len(INDENT), 4)
    tops = chunks(token_text(now, vocabulary, marks, style), most)
    notes = chunks(note, most)
    for i in range(max(len(tops), len(notes))):
        yield (
            tops[i] if i < len(tops) else Text(end=""),
            notes[i] if i < len(notes) else Text(end=""),
        )


def _set(above: Text, below: Text) -> Iterator[Text]:
    for line in (above, below):
        line.rstrip()
        line.no_wrap, line.overflow = True, "ignore"
        if line.plain:
            yield line


@laid
def mask_trace_renderable(
    width: int, marks: Marks, trace: MaskTrace, config: MaskConfig, vocabulary: Vocabulary, key: str
) -> Iterator[Text]:
    """Draw the masking of one example from its candidates to its result.

    `key` says in words what the draws hang on.
    """
    drawer = _Drawer(trace, config, vocabulary, (width, marks))
    yield Text("Masking", HEADING)
    sign = _pieces(vocabulary.form, marks)
    about = _ABOUT.format(f"{sign}; special" if sign else "Special")
    yield from flow(plain_text(about, marks).split(" "), width, " ", "")
    yield from drawer.wrapped(f"draws depend on {key}", QUIET)
    yield from drawer.candidates()
    yield from drawer.number()
    yield from drawer.order()
    yield from drawer.fates()
    yield from title("5. What the model gets, and under it what it must find")
    yield from masked_lines(trace.ids, trace.masked, trace.positions, vocabulary, (width, marks))
    yield from source(_SOURCE, width, marks)


def _pieces(form: TokenForm, marks: Marks) -> str:
    """Say by what the vocabulary tells pieces of words from words, if there is a sign for it."""
    if form.prefix:
        return f"{form.prefix} begins a piece that goes on with a word"
    if form.suffix:
        return f"{form.suffix} ends a word"
    return f"{marks.space} is a space" if form.byte_level or form.space else ""


class _Drawer:
    """One trace, one width, one set of signs."""

    def __init__(
        self,
        trace: MaskTrace,
        config: MaskConfig,
        vocabulary: Vocabulary,
        place: tuple[int, Marks],
    ) -> None:
        self.trace, self.config, self.vocabulary = trace, config, vocabulary
        self.width, self.marks = place
        self.groups = {group[0]: group for group in trace.groups}

    def candidates(self) -> Iterator[Text]:
        """Show what may be chosen."""
        what = "words" if self.config.by_words else "tokens"
        yield from title(f"1. What may be chosen: {what}, special tokens never")
        items = [self._group(group) for group in self.trace.candidates]
        yield from flow(items, self.width, "  ", INDENT)
        tokens = sum(map(len, self.trace.candidates))
        special = len(self.trace.ids) - tokens
        words = f"{len(self.trace.candidates)} words, " if self.config.by_words else ""
        yield from self.wrapped(
            f"{words}{tokens} of {len(self.trace.ids)} tokens, {special} special ones left out",
            QUIET,
        )

    def number(self) -> Iterator[Text]:
        """Show how many are to be chosen."""
        config, length = self.config, len(self.trace.ids)
        yield from title("2. How many tokens")
        share = config.masked_lm_prob
        yield from self.wrapped(f"the share to guess is set to {share:g}", QUIET)
        text = f"round({share:g} x {length}) = round({share * length:.2f}) = "
        text += f"{round(share * length)}, at least 1"
        if config.max_predictions_per_seq:
            text += f", at most {config.max_predictions_per_seq}"
        yield from self.wrapped(f"{text.replace(' x ', f' {self.marks.times} ')}", "")
        yield from self.wrapped(f"so {self.trace.wanted} of the {length} tokens", "bold")

    def order(self) -> Iterator[Text]:
        """Show which were drawn, and what was passed over."""
        yield from title(
            "3. Which: each draw swaps a token to the front; the next is from the rest"
        )
        for number, draw in enumerate(self.trace.draws, 1):
            yield from self._draw(number, draw)
        missing = self.trace.draws[-1].left if self.trace.draws else self.trace.wanted
        if missing:
            yield from self.wrapped(f"nothing else fits: {missing} fewer than asked", QUIET)

    def _draw(self, number: int, draw: Draw) -> Iterator[Text]:
        last = draw.first + draw.count - 1
        head = Text(f"draw {number}: place {draw.place} of {draw.first} to {last}", QUIET, end="")
        items = [head, Text(self.marks.arrow, end="")]
        if self.config.span != "none" and draw.reason != PART:
            items.append(Text(f"a span of {draw.words}", end=""))
        # of a word that is too long the one token that was tried
        tried = [draw.taken if draw.reason == PART else self.groups[i] for i in draw.groups]
        items += map(self._group, tried)
        if draw.taken:
            items.append(Text(f"taken, {draw.left} left", GOOD, end=""))
        if draw.reason:
            then = "then " if draw.taken and draw.reason != PART else ""
            items.append(Text(f"{then}{draw.reason}", "yellow", end=""))
        yield from flow(items, self.width, " ", INDENT)

    def fates(self) -> Iterator[Text]:
        """Show what became of each."""
        config = self.config
        mask, random = config.mask_replace_prob, config.random_replace_prob
        shares = f"{mask:g} mask, {random:g} random, {max(1 - mask - random, 0):g} kept"
        yield from title(f"4. What becomes of them, by a draw from 0 to 1: {shares}")
        why = "one that stays teaches the model to trust no token it sees"
        yield from self.wrapped(
            f"below {mask:g} the mask, to {mask + random:g} a random token; {why}", QUIET
        )
        for fate in self.trace.fates:
            yield from self._fate(fate)

    def _fate(self, fate: Fate) -> Iterator[Text]:
        mask = self.config.mask_replace_prob
        upper = mask + self.config.random_replace_prob
        rule, style = f"{fate.unit:.4f} < {mask:g}", _BECOMES.get(fate.becomes, "yellow")
        if fate.becomes != MASKED:
            rule = f"{mask:g} <= {fate.unit:.4f} < {upper:g}"
        if fate.becomes == KEPT:
            rule = f"{fate.unit:.4f} >= {upper:g}"
        was = token_text(self.trace.ids[fate.position], self.vocabulary, self.marks, "bold")
        items = [Text(f"{fate.position}", QUIET, end=""), was, Text(rule, end="")]
        items.append(Text(self.marks.arrow, end=""))
        if fate.becomes == KEPT:
            items.append(Text("stays", style, end=""))
        else:
            items.append(token_text(fate.token, self.vocabulary, self.marks, style))
        if fate.becomes not in (MASKED, KEPT):
            items.append(Text("(a random token)", QUIET, end=""))
        yield from flow(items, self.width, " ", INDENT)

    def _group(self, group: Sequence[int]) -> Text:
        drawn = Text(end="")
        for position in group:
            drawn.append_text(token_text(self.trace.ids[position], self.vocabulary, self.marks))
            drawn.append(" " if position != group[-1] else "")
        return drawn.append(f" {group[0]}", QUIET)

    def wrapped(self, text: str, style: str) -> Iterable[Text]:
        """Draw a sentence of ours, indented."""
        return flow(
            [Text(word, style, end="") for word in text.split(" ")], self.width, " ", INDENT
        )


def legend(marks: Marks, width: int) -> Iterable[Text]:
    """Explain the line under a masked text."""
    notes = ["under a token: what stood there", "=: chosen, but kept"]
    return flow([Text(note, QUIET, end="") for note in notes], width, "   ")


def column_width(texts: Iterable[Text]) -> int:
    """Return the columns that the widest text takes."""
    return max((cell_len(text.plain) for text in texts), default=0)
