"""`tokpipe export`: a model into a folder that transformers opens, or sentence-transformers."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tokpipe.bert.families.registry import FAMILIES, closest_family
from tokpipe.cli.command import Session, command
from tokpipe.cli.model_folders import DTYPES, copy_plan, open_model, settled, write_model
from tokpipe.cli.options import MODEL, Bytes, config_options
from tokpipe.foundation.errors import ConfigError
from tokpipe.tasks.config import EmbedConfig

if TYPE_CHECKING:
    from tokpipe.tasks.model import BertModel

_SENTENCES = "sentence-transformers"
_FAMILIES = [name for name, family in FAMILIES.items() if family.architectures]


@command(
    name="export",
    examples=[
        "tokpipe export out/run -o out/for-transformers",
        "tokpipe export out/run --no-heads --dtype bf16 -o out/encoder",
        "tokpipe export out/run --for sentence-transformers --normalize -o out/sentences",
    ],
    plans=True,
)
@click.argument("source", metavar="MODEL", type=MODEL)
@click.option("-o", "--output", required=True, metavar="FOLDER", help="The folder to make.")
@click.option(
    "--family",
    type=click.Choice(_FAMILIES),
    metavar="FAMILY",
    help=f"Which of transformers' models it is to be: {', '.join(_FAMILIES)}; by default what it "
    "is called, or the one that it fits.",
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
@click.option(
    "--for",
    "reader",
    type=click.Choice(["transformers", _SENTENCES]),
    default="transformers",
    show_default=True,
    help="What is to open it: SentenceTransformer reads also how texts become vectors.",
)
@config_options(
    EmbedConfig, "vectors", heading="Vectors, for sentence-transformers", leave_out=("layers",)
)
def export_model(
    session: Session,
    source: Path,
    output: str,
    family: str | None,
    dtype: str,
    heads: bool,
    shard_size: int | None,
    reader: str,
    vectors: EmbedConfig,
) -> None:
    """Write a model so that transformers opens it, or sentence-transformers.

    A model that transformers has no class for (rotary positions, pre-norm and the like) is refused
    with the reason. One whose places are told by distances alone is an MPNet with a table of places
    that says nothing, if it knows no pairs.
    """
    if reader != _SENTENCES and vectors != EmbedConfig():
        raise ConfigError(
            f"how texts become vectors is written for {_SENTENCES} only",
            hint=f"Pass --for {_SENTENCES}.",
        )
    if session.dry_run:
        copy_plan(session, source, output, "Exporting a model")
        return
    session.begin_kernels()
    from tokpipe.tasks.folder import Layout

    model = open_model(session, source, None if heads else "none")
    # where none can express it, the refusal of the closest names the reasons
    fitting = FAMILIES[family] if family else closest_family(model.config, model.family)
    if not heads:
        model = model.without_heads(fitting)
    sentence = _sentence(session, model, reader, vectors)
    layout = Layout(fitting, DTYPES[dtype], shard_size, sentence)
    write_model(session, model, layout, output)


def _sentence(
    session: Session, model: "BertModel", reader: str, vectors: EmbedConfig
) -> dict[str, bytes]:
    from tokpipe.tasks.sentence_folder import MODULES
    from tokpipe.tasks.sentence_layout import sentence_layout

    if reader == _SENTENCES:
        return sentence_layout(settled(session, model, vectors).sentence, model.config)
    if model.folder and (model.folder / MODULES).exists():
        session.progress.note(f"{MODULES} is left out; --for {_SENTENCES} writes what it says")
    return {}
