"""Pretraining: from a shard folder to a run folder, begun or gone on with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from tokpipe.batches.loader import Loader
from tokpipe.bert.attention_start import start_local
from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.family import Family
from tokpipe.bert.families.registry import family_of
from tokpipe.bert.head import Frequencies
from tokpipe.bert.local_start import check_local_start
from tokpipe.bert.parameters import Parameters
from tokpipe.bert.registry import heads_of
from tokpipe.foundation.config import unknown_name
from tokpipe.foundation.doors import require
from tokpipe.foundation.errors import ArtifactError, ConfigError
from tokpipe.foundation.processors import precision_for
from tokpipe.foundation.storage import check_space, storage_errors
from tokpipe.foundation.stores.publishing import pull, run_place
from tokpipe.foundation.threads import thread_count
from tokpipe.foundation.version import __version__
from tokpipe.shards.reader import Shards
from tokpipe.tokenizer.copies import files_for_model
from tokpipe.training.config import TrainingConfig
from tokpipe.training.fitting import fitted, fitted_training
from tokpipe.training.frequencies import frequencies_of, guesses
from tokpipe.training.going_on import (
    begun_with,
    refuse_finished,
    reopen,
    seconds_used,
    settings_to_go_on,
)
from tokpipe.training.lesson import Lesson, TaughtTexts
from tokpipe.training.loading import capacity_of, loaders, masks_to_learn, steps_in
from tokpipe.training.log import Line, Nobody, Watch
from tokpipe.training.loop import Data, Run
from tokpipe.training.measure import losses_over
from tokpipe.training.memory import (
    check_memory,
    disk_bytes,
    free_for_training,
    training_bytes,
)
from tokpipe.training.parts import own_rows
from tokpipe.training.phases import (
    Folders,
    longest_of,
    open_phases,
    shards_digest,
    shares_of,
    told_of,
)
from tokpipe.training.progress import Position, State
from tokpipe.training.ranks import ALONE, Ranks, leaves_of
from tokpipe.training.result import finish
from tokpipe.training.resuming import begun_at, bytes_in, clear_behind, go_on_from, last_step
from tokpipe.training.schedule import WAYS, Schedule
from tokpipe.training.settings import OURS, model_settings, training_settings
from tokpipe.training.source import Phases
from tokpipe.training.state import (
    checkpoints,
    clear,
    refuse_foreign,
    remove_unfinished,
    writing,
)
from tokpipe.training.targets import check_targets
from tokpipe.training.trainer import PRETRAINING, Terms, Trainer


@dataclass(frozen=True)
class Pretrained:
    """What a run came to.

    Attributes
    ----------
    folder : Path
        The run; it is the model's folder, too.
    state : State
        How far it got.
    last, evaluation : Line or None
        The last step, and the last evaluation.
    """

    folder: Path
    state: State
    last: Line | None
    evaluation: Line | None


def pretrain(  # noqa: PLR0913 - the four that matter, and how
    shards: Folders,
    model_config: BertConfig | None = None,
    training_config: TrainingConfig | None = None,
    out: str | Path = "run",
    *,
    threads: int | None = None,
    force: bool = False,
    resume: str | Path | None = None,
    watch: Watch | None = None,
    then: str = "rewarm",
    ranks: Ranks = ALONE,
) -> Pretrained:
    """Train a model from a shard folder; go on where a stopped run of the same settings is.

    A run that is over goes on, too, if more steps, epochs or time are asked for and all else that
    touches weights is as it was.

    Parameters
    ----------
    shards
        The folder, as `build_shards` made it; or several, which are trained on one after the
        other, in one schedule. Then the last one is what the run is measured on throughout.
    model_config
        Shape of the model; None: the preset "tiny" without dropout. What the shards decide may be
        left at its default: `vocab_size`, `pad_token_id` and whether there is a head for pairs
        follow them, and where they have RoBERTa's recipe, or no pairs for a model with a bias by
        distance, `position_offset`, `max_position_embeddings` and `type_vocab_size`.
    training_config
        How to train; None: as `settings.SETTINGS` has it for such a model.
    out
        The run folder.
    threads
        How many work, or None for one a usable processor; the weights do not depend on it.
    force
        Start over where something is in `out` that tokpipe has trained.
    resume
        A checkpoint of the run to go on from, in place of the latest; later ones are removed.
    watch
        Who looks on.
    then
        The learning rate of a run that is over and goes on: "rewarm", it rises and falls again as
        the settings say, over what is left; "flat", it is the greatest one to the end.
    ranks
        The processes that share the work, each of which calls this; the weights do not depend on
        them. The first alone touches `out`.

    Returns
    -------
    Pretrained

    Raises
    ------
    ConfigError
        If model and shards do not fit together.
    ArtifactError
        If the shards are damaged or unlike each other, or a stopped run had other settings.
    StorageError
        If `out` is finished, foreign or in use, or the disk refuses.
    MemoryLimitError
        If it would not fit into memory.
    TrainingError
        If the numbers are none any more.
    """
    require("model_config", model_config, BertConfig)
    require("training_config", training_config, TrainingConfig)
    run = run_place(out)

    def looked_at() -> None:
        pull(run)
        refuse_foreign(run, force=force, may_go_on=True)

    ranks.first(looked_at)
    found, shape = open_phases(shards), model_config
    if shape is None:
        shape = BertConfig.preset("tiny", **model_settings(OURS, {}))
    model = fitted(shape, longest_of(found))
    config = training_config or fitted_training(OURS, training_settings(OURS, model), found)
    asked = Pretraining(found, model, config, then=then)
    how: dict[str, Any] = {"force": force, "resume": resume, "watch": watch, "ranks": ranks}
    return train_in(run, asked, threads, **how)


class Pretraining(NamedTuple):
    """A pretraining that can begin."""

    folders: tuple[Shards, ...]  # to train on, one after the other
    model: BertConfig  # as `fitted` returns it
    config: TrainingConfig
    lesson: Lesson | None = None  # what it has of a teacher; None: there is none
    then: str = "rewarm"  # how a run that is over goes on: see `going_on.WAYS`
    own: Family | None = None  # what the model that it goes out from is called
    weighs: Mapping[str, Any] = MappingProxyType({})  # as `Ranks` has it

    @property
    def shards(self) -> Shards:
        """The last folder: what it is measured on."""
        return self.folders[-1]

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of the training that each folder has."""
        return shares_of(self.config, len(self.folders))

    @property
    def inputs(self) -> dict[str, str]:
        """What it is made from: a hash of each folder, by its name in a manifest."""
        if len(self.folders) == 1:
            return {"shards": shards_digest(self.shards)}
        return {f"shards {n}": shards_digest(one) for n, one in enumerate(self.folders, 1)}

    def check(self) -> None:
        """Refuse what contradicts itself.

        Raises
        ------
        ConfigError
            If there is no such way to go on; if heads are to begin in a way that the model, or
            where it comes from, does not allow, or masks to be drawn in one that the shards do
            not; or the processor has not the products asked for.
        """
        precision_for(self.config.precision)
        for one in self.folders:
            masks_to_learn(one, self.config)
        if self.then not in WAYS:
            raise unknown_name("no way to go on", self.then, list(WAYS))
        if self.config.attention_start == "local":
            if self.lesson:
                raise ConfigError(
                    "attention_start='local' has no effect: the first weights are a model's",
                    hint="Leave it out.",
                )
            check_local_start(self.model)

    @property
    def settings(self) -> dict[str, Any]:
        """What all follows from."""
        self.check()
        shares, inputs, config = self.shares, self.inputs, self.config
        data: dict[str, Any] = {**inputs}
        if len(shares) > 1:
            config = replace(config, phase_shares=shares)
            data = {"shards": told_of(self.folders), "inputs": inputs}
        return {
            "model": self.model.to_dict(),
            "training": config.to_dict(),
            **data,
            "version": __version__,
            **(self.lesson.settings if self.lesson else {}),
            **({"ranks": dict(self.weighs)} if self.weighs else {}),
        }

    def stages(self, threads: int, ranks: Ranks = ALONE) -> dict[str, int]:
        """Return the memory that it takes in one of some processes, by stage."""
        capacity = capacity_of(self.config, self.folders)
        found = training_bytes(self.model, self.config, capacity, threads, ranks)
        taught = self.lesson.bytes if self.lesson else 0
        return {**found, "weights": found["weights"] + taught}


