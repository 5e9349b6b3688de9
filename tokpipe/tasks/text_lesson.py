"""What a student learns on text: its settings, and which masks a teacher is asked about."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tokpipe.bert.config import BertConfig
from tokpipe.bert.head import Capacity
from tokpipe.bert.heads.masked_tokens import LOGITS, decoder_of
from tokpipe.bert.registry import beside_encoder
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.hub import shown_name
from tokpipe.shards.reader import Shards, open_shards
from tokpipe.tasks.distill_config import DistillConfig
from tokpipe.tasks.evaluate import check_vocabulary
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.students import first_weights, objective_of
from tokpipe.tasks.teacher import Asked, Kept, Questions, outputs_path, projection_of
from tokpipe.training.config import TrainingConfig
from tokpipe.training.lesson import Lesson, RowRanges, ShardOutputs, TeacherOutputs
from tokpipe.training.loading import loaders, steps_in
from tokpipe.training.pretrain import Pretraining
from tokpipe.training.source_model import open_source

_LOGITS_AT_ONCE = 3  # of a worker: the teacher's, and two copies of the student's


class AskedOfTexts(NamedTuple):
    """The masks that a teacher is asked about, and which of them each row has."""

    questions: Questions
    places: RowRanges


class TextLesson(NamedTuple):
    """A distillation on text that can begin."""

    teacher: BertModel
    config: DistillConfig
    alone: Pretraining  # the student's training without its teacher
    taught: Pretraining  # and with it, but for what the teacher says
    asked: AskedOfTexts
    kept: Kept


def prepare_text(
    teacher: str | Path,
    shards: str | Path,
    run: Path,
    config: DistillConfig,
    training: TrainingConfig,
) -> TextLesson:
    """Read and check everything; look which masks the teacher will be asked about.

    Raises
    ------
    ArtifactError
        If the shards are damaged or of another vocabulary.
    ConfigError
        If a setting does not suit teacher and shards.
    """
    found, model = open_shards(shards), BertModel.load(teacher, "none")
    student = _student(model, found, config)
    alone = Pretraining((found,), student, training)
    digests = {**alone.inputs, "teacher": open_source(teacher).digest}
    first = partial(first_weights, config, model.parameters, student, training.seed)
    alone = alone._replace(lesson=Lesson(first, {"inputs": digests}))
    name = shown_name(Path(teacher))
    distillation = {"distillation": {"teacher": name, **config.to_dict()}}
    settings = {"inputs": digests, **distillation}
    taken = 4 * model.parameters.count + 4 * _LOGITS_AT_ONCE * LOGITS * training.gradient_shards
    asked = _asked(found, training)
    order = [training.seed, training.batch_tokens, training.batch_size, asked.questions.steps]
    return TextLesson(
        teacher=model,
        config=config,
        alone=alone,
        taught=alone._replace(lesson=Lesson(first, settings, bytes=taken)),
        asked=asked,
        kept=Kept(
            outputs_path(run, {**digests, "order": order}),
            logits=False,  # they are made of the states
            states=True,
            relations=config.relation_weight > 0,
        ),
    )


def with_teacher_outputs(lesson: TextLesson, teacher_outputs: TeacherOutputs) -> Pretraining:
    """Return the student's training with what its teacher says."""
    teacher, config, taught = lesson.teacher, lesson.config, lesson.taught
    assert taught.lesson is not None
    objective = objective_of(
        config,
        teacher.config,
        taught.model,
        projection=projection_of(teacher_outputs.rows, taught.model.hidden_size),
        decoder=decoder_of(teacher.config, teacher.model.weights),
    )
    outputs = ShardOutputs(teacher_outputs, lesson.asked.places)
    return taught._replace(lesson=taught.lesson._replace(objective=objective, outputs=outputs))


def _student(teacher: BertModel, shards: Shards, config: DistillConfig) -> BertConfig:
    """Return the settings of a student that learns from shards.

    Raises
    ------
    ArtifactError
        If teacher and shards have not the same vocabulary.
    ConfigError
        If the teacher fills no masks, or takes no such sequences, or the student is no smaller.
    """
    model, folder = teacher.config, teacher.folder
    if not model.mlm_head:
        raise ConfigError(
            f"{folder} has no head that fills masks; it has {beside_encoder(model)}",
            hint="Take a pretrained model as teacher, such as a run folder of `tokpipe pretrain`.",
        )
    check_vocabulary(teacher, shards)
    longest, wanted = model.longest, shards.examples.max_seq_length
    if longest is not None and longest < wanted:
        raise ConfigError(f"{shards.folder} has max_seq_length={wanted}, {folder} takes {longest}")
    if shards.examples.pairs and model.type_vocab_size < 2:
        raise ConfigError(
            f"{shards.folder} has pairs of segments, {folder} knows {model.type_vocab_size}",
            hint="Build shards with --no-nsp for it.",
        )
    return replace(config.student(model), nsp_head=model.nsp_head and shards.examples.pairs)


def _asked(shards: Shards, config: TrainingConfig) -> AskedOfTexts:
    """Return the batches of the first epoch that a training comes to, with the masks of that."""
    loader, _ = loaders(shards, config, same_masks=True)
    steps, every = steps_in(config, loader), config.gradient_accumulation_steps
    count = loader.count(0) if steps is None else min(steps * every, loader.count(0))
    masks, tokens = (np.zeros(loader.split.rows + 1, np.int64) for _ in range(2))
    plan, largest = loader.plan(0), Capacity(1, 1, 1)
    for number, batch in enumerate(islice(loader.batches(0), count)):
        rows = plan.rows_of(number)
        assert batch.masked_positions is not None
        masks[rows + 1] = np.diff(np.searchsorted(batch.masked_positions, batch.offsets))
        tokens[rows + 1] = np.diff(batch.offsets)
        largest = Capacity(*map(max, zip(largest, Capacity.of(batch), strict=True)))
    places = RowRanges(masks.cumsum(), tokens.cumsum())

    def batches() -> Iterator[Asked]:
        for number, batch in enumerate(islice(loader.batches(0), count)):
            yield batch, *places.of(plan.rows_of(number))

    sizes = count, int(places.masks[-1]), int(places.tokens[-1])
    return AskedOfTexts(Questions("mlm", *sizes, largest, batches), places)
