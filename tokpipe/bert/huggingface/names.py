"""Our tensors and those of a family: a table of names, read in both directions."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert import registry
from tokpipe.bert.config import ON_POOLER, BertConfig
from tokpipe.bert.families.family import Family
from tokpipe.bert.parameters import Slot, parameter_table

_BUFFERS = ("embeddings.position_ids", "embeddings.token_type_ids")  # older releases stored them


class TensorSlice(NamedTuple):
    """Where a tensor of theirs lies in ours: all of it, or some of its rows."""

    name: str
    shape: tuple[int, ...]
    first: int = 0

    def of(self, views: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the view of the values."""
        return views[self.name][self.first : self.first + self.shape[0]]


class Filler(NamedTuple):
    """A tensor that changes nothing: zeros, the identity, or one row of ours again and again."""

    shape: tuple[int, ...]
    is_identity: bool = False
    repeats: str = ""  # our name of the row; where it stands instead

    def values(self, views: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the tensor (float32); `views` are ours."""
        if self.repeats:
            return np.repeat(views[self.repeats], self.shape[0], axis=0)
        return (
            np.eye(*self.shape, dtype=np.float32)
            if self.is_identity
            else np.zeros(self.shape, "f4")
        )


def their_tensors(config: BertConfig, family: Family) -> dict[str, TensorSlice]:
    """Return the name of each tensor that a model has in a family, and where it lies in ours.

    Examples
    --------
    >>> from tokpipe.bert.families.bert import BERT
    >>> tensors = their_tensors(BertConfig.preset("tiny"), BERT)
    >>> tensors["bert.encoder.layer.1.attention.self.key.bias"]
    TensorSlice(name='layers.1.attention.qkv.bias', shape=(128,), first=128)
    """
    table = parameter_table(config)
    if family.keys is None:
        return {name: TensorSlice(name, slot.shape) for name, slot in table.items()}
    repeated = {filler.repeats for filler in fillers(config, family).values()}
    return dict(
        item
        for name, slot in table.items()
        if name not in repeated
        for item in _their_slices(name, slot, family)
    )


def fillers(config: BertConfig, family: Family) -> dict[str, Filler]:
    """Return tensors that a family has and a model has not, with values that change nothing.

    A model without segments gets one segment of zeros; an ALBERT whose embeddings are as wide as
    its hidden states gets the identity as their projection; an MPNet whose places are told by
    distances alone gets a table of zeros, or of its only segment.
    """
    neutral: dict[str, Filler] = {}
    hidden, width = config.hidden_size, config.embedding_width
    if "embeddings.segment" in family.always and not config.type_vocab_size:
        neutral[f"{family.prefix}{family.rows['embeddings.segment']}"] = Filler((1, width))
    if "embeddings.projection" in family.always and hidden == width:
        name = f"{family.prefix}{family.rows['embeddings.projection']}"
        neutral |= {
            f"{name}.weight": Filler((hidden, hidden), is_identity=True),
            f"{name}.bias": Filler((hidden,)),
        }
    if "embeddings.position" in family.always and not config.has_places:
        repeats = "embeddings.segment" if config.type_vocab_size else ""
        rows = places_there(config, family)
        neutral[place_table(family)] = Filler((rows, width), repeats=repeats)
    return neutral


def place_table(family: Family) -> str:
    """Return the name of a family's table of places."""
    return f"{family.prefix}{family.rows['embeddings.position']}"


def places_there(config: BertConfig, family: Family) -> int:
    """Return how many rows a family's table of places has for a model."""
    if config.has_places:
        return config.max_position_embeddings
    return config.max_position_embeddings - config.position_offset + family.first_place


def heads_among(names: set[str], family: Family) -> dict[str, bool]:
    """Return the settings of pooler and heads: whether some canonical names belong to them."""
    settings = {"pooler": "pooler", **{e.name: e.setting for e in registry.ENTRIES if e.setting}}
    pairs = [(f"{family.prefix}{row}", ours) for ours, row in family.rows.items()]
    pairs += [(f"{row}", ours) for ours, row in family.heads.items()]
    pairs += family.copies.items()
    if family.keys is None:
        pairs = [(name, name) for name in names]
    found = {
        settings.get(ours.split(".")[0])
        for row, ours in pairs
        if names.intersection((row, f"{row}.weight", f"{row}.bias"))
    }
    found |= {"pooler"} if found.intersection(ON_POOLER) else set()
    return {setting: setting in found for setting in settings.values()}


def has_head(names: set[str], family: Family, head: str) -> bool:
    """Return whether some canonical names belong to a head, by ours of it.

    Examples
    --------
    >>> from tokpipe.bert.families.roberta import ROBERTA
    >>> [has_head({"classifier.dense.bias"}, ROBERTA, head) for head in ("text", "token")]
    [True, False]
    """
    if family.keys is None:
        return any(name.startswith(f"{head}.") for name in names)
    rows = [row for ours, row in family.heads.items() if ours.split(".")[0] == head]
    return any(names.intersection((f"{row}.weight", f"{row}.bias")) for row in rows)


def modern(name: str) -> str:
    """Return a name with weight for gamma, and bias for beta, as older releases called them."""
    for old, new in ((".gamma", ".weight"), (".beta", ".bias")):
        if name.endswith(f"LayerNorm{old}"):
            return name.removesuffix(old) + new
    return name


def canonical(name: str, family: Family) -> str:
    """Return how a family writes a name today: its prefix, weight for gamma, bias for beta.

    Examples
    --------
    >>> from tokpipe.bert.families.bert import BERT
    >>> canonical("embeddings.LayerNorm.gamma", BERT)
    'bert.embeddings.LayerNorm.weight'
    """
    name = modern(name)
    rows = [row if isinstance(row, str) else row[0] for row in family.rows.values()]
    is_inside = name.startswith(tuple({f"{row.split('.')[0]}." for row in rows}))
    return f"{family.prefix}{name}" if is_inside else name


def is_buffer(name: str) -> bool:
    """Return whether a tensor holds no weights, only what follows from the settings."""
    return name.endswith(_BUFFERS)


def _their_slices(name: str, slot: Slot, family: Family) -> Iterator[tuple[str, TensorSlice]]:
    stem, _, ending = name.rpartition(".")
    parts = stem.split(".")
    layer = parts[1] if parts[0] == "layers" else ""
    pattern = ".".join(["layers", "{i}", *parts[2:]]) if layer else stem
    row, suffix, prefix = _row(family, name, pattern, ending)
    rows = (row,) if isinstance(row, str) else row
    height = slot.shape[0] // len(rows)
    for number, theirs in enumerate(rows):
        full = f"{prefix}{theirs.replace('{i}', layer)}{suffix}"
        yield full, TensorSlice(name, (height, *slot.shape[1:]), number * height)


def _row(
    family: Family, name: str, pattern: str, ending: str
) -> tuple[str | tuple[str, ...], str, str]:
    """Return the row of a tensor, what goes behind its names, and what before."""
    for rows, prefix in ((family.rows, family.prefix), (family.heads, "")):
        if name in rows:  # a tensor that stands alone
            return rows[name], "", prefix
        if pattern in rows:
            return rows[pattern], f".{ending}", prefix
    raise KeyError(f"{family.name} has no {name}")
