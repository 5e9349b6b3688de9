"""What the layers of a model are worth: bars of scores, and of the shares in a weighted sum."""

from collections.abc import Iterator, Sequence
from statistics import median

from rich.cells import cell_len
from rich.text import Text

from tokpipe.baselines.layers_result import LayersCompared, Probe
from tokpipe.foundation.sizes import plural
from tokpipe.inspection.terminal.charts import INDENT, title
from tokpipe.inspection.terminal.marks import (
    HEADING,
    HOT,
    QUIET,
    Marks,
    bar,
    cut,
    cut_line,
    flow,
    laid,
    pad,
    plain_text,
)

_HEADS = {"linear": "A linear model", "bilstm": "A BiLSTM"}
_RANGE, _FIGURES = 25, 45  # columns of a score and its range, and with its interval
_BAR = 40  # columns at most


@laid
def layers_renderable(width: int, marks: Marks, found: LayersCompared) -> Iterator[Text]:
    """Draw scores on the test part: the median over seeds as a bar, with least and greatest."""
    yield cut_line(plain_text(f"{found.model}, {found.task}", marks, HEADING), width, marks)
    seeds = plural(len(found.probes[0].values), "seed")
    about = (
        f"{_spaced(found.score)} of {found.test:,}, learned from {found.train:,}: median, least "
        f"and greatest of {seeds}, each with other rows held out, and the 95 % interval of the "
        f"one in the middle; majority {found.majority:.4f}"
    )
    yield from flow(plain_text(about, marks, QUIET).split(" "), width, " ", INDENT)
    for head in found.heads:
        yield from _under(head, found, width, marks)


def _under(head: str, found: LayersCompared, width: int, marks: Marks) -> Iterator[Text]:
    """Draw what came of one head."""
    probes = found.under(head)
    between = [probe for probe in probes if probe.name.startswith("layer ")]
    yield from title(f"{_HEADS[head]}: layers, and several together")
    yield from _bars([one for one in probes if one not in between], found, width, marks)
    if between:
        yield from title(f"{_HEADS[head]}: layers between")
        yield from _bars(between, found, width, marks)
    for probe in probes:
        if probe.mix:
            yield from title("Shares in the weighted sum, the median over seeds")
            yield from _shares(probe, width, marks)
    second = list(probes[0].scores)[1]
    yield from title(f"The median of {_spaced(second)}")
    for probe in probes:
        line = Text.assemble(INDENT, pad(Text(probe.name, end=""), _label(found)))
        line.append(f"  {median(probe.scores[second]):.4f}")
        yield cut_line(line, width, marks)


def _bars(
    probes: Sequence[Probe], found: LayersCompared, width: int, marks: Marks
) -> Iterator[Text]:
    best = max(probe.median for probe in found.probes)
    beside = width - len(INDENT) - _label(found)
    with_interval = beside >= _FIGURES
    label = min(_label(found), max(width - len(INDENT) - _RANGE, 4))
    room = min(beside - _FIGURES - 2, _BAR)
    for probe in probes:
        name = cut(Text(probe.name, end=""), label, marks)
        line = Text.assemble(INDENT, pad(name, label))
        line.append(f"  {probe.median:.4f}", HOT if probe.median == best else "")
        line.append(f"  {min(probe.values):.4f} {marks.dash} {max(probe.values):.4f}", QUIET)
        if with_interval:
            low, high = probe.interval
            line.append(f"  ({low:.4f} to {high:.4f})", QUIET)
        if room > 3:
            line.append(f"  {bar(max(probe.median, 0.0), 1.0, room, marks)}", "cyan")
        yield cut_line(line, width, marks)


def _shares(probe: Probe, width: int, marks: Marks) -> Iterator[Text]:
    shares = [median(each) for each in zip(*probe.mix, strict=True)]
    room = min(width - len(INDENT) - 20, _BAR)
    for layer, share in enumerate(shares):
        name = f"layer {layer}" if layer else "embeddings"
        line = Text.assemble(INDENT, f"{name:<10}", f"  {share:.4f}")
        if room > 3:
            line.append(f"  {bar(share, max(shares), room, marks)}", "cyan")
        yield cut_line(line, width, marks)


def _label(found: LayersCompared) -> int:
    return max(cell_len(probe.name) for probe in found.probes)


def _spaced(score: str) -> str:
    return score.replace("_", " ")
