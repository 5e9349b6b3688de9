"""How well a model does on shards: losses, perplexity, accuracies."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from tokpipe.batches.config import BatchConfig
from tokpipe.batches.loader import Loader
from tokpipe.bert.head import Capacity
from tokpipe.bert.losses import Losses
from tokpipe.bert.registry import entries_of, entry_of
from tokpipe.bert.workspaces import Workspaces
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.doors import path_of, require
from tokpipe.foundation.errors import ArtifactError, ConfigError
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.stores.copies import here
from tokpipe.foundation.threads import map_ordered, thread_count
from tokpipe.shards.reader import Shards, open_shards
from tokpipe.tasks.config import EvaluateConfig
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.sequences import WITHOUT_ROWS
from tokpipe.training.frequencies import frequencies_of, guesses
from tokpipe.training.outputs import Dealt, Said, told_to_all
from tokpipe.training.ranks import ALONE, Ranks

_BATCH_TOKENS = 4096  # as training has it, if nothing else is said: it fits where training did
_DEFAULT = EvaluateConfig()
_NO_LOGITS = np.zeros((0, 0), np.float32)


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes
    ----------
    losses
        Sums and counts.
    guessing
        By the name of a head the loss, in nats, of who knows only how often things stand there.
    """

    split: str
    sequences: int
    tokens: int
    losses: Losses
    guessing: Mapping[str, float]

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON types."""
        found = self.losses
        result: dict[str, object] = {
            "split": self.split,
            "sequences": self.sequences,
            "tokens": self.tokens,
        }
        for name, tally in found.items():
            result[entry_of(name).counted] = tally.asked
            result[f"{name}_loss"] = tally.mean
            if name in self.guessing:
                result[f"{name}_guessing_by_frequency"] = self.guessing[name]
            if entry_of(name).has_perplexity:
                result["perplexity"] = math.exp(min(tally.mean, 700.0))
            if tally.accuracy is not None:
                result[f"{name}_accuracy"] = tally.accuracy
        return result


def evaluate_shards(  # noqa: PLR0913 - who works, behind what is asked
    model: BertModel,
    folder: str | Path,
    config: EvaluateConfig = _DEFAULT,
    *,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = SILENT,
    ranks: Ranks = ALONE,
) -> Evaluation:
    """Compute the losses of a model over one split of a shard folder of the same vocabulary.

    Masks that are drawn at load follow `seed`; the losses do not depend on the threads, nor on the
    ranks, each of which calls this.

    Raises
    ------
    ArtifactError
        If the shards are damaged, or of another vocabulary.
    ConfigError
        If the model has no head, the split is empty or asks nothing, or its sequences are none
        for the model.
    """
    require("model", model, BertModel, optional=False)
    require("config", config, EvaluateConfig, optional=False)
    if not model.model.heads:
        raise ConfigError(
            f"{model.folder or 'the model'} has no head, and so no loss",
            hint="Its weights were saved without; take a model with all heads, as a run folder is.",
        )
    loader = _opened(model, here(path_of("folder", folder)), config, seed)
    count = min(loader.count(0), config.most_batches or loader.count(0))
    workers = max(1, min(thread_count(threads), count))
    workspaces = Workspaces(model.model, _capacity(loader), workers, training=False)

    def judge(batch: Batch) -> Said:
        with workspaces.lend(batch) as workspace:
            return _NO_LOGITS, model.model.losses(batch, workspace)

    with progress.task("evaluating", count, "batches") as advance:
        dealt, own = Dealt(islice(loader.batches(0), count), ranks), []
        for said in map_ordered(judge, dealt, workers):
            own.append(said)
            advance(ranks.size)
    found = told_to_all(ranks, own, count, list(model.model.heads)) if ranks.size > 1 else own
    losses = sum((losses for _, losses in found), Losses())
    if not losses:
        asked = " and no ".join(entry.asked for entry in entries_of(model.config))
        raise ConfigError(
            f"{folder}: the {config.split} split has no {asked}, which the model has heads for",
            hint="Build shards that ask them: of longer text, of pairs, with more masks.",
        )
    guessing = guesses(model.model.heads, frequencies_of(loader.split, loader.facts))
    return Evaluation(config.split, *_sizes(loader, count), losses, guessing)


def _sizes(loader: Loader, count: int) -> tuple[int, int]:
    """Return how many sequences and tokens the first batches have."""
    plan = loader.plan(0)
    rows = [plan.rows_of(number) for number in range(count)]
    return sum(map(len, rows)), sum(int(loader.split.lengths[of].sum()) for of in rows)


def _opened(model: BertModel, folder: Path, config: EvaluateConfig, seed: int) -> Loader:
    shards = open_shards(folder)
    check_vocabulary(model, shards)
    split = {one.name: one for one in shards.splits}[config.split]
    if not split.rows:
        raise ConfigError(f"{folder}: the {config.split} split is empty", hint="Take the other.")
    longest, most = int(split.lengths.max()), model.config.longest
    if most is not None and longest > most:
        raise ConfigError(f"{folder} has sequences of {longest} tokens, the model takes {most}")
    if shards.examples.pairs and model.config.type_vocab_size < 2:
        raise ConfigError(
            f"{folder} has pairs of segments, the model knows {model.config.type_vocab_size}",
            hint="Build shards with --no-nsp for it.",
        )
    size = BatchConfig(batch_tokens=_BATCH_TOKENS)
    return Loader(split, size, shards.facts, shards.masks, seed)


def _capacity(loader: Loader) -> Capacity:
    lengths = loader.split.lengths
    tokens = min(max(_BATCH_TOKENS, int(lengths.max())), int(lengths.sum()))
    return Capacity.about(tokens, float(lengths.mean()), loader.masks.masked_lm_prob)


def check_vocabulary(model: BertModel, shards: Shards) -> None:
    """Refuse shards of another vocabulary.

    Raises
    ------
    ArtifactError
        With the sizes of both.
    """
    ours, theirs = model.config.vocab_size, shards.facts.vocab_size
    if model.has_tokenizer and theirs > ours and model.tokenizer.tokens == shards.tokenizer.tokens:
        raise ArtifactError(
            f"{shards.folder}: its vocabulary has {theirs:,} tokens, the model knows {ours:,}",
            hint=WITHOUT_ROWS,
        )
    same = not model.has_tokenizer or model.tokenizer.tokens[:theirs] == shards.tokenizer.tokens
    if theirs > ours or not same:
        raise ArtifactError(
            f"{shards.folder}: its vocabulary of {theirs:,} tokens is not the model's of {ours:,}",
            hint="Build shards with the model's own tokenizer: build-shards -t MODEL.",
        )
