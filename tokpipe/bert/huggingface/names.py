"""One reversible table of names a family: our tensors and those of Hugging Face's models.

A row joins a part of ours with the part that does the same in theirs; ``{i}`` is the layer. Rows of
linear maps and norms stand for a weight and a bias. Where one tensor of ours holds several of
theirs (queries, keys and values), the row names them in the order of their rows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.config import BertConfig
from tokpipe.bert.parameters import Slot, parameter_table

Rows = Mapping[str, str | tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Family:
    """How one kind of model names its tensors.

    Attributes
    ----------
    name
        The ``model_type`` of its config.json.
    prefix
        Before all names but those of the heads; left out where a model has no heads.
    rows
        Our parts and theirs, as above.
    heads
        The same for heads, whose names have no prefix.
    copies
        Tensors that repeat another: their name, and ours of the one they must equal.
    """

    name: str
    prefix: str = ""
    rows: Rows
    heads: Rows
    copies: Mapping[str, str]


class Place(NamedTuple):
    """Where a tensor of theirs lies in ours: all of it, or some of its rows."""

    name: str
    shape: tuple[int, ...]
    first: int = 0

    def of(self, views: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the view of the values."""
        return views[self.name][self.first : self.first + self.shape[0]]


class Filler(NamedTuple):
    """A tensor that changes nothing: zeros, or the identity where it is square."""

    shape: tuple[int, ...]

    @property
    def values(self) -> NDArray[np.float32]:
        """Return the tensor (float32)."""
        is_square = len(self.shape) == 2 and self.shape[0] == self.shape[1] > 1
        return np.eye(self.shape[0], dtype=np.float32) if is_square else np.zeros(self.shape, "f4")


_BERT_LAYER = "encoder.layer.{i}."
_BERT_ROWS: Rows = {
    "embeddings.token": "embeddings.word_embeddings.weight",
    "embeddings.position": "embeddings.position_embeddings.weight",
    "embeddings.segment": "embeddings.token_type_embeddings.weight",
    "embeddings.norm": "embeddings.LayerNorm",
    "layers.{i}.attention.qkv": tuple(
        f"{_BERT_LAYER}attention.self.{part}" for part in ("query", "key", "value")
    ),
    "layers.{i}.attention.output": f"{_BERT_LAYER}attention.output.dense",
    "layers.{i}.attention.norm": f"{_BERT_LAYER}attention.output.LayerNorm",
    "layers.{i}.ffn.input": f"{_BERT_LAYER}intermediate.dense",
    "layers.{i}.ffn.output": f"{_BERT_LAYER}output.dense",
    "layers.{i}.ffn.norm": f"{_BERT_LAYER}output.LayerNorm",
    "pooler": "pooler.dense",
}
BERT = Family(
    name="bert",
    prefix="bert.",
    rows=_BERT_ROWS,
    heads={
        "mlm.transform": "cls.predictions.transform.dense",
        "mlm.norm": "cls.predictions.transform.LayerNorm",
        "mlm.bias": "cls.predictions.bias",
        "nsp": "cls.seq_relationship",
    },
    copies={
        "cls.predictions.decoder.weight": "embeddings.token",
        "cls.predictions.decoder.bias": "mlm.bias",
    },
)
ROBERTA = Family(
    name="roberta",
    prefix="roberta.",
    rows=_BERT_ROWS,
    heads={
        "mlm.transform": "lm_head.dense",
        "mlm.norm": "lm_head.layer_norm",
        "mlm.bias": "lm_head.bias",
    },
    copies={"lm_head.decoder.weight": "embeddings.token", "lm_head.decoder.bias": "mlm.bias"},
)
_DISTIL_LAYER = "transformer.layer.{i}."
DISTILBERT = Family(
    name="distilbert",
    prefix="distilbert.",
    rows={
        "embeddings.token": "embeddings.word_embeddings.weight",
        "embeddings.position": "embeddings.position_embeddings.weight",
        "embeddings.norm": "embeddings.LayerNorm",
        "layers.{i}.attention.qkv": tuple(
            f"{_DISTIL_LAYER}attention.{part}" for part in ("q_lin", "k_lin", "v_lin")
        ),
        "layers.{i}.attention.output": f"{_DISTIL_LAYER}attention.out_lin",
        "layers.{i}.attention.norm": f"{_DISTIL_LAYER}sa_layer_norm",
        "layers.{i}.ffn.input": f"{_DISTIL_LAYER}ffn.lin1",
        "layers.{i}.ffn.output": f"{_DISTIL_LAYER}ffn.lin2",
        "layers.{i}.ffn.norm": f"{_DISTIL_LAYER}output_layer_norm",
    },
    heads={
        "mlm.transform": "vocab_transform",
        "mlm.norm": "vocab_layer_norm",
        "mlm.bias": "vocab_projector.bias",
    },
    copies={"vocab_projector.weight": "embeddings.token"},
)
_ALBERT_LAYER = "encoder.albert_layer_groups.{i}.albert_layers.{i}."
ALBERT = Family(
    name="albert",
    prefix="albert.",
    rows={
        "embeddings.token": "embeddings.word_embeddings.weight",
        "embeddings.position": "embeddings.position_embeddings.weight",
        "embeddings.segment": "embeddings.token_type_embeddings.weight",
        "embeddings.norm": "embeddings.LayerNorm",
        "embeddings.projection": "encoder.embedding_hidden_mapping_in",
        "layers.{i}.attention.qkv": tuple(
            f"{_ALBERT_LAYER}attention.{part}" for part in ("query", "key", "value")
        ),
        "layers.{i}.attention.output": f"{_ALBERT_LAYER}attention.dense",
        "layers.{i}.attention.norm": f"{_ALBERT_LAYER}attention.LayerNorm",
        "layers.{i}.ffn.input": f"{_ALBERT_LAYER}ffn",
        "layers.{i}.ffn.output": f"{_ALBERT_LAYER}ffn_output",
        "layers.{i}.ffn.norm": f"{_ALBERT_LAYER}full_layer_layer_norm",
        "pooler": "pooler",
    },
    heads={
        "mlm.transform": "predictions.dense",
        "mlm.norm": "predictions.LayerNorm",
        "mlm.bias": "predictions.bias",
        "nsp": "sop_classifier.classifier",
    },
    copies={
        "predictions.decoder.weight": "embeddings.token",
        "predictions.decoder.bias": "mlm.bias",
    },
)
# What transformers has no class for, under our own names.
TOKPIPE = Family(name="tokpipe", rows={}, heads={}, copies={})

