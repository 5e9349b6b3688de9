"""The model that a run made: its files beside the checkpoints, and two parts of it below.

A finished run is a model folder with everything that was trained. ``encoder/`` and ``masked-lm/``
in it are model folders of their own (settings, weights, tokenizer, card, manifest), which can be
copied away: each suits one class of transformers, see `tokpipe.bert.huggingface.parts`. They hold
the weights once more rather than links into one file of shards: a folder that one may move, change
or upload alone is worth the disk, which is less than what the optimizer's moments take.
"""

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.family import Family
from tokpipe.bert.huggingface.checkpoint import write_checkpoint
from tokpipe.bert.huggingface.parts import parts_of
from tokpipe.bert.huggingface.stored import CONFIG, WEIGHTS
from tokpipe.bert.parameters import Parameters
from tokpipe.foundation.errors import StorageError
from tokpipe.foundation.files import atomic_write, sync
from tokpipe.foundation.folders import MANIFEST, build_folder
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.storage import storage_errors
from tokpipe.training.card import model_card, part_card
from tokpipe.training.progress import State
from tokpipe.training.state import KIND, OPTIMIZER

CARD = "README.md"


def finish(
    run: Path,
    checkpoint: Path,
    parameters: Parameters,
    tokenizer: Mapping[str, bytes],
    family: Family,
) -> None:
    """Put the model of the last checkpoint into its run, whole and in parts.

    Files that the checkpoint has, too, are links where the disk can: no second copy. The manifest
    comes last.

    Parameters
    ----------
    parameters
        The weights of the checkpoint.
    tokenizer
        Name and content of the tokenizer's files.
    family
        What the checkpoint is written as.

    Raises
    ------
    StorageError
        If the disk refuses, or a name is taken: see `remove_unfinished` for those that may be.
    """
    manifest, state = Manifest.read(checkpoint, KIND), State.read(checkpoint)
    parts = parts_of(parameters.config, family)
    card = model_card(parameters.config, state.to_dict(), tokenizer, family, parts)
    with storage_errors(run):
        linked = [name for name in manifest.files if name not in (OPTIMIZER, CARD)]
        cards = {CARD: card.encode()}
        refuse_taken(run, linked, cards)
        for name in linked:
            link(checkpoint / name, run / name)
        files = [*linked, CARD]
        for name, part in parts.items():
            files_of = {**tokenizer, CARD: part_card(name, parameters.config, family).encode()}
            written = _write_part(run / name, (part, family), parameters, files_of, manifest)
            files += [f"{name}/{file}" for file in written]
        write_missing(run, cards)
        sync(run)
        manifest.write(run, files)


def _write_part(
    target: Path,
    kind: tuple[BertConfig, Family],
    parameters: Parameters,
    others: Mapping[str, bytes],
    whole: Manifest,
) -> list[str]:
    """Write a part of a run that is being finished; return the names of its files."""
    part, family = kind
    with build_folder(target, force=True, needed_bytes=4 * parameters.count) as folder:
        if part == parameters.config:
            files = [CONFIG, WEIGHTS]
            for name in files:
                link(target.parent / name, folder / name)
        else:
            files = write_checkpoint(folder, parameters, part=part, family=family)
        for name, content in others.items():
            (folder / name).write_bytes(content)
        files += others
        whole.write(folder, files)
    return [*files, MANIFEST]


def link(source: Path, target: Path) -> None:
    """Put a file under a name that is free, by a link where the disk can.

    Raises
    ------
    StorageError
        If it is taken.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        raise _in_the_way(target) from None
    except OSError:
        with source.open("rb") as content, atomic_write(target, replace=False) as file:
            shutil.copyfileobj(content, file)


def refuse_taken(run: Path, linked: Iterable[str], written: Mapping[str, bytes]) -> None:
    """Refuse files of strangers where a run is to be finished.

    Parameters
    ----------
    linked
        Names of files that are to be links.
    written
        Names and content of others, which may be there: of a run killed right before its end.

    Raises
    ------
    StorageError
        Naming the first of them.
    """
    for name in (*linked, *written, MANIFEST):
        content = written.get(name)
        if os.path.lexists(run / name) and not (content and _holds(run / name, content)):
            raise _in_the_way(run / name)


def write_missing(run: Path, written: Mapping[str, bytes]) -> None:
    """Write the files that are not there yet, whole or not at all."""
    for name, content in written.items():
        if not (run / name).exists():
            with atomic_write(run / name, replace=False) as file:
                file.write(content)


def _holds(path: Path, content: bytes) -> bool:
    if path.is_symlink() or not path.is_file() or path.stat().st_size != len(content):
        return False
    return path.read_bytes() == content


def _in_the_way(path: Path) -> StorageError:
    return StorageError(
        f"{path} was put there while the run went on, and is not replaced",
        hint="Move it away, and run the same command again: the run is finished then.",
    )