def train_in(  # noqa: PLR0913 - what, and how
    run: Path,
    asked: Pretraining,
    threads: int | None = None,
    *,
    force: bool = False,
    resume: str | Path | None = None,
    watch: Watch | None = None,
    ranks: Ranks = ALONE,
) -> Pretrained:
    """Train in a folder, from the beginning or where a stopped run of the same settings is.

    Parameters and errors are those of `pretrain`.
    """
    asked = asked._replace(config=asked.config.decided(), weighs=ranks.weighs)
    settings = asked.settings  # refuses what contradicts itself, before anything is written

    def cleared() -> str | None:
        if force:
            remove_unfinished(run)
            clear(run)
        refuse_finished(run, settings)
        begun = begun_at(run, resume)
        return None if begun is None else begun.name

    with storage_errors(run), writing(run, ranks):
        name = ranks.first(cleared)
        begun = None if name is None else run / name
        return _train(run, asked, begun, (thread_count(threads), ranks), watch or Nobody())


def _train(
    run: Path, asked: Pretraining, begun: Path | None, workers: tuple[int, Ranks], watch: Watch
) -> Pretrained:
    folders, model, config = asked[:3]
    state, schedule, data, frequencies = _prepared(run, asked, begun, workers[1])
    check_memory(asked.stages(*workers), free_for_training())
    workers[1].first(lambda: _make_room(run, begun, disk_bytes(model, config)))
    first = asked.lesson.first() if asked.lesson else _initial(model, config, frequencies)
    terms = Terms(objective=asked.lesson.objective) if asked.lesson else PRETRAINING
    threads, ranks = workers
    trainer = Trainer(config, first, capacity_of(config, folders), threads, terms, ranks)
    going = Run(trainer, data, schedule, run, state, watch)
    last = go_on_from(begun, run, trainer, going)
    watch.begins(state.step, schedule.steps, _shape(model))
    checkpoint = going.run()

    def finished() -> None:
        finish(run, checkpoint, trainer.parameters, data.tokenizer, data.family)

    ranks.first(finished)
    if ranks.rank == 0:
        last = last_step(run) or last
    return Pretrained(run, going.state, last, going.evaluated)


