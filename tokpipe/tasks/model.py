"""A trained model with its tokenizer: opened from a folder, used on texts, saved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.family import Family
from tokpipe.bert.families.registry import FAMILIES, family_of
from tokpipe.bert.huggingface.checkpoint import load_checkpoint
from tokpipe.bert.huggingface.parts import encoder_of, views_of
from tokpipe.bert.model import Model
from tokpipe.bert.parameters import Parameters
from tokpipe.bert.products.kinds import KINDS
from tokpipe.bert.quantised import in_int8
from tokpipe.bert.workspace import Workspace
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.doors import path_of
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.foundation.hub import model_path
from tokpipe.foundation.manifest import verify_files
from tokpipe.foundation.processors import checked_precision, precision_for
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.tasks.folder import Layout, save_model
from tokpipe.tasks.quantising import sample_of
from tokpipe.tasks.sentence_folder import sentence_files
from tokpipe.tasks.sequences import Sequences, encode_texts, run_batches
from tokpipe.tokenizer.folder import TOKENIZER_FILES
from tokpipe.tokenizer.reading import MAIN_FILES, nothing_in
from tokpipe.tokenizer.tokenizer import Tokenizer


@dataclass(frozen=True)
class Encoded:
    """Hidden states of texts."""

    sequences: Sequences  # the tokens, special ones included
    # list of float32[T, H]: of each layer asked for, in that order, the tokens of all texts end to
    # end
    layers: list[NDArray[np.float32]]

    def __len__(self) -> int:
        return self.sequences.rows

    def __getitem__(self, text: int) -> NDArray[np.float32]:
        """Return the hidden states of one text in the last of the layers: float32[n, H]."""
        if not -len(self) <= text < len(self):
            raise IndexError(f"text {text} of {len(self)}")
        first, last = self.sequences.offsets[text % len(self) :][:2]
        return self.layers[-1][first:last]


class BertModel:
    """A model and its tokenizer.

    Made by `BertModel.load`. Safe to use from several threads.

    Attributes
    ----------
    parameters : Parameters
        The weights.
    model : Model
        What computes with them.
    family : Family
        The kind of model that its folder says it is, or would be written as.
    dtypes : dict
        How its tensors were stored.
    folder : Path or None
        Where it came from.
    left_out : tuple of str
        Names of the tensors there that were not read: of heads for other tasks, and of what is
        beside the model.
    precision : str
        Numbers that its linear maps multiply: float32, bfloat16 or int8.
    """

    def __init__(  # noqa: PLR0913 - a model, and all that is known of it
        self,
        parameters: Parameters,
        tokenizer: Tokenizer | None = None,
        *,
        family: Family | None = None,
        dtypes: Mapping[str, str] | None = None,
        folder: Path | None = None,
        left_out: tuple[str, ...] = (),
        precision: str = "float32",
    ) -> None:
        self.parameters = parameters
        self.precision = precision_for(precision)
        self.model = _computing(parameters, tokenizer, self.precision)
        self.family = family or family_of(parameters.config)
        self.dtypes = dict(dtypes or {})
        self.folder = folder
        self.left_out = left_out
        self._tokenizer = tokenizer

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it is made of, for other processes; its layers are views of the weights."""
        made_of = self.parameters, self._tokenizer, self.family.name, self.dtypes, self.folder
        return _made_again, (*made_of, self.left_out, self.precision)

    @classmethod
    def load(
        cls, folder: str | Path, task: str | None = None, precision: str = "float32"
    ) -> "BertModel":
        """Open a model folder, ours or Hugging Face's.

        Heads that transformers has for other tasks are left out, and named in `left_out`.

        Parameters
        ----------
        folder
            Holds ``config.json``, ``model.safetensors`` or ``pytorch_model.bin`` (or several and
            their index) and the tokenizer's files.
        task
            The only job ("text", "token", "span") whose head is wanted, or "none"; None: whichever
            head there is.
        precision
            Numbers that its linear maps multiply: float32, bfloat16, int8, or auto, which is
            bfloat16 where the processor does it faster. For int8 the weights are rounded here.

        Raises
        ------
        InputError
            If a file is missing, damaged, or of a kind that may run code.
        ArtifactError
            If a file is not what a manifest of ours beside it says.
        ConfigError
            If the processor has not what the precision takes.
        """
        precision = precision_for(checked_precision(precision))
        folder = model_path("folder", folder)
        verify_files(folder, TOKENIZER_FILES)
        found = load_checkpoint(folder, task)
        has_tokenizer = any((folder / name).exists() for name in MAIN_FILES)
        tokenizer = Tokenizer.load(folder) if has_tokenizer else None
        return cls(
            found.parameters,
            tokenizer,
            family=found.family,
            dtypes=found.dtypes,
            folder=folder,
            left_out=found.left_out,
            precision=precision,
        )

    def in_precision(self, precision: str) -> "BertModel":
        """Return the same model, its weights shared, in another precision; see `load`.

        Raises
        ------
        ConfigError
            If there is none of that name, or the processor has not what it takes.
        """
        return BertModel(
            *(self.parameters, self._tokenizer),
            family=self.family,
            dtypes=self.dtypes,
            folder=self.folder,
            left_out=self.left_out,
            precision=checked_precision(precision),
        )

    @property
    def config(self) -> BertConfig:
        """Its settings, those of its weights."""
        return self.parameters.config

    @property
    def tokenizer(self) -> Tokenizer:
        """Its tokenizer.

        Raises
        ------
        InputError
            If its folder holds none.
        """
        if self._tokenizer is None and self.folder is not None:
            raise nothing_in(self.folder)
        if self._tokenizer is None:
            raise InputError("the model has no tokenizer", hint="Load it from a folder with one.")
        return self._tokenizer

    @property
    def has_tokenizer(self) -> bool:
        """Whether there is a tokenizer."""
        return self._tokenizer is not None

    def role_id(self, role: str) -> int:
        """Return the id of a special token: ``mask_token``, ``cls_token`` and so on.

        Raises
        ------
        InputError
            If the tokenizer has none.
        """
        tokenizer = self.tokenizer
        token = tokenizer.roles.get(role)
        if token is None:
            raise InputError(f"the model's tokenizer has no {role}")
        return tokenizer.ids[token]

    def encode(
        self,
        texts: str | Sequence[str],
        layers: Sequence[int] = (-1,),
        *,
        max_length: int | None = None,
        threads: int | None = None,
        progress: Progress = SILENT,
    ) -> Encoded:
        """Compute the hidden states of texts.

        Parameters
        ----------
        texts
            One, or many.
        layers
            Which: 0 the embeddings, L (or -1) the last layer.
        max_length
            Most tokens of a text, if fewer than the model allows; what is longer is cut.

        Returns
        -------
        Encoded
            ``encoded[i]`` is float32[n, H], one row for each token of text i.

        Raises
        ------
        ConfigError
            If there is no such layer.
        InputError
            If a text holds a lone surrogate.
        """
        check_layers(self.config, layers)
        texts = [texts] if isinstance(texts, str) else texts
        sequences = encode_texts(self.tokenizer, texts, self.config, max_length, threads)
        shape = (len(sequences.input_ids), self.config.hidden_size)
        out = [np.empty(shape, np.float32) for _ in layers]

        def work(rows: NDArray[np.int64], packed: Batch, workspace: Workspace) -> None:
            borders = packed.offsets
            found = self.model.hidden_states(packed, layers, workspace)
            for place, hidden in zip(out, found, strict=True):
                for number, row in enumerate(rows):
                    first, last = sequences.offsets[row : row + 2]
                    place[first:last] = hidden[borders[number] : borders[number + 1]]

        run_batches(self.model, sequences, work, threads=threads, progress=progress)
        return Encoded(sequences, out)

    def without_heads(self, family: Family | None = None) -> "BertModel":
        """Return the encoder with its pooler, the MLM and NSP heads left out.

        Parameters
        ----------
        family
            The kind of model that it is to be, if not its own. Where its class has a pooler and
            the model has none, it gets the identity: transformers would draw one at random.
        """
        bare = Parameters(encoder_of(self.config, family or self.family))
        views = views_of(self.parameters, bare.config)
        for name, view in bare.views.items():
            view[...] = views[name]
        kept = family_of(bare.config, family or self.family)
        return BertModel(bare, self._tokenizer, family=kept, folder=self.folder)

    def save(self, folder: str | Path, *, force: bool = False) -> None:
        """Write a model folder, which `transformers` opens where it has such a model.

        What sentence-transformers has beside the model where it came from goes along.

        Raises
        ------
        StorageError
            If the folder exists and `force` is not set, or the disk does not take it.
        """
        save_model(
            self.parameters,
            self._tokenizer,
            path_of("folder", folder),
            Layout(self.family, sentence=sentence_files(self.folder) if self.folder else {}),
            copied_from=self.folder,
            force=force,
        )


def _made_again(  # noqa: PLR0913 - see `BertModel`
    parameters: Parameters,
    tokenizer: Tokenizer | None,
    family: str,
    dtypes: Mapping[str, str],
    folder: Path | None,
    left_out: tuple[str, ...],
    precision: str,
) -> BertModel:
    about = {"family": FAMILIES[family], "dtypes": dtypes, "folder": folder, "left_out": left_out}
    return BertModel(parameters, tokenizer, **about, precision=precision)


def _computing(parameters: Parameters, tokenizer: Tokenizer | None, precision: str) -> Model:
    config = parameters.config
    if precision == "int8":
        return in_int8(config, parameters, sample_of(tokenizer, config))
    return Model(config, parameters, kind=KINDS[precision])


def check_layers(config: BertConfig, layers: Sequence[int]) -> None:
    """Refuse layers that a model does not have.

    Raises
    ------
    ConfigError
        Naming the first of them.
    """
    count = config.num_hidden_layers
    for layer in layers:
        if not -count - 1 <= layer <= count:
            raise ConfigError(
                f"layer {layer}: the model has 0 (embeddings) to {count}, or -1 for the last"
            )
