"""A model folder's ``config.json`` and weights: read with every name and shape checked, written."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.config import NO_JOB, BertConfig
from tokpipe.bert.families.family import Family
from tokpipe.bert.families.registry import family_of, refusals
from tokpipe.bert.huggingface.names import (
    fillers,
    has_head,
    heads_among,
    place_table,
    their_tensors,
)
from tokpipe.bert.huggingface.parts import views_of
from tokpipe.bert.huggingface.refused import refuse_unread
from tokpipe.bert.huggingface.settings import config_json, read_config
from tokpipe.bert.huggingface.stored import (
    CONFIG,
    INDEX,
    LAYOUTS,
    WEIGHTS,
    StoredTensors,
    has_weights,
)
from tokpipe.bert.huggingface.tensor_file import FLOATS, write_tensors
from tokpipe.bert.parameters import Parameters
from tokpipe.bert.registry import entries_of
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.files import write_json
from tokpipe.foundation.manifest import verify_files


@dataclass(frozen=True)
class Checkpoint:
    """A model as a folder holds it."""

    # `config`, `parameters`: its settings, where which heads it has follows from the tensors; its
    # weights, float32
    config: BertConfig
    parameters: Parameters
    family: Family  # the kind of model that the folder says it is
    # how each tensor is written again, by its canonical name in the family
    dtypes: Mapping[str, str] = field(default_factory=dict)
    # names of tensors that are not read: of heads for other tasks, and of what is beside the model
    left_out: tuple[str, ...] = ()


class Outline(NamedTuple):
    """What a folder says of a model, its weights left unread; see `Checkpoint`."""

    config: BertConfig
    family: Family
    dtypes: Mapping[str, str]
    left_out: tuple[str, ...]


def read_outline(folder: Path, task: str | None = None) -> Outline:
    """Read settings and headers of a model folder, and check them as `load_checkpoint` does.

    Parameters
    ----------
    task
        As there.

    Raises
    ------
    ArtifactError
        As there.
    InputError
        As there, but for what the values themselves are.
    """
    with ExitStack() as stack:
        return _open(folder, stack, task)[0]


def load_checkpoint(
    folder: Path, task: str | None = None, into: Parameters | None = None
) -> Checkpoint:
    """Read ``config.json`` and the weights, from one file or several and their index.

    Parameters
    ----------
    task
        Of the only job whose head is wanted, or "none"; others are left out. None: the head is
        read, of whichever job it is.
    into
        Weights of the same shapes that are overwritten, in place of new ones.

    Raises
    ------
    ArtifactError
        If a file is not what a manifest of ours beside it says.
    InputError
        If a file is missing, damaged or of a kind that may run code; if a tensor is missing,
        unexpected, of another shape than the settings say, or holds NaN or infinity.
    """
    with ExitStack() as stack:
        (config, family, dtypes, left_out), stored = _open(folder, stack, task)
        parameters = Parameters(config) if into is None else into
        for name, part in their_tensors(config, family).items():
            tensor = stored.tensors[name]
            tensor.file.read(tensor.name, part.of(parameters.views))
        neutral = {}
        for name, filler in fillers(config, family).items():
            if filler.repeats:
                parameters.views[filler.repeats][:] = stored.tensors[name].read()[:1]
            neutral[name] = filler.values(parameters.views)
        stored.check_equal(neutral, "the values that change nothing")
        stored.check_equal(_copied(family, parameters, stored), "the embeddings that it is tied to")
    return Checkpoint(config, parameters, family, dtypes, left_out)


def write_checkpoint(
    folder: Path,
    parameters: Parameters,
    *,
    part: BertConfig | None = None,
    family: Family | None = None,
    dtypes: Mapping[str, str] | str = "F32",
    shard_bytes: int | None = None,
) -> list[str]:
    """Write ``config.json`` and the weights of a model into a folder that is there.

    Parameters
    ----------
    part
        Settings with fewer heads, to write that part only.
    family
        Whose names to use; by default those of the family that the settings fit, and our own
        where transformers has no such model.
    dtypes
        ``F32``, ``F16`` or ``BF16``, for all or by canonical name.
    shard_bytes
        Begin another file where one would become larger.

    Returns
    -------
    list of str
        The names of the files.

    Raises
    ------
    ConfigError
        If the family has no such model, or a value does not fit its dtype.
    StorageError
        If the disk refuses.
    """
    config = part or parameters.config
    family = family or family_of(parameters.config)
    settings = config_json(config, family)
    settings["dtype"] = _torch_name(dtypes)
    slices, views = their_tensors(config, family), views_of(parameters, config)
    tensors = {name: part.of(views) for name, part in slices.items()}
    tensors |= {name: filler.values(views) for name, filler in fillers(config, family).items()}
    kinds = {
        name: dtypes if isinstance(dtypes, str) else dtypes.get(name, "F32") for name in tensors
    }
    if not entries_of(config):  # as transformers does for a bare encoder
        tensors = {name.removeprefix(family.prefix): value for name, value in tensors.items()}
        kinds = {name.removeprefix(family.prefix): kind for name, kind in kinds.items()}
    write_json(folder / CONFIG, settings)
    return [CONFIG, *_write_weights(folder, tensors, kinds, shard_bytes)]


def _open(folder: Path, stack: ExitStack, task: str | None) -> tuple[Outline, StoredTensors]:
    """Open the files of a folder and check all names and shapes."""
    verify_files(folder, [CONFIG, *(name for one in LAYOUTS for name in one[:2])])
    if not folder.is_dir() or not has_weights(folder):
        refuse_unread(folder, [layout.weights for layout in LAYOUTS])
    config, family = read_config(folder, task)
    stored = StoredTensors.open(folder, family, config, stack)
    config = _with_heads(_with_places(config, family, stored), family, stored)
    slices = their_tensors(config, family)
    stored.take_copies_for_missing(family, slices)
    shapes = {name: part.shape for name, part in slices.items()}
    shapes |= {name: filler.shape for name, filler in fillers(config, family).items()}
    left_out = stored.leave_out_other_heads(family, shapes)
    stored.check(shapes, family)
    kinds = {name: stored.tensors[name].dtype for name in shapes}
    dtypes = {name: kind if kind in FLOATS else "F32" for name, kind in kinds.items()}
    return Outline(config, family, dtypes, left_out), stored


def _with_places(config: BertConfig, family: Family, stored: StoredTensors) -> BertConfig:
    """Tell whether a table that all models of a family have says anything of places.

    Rows that are all alike say nothing; if they are not zero, they are the only segment.
    """
    if "embeddings.position" not in family.always or place_table(family) not in stored.tensors:
        return config
    table = stored.tensors[place_table(family)].read()
    if not (table == table[:1]).all():
        return replace(config, position=family.positions[0])
    return replace(
        config,
        position=family.positions[1],
        position_offset=0,
        max_position_embeddings=config.max_position_embeddings - family.first_place,
        type_vocab_size=int(table.any()),
    )


def _with_heads(config: BertConfig, family: Family, stored: StoredTensors) -> BertConfig:
    names = set(stored.tensors)
    heads = heads_among(names, family)
    if not has_head(names, family, config.task):
        config = replace(config, **NO_JOB)
    heads["pooler"] |= config.task == "text" and config.classifier == "pooler"
    config = replace(config, **heads)
    reasons = refusals(config, family)
    if reasons:
        raise InputError(f"{stored.folder}: {'; '.join(reasons)}")
    return config


def _copied(
    family: Family, parameters: Parameters, stored: StoredTensors
) -> dict[str, NDArray[np.float32]]:
    return {
        name: parameters.views[ours]
        for name, ours in family.copies.items()
        if name in stored.tensors and ours in parameters.views
    }


def _torch_name(dtypes: Mapping[str, str] | str) -> str:
    kinds = {dtypes} if isinstance(dtypes, str) else set(dtypes.values())
    names = {"F16": "float16", "BF16": "bfloat16"}
    return names.get(next(iter(kinds)), "float32") if len(kinds) == 1 else "float32"


def _write_weights(
    folder: Path,
    tensors: Mapping[str, NDArray[np.float32]],
    kinds: Mapping[str, str],
    shard_bytes: int | None,
) -> list[str]:
    shards: list[dict[str, NDArray[np.float32]]] = [{}]
    used = total = 0
    for name, values in tensors.items():
        size = values.size * FLOATS[kinds[name]]
        if shard_bytes is not None and shards[-1] and used + size > shard_bytes:
            shards.append({})
            used = 0
        shards[-1][name] = values
        used, total = used + size, total + size
    if len(shards) == 1:
        write_tensors(folder / WEIGHTS, tensors, kinds)
        return [WEIGHTS]
    names = [f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors" for i in range(len(shards))]
    for name, shard in zip(names, shards, strict=True):
        write_tensors(folder / name, shard, kinds)
    weight_map = {
        tensor: name for name, shard in zip(names, shards, strict=True) for tensor in shard
    }
    write_json(folder / INDEX, {"metadata": {"total_size": total}, "weight_map": weight_map})
    return [INDEX, *names]