def _prepared(
    run: Path, asked: Pretraining, begun: Path | None, ranks: Ranks
) -> tuple[State, Schedule, Data, Frequencies]:
    """Return where a run stands, how it goes on, on what data, and what it may begin with."""
    folders, model, config, lesson = asked[:4]
    same_masks = bool(lesson and lesson.outputs)
    found = [loaders(one, config, same_masks=same_masks) for one in folders]
    train, validation = [one for one, _ in found], found[-1][1]
    state, schedule = _going_on(run, asked, begun, train[-1], ranks)
    frequencies = frequencies_of(folders[-1].train, folders[-1].facts)
    state = replace(state, guessing=guesses(heads_of(model), frequencies))
    if len(folders) > 1:
        frequencies = frequencies_of(folders[0].train, folders[0].facts)  # it begins with these
    for number, one in enumerate(train[state.position.phase :]):
        check_targets(one, validation, heads_of(model), Position() if number else state.position)
    if ranks.size > 1:  # each reads its own sequences
        shares = partial(
            own_rows, parts=config.gradient_shards, own=leaves_of(ranks, config.gradient_shards)
        )
        train = [one.of_own(shares) for one in train]
        validation = validation and validation.of_own(shares)
    taught = (
        [TaughtTexts(one, lesson.outputs) for one in train] if lesson and lesson.outputs else train
    )
    data = Data(
        train=Phases(tuple(taught), asked.shares),
        measure=losses_over(validation, config.eval_batches) if validation else None,
        tokenizer=_tokenizer_files(longest_of(folders), model),
        family=family_of(model, asked.own),
    )
    return state, schedule, data, frequencies


def _make_room(run: Path, begun: Path | None, needed: int) -> None:
    """Clear the folder for what is to come; nothing is refused any more but for want of disk."""
    reopen(run)
    clear_behind(run, begun)
    check_space(run, needed - bytes_in(checkpoints(run).values()))


def _going_on(
    run: Path, asked: Pretraining, begun: Path | None, train: Loader, ranks: Ranks
) -> tuple[State, Schedule]:
    """Return where a run stands, and how it goes on from there."""
    config, settings = asked.config, asked.settings
    if begun is None:
        return State(settings=settings), Schedule(config, steps_in(config, train))
    told, seconds = ranks.first(lambda: (State.read(begun).to_dict(), seconds_used(begun)))
    state = State.from_dict(told)
    earlier = TrainingConfig.from_dict(state.settings["training"])
    before = Schedule(earlier, steps_in(earlier, train), begun_with(state.settings))
    over = before.is_over(state.step, seconds)
    settings = settings_to_go_on(run, state, settings, asked.then, seconds, over=over)
    schedule = Schedule(config, steps_in(config, train), begun_with(settings))
    if over and schedule.progress(state.step, seconds) >= 1.0 and settings != state.settings:
        raise ArtifactError(
            f"{run} is at step {state.step:,} already, which is as long as it is asked to be",
            hint="Ask for more --steps, --epochs or --budget; what was trained counts.",
        )
    if state.position.phase >= len(asked.folders):
        raise ArtifactError(f"{begun}: there are {len(asked.folders)} phases, and it is in another")
    return replace(state, settings=settings), schedule


def _tokenizer_files(shards: Shards, model: BertConfig) -> Mapping[str, bytes]:
    longest = model.longest or shards.examples.max_seq_length
    segments = model.type_vocab_size > 1
    return files_for_model(shards.tokenizer, shards.folder, longest, segments=segments)


def _initial(model: BertConfig, config: TrainingConfig, frequencies: Frequencies) -> Parameters:
    parameters = Parameters.initialised(model, config.seed)
    if config.attention_start == "local":
        start_local(parameters)
    if config.mlm_bias == "frequency":
        for head in heads_of(model).values():
            head.prime(parameters.views, frequencies)
    return parameters


def _shape(model: BertConfig) -> str:
    return f"{model.num_hidden_layers} layers, {model.hidden_size} wide"
