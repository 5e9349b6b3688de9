"""All checks of a folder, in the order in which their findings help most."""

import json
from dataclasses import replace
from pathlib import Path

from tokenizers import Tokenizer

from tokpipe.foundation.errors import TokpipeError
from tokpipe.foundation.folders import MANIFEST
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.panics import without_panic_text
from tokpipe.foundation.visible import visible
from tokpipe.inspection.check.agreement import check_agreement, read_beside
from tokpipe.inspection.check.finding import ERROR, Checked, Finding, finding_of
from tokpipe.inspection.check.ids import check_ids
from tokpipe.inspection.check.merges import check_merges
from tokpipe.inspection.check.reach import check_reach
from tokpipe.inspection.check.specials import check_specials
from tokpipe.inspection.source import Source, source_of
from tokpipe.tokenizer.document import document_bytes
from tokpipe.tokenizer.folder import KIND
from tokpipe.tokenizer.guarded_json import read_json
from tokpipe.tokenizer.reading import TokenizerFile, read_tokenizer

TOKENIZER_JSON = "tokenizer.json"
_MODEL = "model"  # of a manifest; `training.state` says it, too, and takes a second to import
_SEALED = ("baseline", "layers")  # kinds of folders whose files are only held against the manifest


def check_path(path: Path) -> list[Checked]:
    """Check a tokenizer folder or file, a folder of several, or another folder of ours.

    Raises
    ------
    InputError
        If there is nothing to check, or its main file cannot be read at all.
    """
    kind = _manifest_kind(path)
    if kind not in (None, KIND):
        from tokpipe.shards.reader import KIND as SHARDS  # these import the kernels
        from tokpipe.tokenizer.trained import SEVERAL
        from tokpipe.words.counts import KIND as COUNTS

        if kind == COUNTS:
            from tokpipe.inspection.check.counts import check_counts

            return [Checked(str(path), "word counts", check_counts(path))]
        if kind == SHARDS:
            return _check_shards(path)
        if kind == SEVERAL:
            whole = Checked(str(path), "tokenizers of several sizes", _check_manifest(path, kind))
            inner = sorted(folder for folder in path.iterdir() if folder.is_dir())
            return [whole, *(_check_one(folder) for folder in inner)]
    if kind in _SEALED:
        return [Checked(str(path), kind, _check_manifest(path, kind))]
    if (path / "dataset_dict.json").is_file():
        hint = "Was it written to the end? build-shards goes on where it was stopped."
        missing = Finding(ERROR, MANIFEST, "missing: no whole shard folder", hint)
        return [Checked(str(path), "a folder of `datasets`", [missing])]
    from tokpipe.inspection.check.model import check_model, is_model

    if kind == _MODEL or is_model(path):
        tokenizer = path / TOKENIZER_JSON
        return [*check_model(path), *([_check_one(path)] if tokenizer.is_file() else [])]
    return [_check_one(path)]


def _check_shards(path: Path) -> list[Checked]:
    from tokpipe.inspection.check.shards import check_shards

    checked = [Checked(str(path), *check_shards(path))]
    tokenizer = path / TOKENIZER_JSON
    return [*checked, _check_one(tokenizer)] if tokenizer.is_file() else checked


def _check_one(path: Path) -> Checked:
    source, findings = check_tokenizer(path)
    return Checked(str(path), f"{source.model}, {len(source.ids):,} tokens", findings)


def _manifest_kind(path: Path) -> str | None:
    if not (path / MANIFEST).is_file():
        return None
    content = read_json(path / MANIFEST)
    kind = content.get("kind") if isinstance(content, dict) else None
    return kind if isinstance(kind, str) else None


def check_tokenizer(path: Path) -> tuple[Source, list[Finding]]:
    """Check a tokenizer folder, or one of its files alone, as `check_path` does."""
    file = read_tokenizer(path)
    source = source_of(file.path, file.written)
    folder = path if path.is_dir() else path.parent
    files, findings = read_beside(folder) if path.is_dir() else ({}, [])
    findings = [
        replace(found, place=found.place.removeprefix(f"{file.path.parent}/"))
        for found in file.findings
    ] + findings
    findings += check_ids(source)
    findings += check_merges(source)
    findings += check_specials(source, files)
    if path.is_dir():
        findings += check_agreement(source, folder, files)
        if _manifest_kind(folder) != _MODEL:  # those are checked with their tensors
            findings += _check_manifest(folder, KIND)
    if file.findings.refused is None:
        findings += _check_pipeline(file, source)
    return source, findings


def _check_manifest(folder: Path, kind: str) -> list[Finding]:
    if not (folder / MANIFEST).exists():
        return []
    try:
        Manifest.read(folder, kind).check_files(folder)
    except TokpipeError as error:
        return [finding_of(error, folder)]
    return []


def _check_pipeline(file: TokenizerFile, source: Source) -> list[Finding]:
    """Look for pieces out of reach, with the steps as the library runs them."""
    content = json.dumps(file.document) if file.spec is None else document_bytes(file.spec).decode()
    try:
        with without_panic_text():
            return list(check_reach(source, Tokenizer.from_str(content)))
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # the library's PanicException is no Exception
        problem = f"the tokenizers library cannot run it: {visible(str(error)[:200])}"
        return [Finding(ERROR, source.path.name, problem)]
