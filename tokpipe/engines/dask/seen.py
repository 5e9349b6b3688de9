"""Do all workers see what we see: the folder that results go to, and the inputs."""

import secrets
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tokpipe.corpus.files import InputFile
from tokpipe.engines.dask.cluster import Cluster
from tokpipe.foundation.addresses import absolute
from tokpipe.foundation.errors import (
    ClusterError,
    InputError,
    StorageError,
    StoreError,
    TokpipeError,
)
from tokpipe.foundation.shared_files import names_in, remove_files, size_of, write_shared_json

_MOST_INPUTS = 1000  # that are looked at beforehand; a later one fails where it is read
_SHARE = "Write with -o to a folder that all machines share, under the same path, or to a store."
_PATIENCE_SECONDS = 5.0  # until a file of another machine shows, on a network's file system


def require_shared(cluster: Cluster, folder: Path, inputs: Sequence[InputFile] = ()) -> None:
    """Refuse workers that do not see the folder or the inputs, before they have done anything.

    It is no matter of the disk or of the inputs, which are as they should be here: what an earlier
    command has finished is kept.

    Raises
    ------
    ClusterError
        If a worker does not see what is written here, what it writes is not seen here, or it cannot
        read an input, or finds another file in its place.
    """
    with probed(folder) as probe:
        files = [file.from_afar() for file in inputs[:_MOST_INPUTS]]
        for worker, found in cluster.on_each(look, str(probe), files).items():
            if isinstance(found, TokpipeError):
                raise ClusterError(f"worker {worker}: {found.problem}", hint=found.hint)
            if isinstance(found, BaseException):
                raise ClusterError(f"worker {worker}: {type(found).__name__}: {found}")
            if not _appears(probe.with_name(found)):
                raise _not_shared(worker, folder, "what it writes there is not seen here")


@contextmanager
def probed(folder: Path) -> Generator[Path, None, None]:
    """Put a file into a folder for a while, by which others know it; take their answers away."""
    folder = absolute(folder)
    probe = folder / f"probe-{secrets.token_hex(8)}"
    write_shared_json(probe, probe.name)
    try:
        yield probe
    finally:
        with suppress(OSError, StoreError):
            found = (name for name in names_in(folder) if name.startswith(probe.name))
            remove_files(folder / name for name in found)


def look(probe: str, files: Sequence[InputFile]) -> Any:
    """Look, on a worker, for a file that was put into a folder, and answer with another one.

    Returns
    -------
    str | TokpipeError
        The name of the answer; or what is wrong.
    """
    path = Path(probe)
    answer = path.with_name(f"{path.name}-{secrets.token_hex(4)}")
    try:
        if not _appears(path):
            raise StorageError(
                f"the folder {path.parent} is not the one that is seen where the command runs",
                hint=_SHARE,
            )
        write_shared_json(answer, path.name)
        for file in files:
            with file.open_ranges():
                pass
    except TokpipeError as error:
        return _explained(error)
    return answer.name


def _explained(error: TokpipeError) -> TokpipeError:
    if isinstance(error, InputError):
        found = error.problem.replace("the file changed while it was read", "another file is there")
        return InputError(found, hint="Inputs must be on storage that all machines share.")
    return error


def _appears(path: Path) -> bool:
    limit = time.monotonic() + _PATIENCE_SECONDS
    while size_of(path) is None:
        if time.monotonic() > limit or not names_in(path.parent):  # asks the server again
            return False
        time.sleep(0.1)
    return True


def _not_shared(worker: str, folder: Path, what: str) -> ClusterError:
    return ClusterError(
        f"worker {worker} does not share the folder {folder}: {what}",
        hint=_SHARE,
    )
