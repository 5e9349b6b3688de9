"""The tensors that the files of a model folder hold, before anything is made of them."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.family import Family
from tokpipe.bert.huggingface.foreign_files import named_briefly, read_object, shown
from tokpipe.bert.huggingface.names import TensorSlice, is_buffer
from tokpipe.bert.huggingface.pickled import read_pickled_entries
from tokpipe.bert.huggingface.tensor_file import READABLE, Entry, TensorFile
from tokpipe.bert.huggingface.wrappers import unwrapped
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.manifest import verify_files
from tokpipe.foundation.visible import visible

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"


class Layout(NamedTuple):
    """How a folder holds weights: in one file, or in several and a list of what is where."""

    weights: str
    listing: str
    ending: str  # of the names of all its files
    read_entries: Callable[[Any, str], dict[str, Entry]] | None = None


LAYOUTS = (  # the first that a folder has is read
    Layout(WEIGHTS, INDEX, ".safetensors"),
    Layout("pytorch_model.bin", "pytorch_model.bin.index.json", ".bin", read_pickled_entries),
)


class StoredTensor(NamedTuple):
    """A tensor in one of the files, under the name that it has there."""

    file: TensorFile
    name: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return self.file.entries[self.name].shape

    @property
    def dtype(self) -> str:
        """How it is stored."""
        return self.file.entries[self.name].dtype

    def read(self) -> NDArray[np.float32]:
        """Return its values."""
        out = np.empty(self.shape, np.float32)
        self.file.read(self.name, out)
        return out


class StoredTensors:
    """The tensors of all files of a folder, by canonical name."""

    def __init__(
        self, folder: str, tensors: dict[str, StoredTensor], outside: tuple[str, ...]
    ) -> None:
        self.folder = folder
        self.tensors = tensors
        self._outside = outside

    @classmethod
    def open(cls, folder: Path, family: Family, config: BertConfig, stack: ExitStack) -> Self:
        """Open the files of a folder, for as long as the stack lives; look at their headers."""
        tensors: dict[str, StoredTensor] = {}
        files, place = _open_files(folder, stack), visible(str(folder))
        stored = {name: file for file in files for name in file.entries if not is_buffer(name)}
        names, outside = unwrapped(list(stored), family, config, place)
        for name, key in names.items():
            if key in tensors:
                raise InputError(
                    f"{place}: {shown(name)} and {shown(tensors[key].name)} are the same tensor"
                )
            tensors[key] = StoredTensor(stored[name], name)
        return cls(place, tensors, outside)

    def leave_out_other_heads(self, family: Family, wanted: Container[str]) -> tuple[str, ...]:
        """Forget heads for other tasks; return their names, and those of what is no part of it."""
        others = [n for n in self.tensors if n.startswith(family.other_heads) and n not in wanted]
        return (*(self.tensors.pop(name).name for name in others), *self._outside)

    def take_copies_for_missing(self, family: Family, slices: Mapping[str, TensorSlice]) -> None:
        """Let a copy stand for the tensor that it repeats, where only the copy was stored."""
        originals = {part.name: name for name, part in slices.items()}
        for copy, ours in family.copies.items():
            name = originals.get(ours)
            if name is not None and name not in self.tensors and copy in self.tensors:
                self.tensors[name] = self.tensors.pop(copy)

    def check(self, wanted: Mapping[str, tuple[int, ...]], family: Family) -> None:
        """Refuse tensors that are missing, unexpected or misshapen."""
        missing = [name for name in wanted if name not in self.tensors]
        if missing:
            raise InputError(f"{self.folder}: no {named_briefly(missing)}")
        unexpected = [n for n in self.tensors if n not in wanted and n not in family.copies]
        if unexpected:
            raise InputError(
                f"{self.folder}: {named_briefly(unexpected)}: no part of {family.called}",
                hint="Only heads that transformers has for other tasks are left out: "
                f"{', '.join(family.other_heads)}...",
            )
        for name, shape in wanted.items():
            stored = self.tensors[name]
            if stored.shape != shape:
                raise InputError(
                    f"{self.folder}: {shown(stored.name)} has the shape {shown(list(stored.shape))}"
                    f", {CONFIG} asks for {list(shape)}"
                )
            if stored.dtype not in READABLE:
                raise InputError(
                    f"{self.folder}: {shown(stored.name)} is {stored.dtype}; weights may be "
                    f"{', '.join(READABLE)}"
                )

    def check_equal(self, wanted: Mapping[str, NDArray[np.float32]], what: str) -> None:
        """Refuse tensors that must repeat what is known already, and do not."""
        for name, values in wanted.items():
            stored = self.tensors[name]
            if stored.shape != values.shape or not np.array_equal(stored.read(), values):
                raise InputError(
                    f"{self.folder}: {shown(stored.name)} differs from {what}",
                    hint="A model with weights of its own there cannot be expressed.",
                )


def other_heads_note(names: Sequence[str]) -> str:
    """Say which tensors `leave_out_other_heads` passed by."""
    return f"left out, being heads for other tasks or beside the model: {named_briefly(names)}"


def has_weights(folder: Path) -> bool:
    """Return whether a folder looks like a model."""
    return layout_of(folder) is not None


def layout_of(folder: Path) -> Layout | None:
    """Return how a folder holds its weights, or None where it has none that are read."""
    for layout in LAYOUTS:
        if (folder / layout.weights).exists() or (folder / layout.listing).exists():
            return layout
    return None


def _open_files(folder: Path, stack: ExitStack) -> Iterable[TensorFile]:
    layout = layout_of(folder) or LAYOUTS[0]
    path = folder / layout.listing
    if (folder / layout.weights).exists() or not path.exists():
        return [stack.enter_context(TensorFile(folder / layout.weights, layout.read_entries))]
    weight_map = read_object(path).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise InputError(f"{path}: no weight_map, or an empty one")
    files, names = (
        {},
        sorted({_plain_name(path, name, layout.ending) for name in weight_map.values()}),
    )
    verify_files(folder, names)
    for name in names:
        files[name] = stack.enter_context(TensorFile(folder / name, layout.read_entries))
    found = {tensor: name for name, file in files.items() for tensor in file.entries}
    count = sum(len(file.entries) for file in files.values())
    if found != weight_map or count != len(weight_map):
        differing = sorted(set(found.items()) ^ set(weight_map.items()))
        names = [tensor for tensor, _ in differing] or list(found)
        raise InputError(f"{path}: the files do not hold what it says of {named_briefly(names)}")
    return files.values()


def _plain_name(path: Path, name: Any, ending: str) -> str:
    plain = isinstance(name, str) and name.endswith(ending) and len(name) <= 255
    if not plain or Path(name).name != name or "\\" in name or "\0" in name:
        raise InputError(f"{path}: {shown(name)} is no name of a {ending[1:]} file beside it")
    return name
