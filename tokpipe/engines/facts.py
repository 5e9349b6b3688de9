"""What must be the same on every machine that works on one result."""

import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from tokpipe.foundation.errors import ClusterError
from tokpipe.foundation.jit import sources_digest
from tokpipe.foundation.version import __version__

_PACKAGES = ("numba", "numpy", "pyarrow")


@cache
def own_facts() -> dict[str, str]:
    """Return the versions of what makes the bytes of a result, by their names, of this process."""
    python = ".".join(platform.python_version_tuple()[:2])
    packages = {name: _version(name) for name in _PACKAGES}
    return {"tokpipe": __version__, "python": python, **packages, "kernels": sources_digest()}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def differences(mine: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    """Name what differs, both values beside each other.

    Examples
    --------
    >>> differences({"numba": "0.61", "python": "3.11"}, {"numba": "0.62", "python": "3.11"})
    ['numba 0.62, here 0.61']
    """
    names = [*mine, *(name for name in theirs if name not in mine)]
    return [
        f"{name} {theirs.get(name, 'none')}, here {mine.get(name, 'none')}"
        for name in names
        if mine.get(name) != theirs.get(name)
    ]


def require_same_facts(mine: Mapping[str, str], theirs: Mapping[str, str], worker: str) -> None:
    """Refuse a worker whose results may have other bytes.

    Raises
    ------
    ClusterError
        Naming the worker, what differs, and both values.
    """
    if found := differences(mine, theirs):
        raise ClusterError(
            f"worker {worker} has {'; '.join(found)}",
            hint="Install the same versions on all machines; `tokpipe doctor --scheduler` compares"
            " them.",
        )
