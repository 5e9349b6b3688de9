"""What a folder holds beside a vocabulary and weights: kept where the vocabulary is extended."""

import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

from tokpipe.bert.huggingface.foreign_files import read_object
from tokpipe.bert.huggingface.stored import CONFIG, other_heads_note
from tokpipe.foundation.errors import ArtifactError
from tokpipe.foundation.manifest import MANIFEST, Manifest
from tokpipe.foundation.visible import visible
from tokpipe.shards.reader import KIND as SHARDS
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.sentence_folder import sentence_files
from tokpipe.tokenizer.guarded_json import read_bounded
from tokpipe.tokenizer.neighbours import ADDED, ROLES
from tokpipe.tokenizer.neighbours import CONFIG as TOKENIZER_CONFIG
from tokpipe.tokenizer.tokenizer import Tokenizer

_WEIGHTS = ("*.safetensors", "*.bin")
_WRITTEN = (*_WEIGHTS, "*.index.json", "tokenizer.json", "vocab.*", "merges.txt", "README.md")
_AS_THEY_STAND = ("generation_config.json", "chat_template.jinja", "LICENSE*", "NOTICE*")


class Source(NamedTuple):
    """A tokenizer, or a model with its tokenizer, before it is extended."""

    path: Path
    tokenizer: Tokenizer
    model: BertModel | None
    sentence: dict[str, bytes]  # files of sentence-transformers
    settings: dict[str, Any]  # all that the ``config.json`` of a foreign model says
    notes: tuple[str, ...]  # what a person who named the path may not expect


def open_source(path: Path) -> Source:
    """Open what is extended; errors are those of `Tokenizer.load` and `BertModel.load`."""
    if not _is_model(path):
        return Source(path, Tokenizer.load(path), None, {}, {}, _notes_on_tokenizer(path))
    model = BertModel.load(path)
    heads = (f"{path}: {other_heads_note(model.left_out)}",) if model.left_out else ()
    settings = read_object(path / CONFIG) if model.family.keys is not None else {}
    notes = (*heads, *_left_behind(path))
    return Source(path, model.tokenizer, model, sentence_files(path), settings, notes)


def kept_files(source: Source, written: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files of the extended tokenizer with what the source says beside its vocabulary.

    No old id moves: what stands there about tokens, roles and lengths stays right.

    Parameters
    ----------
    written
        Name and content of the files as `folder_files` makes them.
    """
    folder = source.path
    if not folder.is_dir():
        return written
    names = [name for name in (TOKENIZER_CONFIG, ROLES, ADDED) if (folder / name).is_file()]
    names += [path.name for pattern in _AS_THEY_STAND for path in sorted(folder.glob(pattern))]
    kept = {name: read_bounded(folder / name) for name in names if (folder / name).is_file()}
    if TOKENIZER_CONFIG in kept:
        said = read_object(folder / TOKENIZER_CONFIG)
        if "tokenizer_class" not in said:  # it followed from files that were not there before
            whole = {**json.loads(written[TOKENIZER_CONFIG]), **said}
            kept[TOKENIZER_CONFIG] = (
                json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
            ).encode()
    return {**written, **kept}


def _is_model(path: Path) -> bool:
    has_weights = any(next(path.glob(pattern), None) for pattern in _WEIGHTS)
    return has_weights and (path / CONFIG).exists()


def _notes_on_tokenizer(path: Path) -> tuple[str, ...]:
    if not path.is_dir():
        return ()
    if (path / CONFIG).exists():
        return (f"{path}: no weights beside config.json; its tokenizer alone is extended",)
    try:
        Manifest.read(path, SHARDS)
    except ArtifactError:
        return ()
    return (f"{path} holds shards; the tokenizer that made them is extended",)


def _left_behind(folder: Path) -> tuple[str, ...]:
    """Say what of a foreign folder does not go along; of our own nothing is worth it."""
    if (folder / MANIFEST).exists():
        return ()
    sentence = {name.partition("/")[0] for name in sentence_files(folder)}
    known = (CONFIG, TOKENIZER_CONFIG, ROLES, ADDED, *_WRITTEN, *_AS_THEY_STAND, *sentence, ".*")
    others = sorted(
        visible(path.name)
        for path in folder.iterdir()
        if not any(fnmatch(path.name, pattern) for pattern in known)
    )
    return (f"{folder}: not carried over: {', '.join(others)}",) if others else ()
