"""What a model is worth on labelled data: scores, classes, confusions and mistakes, drawn."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from rich.cells import cell_len
from rich.text import Text

from tokpipe.foundation.sizes import plural
from tokpipe.inspection.terminal.charts import INDENT, title
from tokpipe.inspection.terminal.marks import (
    BAD,
    HEADING,
    HOT,
    QUIET,
    Laid,
    Marks,
    cut,
    cut_line,
    flow,
    pad,
    plain_text,
)
from tokpipe.metrics.classes import ClassRow
from tokpipe.metrics.scores import Scores
from tokpipe.tasks.judge import Judged
from tokpipe.tasks.mistakes import Mistake

_LONGEST_LABEL = 16  # columns
_TEXT = 400  # characters of a text that are shown of a mistake
_PAIRS = 15  # confusions shown where a table of all would be too wide
_ROWS = {"ner": "sentence", "pos": "sentence", "qa": "question"}


def judged_renderable(judged: Judged, name: str) -> Laid:
    """Draw an evaluation."""

    def lay(width: int, marks: Marks) -> Iterator[Text]:
        yield cut_line(plain_text(name, marks, HEADING), width, marks)
        speed = judged.rows / judged.seconds if judged.seconds else 0.0
        rows = plural(judged.rows, _ROWS.get(judged.task, "text"))
        about = f"{judged.task}: {rows}, {speed:,.0f} a second"
        yield Text(f"{INDENT}{about}", QUIET)
        yield Text()
        yield from _scores(judged.scores, width, marks)
        yield from _chosen(judged, width, marks)
        if judged.classes:
            yield from title("Kinds of entities" if judged.strict else "Classes")
            yield from _classes(judged.classes, judged.strict, width, marks)
        if judged.confusion is not None:
            yield from _confusions(judged, width, marks)
        if judged.mistakes:
            yield from title("Mistakes, the surest first")
            for mistake in judged.mistakes:
                yield from _mistake(mistake, width, marks, judged.task)

    return Laid(lay)


def _scores(scores: Scores, width: int, marks: Marks) -> Iterator[Text]:
    label = max(len(score.name) for score in scores.scores)
    for number, score in enumerate(scores.scores):
        line = Text.assemble(INDENT, f"{score.name.replace('_', ' '):<{label}}  ")
        line.append(_figure(score.value), HOT if number == 0 else "")
        if math.isfinite(score.low):
            line.append(f"  {score.low:.4f} to {score.high:.4f}", QUIET)
        if number == 0:
            line.append(f"  n {scores.n:,}, majority {_figure(scores.majority)}", QUIET)
        yield cut_line(line, width, marks)
    for note in scores.notes:
        yield from flow(plain_text(note, marks, QUIET).split(" "), width, " ", INDENT)


def _chosen(judged: Judged, width: int, marks: Marks) -> Iterator[Text]:
    """Draw what was chosen in training, and what had been the best for these rows."""
    said = [f"{name.replace('_', ' ')} {value:.4f}" for name, value in judged.tuned.items()]
    if judged.best:
        best = [f"{name.replace('_', ' ')} {value:.4f}" for name, value in judged.best.items()]
        said.append(f"best for these very rows: {', '.join(best)}")
    for line in said:
        yield from flow(plain_text(line, marks, QUIET).split(" "), width, " ", INDENT)


def _figure(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else "none"


def _classes(
    rows: Sequence[ClassRow], strict: Sequence[ClassRow], width: int, marks: Marks
) -> Iterator[Text]:
    names = [plain_text(row.name, marks) for row in rows]
    label = min(max(cell_len(name.plain) for name in names), max(width - 46, _LONGEST_LABEL))
    heads = ("precision", "recall", "F1", *(("strict F1",) if strict else ()), "n")
    yield Text(f"{INDENT}{'':<{label}}" + "".join(f"{head:>10}" for head in heads), QUIET)
    for number, (name, row) in enumerate(zip(names, rows, strict=True)):
        figures = [row.precision, row.recall, row.f1]
        figures += [strict[number].f1] if strict else []
        line = Text.assemble(INDENT, pad(cut(name, label, marks), label))
        line.append("".join(f"{figure:>10.4f}" for figure in figures))
        line.append(f"{row.support:>10,}", QUIET)
        yield line


def _confusions(judged: Judged, width: int, marks: Marks) -> Iterator[Text]:
    counts, names = judged.confusion, [plain_text(name, marks) for name in judged.names]
    assert counts is not None
    label = min(max((cell_len(name.plain) for name in names), default=0), _LONGEST_LABEL)
    figure = max(label, len(f"{int(counts.max(initial=0)):,}")) + 2
    if len(INDENT) + label + figure * len(names) > width:
        yield from _confused_pairs(counts, names, width, marks)
        return
    yield from title("Right answers (rows) and what was said (columns)")
    heads = [pad(cut(name, label, marks), figure, right=True) for name in names]
    yield Text.assemble(INDENT, " " * label, *heads, style=QUIET)
    for row, name in enumerate(names):
        line = Text.assemble(INDENT, pad(cut(name, label, marks), label))
        for column, count in enumerate(counts[row].tolist()):
            wrong = count > 0 and row != column
            line.append(f"{count:>{figure},}", BAD if wrong else "" if count else QUIET)
        yield line


def _confused_pairs(
    counts: np.ndarray, names: Sequence[Text], width: int, marks: Marks
) -> Iterator[Text]:
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_PAIRS]
    pairs = [divmod(int(place), len(names)) for place in order if wrong.flat[place]]
    yield from title("Taken for another, the most frequent")
    for gold, said in pairs:
        line = Text.assemble(f"{INDENT}{int(wrong[gold, said]):>8,}  ", names[gold])
        line.append(f" {marks.arrow} ", QUIET).append_text(names[said])
        yield cut_line(line, width, marks)


def _mistake(mistake: Mistake, width: int, marks: Marks, task: str) -> Iterator[Text]:
    sure = mistake.confidence
    figure = f"off by {sure:.4g}" if task == "regression" else f"{100 * sure:.2f} %"
    line = Text.assemble(INDENT, (f"{figure}  ", QUIET), plain_text(mistake.said, marks, BAD))
    line.append(", right is ", QUIET).append_text(plain_text(mistake.gold, marks, "green"))
    place = plain_text(mistake.place, marks, QUIET)
    if cell_len(line.plain) + cell_len(place.plain) + 2 <= width:
        yield Text.assemble(line, "  ", place)
    else:
        yield cut_line(line, width, marks)
        room = width - len(INDENT * 2)
        yield Text.assemble(INDENT * 2, cut(place, room, marks, keep_end=True))
    text = mistake.text if len(mistake.text) <= _TEXT else f"{mistake.text[:_TEXT]}{marks.more}"
    yield from flow(plain_text(text, marks).split(" "), width, " ", INDENT * 2)
