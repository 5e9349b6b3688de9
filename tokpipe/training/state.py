"""Checkpoints: folders that other programs open as models, and that training goes on from.

A run folder holds ``checkpoint-000500/`` and the like, ``log.jsonl`` as it grows and, once training
is over, the files of the model itself with its parts, and the manifest as the last one.
"""

import filecmp
import json
import re
import shutil
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tokpipe.bert.families.family import Family
from tokpipe.bert.huggingface.checkpoint import load_checkpoint, write_checkpoint
from tokpipe.bert.huggingface.parts import PARTS
from tokpipe.bert.huggingface.tensor_file import TensorFile, write_tensors
from tokpipe.bert.parameters import Parameters
from tokpipe.foundation.addresses import address_of
from tokpipe.foundation.doors import path_of
from tokpipe.foundation.errors import ArtifactError, StorageError
from tokpipe.foundation.files import write_json
from tokpipe.foundation.folders import MANIFEST, build_folder, real_folder
from tokpipe.foundation.locks import one_writer
from tokpipe.foundation.manifest import Manifest, require_equal
from tokpipe.foundation.storage import storage_errors
from tokpipe.foundation.stores.publishing import push
from tokpipe.training.card import model_card
from tokpipe.training.log import LOG
from tokpipe.training.optimizer import Moments
from tokpipe.training.progress import STATE, State
from tokpipe.training.ranks import ALONE, Ranks

KIND = "model"  # of the manifest
OPTIMIZER = "optimizer.safetensors"
_NAME = re.compile(r"checkpoint-(\d{6,12})")
_FOLDERS = rf"checkpoint-\d+|{'|'.join(PARTS)}"
_CALLED = {"start": "model", "distillation": "teacher"}  # settings that are names of models
_PRECISION = {"precision": "float32"}  # of settings that do not say it
_AS_BEFORE = "Run the same command as before to go on, or pass --force to start over."
_STALE = re.compile(rf"\.(({_FOLDERS})\.(partial(\.gone)?|old|lock|unfinished)|.*\.tmp)")


def checkpoint_name(step: int) -> str:
    """Return the name of a checkpoint's folder.

    Examples
    --------
    >>> checkpoint_name(500)
    'checkpoint-000500'
    """
    return f"checkpoint-{step:06d}"


def checkpoints(run: Path) -> dict[int, Path]:
    """Return the checkpoints of a run that are whole, by their step, in order."""
    found = {}
    for path in run.iterdir() if run.is_dir() else ():
        matched = _NAME.fullmatch(path.name)
        if matched and (path / MANIFEST).is_file():
            found[int(matched[1])] = path
    return dict(sorted(found.items()))


def save_checkpoint(
    run: Path,
    state: State,
    parameters: Parameters,
    moments: Moments,
    tokenizer: Mapping[str, bytes],
    family: Family,
) -> Path:
    """Write a checkpoint into a run, whole or not at all, with the log so far.

    Parameters
    ----------
    tokenizer
        Name and content of the tokenizer's files.
    family
        Whose names the tensors get.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    StorageError
        If the disk refuses.
    """
    target = run / checkpoint_name(state.step)
    needed = 4 * len(parameters.block) * 3
    with build_folder(target, force=True, needed_bytes=needed) as folder, storage_errors(target):
        names = write_checkpoint(folder, parameters, family=family)
        write_tensors(folder / OPTIMIZER, _named(moments))
        write_json(folder / STATE, state.to_dict())
        card = model_card(parameters.config, state.to_dict(), tokenizer, family)
        extra = {**tokenizer, "README.md": card.encode()}
        for name, content in extra.items():
            (folder / name).write_bytes(content)
        shutil.copyfile(run / LOG, folder / LOG)
        _manifest(state).write(folder, [*names, OPTIMIZER, STATE, *extra])
    return target


def load_into(folder: Path, parameters: Parameters, moments: Moments) -> None:
    """Read weights and moments of a checkpoint.

    Raises
    ------
    ArtifactError
        If a file is not what the manifest says.
    InputError
        If a tensor is missing, of another shape, or holds no finite numbers.
    """
    Manifest.read(folder, KIND).check_files(folder)
    load_checkpoint(folder, into=parameters)
    with TensorFile(folder / OPTIMIZER) as file:
        for name, array in _named(moments).items():
            entry = file.entries.get(name)
            if entry is None or entry.shape != array.shape:
                raise ArtifactError(f"{folder / OPTIMIZER}: no {name!r} of shape {array.shape}")
            file.read(name, array)


def remove_old(run: Path, kept: Iterable[int]) -> None:
    """Remove all checkpoints but some."""
    kept = set(kept)
    for step, path in checkpoints(run).items():
        if step not in kept:
            _remove(path)


def remove_stale(run: Path) -> None:
    """Remove what a killed writer left between the checkpoints."""
    for path in list(run.iterdir()):
        if _STALE.fullmatch(path.name):
            _remove(path)
        elif _is_folder_of_ours(path.name) and not (path / MANIFEST).is_file():
            _remove(path)  # a removal that was cut short


def remove_unfinished(run: Path) -> None:
    """Remove what a killed writer put beside the checkpoints; their files tell it from others."""
    if (run / MANIFEST).is_file():
        return
    for path in checkpoints(run).values():
        for theirs in path.iterdir():
            ours = run / theirs.name
            is_plain = ours.is_file() and not ours.is_symlink()
            if is_plain and ours.name != LOG and filecmp.cmp(theirs, ours, shallow=False):
                ours.unlink()


