"""Tokenizer folders: written whole, byte for byte the same for the same tokenizer.

==========================  =====================================================================
file                        for
==========================  =====================================================================
``tokenizer.json``          all of it: ``tokenizers.Tokenizer.from_file``, and our own `load`
``tokenizer_config.json``   ``transformers.AutoTokenizer.from_pretrained``
``special_tokens_map.json`` the roles of the special tokens, for older releases of transformers
``vocab.txt``               WordPiece: a token a line
``vocab.json, merges.txt``  BPE
``README.md``               a person
``tokpipe.json``            settings, versions, what it was made from
==========================  =====================================================================
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.folders import build_folder
from tokpipe.foundation.manifest import Manifest, verify_files
from tokpipe.foundation.storage import storage_errors
from tokpipe.tokenizer.document import document_bytes
from tokpipe.tokenizer.roles import roles_of
from tokpipe.tokenizer.spec import ModelKind, Spec
from tokpipe.tokenizer.vocab_files import vocab_files
from tokpipe.words.config import WordsConfig

if TYPE_CHECKING:
    from tokpipe.tokenizer.reading import TokenizerFile

KIND = "tokenizer"  # of the manifest
TOKENIZER_FILES = (  # in whatever folder: a model's weights beside them are not ours to read
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.txt", "vocab.json", "merges.txt"),
)
_MODEL_MAX_LENGTH = 512  # the positions of BERT and RoBERTa


def folder_files(
    spec: Spec, model_max_length: int = _MODEL_MAX_LENGTH, *, segments: bool = True
) -> dict[str, bytes]:
    """Return name and content of every file of a tokenizer folder but the manifest.

    Parameters
    ----------
    model_max_length
        How many tokens the model takes, for transformers.
    segments
        Whether the model tells two texts of a pair apart.

    Raises
    ------
    ConfigError
        If the tokenizer is not of our kinds.
    """
    if spec.model is ModelKind.FOREIGN:
        raise ConfigError(
            f"{spec.model.value} tokenizers are not ours to write",
            hint="Copy its tokenizer.json.",
        )
    plain = vocab_files(spec)
    return {
        "tokenizer.json": document_bytes(spec),
        **role_files(spec, model_max_length, segments=segments),
        **plain,
        "README.md": _readme(spec, list(plain)).encode(),
    }


def role_files(spec: Spec, model_max_length: int, *, segments: bool = True) -> dict[str, bytes]:
    """Return name and content of the files that say which special token is what."""
    roles = roles_of(spec, special=False)
    return {
        "tokenizer_config.json": transformers_config(
            spec, roles, model_max_length, segments=segments
        ),
        "special_tokens_map.json": _json(roles),
    }


def transformers_config(
    spec: Spec,
    roles: Mapping[str, str],
    model_max_length: int = _MODEL_MAX_LENGTH,
    *,
    segments: bool = True,
) -> bytes:
    """Return ``tokenizer_config.json``, with which transformers' AutoTokenizer opens a folder.

    Parameters
    ----------
    spec
        What the ``tokenizer.json`` beside it holds.
    roles
        Which special token is ``mask_token``, ``pad_token`` and so on.
    model_max_length
        How many tokens the model takes.
    segments
        Whether the model tells two texts of a pair apart: only then is it given their types.
    """
    # PreTrainedTokenizerFast runs tokenizer.json as it stands; BertTokenizerFast and the like
    # build a pipeline of their own around the vocabulary, and lose NFC, Whitespace, templates.
    pair = spec.template.pair if spec.template.added(is_pair=True) else ()
    has_types = spec.model is ModelKind.WORDPIECE or any(piece.type_id for piece in pair)
    inputs = ["input_ids", *["token_type_ids"] * (segments and has_types), "attention_mask"]
    return _json(
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": model_max_length,
            "model_input_names": inputs,
            "clean_up_tokenization_spaces": False,
            **roles,
        }
    )


def save_spec(
    spec: Spec, target: Path, *, manifest: Manifest | None = None, force: bool = False
) -> None:
    """Write a tokenizer folder, whole or not at all.

    Parameters
    ----------
    target
        The folder to make.
    manifest
        What it was made from; a bare one if not given.
    force
        Whether to replace a folder that is there.

    Raises
    ------
    ConfigError
        If the tokenizer is not of our kinds.
    StorageError
        If `target` exists and `force` is not set, or the disk does not take it.
    """
    bare, files = Manifest(kind=KIND, settings={"words": spec.words.to_dict()}), folder_files(spec)
    with build_folder(target, force=force) as folder:
        write_files(files, folder, manifest or bare)


def write_files(files: Mapping[str, bytes], folder: Path, manifest: Manifest) -> None:
    """Write the files of a tokenizer into a folder that nobody reads yet, the manifest last."""
    for name, content in files.items():
        with storage_errors(folder / name):
            (folder / name).write_bytes(content)
    manifest.write(folder, files)


def open_file(path: Path, words: WordsConfig | None = None) -> "TokenizerFile":
    """Read a tokenizer as `read_tokenizer` does, held against the manifest beside it.

    Raises
    ------
    InputError
        If there is no such file, or it is not what its name says.
    ArtifactError
        If it is not as the manifest says.
    """
    from tokpipe.tokenizer.reading import read_tokenizer  # 6 ms, which writing does without

    verify_tokenizer(path)
    return read_tokenizer(path, words)


def verify_tokenizer(path: Path) -> None:
    """Hold the files of a tokenizer, or one of them, against the manifest beside them, if any.

    Raises
    ------
    ArtifactError
        If one is not as it says.
    """
    verify_files(path if path.is_dir() else path.parent, TOKENIZER_FILES)


def foreign_document(path: Path) -> bytes:
    """Return the ``tokenizer.json`` of a tokenizer that is not ours to write.

    Byte for byte as it stands, unless the files beside it add tokens.
    """
    from tokpipe.tokenizer.reading import read_tokenizer

    file = read_tokenizer(path)
    return file.path.read_bytes() if file.document is file.written else _json(file.document)


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _readme(spec: Spec, names: Sequence[str]) -> str:
    words = ", ".join(
        f"{key} {str(value).lower()}" for key, value in spec.words.effective().to_dict().items()
    )
    specials = " ".join(f"`{token.content}`" for token in spec.added_tokens) or "none"
    plain = " and ".join(f"`{name}`" for name in names) or "nothing else"
    return f"""# A {spec.model.value} tokenizer

{len(spec.all_tokens):,} tokens. Special tokens: {specials}.

Text is prepared so: {words}.

```python
import tokpipe

tokenizer = tokpipe.Tokenizer.load("this folder")
tokenizer.encode("some text").tokens
```

`tokenizers.Tokenizer.from_file("tokenizer.json")` and
`transformers.AutoTokenizer.from_pretrained("this folder")` open it too. `tokenizer.json` says all;
{plain} hold the bare vocabulary for tools that want it, and `tokpipe.json` says with which
settings and from what it was made.
"""
