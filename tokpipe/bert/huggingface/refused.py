"""Weights that are not read, each with the way to convert it.

Those of TensorFlow are among them: nothing that is kept up reads its checkpoints without it.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokpipe.bert.huggingface.machine import CONVERT
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.folders import MANIFEST
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.naming import hub_hint
from tokpipe.foundation.visible import visible

_MOST_NAMED = 3  # models inside of a folder that is none
_OLD = "transformers 4 still reads it: transformers.{call}.save_pretrained('new_folder')."
_GOOGLE = _OLD.format(
    call="BertForPreTraining.from_pretrained('bert_model.ckpt.index', from_tf=True, "
    "config=transformers.BertConfig.from_json_file('bert_config.json'))"
)
_KINDS = (  # of a name: what it is, and what to do
    (
        r"adapter_model\.(safetensors|bin)",
        "an adapter without its model",
        "Join them: peft.AutoPeftModel.from_pretrained('folder').merge_and_unload()"
        ".save_pretrained('new_folder').",
    ),
    (
        r"-of-\d+\.(safetensors|bin)",
        "a part of weights without the index of all parts",
        "Was the download or the copy cut short? The index is model.safetensors.index.json, or "
        "pytorch_model.bin.index.json.",
    ),
    (r"\.safetensors", "weights under another name", "Call the file model.safetensors."),
    (r"\.(index|meta|data-\d+-of-\d+)", "a checkpoint of TensorFlow", _GOOGLE),
    (
        r"\.h5",
        "weights of TensorFlow",
        _OLD.format(call="AutoModel.from_pretrained('folder', from_tf=True)"),
    ),
    (
        r"\.msgpack",
        "weights of Flax",
        _OLD.format(call="AutoModel.from_pretrained('folder', from_flax=True)"),
    ),
    (
        r"\.(onnx|tflite|mlmodel|gguf)",
        "a model that was exported for running alone",
        "Name the folder that it was exported from.",
    ),
    (r"\.(bin|pt|pth|pkl|pickle|ckpt|npy|npz)", "a file that may run code", CONVERT),
)


def refuse_unread(folder: Path, known: Sequence[str]) -> None:
    """Refuse what has no weights that are read, and say how to convert those that are there.

    Parameters
    ----------
    known
        Names of files that are read, of which the folder has none.

    Raises
    ------
    InputError
        Saying what is there in their place.
    ArtifactError
        If it is a folder of ours that holds something else.
    """
    name = visible(str(folder))
    if not folder.is_dir():
        raise _no_folder(folder, name, known)
    if (folder / MANIFEST).is_file():
        Manifest.read(folder, "model")  # of a baseline, a tokenizer, shards: says so
    for one in known:
        if (folder / one).is_symlink():  # and nothing is there, or it would be read
            hint = "Fetch or copy it again."
            raise InputError(f"{visible(str(folder / one))}: a link to nothing", hint=hint)
    found = _refused(path.name for path in folder.iterdir())
    if found is None:
        hint = _inside(folder, known) or "Is this the folder of a model?"
        raise InputError(f"{name}: no model.safetensors in it", hint=hint)
    other, what, hint = found
    raise InputError(f"{name}: no model.safetensors, only {other}, {what}", hint=hint)


def _inside(folder: Path, known: Sequence[str]) -> str:
    """Name models in a folder that is none, such as a run under way; the latest first."""
    listed = [name for one in known for name in (one, f"{one}.index.json")]
    inside = {path.parent for name in listed for path in folder.glob(f"*/{name}")}
    named = [visible(str(path)) for path in sorted(inside, reverse=True)[:_MOST_NAMED]]
    return f"Name one that is in it: {' or '.join(named)}." if named else ""


def _no_folder(path: Path, name: str, known: Sequence[str]) -> InputError:
    beside = path.with_name(f"{path.name}.index")  # TensorFlow names a checkpoint without an ending
    is_there = path.is_file() or beside.is_file()
    found = _refused([beside.name if beside.is_file() else path.name]) if is_there else None
    if found and path.name not in known:
        return InputError(f"{name}: {found[1]}, which is not read", hint=found[2])
    hint = "Name the folder that holds config.json and model.safetensors."
    if path.exists():
        return InputError(f"{name}: a file, no folder of a model", hint=hint)
    return InputError(f"{name}: no such folder", hint=hub_hint(path) or hint)


def _refused(names: Iterable[str]) -> tuple[str, str, str] | None:
    """Return the most telling of some names, what it is, and what to do; None: nothing known."""
    names = sorted(names)
    for ending, what, hint in _KINDS:
        for name in names:
            if re.search(rf"{ending}$", name):
                return visible(name)[:80], what, hint
    return None
