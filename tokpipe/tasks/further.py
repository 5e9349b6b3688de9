"""A model trained further on other text: losses before and after, on that and on older text."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tokpipe.foundation.doors import paths_of, require
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.stores.publishing import pull, run_place
from tokpipe.shards.reader import Shards, open_shards
from tokpipe.tasks.config import EvaluateConfig
from tokpipe.tasks.evaluate import Evaluation, evaluate_shards
from tokpipe.tasks.model import BertModel
from tokpipe.training.config import TrainingConfig
from tokpipe.training.going_on import refuse_finished
from tokpipe.training.log import Watch
from tokpipe.training.phases import Folders, open_phases
from tokpipe.training.pretrain import Pretrained, train_in
from tokpipe.training.ranks import ALONE, Ranks
from tokpipe.training.start import Start, first_weights, prepare_start
from tokpipe.training.start_config import StartConfig
from tokpipe.training.state import refuse_foreign, refuse_source

_BATCHES = 50  # of 4,096 tokens: a second at small, and the loss to a hundredth


class OnText(NamedTuple):
    """What a model came to on one folder of shards; of the same sequences and masks."""

    folder: Path
    before: Evaluation
    after: Evaluation | None = None  # None: not trained yet


class Further(NamedTuple):
    """What training further came to."""

    pretrained: Pretrained
    start: Start
    texts: tuple[OnText, ...]  # on the new text, and on the others that were named


Begins = Callable[[Start, tuple[OnText, ...]], None]


def pretrain_from(  # noqa: PLR0913 - model, text, run, and how
    source: str | Path,
    shards: Folders,
    out: str | Path = "run",
    *,
    config: StartConfig | None = None,
    training: TrainingConfig | None = None,
    also: Sequence[str | Path] = (),
    then: str = "rewarm",
    threads: int | None = None,
    force: bool = False,
    resume: str | Path | None = None,
    begins: Begins | None = None,
    watch: Watch | None = None,
    progress: Progress = SILENT,
    ranks: Ranks = ALONE,
) -> Further:
    """Pretrain from the weights of a model; go on where a stopped run of the same settings is.

    Parameters
    ----------
    source
        Its folder: a run or a model of ours, or Hugging Face's.
    shards
        The folder to train on, as `build_shards` made it, or several, as in `pretrain`. Where
        their vocabulary is not the model's, rows are matched by token.
    out
        The run folder.
    config
        How the model is fitted to the shards.
    training
        How to train.
    also
        Folders of shards of the same vocabulary that losses are measured on before and after, to
        see what is forgotten.
    then
        As in `pretrain`.
    threads
        How many work, or None for one a usable processor; the weights do not depend on it.
    force
        Start over where something is in `out` that tokpipe has trained.
    resume
        A checkpoint of the run to go on from, in place of the latest; later ones are removed.
    begins
        Told what is taken of the model and what it comes to, before it is trained.
    watch, progress
        Who looks on, and who is told of evaluations.
    ranks
        As in `pretrain`.

    Raises
    ------
    ArtifactError
        If shards or model are damaged, or a stopped run had other settings.
    ConfigError
        If model and shards do not fit together.
    InputError
        If a file of the model is missing, damaged, or of a kind that may run code.
    StorageError
        If `out` is finished, foreign or in use, or holds the model, or the disk refuses.
    MemoryLimitError
        If it would not fit into memory.
    TrainingError
        If the numbers are none any more.
    """
    require("config", config, StartConfig)
    require("training", training, TrainingConfig)
    others = paths_of("also", also)
    refuse_source(out, source)
    run = run_place(out)

    def looked_at() -> None:
        pull(run)
        refuse_foreign(run, force=force, may_go_on=True)

    ranks.first(looked_at)
    config, training = config or StartConfig(), (training or TrainingConfig()).decided()
    phases = open_phases(shards)
    folders = [*phases, *map(open_shards, others)]
    start = prepare_start(source, phases, config, training, then)
    start = start._replace(asked=start.asked._replace(weighs=ranks.weighs))
    if not force:
        ranks.first(lambda: refuse_finished(run, start.asked.settings))
    how = training.seed, threads, progress
    model = BertModel(first_weights(start, config), start.asked.shards.tokenizer)
    before = _evaluations(model, folders, *how)
    del model
    texts = tuple(map(OnText, (one.folder for one in folders), before))
    if begins:
        begins(start, texts)
    so: dict[str, Any] = {"force": force, "resume": resume, "watch": watch, "ranks": ranks}
    made = train_in(run, start.asked, threads, **so)
    after = _evaluations(BertModel.load(run), folders, *how) if ranks.rank == 0 else before
    both = zip(texts, after, strict=True)
    return Further(made, start, tuple(text._replace(after=one) for text, one in both))


def _evaluations(
    model: BertModel,
    shards: Sequence[Shards],
    seed: int,
    threads: int | None,
    progress: Progress,
) -> list[Evaluation]:
    how: dict[str, Any] = {"seed": seed, "threads": threads, "progress": progress}
    found = []
    for one in shards:
        split = "validation" if one.validation.rows else "train"
        config = EvaluateConfig(split=split, most_batches=_BATCHES)
        found.append(evaluate_shards(model, one.folder, config, **how))
    return found
