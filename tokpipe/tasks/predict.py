"""What a fine-tuned model says of texts, words and questions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.config import BertConfig
from tokpipe.bert.head import Capacity
from tokpipe.bert.registry import beside_encoder
from tokpipe.bert.workspaces import Workspaces
from tokpipe.finetuning.config import WindowConfig
from tokpipe.finetuning.loader import ExampleLoader
from tokpipe.finetuning.registry import task_of
from tokpipe.finetuning.report import METRICS, read_metrics
from tokpipe.finetuning.scoring import Part, asking, joined
from tokpipe.finetuning.task import Predictions, Task, Tuned
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.doors import require
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.folders import MANIFEST
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.threads import thread_count
from tokpipe.labelled.records import Labelled, LabelledTexts, Questions, TaggedWords
from tokpipe.tasks.answering import answers_of, marks_entities
from tokpipe.tasks.answers import Answer
from tokpipe.tasks.inputs import (
    questions_data,
    sentences_data,
    sentences_of,
    texts_data,
    without_labels,
)
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.sequences import BATCH_TOKENS
from tokpipe.training.outputs import Dealt, head_outputs, told_to_all
from tokpipe.training.ranks import ALONE, Ranks


@dataclass(frozen=True)
class Job:
    """A model, and what it is for."""

    model: BertModel
    task: Task
    windows: WindowConfig  # how texts that are too long were read in training
    tuned: Tuned  # what was chosen on the validation part, such as a threshold

    @classmethod
    def of(cls, model: BertModel) -> Self:
        """Find out what a model is for, from its settings and from what stands beside it.

        Raises
        ------
        ArtifactError
            If what stands beside it is damaged.
        ConfigError
            If it has no head for texts, words or questions, or one for several numbers.
        """
        if model.config.task == "none":
            raise ConfigError(
                f"{model.folder or 'the model'} has no head for texts, words or questions; it has "
                f"{beside_encoder(model.config)}",
                hint="Fine-tune it first: tokpipe finetune --help.",
            )
        if model.config.problem == "regression" and model.config.outputs > 1:
            raise ConfigError(
                f"{model.folder or 'the model'} says {model.config.outputs} numbers of a text, one "
                "is read: problem_type 'regression' with several labels",
                hint="Classes? Their problem_type is single_label_classification.",
            )
        return cls(model, task_of(_name_of(model.config)), _windows(model), _tuned(model))

    @property
    def name(self) -> str:
        """Where the model came from, for messages."""
        return str(self.model.folder or "the model")

    def answers(
        self, inputs: Any, *, threads: int | None = None, progress: Progress = SILENT
    ) -> list[Answer]:
        """Answer each text, sentence or question; see `predict`."""
        labels, given = self.model.config.labels, []
        if self.task.data == "texts":
            data = inputs if isinstance(inputs, LabelledTexts) else texts_data(inputs)
        elif self.task.data == "questions":
            data = inputs if isinstance(inputs, Questions) else questions_data(inputs)
        elif isinstance(inputs, TaggedWords):
            data, given = inputs, sentences_of(inputs)
        else:
            data, given = sentences_data(self.model.tokenizer, inputs)
        if not len(data) and not given:
            return []
        found = self.predictions(without_labels(data, labels), threads=threads, progress=progress)
        return answers_of(data, found, self.model.config, self.tuned, given)

    def predictions(
        self,
        data: Labelled,
        *,
        threads: int | None = None,
        progress: Progress = SILENT,
        ranks: Ranks = ALONE,
    ) -> Predictions:
        """Return what the model says of data, whose labels are numbered as the model's."""
        config = self.model.config
        encoded = self.task.encode(
            data, self.model.tokenizer, self.windows, config.longest, threads
        )
        examples = encoded.fitted(config.vocab_size, config.type_vocab_size)
        part = Part("asked", data, examples)
        logits = example_logits(self.model, self.task.head, part, threads, progress, ranks)
        return self.task.decode(data, examples, logits)


