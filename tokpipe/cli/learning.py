"""Learning curves on the command line: runs trained again, on parts of the data that grow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokpipe.cli.command import Session
from tokpipe.foundation.config import Config
from tokpipe.foundation.errors import ArtifactError, ConfigError
from tokpipe.foundation.sizes import parse_count
from tokpipe.foundation.stores.copies import here
from tokpipe.foundation.stores.publishing import open_run

if TYPE_CHECKING:
    from tokpipe.tasks.learning import Learned, Train

_ALL = "all"


@dataclass(frozen=True, kw_only=True)
class LearningOptions:
    """What was asked for; see `tokpipe compare --help`."""

    counts: tuple[str, ...]
    paths: Mapping[str, str | None]
    models: tuple[str, ...]
    output: str | None
    columns: Mapping[str, Config]  # by what a task reads


def learn(session: Session, runs: Sequence[str], asked: LearningOptions) -> "Learned":
    """Train the methods of some runs on growing parts of the data.

    Raises
    ------
    ConfigError
        If something is missing that this needs.
    ArtifactError
        If the runs are not of one task.
    InputError
        If the data cannot be read.
    """
    from tokpipe.finetuning.config import FinetuneConfig
    from tokpipe.finetuning.parts import read_parts
    from tokpipe.finetuning.registry import task_of
    from tokpipe.finetuning.report import read_metrics
    from tokpipe.tasks.learning import learning_curves

    counts = counts_of(asked.counts)
    for name in ("train", "test"):
        if not asked.paths.get(name):
            raise ConfigError(f"--learning-curve needs --{name}", hint="Name the file.")
    about = {run: read_metrics(here(run)) for run in runs}
    tasks = {run: metrics["task"] for run, metrics in about.items()}
    if len({*tasks.values()}) > 1:
        raise ArtifactError(
            f"runs of several tasks: {', '.join(f'{r}: {t}' for r, t in tasks.items())}"
        )
    task = task_of(tasks[runs[0]])
    paths = {name: path for name, path in asked.paths.items() if path is not None}
    columns = asked.columns.get(task.data)
    parts = read_parts(task, paths, columns, FinetuneConfig(seed=session.seed))
    methods = [
        (f"{run} ({metrics['method']})", _trainer(session, here(run), metrics, parts, asked))
        for run, metrics in about.items()
    ]
    train: Any = parts["train"]
    return learning_curves(methods, train, counts, seed=session.seed, progress=session.progress)


def counts_of(words: Sequence[str]) -> list[int | None]:
    """Read how many rows parts have, as they were typed: ``50``, ``1k``, ``all``.

    Raises
    ------
    ConfigError
        If one is no count, or they do not rise.

    Examples
    --------
    >>> counts_of(["50", "1k", "all"])
    [50, 1000, None]
    """
    counts = [None if word == _ALL else parse_count(word) for word in words]
    known = [float("inf") if count is None else count for count in counts]
    if not known or known[0] < 1 or sorted({*known}) != known:
        raise ConfigError(
            f"--learning-curve {','.join(words)}: rising numbers of rows are needed, 1 or more",
            hint="For example: 50,200,1000,all.",
        )
    return counts


def _trainer(
    session: Session,
    run: Path,
    metrics: Mapping[str, Any],
    parts: Mapping[str, Any],
    asked: LearningOptions,
) -> "Train":
    from tokpipe.baselines.registry import ENTRIES
    from tokpipe.tasks.learning_runs import finetuning_again

    if metrics["method"] in {entry.name for entry in ENTRIES}:
        return _baseline_again(session, run, metrics, parts)
    if asked.output is None:
        raise ConfigError(
            f"--learning-curve trains {run} again and needs a folder for that",
            hint="Name it with -o; what is stopped goes on there.",
        )
    how = {"seed": session.seed, "threads": session.threads}
    return finetuning_again(run, asked.models, parts, open_run(asked.output), **how)


def _baseline_again(
    session: Session, run: Path, metrics: Mapping[str, Any], parts: Mapping[str, Any]
) -> "Train":
    from tokpipe.baselines.model import KIND
    from tokpipe.baselines.train import checked_method, train_on
    from tokpipe.finetuning.registry import task_of
    from tokpipe.foundation.manifest import Manifest
    from tokpipe.tasks.learning_runs import reached

    manifest = Manifest.read(run, KIND)
    known = {k: v for k, v in manifest.settings.items() if k not in ("method", "task")}
    task, method = task_of(metrics["task"]), checked_method(metrics["method"], metrics["task"])
    config, seed = method.config.from_dict(known), manifest.seed or 0

    def train(part: Any) -> tuple[str, Any]:
        made, _ = train_on(method, task, {**parts, "train": part}, config, seed=seed)
        return reached(len(part), made.report.scores["test"], made.seconds)

    return train