FAMILIES = {family.name: family for family in (BERT, ROBERTA, DISTILBERT, ALBERT, TOKPIPE)}

_BUFFERS = ("embeddings.position_ids", "embeddings.token_type_ids")  # older releases stored them
_HEADS = ("pooler", "mlm", "nsp")


def their_tensors(config: BertConfig, family: Family) -> dict[str, Place]:
    """Return the name of each tensor that a model has in a family, and where it lies in ours.

    Examples
    --------
    >>> tensors = their_tensors(BertConfig.preset("tiny"), BERT)
    >>> tensors["bert.encoder.layer.1.attention.self.key.bias"]
    Place(name='layers.1.attention.qkv.bias', shape=(128,), first=128)
    """
    return dict(
        item
        for name, slot in parameter_table(config).items()
        for item in _their_places(name, slot, family)
    )


def fillers(config: BertConfig, family: Family) -> dict[str, Filler]:
    """Return tensors that a family has and a model has not, with values that change nothing.

    A model without segments gets one segment of zeros; an ALBERT whose embeddings are as wide as
    its hidden states gets the identity as their projection.
    """
    found: dict[str, Filler] = {}
    hidden, width = config.hidden_size, config.embedding_width
    if "embeddings.segment" in family.rows and not config.type_vocab_size:
        row = family.rows["embeddings.segment"]
        found[f"{family.prefix}{row}"] = Filler((1, width))
    if "embeddings.projection" in family.rows and hidden == width:
        name = f"{family.prefix}{family.rows['embeddings.projection']}"
        found |= {f"{name}.weight": Filler((hidden, hidden)), f"{name}.bias": Filler((hidden,))}
    return found


def heads_among(names: set[str], family: Family) -> dict[str, bool]:
    """Return which of pooler, MLM head and NSP head some canonical names belong to."""
    if family is TOKPIPE:
        firsts = {name.split(".")[0] for name in names}
        found = {head for head in _HEADS if head in firsts}
    else:
        rows = {
            **{ours: f"{family.prefix}{row}" for ours, row in family.rows.items()},
            **family.heads,
        }
        found = {
            ours.split(".")[0]
            for ours, row in rows.items()
            if ours.split(".")[0] in _HEADS
            and any(name in names for name in (f"{row}", f"{row}.weight", f"{row}.bias"))
        }
    nsp = "nsp" in found
    return {"pooler": nsp or "pooler" in found, "mlm_head": "mlm" in found, "nsp_head": nsp}


def canonical(name: str, family: Family) -> str:
    """Return how a family writes a name today: its prefix, weight for gamma, bias for beta.

    Examples
    --------
    >>> canonical("embeddings.LayerNorm.gamma", BERT)
    'bert.embeddings.LayerNorm.weight'
    """
    for old, new in ((".gamma", ".weight"), (".beta", ".bias")):
        if name.endswith(f"LayerNorm{old}"):
            name = name.removesuffix(old) + new
    is_inside = name.startswith(_first_parts(family))
    return f"{family.prefix}{name}" if is_inside else name


def is_buffer(name: str) -> bool:
    """Return whether a tensor holds no weights, only what follows from the settings."""
    return name.endswith(_BUFFERS)


def _first_parts(family: Family) -> tuple[str, ...]:
    rows = [row if isinstance(row, str) else row[0] for row in family.rows.values()]
    return tuple({f"{row.split('.')[0]}." for row in rows})


def _their_places(name: str, slot: Slot, family: Family) -> Iterator[tuple[str, Place]]:
    if family is TOKPIPE:
        yield name, Place(name, slot.shape)
        return
    stem, _, ending = name.rpartition(".")
    parts = stem.split(".")
    layer = parts[1] if parts[0] == "layers" else ""
    pattern = ".".join(["layers", "{i}", *parts[2:]]) if layer else stem
    row, suffix, prefix = _row(family, name, pattern, ending)
    rows = (row,) if isinstance(row, str) else row
    height = slot.shape[0] // len(rows)
    for number, theirs in enumerate(rows):
        full = f"{prefix}{theirs.replace('{i}', layer)}{suffix}"
        yield full, Place(name, (height, *slot.shape[1:]), number * height)


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
