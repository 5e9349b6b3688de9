"""A model as a tree of its tensors, with their sizes; and tokens with their probabilities."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from rich.cells import cell_len
from rich.text import Text

from tokpipe.bert.registry import beside_encoder
from tokpipe.foundation.sizes import plural
from tokpipe.inspection.model import ModelView, TensorRow, Work
from tokpipe.inspection.readable import TokenForm, parts_of
from tokpipe.inspection.terminal.charts import INDENT, facts
from tokpipe.inspection.terminal.marks import (
    HEADING,
    HOT,
    QUIET,
    Marks,
    bar,
    cut,
    cut_line,
    laid,
    pad,
    parts_text,
    plain_text,
)
from tokpipe.inspection.terminal.tokens import heading

_BAR = 20  # columns at most: so names, shapes and figures still fit into 80


@laid
def model_renderable(width: int, marks: Marks, view: ModelView) -> Iterator[Text]:
    """Draw a model: facts, tree, work."""
    stored = ", ".join(view.stored)
    yield heading(view.name, f"{view.family}, stored as {stored}", width, marks)
    yield from facts(_facts(view), width, marks)
    yield Text()
    yield from _tree(view, width, marks)
    yield Text()
    yield from _work(view.work, width, marks)


@laid
def scores_renderable(
    width: int,
    marks: Marks,
    title: str,
    rows: Sequence[tuple[str, float]],
    *,
    form: TokenForm | None = None,
    percent: bool = True,
) -> Iterator[Text]:
    """Draw names with bars: probabilities, or cosines; `percent` says whether they are shares.

    Foreign text in the title is made visible. `form` writes tokens, where the names are tokens.
    """
    if title:
        yield cut_line(plain_text(title, marks, HEADING), width, marks)
    names = [_name(name, form, marks) for name, _ in rows]
    label = min(max((cell_len(name.plain) for name in names), default=0), max(width - 14, 8))
    room = max(min(width - label - 14, 40), 0)
    most = 1.0 if percent else max((value for _, value in rows), default=1.0)
    for name, (_, value) in zip(names, rows, strict=True):
        figure = f"{100 * value:6.2f} %" if percent else f"{value:8.3f}"
        line = Text.assemble(INDENT, pad(cut(name, label, marks), label), (f" {figure}", QUIET))
        if room > 3:
            line.append(f" {bar(max(value, 0), most, room, marks)}", "cyan")
        yield line


def _name(name: str, form: TokenForm | None, marks: Marks) -> Text:
    return plain_text(name, marks) if form is None else parts_text(parts_of(name, form), marks)


def _facts(view: ModelView) -> Iterator[tuple[str, str]]:
    config = view.config
    yield "layers", f"{config.num_hidden_layers}"
    yield "hidden size", f"{config.hidden_size:,}"
    yield "heads", f"{config.num_attention_heads} of {config.head_size}"
    yield "vocabulary", plural(config.vocab_size, "token")
    yield "longest text", "any" if config.longest is None else f"{config.longest:,} tokens"
    yield "variant", _variant(view)
    yield "beside encoder", beside_encoder(view.config)
    if view.vectors:
        yield "text vectors", view.vectors
    mib = 4 * view.parameters / (1 << 20)
    yield "parameters", f"{view.parameters:,} ({mib:,.1f} MiB as float32)"
    yield "encoder + pooler" if config.pooler else "encoder", f"{view.encoder:,}"


def _variant(view: ModelView) -> str:
    config = view.config
    gate = " gates" if config.ffn == "glu" else ""
    parts = [
        f"{config.hidden_act}{gate}",
        f"{config.position} positions",
        f"{config.norm_position}-norm",
    ]
    if config.share_layers != "none":
        parts.append(f"layers share {config.share_layers}")
    return ", ".join(parts)


def _tree(view: ModelView, width: int, marks: Marks) -> Iterator[Text]:
    lines = list(_tree_lines(view.tensors, marks))
    label = max(cell_len(left) for left, *_ in lines)
    shapes = max(cell_len(shape) for _, shape, _ in lines)
    most = max(count for *_, count in lines)
    figure = len(f"{view.parameters:,}")
    room = min(width - label - shapes - figure - 5, _BAR)
    for left, shape, count in lines:
        line = Text(f"{left}{' ' * (label - cell_len(left))}  ", no_wrap=True)
        line.append(f"{shape}{' ' * (shapes - cell_len(shape))}", QUIET)
        line.append(f" {count:>{figure},}", "" if shape else HEADING)
        if room > 3:
            line.append(f" {bar(count, most, room, marks)}", "cyan")
        yield cut_line(line, width, marks)


def _tree_lines(rows: Sequence[TensorRow], marks: Marks) -> Iterator[tuple[str, str, int]]:
    """Yield what stands to the left, the shapes, and the parameters; branches have no shape."""
    leaves = _leaves(rows, marks)
    sums: Counter[tuple[str, ...]] = Counter()
    for path, (_, count) in leaves.items():
        sums.update({path[:depth]: count for depth in range(1, len(path))})
    before: tuple[str, ...] = ()
    for path, (shape, count) in leaves.items():
        pairs = zip(before, path[:-1], strict=False)
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        for depth in range(shared, len(path) - 1):
            yield INDENT * depth + path[depth], "", sums[path[: depth + 1]]
        before = path
        yield INDENT * (len(path) - 1) + path[-1], shape, count


def _leaves(rows: Sequence[TensorRow], marks: Marks) -> dict[tuple[str, ...], tuple[str, int]]:
    """Put a weight and its bias into one line: their shapes, and their parameters together."""
    found: dict[tuple[str, ...], tuple[str, int]] = {}
    paths = [_branches(row) for row in rows]
    joined = {path[:-1] for path in paths if path[-1] == "weight"}
    for path, row in zip(paths, rows, strict=True):
        path = path[:-1] if path[:-1] in joined else path  # the MLM head has a bias of its own
        shape = f" {marks.times} ".join(f"{size:,}" for size in row.shape)
        before, count = found.get(path, ("", 0))
        found[path] = f"{before} + {shape}" if before else shape, count + row.parameters
    return found


def _branches(row: TensorRow) -> tuple[str, ...]:
    if row.path[0] != "layers":
        return row.path
    return f"layers ({row.times})" if row.times > 1 else "layers (shared)", *row.path[2:]


def _work(work: Iterable[Work], width: int, marks: Marks) -> Iterator[Text]:
    yield Text("Operations a token (multiply and add: 2)", HEADING)
    for found in work:
        text = Text(f"{INDENT}in {found.sequence:,} tokens: ")
        text.append(f"{_short(found.encoder)} forward", HOT)
        text.append(f" ({_short(found.attention)} of it attention)")
        yield cut_line(text, width, marks)
        if found.mlm_head:
            line = f"{INDENT * 2}{_short(found.mlm_head)} more at a masked one; "
            line += f"{_short(found.training)} to train"
            yield cut_line(Text(line, QUIET), width, marks)


def _short(count: int) -> str:
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= size:
            return f"{count / size:.2f} {unit}"
    return str(count)