def example_logits(
    model: BertModel,
    head: str,
    part: Part,
    threads: int | None = None,
    progress: Progress = SILENT,
    ranks: Ranks = ALONE,
) -> NDArray[np.float32]:
    """Return the logits of windows, or of the positions or tokens of windows, in their order.

    Windows of about one length go into one batch; which do, depends on their lengths alone. Batches
    are shared by ranks.
    """
    examples = replace(part.examples, labels=None, tags=None, answer_spans=None)
    loader = asking(part._replace(examples=examples), BATCH_TOKENS)
    count = loader.count(0)
    if not count:
        return np.zeros((0, model.config.outputs), np.float32)
    workers = max(1, min(thread_count(threads), count))
    workspaces = Workspaces(model.model, capacity_of(loader), workers, training=False)
    with progress.task("computing", count, "batches") as advance:
        batches = Dealt(_told(loader.batches(0, threads=1), advance), ranks)
        said = head_outputs(model.model, head, batches, workspaces, workers)
    if ranks.size > 1:
        said = told_to_all(ranks, said, count, list(model.model.heads))
    return joined(loader, [logits for logits, _ in said])


def _told(batches: Iterator[Batch], advance: Callable[[int], None]) -> Iterator[Batch]:
    for batch in batches:
        yield batch
        advance(1)


def capacity_of(loader: ExampleLoader) -> Capacity:
    """Return what the largest batch needs of each kind."""
    plan, examples = loader.plan(0), loader.examples
    tokens = rows = places = 1
    for number in range(len(plan)):
        windows = plan.rows_of(number)
        tokens, rows = max(tokens, int(examples.lengths[windows].sum())), max(rows, len(windows))
        if examples.tag_positions is not None:
            places = max(places, len(examples.logit_places(windows)))
    return Capacity(tokens, rows, places)


def _name_of(config: BertConfig) -> str:
    """Return the task of a model's head."""
    if config.task == "text":
        return config.problem
    if config.task == "span":
        return "qa"
    return "ner" if marks_entities(config.labels) else "pos"


def _windows(model: BertModel) -> WindowConfig:
    """Return how long texts were read in training, or the usual."""
    folder = model.folder
    if folder is None or not (folder / MANIFEST).is_file():
        return WindowConfig()
    return WindowConfig.from_dict(Manifest.read(folder).settings.get("windows", {}))


def _tuned(model: BertModel) -> Tuned:
    folder = model.folder
    if folder is None or not (folder / METRICS).is_file():
        return {}
    return read_metrics(folder)["tuned"]


def predict(
    model: BertModel | str | Path,
    inputs: Any,
    *,
    threads: int | None = None,
    progress: Progress = SILENT,
    precision: str = "float32",
) -> list[Answer]:
    """Answer with a fine-tuned model, in the order of the inputs.

    Parameters
    ----------
    model
        One that is open, or its folder: ours, or one that transformers has fine-tuned.
    inputs
        What the model is for: texts, or pairs of texts; sentences, each a text or a list of words;
        or pairs of a question and the paragraph that is to answer it. Or labelled data.
    threads
        How many, or None for one a processor; answers do not depend on it.
    precision
        Numbers that the model of a folder multiplies; see `BertModel.load`.

    Returns
    -------
    list of ClassAnswer, NumberAnswer, TagAnswer or QuestionAnswer
        From `tokpipe.tasks.answers`; ``to_dict()`` of each gives plain JSON types.

    Raises
    ------
    ConfigError
        If the model has no head for texts, words or questions.
    InputError
        If the folder or an input cannot be read as such.

    Examples
    --------
    >>> import tokpipe
    >>> answers = tokpipe.predict("out/sst2", ["a fine film"])  # doctest: +SKIP
    >>> answers[0].labels, answers[0].probabilities  # doctest: +SKIP
    (('positive',), {'negative': 0.03, 'positive': 0.97})
    """
    require("model", model, BertModel, str, Path, optional=False)
    opened = model if isinstance(model, BertModel) else BertModel.load(model, precision=precision)
    return Job.of(opened).answers(inputs, threads=threads, progress=progress)
