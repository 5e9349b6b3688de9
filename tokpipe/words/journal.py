"""Counting that survives being killed: finished runs on disk, and which pieces they cover.

A work folder holds run files and the manifest ``tokpipe.json``, which names each run, its bytes
and sha256, and for each commit the pieces that its runs cover. To replace the manifest is to
commit: runs that it does not name were never finished, their pieces are counted again, and
nothing is ever counted twice.
"""

import os
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tokpipe.foundation.addresses import address_of
from tokpipe.foundation.errors import ArtifactError
from tokpipe.foundation.folders import MANIFEST
from tokpipe.foundation.manifest import Manifest, describe_file, require_equal
from tokpipe.foundation.shared_files import (
    at_hand,
    make_folder,
    names_in,
    remove_files,
    size_of,
)
from tokpipe.foundation.storage import storage_errors
from tokpipe.foundation.stores.copies import all_objects
from tokpipe.words.run_files import write_run
from tokpipe.words.runs import Run

KIND = "unfinished counts"
_RUN_SUFFIX = ".run.arrow"


@dataclass
class Covered:
    """What some runs cover: pieces, and what was seen in them."""

    pieces: list[int] = field(default_factory=list)
    facts: Counter[str] = field(default_factory=Counter)
    ended: list[int] = field(default_factory=list)  # numbers of files that were read to their end


def write_temporary_run(folder: Path, batches: Iterable[Run], *, durable: bool = False) -> Path:
    """Write a run under a name of its own; `durable` forces it to the disk."""
    path = folder / (secrets.token_hex(8) + _RUN_SUFFIX)
    with storage_errors(path), path.open("xb") as file:
        write_run(file, batches)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    return path


class Journal:
    """The work folder of one counting; its methods may be called from any thread.

    The folder, here or in a store, is empty, or as a killed counting left it: an earlier cut than
    `piece_bytes` is kept.
    `settings` is all that the counts follow from but the inputs, whose sha256 `digest` returns: it
    is called only where something is to be compared or kept.

    Raises
    ------
    ArtifactError
        If the folder was begun from something else, or is damaged.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, Any],
        digest: Callable[[], Mapping[str, str]],
        piece_bytes: int,
    ) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._digest = digest
        facts = {"piece_bytes": piece_bytes, "commits": []}
        self._manifest = Manifest(kind=KIND, settings=settings, facts=facts)
        make_folder(folder)
        if size_of(folder / MANIFEST) is not None:
            self._manifest = self._found()
        self._remove_unfinished()

    def _found(self) -> Manifest:
        with at_hand(self.folder / MANIFEST) as path:
            found, wanted = Manifest.read(path.parent, KIND), self._manifest
        mine = {"version": wanted.version, "settings": wanted.settings, "inputs": self._digest()}
        require_equal(
            {key: getattr(found, key) for key in mine},
            mine,
            what=f"{self.folder} cannot be gone on with",
            hint="Go back to what it was, or pass --force to start over.",
        )
        self._check_files(found)
        return found

    def _check_files(self, found: Manifest) -> None:
        """Refuse what is not as the manifest says; of a store, whose objects are whole, by size."""
        address = address_of(self.folder)
        if address is None:
            found.check_files(self.folder)
            return
        there = all_objects(address)
        for name, facts in found.files.items():
            if there.get(name) != facts["bytes"]:
                raise ArtifactError(
                    f"{address / name}: gone, or no longer what was counted",
                    hint="Pass --force to start over.",
                )

    def _remove_unfinished(self) -> None:
        with storage_errors(self.folder):
            runs = {name for name in names_in(self.folder) if name.endswith(_RUN_SUFFIX)}
            remove_files(self.folder / name for name in runs.difference(self._manifest.files))

    @property
    def piece_bytes(self) -> int:
        """How the corpus is cut."""
        return self._manifest.facts["piece_bytes"]

    @property
    def covered(self) -> Covered:
        """All that is committed."""
        covered = Covered()
        for commit in self._manifest.facts["commits"]:
            covered.pieces += [
                p for first, last in commit["pieces"] for p in range(first, last + 1)
            ]
            covered.facts.update(commit["facts"])
            covered.ended += commit.get("ended", [])
        return covered

    @property
    def files(self) -> Mapping[str, Mapping[str, Any]]:
        """Bytes and sha256 of all committed run files, by their names in the folder."""
        return self._manifest.files

    def runs(self, side: int) -> list[Path]:
        """Return the committed run files of a side: 0 counted, 1 held out."""
        commits = self._manifest.facts["commits"]
        return [self.folder / name for commit in commits for name in commit["runs"][side]]

    def commit(
        self,
        covered: Covered,
        runs: Sequence[Sequence[Path]],
        described: Mapping[Path, Mapping[str, Any]] | None = None,
    ) -> None:
        """Make runs count, all at once: files on the disk already, and what they cover.

        `described` are bytes and sha256 of the files, where somebody knows them already.
        """
        names = {path: path.relative_to(self.folder).as_posix() for side in runs for path in side}
        entry: dict[str, Any] = {
            "pieces": as_ranges(covered.pieces),
            "facts": dict(covered.facts),
            "runs": [[names[path] for path in side] for side in runs],
        }
        if covered.ended:
            entry["ended"] = sorted(covered.ended)
        known = described or {path: describe_file(path) for path in names}
        files = {name: known[path] for path, name in names.items()}
        with self._lock:
            manifest = self._manifest
            inputs = manifest.inputs or self._digest()
            facts = {**manifest.facts, "commits": [*manifest.facts["commits"], entry]}
            files = {**manifest.files, **files}
            manifest = replace(manifest, inputs=inputs, facts=facts, files=files)
            manifest.store(self.folder)
            self._manifest = manifest


def as_ranges(pieces: Iterable[int]) -> list[list[int]]:
    """Return ascending numbers as ``[first, last]`` ranges.

    Examples
    --------
    >>> as_ranges([3, 1, 2, 7])
    [[1, 3], [7, 7]]
    """
    ranges: list[list[int]] = []
    for piece in sorted(pieces):
        if ranges and piece == ranges[-1][1] + 1:
            ranges[-1][1] = piece
        else:
            ranges.append([piece, piece])
    return ranges
