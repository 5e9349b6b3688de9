"""`tokpipe fill-mask`: the tokens that a model would put in place of a mask."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.model_folders import open_model
from tokpipe.cli.options import MODEL, Count
from tokpipe.cli.precision import precision_option, tell_masks
from tokpipe.cli.texts import given_texts
from tokpipe.foundation.progress import SILENT

if TYPE_CHECKING:
    from tokpipe.tasks.attention import Attended
    from tokpipe.tasks.fill_mask import Candidate

_FEW = 100  # texts, done before a bar could be read
_LOOKS = "looks among the other words, by the mean of all heads, at"


@command(
    name="fill-mask",
    examples=[
        'tokpipe fill-mask out/run "The dog sat on the [MASK]."',
        'tokpipe fill-mask out/run --top-k 3 "[MASK] is the capital of [MASK]." --json',
        'tokpipe fill-mask out/run "The dog ran up to me and [MASK]." --attend',
        "tokpipe fill-mask out/run - < sentences.txt",
    ],
)
@click.argument("model", metavar="MODEL", type=MODEL)
@click.argument("texts", metavar="TEXT...", nargs=-1, required=True)
@click.option(
    "-k",
    "--top-k",
    type=Count(least=1),
    metavar="N",
    default=5,
    help="Tokens for each mask.  [default: 5]",
)
@click.option(
    "--attend", is_flag=True, help="Show what each mask looks at, too: the mean of all heads."
)
@precision_option
def fill_mask(
    session: Session, model: Path, texts: tuple[str, ...], top_k: int, attend: bool, precision: str
) -> None:
    """Show the likeliest tokens for each mask in TEXT, with their probabilities.

    TEXT may be - for lines of standard input. A mask is written as the model's tokenizer has it:
    [MASK] where it is like BERT's, <mask> where it is like RoBERTa's.
    """
    session.begin_kernels()
    from tokpipe.tasks.attention import attended_by
    from tokpipe.tasks.fill_mask import fill_masks

    lines = given_texts(texts, sys.stdin)
    loaded = open_model(session, model, "none", precision)
    progress = session.progress if len(lines) > _FEW else SILENT
    found = fill_masks(loaded, lines, top_k, threads=session.threads, progress=progress)
    tell_masks(session, loaded, lines, found)
    looks = [attended_by(loaded, line, "mask_token", top_k) if attend else [] for line in lines]
    if session.json:
        session.console.json(
            [_as_json(*one, attend) for one in zip(lines, found, looks, strict=True)]
        )
        return
    from tokpipe.inspection.opening import Opened
    from tokpipe.inspection.readable import readable
    from tokpipe.inspection.terminal.model import scores_renderable

    terminal, form = session.console.rich(), Opened(model, loaded.tokenizer).form
    for number, (text, masks, looked) in enumerate(zip(lines, found, looks, strict=True)):
        for place, mask in enumerate(masks):
            if number or place:
                terminal.print()
            title = f"{text} (mask {place + 1})" if len(masks) > 1 else text
            rows = [(candidate.token, candidate.score) for candidate in mask]
            terminal.print(scores_renderable(title, rows, form=form))
            if attend:
                named = ((f"{one.place} {readable(one.token, form)}", one) for one in looked[place])
                rows = [(name, one.share) for name, one in named]
                terminal.print(scores_renderable(_LOOKS, rows))


def _as_json(
    text: str,
    masks: Sequence[Sequence["Candidate"]],
    looks: Sequence[Sequence["Attended"]],
    attend: bool,
) -> dict[str, object]:
    content: dict[str, object] = {"text": text}
    content["masks"] = [[candidate._asdict() for candidate in mask] for mask in masks]
    if attend:
        content["attended"] = [[token._asdict() for token in tokens] for tokens in looks]
    return content
