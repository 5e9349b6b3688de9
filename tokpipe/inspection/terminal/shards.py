"""A shard folder in figures and in examples."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from tokpipe.foundation.sizes import plural
from tokpipe.inspection.intervals import Share
from tokpipe.inspection.shards import Measured, Shown, SplitView
from tokpipe.inspection.terminal.charts import bars, facts, title
from tokpipe.inspection.terminal.marks import HEADING, QUIET, Marks, flow, laid, plain_text
from tokpipe.inspection.terminal.masking import Vocabulary, legend, masked_lines
from tokpipe.inspection.terminal.tokens import heading
from tokpipe.shards.reader import Shards

_LABELS = {"nsp": ("next", "random next"), "sop": ("in order", "swapped")}


@laid
def shards_renderable(
    width: int, marks: Marks, shards: Shards, views: Sequence[SplitView], vocabulary: Vocabulary
) -> Iterator[Text]:
    """Draw what a shard folder holds."""
    yield heading(str(shards.folder), _about(shards), width, marks)
    for view in views:
        yield from title(view.split.name)
        yield from facts(_facts(shards, view, marks), width, marks)
        if view.measured is None:
            continue
        yield from title(f"{view.split.name}, examples by tokens")
        rows = [
            (f"{a}" if a == b else f"{a}{marks.dash}{b}", count) for a, b, count in view.lengths
        ]
        yield from bars(rows, width, marks, right=True)
        for shown in view.examples:
            yield Text()
            yield from _example(shown, shards, vocabulary, width, marks)
    if any(view.examples for view in views):
        yield Text()
        yield from legend(marks, width)


def _about(shards: Shards) -> str:
    masks, examples = shards.masks, shards.examples
    copies = f" in {masks.dupe_factor} copies" if masks.masking == "static" else ""
    task = {"nsp": "next sentence", "sop": "sentence order"}.get(examples.task, "no pairs")
    return f"{examples.recipe}, {task}, {masks.masking} masks{copies}"


def _facts(shards: Shards, view: SplitView, marks: Marks) -> Iterator[tuple[str, str]]:
    split, longest = view.split, shards.examples.max_seq_length
    yield "examples", f"{split.rows:,} in {plural(len(split.files), 'file')}"
    if view.measured is None:
        return
    yield "tokens", f"{split.tokens:,}, {split.tokens / split.rows:.1f} an example"
    yield from _shares(shards, view.measured, marks)
    yield "padded to", f"{longest}: {100 * view.padding:.1f} % of all positions wasted"
    in_batches = f"the longest of 32: {100 * view.padding_in_batches:.1f} % wasted"
    yield "", in_batches
    measured = view.measured
    counted = f"on {measured.examples:,} examples"
    if measured.examples < split.rows:
        counted += ", drawn at random"
    drawn = "as stored" if shards.masks.masking == "static" else "of the first epoch"
    yield "measured", f"{counted}; masks {drawn}; 99 % intervals"


def _shares(shards: Shards, measured: Measured, marks: Marks) -> Iterator[tuple[str, str]]:
    masks = shards.masks
    kept = 1 - masks.mask_replace_prob - masks.random_replace_prob
    asked = _percent(measured.masked, masks.masked_lm_prob, marks)
    yield "masked", f"{asked} of each, rounded"
    yield f"{marks.arrow} mask", _percent(measured.mask, masks.mask_replace_prob, marks)
    yield f"{marks.arrow} random", _percent(measured.random, masks.random_replace_prob, marks)
    yield f"{marks.arrow} kept", _percent(measured.kept, max(kept, 0), marks)
    if measured.labels:
        yield _LABELS[shards.examples.task][1], _percent(measured.labels, None, marks)


def _percent(share: Share, asked: float | None, marks: Marks) -> str:
    low, high = 100 * share.low, 100 * share.high
    text = f"{100 * share.value:.2f} % ({low:.2f}{marks.dash}{high:.2f} %)"
    return text if asked is None else f"{text}, asked {100 * asked:g} %"


def _example(
    shown: Shown, shards: Shards, vocabulary: Vocabulary, width: int, marks: Marks
) -> Iterator[Text]:
    words = [f"{shown.file}, row {shown.row:,}", f"{len(shown.ids)} tokens"]
    if shown.label is not None:
        words.append(f"{_LABELS[shards.examples.task][shown.label]} ({shown.label})")
    items = [plain_text(words[0], marks, HEADING)]
    yield from flow([*items, *(Text(word, QUIET, end="") for word in words[1:])], width, ", ")
    segments = shown.segments.tolist()
    start = segments.index(1) if 1 in segments else len(segments)
    for first, last in ((0, start), (start, len(segments))):
        if last > first:
            yield from masked_lines(
                shown.ids[first:last].tolist(),
                shown.masked[first:last].tolist(),
                [p - first for p in shown.positions.tolist() if first <= p < last],
                vocabulary,
                (width, marks),
            )
