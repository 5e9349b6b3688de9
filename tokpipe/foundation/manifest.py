"""The manifest of a folder, ``tokpipe.json``: what it was made from, and what must be in it.

It is written last, so a folder with a manifest is whole; and it holds nothing that differs between
two runs of the same work (no date, no host, no path of the input), so that their bytes are equal.
Under "sha256" stands the hash of all the rest of it, so that no changed setting is taken for true.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path, PurePosixPath
from typing import Any, Self

from tokpipe.foundation.errors import ArtifactError
from tokpipe.foundation.files import write_json
from tokpipe.foundation.folders import MANIFEST
from tokpipe.foundation.resuming import brief_json, first_difference
from tokpipe.foundation.small_files import read_small_file
from tokpipe.foundation.storage import storage_errors
from tokpipe.foundation.strict_json import fault_of
from tokpipe.foundation.threads import map_ordered
from tokpipe.foundation.version import __version__

_MOST_BYTES = 64 << 20  # of a manifest: room for half a million files
_LONGEST_NAME = 255  # bytes of one part of a path: NAME_MAX of Linux
_SEAL = "sha256"  # the key of the hash of all others


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What ``tokpipe.json`` says of the folder it is in."""

    kind: str  # what the folder is: "counts", "tokenizer"
    # everything that was asked, as plain JSON types, nested by configuration
    settings: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)  # sha256 of each input, by its name
    # what came of it: numbers of texts, words, skipped lines
    facts: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None  # where chance was involved
    version: str = __version__  # of the tokpipe that wrote it
    # ``{"bytes": …, "sha256": …}`` of each file, by its path inside the folder
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, kind: str | None = None) -> Self:
        """Read the manifest of a folder, and check that it is one, of this kind if one is asked.

        Raises
        ------
        ArtifactError
            If there is none, it is no manifest, the folder is of another kind, or something in
            the manifest was changed.
        """
        path = folder / MANIFEST
        maker = _MAKERS.get(kind or "")
        made = f"Name a folder that `tokpipe {maker}` made." if maker else ""
        content = _read_json(path, made)
        seal = content.pop(_SEAL, None)
        wrong = [key for key, kinds in _FIELDS.items() if not isinstance(content.get(key), kinds)]
        if wrong or set(content) != set(_FIELDS):
            keys = wrong or sorted(set(content) - set(_FIELDS))
            raise ArtifactError(f"{path}: no manifest of tokpipe: wrong {', '.join(keys)}")
        if kind is not None and content["kind"] != kind:
            raise ArtifactError(f"{folder} holds {content['kind']!r}, wanted {kind!r}", hint=made)
        for name, facts in content["files"].items():
            _check_entry(path, name, facts)
        if seal != _seal_of(content):
            raise ArtifactError(
                f"{path}: its content is not what its own sha256 says",
                hint="It is damaged or was changed; make the folder again.",
            )
        return cls(**content)

    def write(
        self,
        folder: Path,
        files: Iterable[str],
        known: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Write the manifest, the last file of a folder, with size and hash of the others.

        `known` are further files, with what is known of them.
        """
        facts = {name: describe_file(folder / name) for name in files} | dict(known or {})
        replace(self, files=dict(sorted(facts.items()))).store(folder)

    def store(self, folder: Path) -> None:
        """Write the manifest as it is, over one that may be there."""
        content = self.to_dict()
        write_json(folder / MANIFEST, {**content, _SEAL: _seal_of(content)})

    def to_dict(self) -> dict[str, Any]:
        """Return what the file says, but for its own hash."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def check_files(self, folder: Path, *, hashes: bool = True) -> None:
        """Compare the files of a folder with what the manifest says of them.

        All sizes first: a file that has grown to a terabyte is not hashed to find that out. To hash
        takes about a second for a gigabyte on each of the processors, and is done once in a
        process: whoever asks again of a file that has not changed since does not wait.

        Raises
        ------
        ArtifactError
            Naming the first file that is missing, no plain file, outside of the folder, or of
            another size or hash.
        """
        for name, wanted in self.files.items():
            _check_place(folder, name)
            _require_same(folder / name, "bytes", (folder / name).stat().st_size, wanted)
        if not hashes:
            return
        wanted = {folder / name: facts for name, facts in self.files.items()}
        states, now = {p: _state(p, facts) for p, facts in wanted.items()}, time.time_ns()
        unseen = [path for path, state in states.items() if state not in _VERIFIED]
        for path, found in zip(unseen, map_ordered(describe_file, unseen), strict=True):
            _require_same(path, "sha256", found["sha256"], wanted[path])
            if max(states[path][3:5]) + _SETTLED_NS < now:
                _VERIFIED.add(states[path])


_VERIFIED: set[tuple[Any, ...]] = set()  # states of files that this process has found to be whole
_SETTLED_NS = 2_000_000_000  # a file that was written later may change within one tick of its time


def _state(path: Path, facts: Mapping[str, Any]) -> tuple[Any, ...]:
    found = path.stat()
    times = found.st_mtime_ns, found.st_ctime_ns
    return found.st_dev, found.st_ino, found.st_size, *times, facts["sha256"]


def verify_files(folder: Path, names: Iterable[str] | None = None) -> Manifest | None:
    """Return the manifest of a folder, its files checked against it, or None if there is none.

    For everyone who reads all bytes of what tokpipe may have written: a folder of another program
    has no manifest, and nothing is asked of it. `names` are paths inside the folder, with ``/``, of
    the files that are going to be read; those that the manifest does not know are passed over.
    None: all.

    Raises
    ------
    ArtifactError
        If the manifest is damaged, or a file is not as it says.
    """
    if not os.path.lexists(folder / MANIFEST):
        return None
    manifest = Manifest.read(folder)
    known = manifest.files if names is None else set(names) & set(manifest.files)
    files = {name: facts for name, facts in manifest.files.items() if name in known}
    replace(manifest, files=files).check_files(folder)
    return manifest


def verify_beside(path: Path) -> None:
    """Hold a file against the manifest of the folder that it lies in, or of the one above, if any.

    Raises
    ------
    ArtifactError
        If the manifest is damaged, or the file is not as it says.
    """
    whole = path.absolute()
    for folder in (
        whole.parent,
        whole.parent.parent,
    ):  # parts of shards lie in folders of their own
        if verify_files(folder, [whole.relative_to(folder).as_posix()]):
            return


_MAKERS = {  # kind of folder -> the command that makes it
    "counts": "count-words",
    "tokenizer": "train-vocab",
    "shards": "build-shards",
    "model": "pretrain",
    "baseline": "baseline",
}
_FIELDS: dict[str, Any] = {
    "kind": str,
    "settings": dict,
    "inputs": dict,
    "facts": dict,
    "seed": int | None,
    "version": str,
    "files": dict,
}


def describe_file(path: Path) -> dict[str, Any]:
    """Return size and sha256 of a file."""
    with storage_errors(path), path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"bytes": os.fstat(file.fileno()).st_size, "sha256": digest}


