"""`tokpipe import`: a model of Hugging Face's layout, checked, into a folder of ours."""

from pathlib import Path

import click

from tokpipe.bert.families.registry import FAMILIES
from tokpipe.cli.command import Session, command
from tokpipe.cli.model_folders import DTYPES, copy_plan, open_model, write_model
from tokpipe.cli.options import MODEL

_KEEP = "keep"
_FAMILIES = [family.title for family in FAMILIES.values() if family.architectures]


@command(
    name="import",
    examples=[
        "tokpipe import downloads/bert-base-uncased -o out/base",
        "tokpipe import downloads/albert --dtype f32 -o out/albert",
    ],
    plans=True,
)
@click.argument("source", metavar="FOLDER", type=MODEL)
@click.option("-o", "--output", required=True, metavar="FOLDER", help="The folder to make.")
@click.option(
    "--dtype",
    type=click.Choice([_KEEP, *DTYPES]),
    default=_KEEP,
    show_default=True,
    help="How weights are stored: as they are, or as float32, float16, bfloat16.",
)
def import_model(session: Session, source: Path, output: str, dtype: str) -> None:
    """Take over a {families} from a folder of Hugging Face's layout.

    Every tensor is checked: one that is missing, unexpected, of a wrong shape or not finite is
    named and refused. Old names, shards and missing heads are understood; of a pytorch_model.bin
    the tensors are read, and nothing in it is run. What sentence-transformers says beside the model
    is kept.
    """
    if session.dry_run:
        copy_plan(session, source, output, "Importing a model")
        return
    session.begin_kernels()
    from tokpipe.tasks.folder import Layout
    from tokpipe.tasks.sentence_folder import sentence_files

    model = open_model(session, source)
    dtypes = model.dtypes if dtype == _KEEP else DTYPES[dtype]
    layout = Layout(model.family, dtypes, sentence=sentence_files(source))
    write_model(session, model, layout, output)


import_model.help = (import_model.help or "").format(
    families=f"{', '.join(_FAMILIES[:-1])} or {_FAMILIES[-1]}"
)
