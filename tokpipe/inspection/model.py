"""What a model consists of: its tensors, their sizes, and the work that a token takes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

from tokpipe.bert.config import BertConfig
from tokpipe.bert.huggingface.checkpoint import read_outline
from tokpipe.bert.parameters import count_encoder_parameters, parameter_table
from tokpipe.tasks.sentence_folder import read_sentence_folder


@dataclass(frozen=True, slots=True)
class TensorRow:
    """A tensor, or one of equal tensors in several layers."""

    path: tuple[str, ...]  # its name, as a path; ``layers.*`` stands for all layers that have it
    shape: tuple[int, ...]  # of one of them
    times: int  # how many there are

    @property
    def parameters(self) -> int:
        """How many values they hold together."""
        return prod(self.shape) * self.times


@dataclass(frozen=True, slots=True)
class Work:
    """Operations of one token in matrix products (FLOP): a multiply and an add are two."""

    sequence: int  # tokens in its sequence: attention looks at each of them
    encoder: int  # forward through all layers, attention included
    attention: int  # the part of it that grows with the sequence
    mlm_head: int  # at one masked token
    # forward and backward, 15 % of the tokens masked: three times the forward pass, whose last
    # layer goes behind the attention for those tokens alone
    training: int


@dataclass(frozen=True, slots=True)
class ModelView:
    """A model in figures."""

    # `name`, `family`: its folder, and which kind of model that says it is
    name: str
    family: str
    config: BertConfig
    stored: tuple[str, ...]  # how its tensors are stored: dtypes, sorted
    # `parameters`, `encoder`: all values; those of the encoder, with its pooler if it has one, as
    # Hugging Face counts
    parameters: int
    encoder: int
    tensors: tuple[TensorRow, ...]  # in the order of the model
    work: tuple[Work, ...]  # for sequences of 128 tokens, and the longest
    left_out: tuple[str, ...]  # names of stored tensors that belong to heads for other tasks
    vectors: str  # how sentence-transformers makes vectors of texts, where it says so; else empty


def view_model(folder: Path) -> ModelView:
    """Look at a model folder, or refuse (`InputError`) what is none; its weights are not read."""
    outline = read_outline(folder)
    config, kinds = outline.config, tuple(sorted(set(outline.dtypes.values())))
    rows = tensor_rows(config)
    total = sum(row.parameters for row in rows)
    sentence = read_sentence_folder(folder, config.hidden_size)
    lengths = sorted({min(128, config.longest or 128), config.longest or 512})
    return ModelView(
        name=str(folder),
        family=outline.family.name,
        config=config,
        stored=kinds,
        parameters=total,
        encoder=count_encoder_parameters(config),
        tensors=rows,
        work=tuple(work_of(config, length) for length in lengths),
        left_out=outline.left_out,
        vectors=sentence.about() if sentence else "",
    )


def tensor_rows(config: BertConfig) -> tuple[TensorRow, ...]:
    """Return the tensors of a model, equal ones of several layers as one row."""
    found: dict[tuple[str, ...], list[tuple[int, ...]]] = {}
    for name, slot in parameter_table(config).items():
        parts = name.split(".")
        if parts[0] == "layers":
            parts[1] = "*"
        found.setdefault(tuple(parts), []).append(slot.shape)
    return tuple(TensorRow(path, shapes[0], len(shapes)) for path, shapes in found.items())


def work_of(config: BertConfig, sequence: int) -> Work:
    """Count the operations of one token in a sequence of some length.

    Examples
    --------
    >>> work_of(BertConfig.preset("tiny"), 128).encoder
    917504
    """
    hidden, width = config.hidden_size, config.embedding_width
    inside = hidden * (config.outer_size + config.inner_size)  # of the feed-forward part
    attention = 4 * sequence * hidden * config.num_hidden_layers
    linear = 2 * (4 * hidden * hidden + inside) * config.num_hidden_layers
    projection = 2 * width * hidden if width != hidden else 0
    encoder = linear + projection + attention
    head = 2 * (hidden * width + width * config.vocab_size) if config.mlm_head else 0
    unasked = 0.85 * 2 * (hidden * hidden + inside)  # in the last layer
    training = round(3 * (encoder - unasked + 0.15 * head))
    return Work(sequence, encoder, attention, head, training)


def model_json(view: ModelView) -> dict[str, Any]:
    """Return the view as plain JSON types."""
    tensors: list[Mapping[str, Any]] = [
        {
            "name": ".".join(row.path),
            "shape": list(row.shape),
            "times": row.times,
            "parameters": row.parameters,
        }
        for row in view.tensors
    ]
    return {
        "model": view.name,
        "family": view.family,
        "stored": list(view.stored),
        "config": view.config.to_dict(),
        "parameters": view.parameters,
        "encoder_parameters": view.encoder,
        "mib_float32": view.parameters * 4 / (1 << 20),
        "tensors": tensors,
        "left_out": list(view.left_out),
        "vectors": view.vectors,
        "flops_a_token": [asdict(work) for work in view.work],
    }
