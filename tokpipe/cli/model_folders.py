"""Models on the command line: dtypes, plans, what is said when one was written."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tokpipe.cli.command import Session
from tokpipe.cli.plan import Plan, show_plan
from tokpipe.corpus.config import ReadConfig
from tokpipe.foundation.addresses import address_of, local_path
from tokpipe.foundation.sizes import format_bytes
from tokpipe.foundation.stores.copies import visible_objects
from tokpipe.foundation.threads import thread_count
from tokpipe.tasks.config import EmbedConfig

if TYPE_CHECKING:
    from tokpipe.tasks.folder import Layout
    from tokpipe.tasks.model import BertModel
    from tokpipe.tasks.vector_settings import VectorSettings

DTYPES = {"f32": "F32", "f16": "F16", "bf16": "BF16"}
# For estimates before the work:
_COPYING = 400 << 20  # bytes a second, read and written
_BYTES_A_TOKEN = 4  # of English text
_BYTES_A_TEXT = 100  # of a sentence
_OPERATIONS = 80e9  # a second and core


def open_model(
    session: Session, folder: Path, task: str | None = None, precision: str = "float32"
) -> "BertModel":
    """Open a model, with the head of a job (see `BertModel.load`); say what is left out."""
    from tokpipe.bert.huggingface.stored import other_heads_note
    from tokpipe.tasks.model import BertModel

    model = BertModel.load(folder, task, precision)
    if model.left_out:
        session.progress.note(f"{folder}: {other_heads_note(model.left_out)}")
    return model


def settled(session: Session, model: "BertModel", config: EmbedConfig) -> "VectorSettings":
    """Settle how texts become vectors (see `settle`); say what the folder says of it."""
    from tokpipe.tasks.vector_settings import settle

    settings = settle(model, config)
    for note in settings.notes:
        session.progress.note(note)
    return settings


def copy_plan(session: Session, source: Path, output: str, title: str) -> None:
    """Print what copying a model takes; its headers are checked."""
    from tokpipe.inspection.model import view_model

    view = view_model(source)
    size = 4 * view.parameters
    facts: dict[str, object] = {
        "family": view.family,
        "parameters": view.parameters,
        "stored as": ", ".join(view.stored),
    }
    seconds = 1.0 + 2 * size / _COPYING
    show_plan(session, Plan(title, facts, size + (150 << 20), size + (1 << 20), seconds, output))


def embedding_plan(
    model: Path, inputs: Sequence[str], read: ReadConfig, threads: int | None, output: str
) -> Plan:
    """Estimate what embedding takes; standard input is not looked at."""
    from tokpipe.corpus.reader import open_corpus
    from tokpipe.inspection.model import view_model

    view, cores = view_model(model), thread_count(threads)
    stored = open_corpus(inputs, read).stored_bytes if inputs and "-" not in inputs else 0
    seconds = stored / _BYTES_A_TOKEN * view.work[0].encoder / _OPERATIONS / cores
    facts: dict[str, object] = {
        "parameters": view.parameters,
        "stored bytes": stored,
        "threads": cores,
    }
    memory = 4 * view.parameters + (300 << 20)
    disk = stored // _BYTES_A_TEXT * 4 * view.config.hidden_size
    return Plan("Embedding texts", facts, memory, disk, 3.0 + seconds, output)


def write_model(session: Session, model: "BertModel", layout: "Layout", output: str) -> None:
    """Write a model, its tokenizer's files as they stand where it came from, and say so."""
    from tokpipe.tasks.folder import save_model

    tokenizer = model.tokenizer if model.has_tokenizer else None
    save_model(
        *(model.parameters, tokenizer, Path(output), layout),
        copied_from=model.folder,
        force=session.force,
    )
    sizes, family = _sizes_in(output), (layout.family or model.family).name
    if session.json:
        session.console.json(
            {
                "output": output,
                "family": family,
                "parameters": model.parameters.count,
                "files": sizes,
            }
        )
        return
    rows = [(name, format_bytes(size)) for name, size in sizes.items()]
    title = f"{output}: {family}, {model.parameters.count:,} parameters"
    session.console.table(title, rows)


def _sizes_in(output: str) -> dict[str, int]:
    """Return name and size of the files of a folder that was written."""
    address, folder = address_of(output), local_path(output)
    if address is not None:
        return dict(sorted(visible_objects(address).items()))
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.stat().st_size for path in files}
