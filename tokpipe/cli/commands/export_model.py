"""`tokpipe export`: a model into a folder that transformers opens."""

from pathlib import Path

import click

from tokpipe.bert.families.registry import FAMILIES, closest_family
from tokpipe.cli.command import Session, command
from tokpipe.cli.model_folders import DTYPES, copy_plan, open_model, write_model
from tokpipe.cli.options import MODEL, Bytes

_FAMILIES = [name for name, family in FAMILIES.items() if family.architectures]


@command(
    name="export",
    examples=[
        "tokpipe export out/run -o out/for-transformers",
        "tokpipe export out/run --no-heads --dtype bf16 -o out/encoder",
    ],
    plans=True,
)
@click.argument("source", metavar="MODEL", type=MODEL)
@click.option("-o", "--output", required=True, metavar="FOLDER", help="The folder to make.")
@click.option(
    "--family",
    type=click.Choice(_FAMILIES),
    help="Which of transformers' models it is to be; by default the one that it fits.",
)
@click.option(
    "--dtype",
    type=click.Choice(list(DTYPES)),
    default="f32",
    show_default=True,
    help="How weights are stored: as float32, float16 or bfloat16.",
)
@click.option(
    "--heads/--no-heads",
    default=True,
    show_default=True,
    help="With the MLM and NSP heads; without them AutoModel has nothing to report.",
)
@click.option("--shard-size", type=Bytes(), metavar="SIZE", help="Most bytes a file of weights.")
def export_model(
    session: Session,
    source: Path,
    output: str,
    family: str | None,
    dtype: str,
    heads: bool,
    shard_size: int | None,
) -> None:
    """Write a model so that transformers opens it.

    A model that transformers has no class for (rotary positions, pre-norm and the like) is refused
    with the reason.
    """
    if session.dry_run:
        copy_plan(session, source, output, "Exporting a model")
        return
    session.begin_kernels()
    from tokpipe.tasks.folder import Layout

    model = open_model(session, source)
    # where none can express it, the refusal of the closest names the reasons
    fitting = FAMILIES[family] if family else closest_family(model.config)
    if not heads:
        model = model.without_heads(fitting)
    layout = Layout(fitting, DTYPES[dtype], shard_size)
    write_model(session, model, layout, output)
