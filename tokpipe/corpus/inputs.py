"""From what the user names to the files that are read, in a fixed order."""

import glob
import os
import re
import stat
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path, PurePath

from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.dataset_folders import dataset_files, is_dataset_folder
from tokpipe.corpus.files import Found, InputFile, identity_of, read_errors
from tokpipe.corpus.formats import HEAD_BYTES, codec_of, format_of, left_out
from tokpipe.corpus.stored import add_stored
from tokpipe.foundation.addresses import address_of
from tokpipe.foundation.doors import paths_of
from tokpipe.foundation.errors import InputError

HUB = "hub:"
STDIN = "-"

_DEEPEST = 100  # levels of a pattern, each of which may look into all folders of the one above
_STDIN_NAME = "standard input"


def find_inputs(inputs: Sequence[str | Path], config: ReadConfig) -> Found:
    """List the files that the inputs stand for.

    Parameters
    ----------
    inputs
        Files, folders, globs, of this machine or of a store (``s3://bucket/…``), ``-`` for
        standard input, ``hub:owner/name[:config][:split]``. Each is read in the order given; the
        files of a folder or glob by the bytes of their relative paths. Hidden files and unknown
        endings in folders are left out; a file that is named itself is read whatever its ending.
    config
        Its format decides for files whose name or content do not.

    Raises
    ------
    InputError
        If an input is no path, missing, matches nothing, is no readable kind of file, or all are
        empty.
    """
    inputs, found = paths_of("inputs", inputs), Found()
    for item in inputs:
        _add(item, config, found)
    if not found.files:
        raise _nothing(found, inputs)
    if sum(file.name == _STDIN_NAME and not file.path for file in found.files) > 1:
        raise InputError("standard input (-) is named twice; it can be read once")
    if all(file.identity and file.size == 0 for file in found.files):
        count = len(found.files)
        what = "the file is empty" if count == 1 else f"all {count} files are empty"
        raise InputError(f"{found.files[0].name}: nothing to read, {what}")
    return found


def _add(item: str, config: ReadConfig, found: Found) -> None:
    if not item or "\0" in item:
        what = "it holds a NUL byte" if item else "an unset variable?"
        raise InputError(f"{item!r} is no path: {what}")
    if item == STDIN or item.startswith(HUB):
        name, kind = (item, "hub") if item != STDIN else (_STDIN_NAME, _stream_format(config))
        found.files.append(InputFile(name, format=kind))
        return
    if address := address_of(item):
        add_stored(address, config, found)
        return
    try:
        paths = {Path(item): Path(item).stat()}
    except OSError as error:
        paths = {Path(match): Path(match).stat() for match in _glob(item)}
        if not paths:
            raise _missing(item, error) from error
    for path, status in paths.items():
        if stat.S_ISDIR(status.st_mode):
            _add_folder(path, config, found)
        else:
            found.files.append(_input_file(path, status, config))


def _glob(pattern: str) -> list[str]:
    """Return the files that a pattern matches, or the folders if it matches no file."""
    if not glob.has_magic(pattern):
        return []
    if len(PurePath(pattern).parts) > _DEEPEST:
        raise InputError(f"{pattern[:80]}...: a pattern of more than {_DEEPEST} levels")
    pattern = re.sub(r"(?<![^/])(?:\*\*/+)+", "**/", pattern)  # a second one finds all again
    # not Path.glob: an absolute pattern would have to be taken apart first
    matches = sorted(glob.glob(pattern, recursive=True), key=os.fsencode)  # noqa: PTH207
    return [match for match in matches if not os.path.isdir(match)] or matches  # noqa: PTH112


def _add_folder(folder: Path, config: ReadConfig, found: Found) -> None:
    inside = sorted(_walk(folder), key=lambda path: os.fsencode(path.relative_to(folder)))
    for path in inside:
        if is_dataset_folder(path):
            files = dataset_files(path)
            found.files += [_input_file(file, file.stat(), config) for file in files]
        elif reason := _left_out(path, config):
            found.skipped[reason] += 1
        else:
            found.files.append(_input_file(path, path.stat(), config))


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files and dataset folders below a folder, in no order."""
    waiting: list[tuple[Path, frozenset[tuple[int, int]]]] = [(folder, frozenset())]
    while waiting:  # and not by recursion: a path may have two thousand levels
        folder, above = waiting.pop()
        if is_dataset_folder(folder):
            yield folder
            continue
        with read_errors(str(folder)):
            status = folder.stat()
            here = (status.st_dev, status.st_ino)
            if here in above:
                raise InputError(f"{folder} leads back to a folder above it")
            entries = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
            for entry in entries:
                if entry.is_dir():
                    waiting.append((Path(entry.path), above | {here}))
                else:
                    yield Path(entry.path)


def _left_out(path: Path, config: ReadConfig) -> str | None:
    """Say why a file of a folder is not read, or None."""
    return left_out(path.name, config.format) if path.is_file() else "not a regular file"


def _input_file(path: Path, status: os.stat_result, config: ReadConfig) -> InputFile:
    name = str(path)
    if stat.S_ISFIFO(status.st_mode):
        return InputFile(name, path, format=_stream_format(config))
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{name} is no file that can be read", hint="Name files, folders or -.")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}") from error
    codec = codec_of(name, head)
    kind = format_of(name, head, codec, config.format)
    return InputFile(name, path, status.st_size, kind, codec, identity_of(status))


def _stream_format(config: ReadConfig) -> str:
    kind = "txt" if config.format == "auto" else config.format
    if kind in ("parquet", "datasets"):
        raise InputError(f"{kind} cannot be read from a stream", hint="Store it in a file first.")
    return kind


def _missing(item: str, error: OSError) -> InputError:
    if glob.has_magic(item):
        return InputError(f"no file matches {item}")
    path = PurePath(item)
    try:
        beside = os.listdir(path.parent)  # noqa: PTH208
    except OSError:
        beside = []
    seen = [name for name in beside if path.name.startswith(".") or not name.startswith(".")]
    near = get_close_matches(path.name, seen, n=1)  # of hidden ones some are ours, for a moment
    hint = f"Did you mean {path.parent / near[0]}?" if near else ""
    return InputError(f"{item}: {error.strerror}", hint=hint)


def _nothing(found: Found, inputs: Sequence[str | Path]) -> InputError:
    named = ", ".join(map(str, inputs)) or "no input named"
    if not found.skipped:
        return InputError(f"{named}: no files to read")
    seen = ", ".join(f"{count} {reason}" for reason, count in found.skipped.most_common(5))
    return InputError(
        f"{named}: no files to read; left out: {seen}",
        hint="Say what the files hold, for example --format txt.",
    )