def lock_of(run: Path) -> Path:
    """Return the lock file of a run folder, beside it.

    Raises
    ------
    StorageError
        If there is no place beside it.
    """
    real = real_folder(run)
    return real.with_name(f".{real.name}.lock")


@contextmanager
def writing(run: Path, ranks: Ranks = ALONE) -> Generator[None, None, None]:
    """Make a run folder and hold its lock, at rank 0, while the block runs; then store it."""
    if ranks.rank:
        yield
        return
    run.mkdir(parents=True, exist_ok=True)
    with one_writer(lock_of(run), run):
        yield
        push(run)


def refuse_foreign(
    run: Path,
    *,
    force: bool,
    known: Callable[[str], bool] = lambda name: False,
    may_go_on: bool = False,
) -> None:
    """Refuse a folder that holds something else, or a finished run unless forced.

    Parameters
    ----------
    may_go_on
        Whether a finished run is none to refuse here.
    known
        Says whether a name is one that a run may have put there beside what all of them have.

    Raises
    ------
    StorageError
        If so, or if another process writes it.
    """
    if run.is_symlink() and not run.exists():
        raise StorageError(f"{run} is a link to nothing", hint="Mend it, or choose another -o.")
    if not run.exists():
        return
    if not run.is_dir():
        raise StorageError(f"{run} is a file", hint="Choose another -o.")
    if lock_of(run).exists():
        with storage_errors(run), one_writer(lock_of(run), run):
            pass  # it was left by one that was killed: it goes
    if (run / MANIFEST).is_file():
        Manifest.read(run, KIND)
        if not force and not may_go_on:
            raise exists_already(run)
        return
    for path in run.iterdir():
        name = path.name
        is_ours = _is_folder_of_ours(name) or _STALE.fullmatch(name) or name == LOG
        if not is_ours and not known(name) and not _is_ours(run, path.name):
            raise StorageError(
                f"{run} was not written by tokpipe: it holds {path.name!r}",
                hint="Choose another -o.",
            )


def refuse_source(out: str | Path, source: str | Path) -> None:
    """Refuse to train where the model is that a training begins with: it would be written over.

    Raises
    ------
    StorageError
        If it is that folder, or one inside of it.
    """
    target, model = _steps_to("out", out), _steps_to("source", source)
    if model[: len(target)] == target:
        raise StorageError(
            f"{source} is the model to begin with, and training in {out} would write over it",
            hint="Choose another -o.",
        )


def exists_already(run: Path) -> StorageError:
    """Return what refuses a run that is finished."""
    hint = (
        "Choose another -o, pass --force to train from the beginning, or train on with more steps."
    )
    return StorageError(f"{run} exists already", hint=hint)


def clear(run: Path) -> None:
    """Remove all that training wrote into a folder; the manifest first."""
    names = list(Manifest.read(run, KIND).files) if (run / MANIFEST).is_file() else []
    (run / MANIFEST).unlink(missing_ok=True)
    for part in PARTS:
        _remove(run / part)
    for path in [run / name for name in [*names, LOG]]:
        path.unlink(missing_ok=True)
    remove_old(run, [])
    remove_stale(run)


def check_settings(
    run: Path, found: Mapping[str, Any], wanted: Mapping[str, Any], hint: str = _AS_BEFORE
) -> None:
    """Refuse to go on with other settings.

    Raises
    ------
    ArtifactError
        Naming the first key that differs, and both values.
    """
    wanted = called_alike(found, wanted)
    require_equal(_told(found), _told(wanted), what=str(run), hint=hint)


def called_alike(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings wanted with the names of models that others have.

    A model may have been moved since: what it holds is compared, by a digest.
    """
    names = {
        group: {**wanted[group], key: found[group][key]}
        for group, key in _CALLED.items()
        if group in wanted and key in found.get(group, {})
    }
    return {**wanted, **names}


def _told(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with the precision, which goes without saying where it is float32."""
    groups = {name: settings[name] for name in ("training", "finetuning") if name in settings}
    return {**settings, **{name: {**_PRECISION, **group} for name, group in groups.items()}}


def _is_ours(run: Path, name: str) -> bool:
    """Return whether a file is of a run that was killed while it was finished."""
    return any((path / name).exists() for path in checkpoints(run).values())


def _steps_to(name: str, path: str | Path) -> tuple[str, ...]:
    """Return the parts of a path, links followed, or of an address in a store."""
    local, address = path_of(name, path), address_of(path)
    return local.resolve().parts if address is None else Path(address.url).parts


def _is_folder_of_ours(name: str) -> bool:
    return name in PARTS or _NAME.fullmatch(name) is not None


def _manifest(state: State) -> Manifest:
    settings = dict(state.settings)
    inputs = settings.get("inputs") or {"shards": str(settings.get("shards", ""))}
    facts = {"step": state.step, "tokens": state.tokens, "best_step": state.best_step}
    return Manifest(
        kind=KIND,
        settings=json.loads(json.dumps(settings)),
        inputs=inputs,
        facts=facts,
        seed=settings.get("training", {}).get("seed"),
    )


def _named(moments: Moments) -> dict[str, Any]:
    return {
        f"{which}.{name}": view
        for which, block in moments._asdict().items()
        for name, view in block.views.items()
    }


def _remove(path: Path) -> None:
    """Remove a file or folder; of a checkpoint the manifest first, so that no part looks whole."""
    if path.is_dir() and not path.is_symlink():
        (path / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
