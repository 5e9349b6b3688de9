"""Fine-tuning: from labelled data and a model to a model that does a job, and what it is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tokpipe.finetuning.card import card
from tokpipe.finetuning.config import FinetuneConfig, WindowConfig
from tokpipe.finetuning.folder import finish, refuse_other, seed_folder, start_over
from tokpipe.finetuning.preparing import Asked, Prepared, prepare
from tokpipe.finetuning.registry import task_of
from tokpipe.finetuning.report import METRICS, Report, metrics_bytes
from tokpipe.finetuning.seeds import seeds_of, spread
from tokpipe.finetuning.training import train_once
from tokpipe.foundation.config import Config
from tokpipe.foundation.doors import require
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.sizes import figure
from tokpipe.foundation.storage import storage_errors
from tokpipe.foundation.stores.copies import here
from tokpipe.foundation.stores.publishing import pull, run_place
from tokpipe.foundation.threads import thread_count
from tokpipe.training.log import Line, Nobody, Watch
from tokpipe.training.progress import State
from tokpipe.training.ranks import ALONE, Ranks
from tokpipe.training.state import refuse_source, writing


@dataclass(frozen=True, kw_only=True)
class Finetuned:
    """What fine-tuning came to.

    Attributes
    ----------
    folder : Path
        The model, its scores and predictions.
    report : Report
        How good it is.
    state : State
        Of the checkpoint that was kept.
    last : Line or None
        The last step.
    spread : dict
        With several seeds the median, least and greatest of each score, by part.
    """

    folder: Path
    report: Report
    state: State
    last: Line | None
    spread: Mapping[str, Mapping[str, Mapping[str, float]]]


def finetune(  # noqa: PLR0913 - the three parts of the data, and how
    task: str,
    model: str | Path,
    train: str | Path,
    validation: str | Path | None = None,
    test: str | Path | None = None,
    out: str | Path = "finetuned",
    *,
    config: FinetuneConfig | None = None,
    columns: Config | None = None,
    windows: WindowConfig | None = None,
    threads: int | None = None,
    force: bool = False,
    watch: Watch | None = None,
    progress: Progress = SILENT,
    ranks: Ranks = ALONE,
) -> Finetuned:
    """Train a model for a task; go on where a stopped run of the same settings is.

    Parameters
    ----------
    task
        "classification", "regression", "multilabel", "ner", "pos" or "qa".
    model
        A model folder, ours or Hugging Face's: BERT, RoBERTa, DistilBERT, ALBERT.
    train, validation, test
        The data. Without a validation part a share of the training part is held out; the best
        epoch is chosen by it.
    out
        The folder that comes of it.
    config
        How to train.
    columns
        Where texts and labels stand (`TextColumns`, `TagColumns`); None: found by content.
    windows
        How many tokens are read, and what becomes of longer texts.
    threads
        How many work, or None for one a usable processor; no weight depends on it.
    force
        Start over where something is in `out` that tokpipe has made.
    watch
        Who looks on.
    progress
        Is told what the data holds.
    ranks
        The processes that share the work, each of which calls this; no weight depends on them. The
        first alone touches `out`.

    Returns
    -------
    Finetuned

    Raises
    ------
    InputError
        If data or model cannot be used; names file and line.
    ConfigError
        If a setting does not suit them.
    ArtifactError
        If a stopped run had other settings.
    StorageError
        If `out` is finished, foreign or in use, or the disk refuses.
    MemoryLimitError
        If it would not fit into memory.
    TrainingError
        If the numbers are none any more.
    """
    require("model", model, str, Path, optional=False)
    require("out", out, str, Path, optional=False)
    require("config", config, FinetuneConfig)
    require("windows", windows, WindowConfig)
    require("force", force, bool, optional=False)
    refuse_source(out, model)
    run, how = run_place(out), (thread_count(threads), watch or Nobody(), progress, ranks)

    def looked_at() -> None:
        pull(run)
        refuse_other(run, force=force)

    ranks.first(looked_at)
    given = {"train": train, "validation": validation, "test": test}
    asked = Asked(
        task=task_of(task),
        model=model,
        paths={name: here(path, name) for name, path in given.items() if path is not None},
        columns=columns,
        config=(config or FinetuneConfig()).decided(),
        windows=windows or WindowConfig(),
    )
    prepared = prepare(asked, how[0], progress)
    with storage_errors(run), writing(run, ranks):
        if force:
            ranks.first(lambda: start_over(run))
        if asked.config.seeds == 1:
            made = train_once(prepared, run, seeds_of(asked.config.seed, 1)[0], *how)
            return Finetuned(folder=run, **made._asdict(), spread={})
        return _several(prepared, run, *how)


def _several(
    prepared: Prepared, out: Path, threads: int, watch: Watch, progress: Progress, ranks: Ranks
) -> Finetuned:
    """Train several times, each in a folder of its own; the best by validation is the model."""
    config, made = prepared.asked.config, []
    drawn = seeds_of(config.seed, config.seeds)
    for number, seeds in enumerate(drawn, 1):
        folder = seed_folder(out, number)
        ranks.first(partial(folder.mkdir, exist_ok=True))
        made.append(train_once(prepared, folder, seeds, threads, watch, progress, ranks))
        score = made[-1].report.scores["validation"].scores[0]
        progress.note(f"seed {number} of {len(drawn)}: {score.name} {figure(score.value)}")
    best = max(made, key=lambda one: one.report.scores["validation"].best_by)
    tables = _tables([one.report for one in made])
    runs = [{**seeds._asdict(), **values} for seeds, values in zip(drawn, tables, strict=True)]
    spreads = {part: spread([table[part] for table in tables]) for part in tables[0]}
    chosen = made.index(best)
    more = {"seeds": runs, "best_seed": chosen + 1, "spread": spreads}
    written = {
        METRICS: metrics_bytes({**best.report.to_dict(), **more}),
        "README.md": card(prepared, best.report, best.state.to_dict(), spreads).encode(),
    }
    source = seed_folder(out, chosen + 1)
    ranks.first(lambda: finish(out, source, written, {"seeds": len(drawn)}))
    return Finetuned(folder=out, **best._asdict(), spread=spreads)


def _tables(reports: Sequence[Report]) -> list[dict[str, dict[str, float]]]:
    """Return the values of the scores that all trainings have, by part."""
    defined = [
        {
            part: {s.name: s.value for s in scores.scores if s.value == s.value}
            for part, scores in report.scores.items()
        }
        for report in reports
    ]
    common: dict[str, set[str]] = {
        part: set.intersection(*(set(one[part]) for one in defined)) for part in defined[0]
    }
    return [
        {part: {k: v for k, v in one[part].items() if k in common[part]} for part in common}
        for one in defined
    ]