def digest_of(folder: Path, paths: Iterable[Path]) -> str:
    """Return a hash of files of a folder: of their names in it and their contents, in order."""
    found = hashlib.sha256()
    for path in paths:
        found.update(f"{path.relative_to(folder)} {describe_file(path)['sha256']}\n".encode())
    return found.hexdigest()


def require_equal(found: Any, wanted: Any, *, what: str, hint: str) -> None:
    """Compare two nested mappings of JSON types.

    Raises
    ------
    ArtifactError
        Naming the first key that differs, and both values.
    """
    wanted = json.loads(json.dumps(wanted))  # tuples are lists in a file
    difference = first_difference(found, wanted)
    if difference is not None:
        key, old, new = difference
        raise ArtifactError(f"{what}: {key} was {_shown(old)}, now it is {_shown(new)}", hint=hint)


def _shown(value: Any) -> str:
    return "not there" if value is None else brief_json(value)


def _seal_of(content: Mapping[str, Any]) -> str:
    """Return the sha256 of a manifest's content, in whatever order and spacing it stands."""
    plain = json.loads(json.dumps(content))  # keys are strings, and lists no tuples, as in the file
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _require_same(path: Path, key: str, found: int | str, facts: Mapping[str, Any]) -> None:
    wanted = facts[key]
    if found != wanted:
        verb = "is" if key == "bytes" else "begins with"
        raise ArtifactError(
            f"{path}: {key} {verb} {_briefly(found)}, the manifest says {_briefly(wanted)}",
            hint="The file is damaged or was changed; make the folder again.",
        )


def _briefly(value: int | str) -> str:
    """Write a size, or the beginning of a hash: enough to see that two differ."""
    return f"{value:,}" if isinstance(value, int) else value[:12]


def _read_json(path: Path, hint: str) -> dict[str, Any]:
    """Read a manifest; `hint` is what to do if there is no folder."""
    try:
        content = json.loads(read_small_file(path, _MOST_BYTES))
    except FileNotFoundError:
        if not path.parent.exists():
            raise ArtifactError(f"{path.parent}: no such folder", hint=hint) from None
        raise ArtifactError(
            f"{path.parent}: no {path.name} in it",
            hint="Is this the folder that tokpipe wrote, and did it finish?",
        ) from None
    except NotADirectoryError:
        problem = f"{path.parent} is no folder, but a file or a device"
        raise ArtifactError(problem, hint=hint) from None
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path}: no JSON: {fault_of(error)}") from None
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read: {error.strerror}") from None
    if not isinstance(content, dict):
        raise ArtifactError(f"{path}: no manifest of tokpipe")
    return content


def _check_entry(path: Path, name: str, facts: Any) -> None:
    parts = PurePosixPath(name).parts
    plain = parts and not name.startswith("/") and ".." not in parts and name == "/".join(parts)
    short = all(len(os.fsencode(part)) <= _LONGEST_NAME for part in parts)
    if not plain or not short or set(name) & set("\0\\\n\r"):
        raise ArtifactError(f"{path}: {name[:80]!r} is no name of a file inside the folder")
    known = isinstance(facts, dict) and set(facts) >= {"bytes", "sha256"}
    if not known or type(facts["bytes"]) is not int or type(facts["sha256"]) is not str:
        raise ArtifactError(f"{path}: no bytes and sha256 for {name!r}")


def _check_place(folder: Path, name: str) -> None:
    path = folder / name
    inside = os.path.realpath(folder)  # not `resolve`, which fails at links in a circle
    if not Path(os.path.realpath(path)).is_relative_to(inside):
        raise ArtifactError(f"{path} is a link that leads out of the folder")
    if not path.is_file():
        raise ArtifactError(f"{path}: missing, or no plain file", hint="Make the folder again.")
