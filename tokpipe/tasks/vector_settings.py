"""How texts become vectors, settled: what is asked for, else what the folder says, else defaults.

What is asked for wins over what sentence-transformers wrote beside the model, and is named.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tokpipe.bert.huggingface.foreign_files import named_briefly
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.tasks.config import EmbedConfig
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.sentence_folder import MODULES, SentenceFolder, read_sentence_folder
from tokpipe.tasks.sequences import Sequences, encode_texts
from tokpipe.tokenizer.spec import ModelKind
from tokpipe.tokenizer.texts import strings_of
from tokpipe.tokenizer.tokenizer import Tokenizer


@dataclass(frozen=True)
class VectorSettings:
    """How the texts of one model become vectors."""

    layers: str  # as in `EmbedConfig`
    sentence: SentenceFolder  # all the rest, nothing left open
    tokenizer: Tokenizer
    width: int  # how many numbers a vector has
    notes: tuple[str, ...]  # what the folder says, and where something else was asked for


def settle(model: BertModel, config: EmbedConfig) -> VectorSettings:
    """Join what is asked for with what the folder of a model says.

    Raises
    ------
    ConfigError
        If the model has not the layers or the pooler that are asked for.
    InputError
        If the folder says what is not known here, or is damaged.
    """
    where = model.folder / MODULES if model.folder else MODULES
    said = read_sentence_folder(model.folder, model.config.hidden_size) if model.folder else None
    if said is not None and said.refusal:
        raise InputError(
            f"{where}: {said.refusal}",
            hint="For vectors of the encoder alone, copy the folder without modules.json.",
        )
    found = said or SentenceFolder()
    asked = replace(
        found,
        poolings=found.poolings if config.pooling is None else (config.pooling,),
        normalize=found.normalize if config.normalize is None else config.normalize,
        max_length=found.max_length if config.max_length is None else config.max_length,
    )
    notes = () if said is None else (f"{where}: {said.about()}", *_notes(found, asked, config))
    tokenizer = _lowering(model.tokenizer, f"{where}") if found.lowercase else model.tokenizer
    added = tokenizer.spec.template.added(False)
    if config.max_length is None and found.max_length is not None and found.max_length <= added:
        raise InputError(
            f"{where}: {found.about()}: no room beside {added} special ones",
            hint="Pass another max_length.",
        )
    width = _width(model, config.layers, asked.poolings)
    return VectorSettings(config.layers, asked, tokenizer, width, notes)


def prepared(
    model: BertModel, texts: Sequence[str], settings: VectorSettings, threads: int | None = None
) -> Sequences:
    """Encode texts as the settings say; see `encode_texts`."""
    sentence = settings.sentence
    if sentence.prompt:
        texts = [sentence.prompt + text for text in strings_of(texts)]
    return encode_texts(settings.tokenizer, texts, model.config, sentence.max_length, threads)


def _notes(said: SentenceFolder, asked: SentenceFolder, config: EmbedConfig) -> Iterator[str]:
    pairs = {
        "layers": ("last", config.layers),
        "pooling": (" and ".join(said.poolings), " and ".join(asked.poolings)),
        "normalize": (said.normalize, asked.normalize),
        "max_length": (said.max_length, asked.max_length),
    }
    for name, (theirs, ours) in pairs.items():
        if theirs != ours:
            yield f"{name}={ours} as asked for, and not {theirs} as is said there".lower()
    others = [name for name, text in said.prompts.items() if text and name != said.default_prompt]
    if others and not said.prompt:
        yield f"prompts for some texts only, which are put before none: {named_briefly(others)}"


def _lowering(tokenizer: Tokenizer, where: str) -> Tokenizer:
    """Return a tokenizer that makes all letters small."""
    spec = tokenizer.spec
    if spec.model is ModelKind.FOREIGN:
        raise InputError(f"{where}: do_lower_case is true, which tokenizers of its kind cannot do")
    if spec.words.lowercase:
        return tokenizer
    return Tokenizer(replace(spec, words=replace(spec.words, lowercase=True)))


def _width(model: BertModel, layers: str, poolings: Sequence[str]) -> int:
    hidden, count = model.config.hidden_size, model.config.num_hidden_layers
    if "pooler" in poolings:
        if not model.config.pooler:
            raise ConfigError("the model has no pooler", hint="Use pooling mean or cls.")
        if layers != "last":
            raise ConfigError(f"the pooler works on the last layer, layers={layers!r}")
    needed = {"last": 0, "second-to-last": 1}.get(layers, 4)
    if count < needed:
        raise ConfigError(f"layers={layers!r}: the model has {count} layers only")
    return hidden * len(poolings) * (4 if layers == "concat-last-four" else 1)
