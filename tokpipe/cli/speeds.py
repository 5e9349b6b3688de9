"""How many rows runs answer in a second, measured one after the other on the same rows."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tokpipe.cli.command import Session
from tokpipe.foundation.config import Config
from tokpipe.foundation.stores.copies import here

_TIMES = 3  # of which the fastest counts: a machine has other things to do, too


def speeds(
    session: Session, runs: Sequence[str], data: str, columns: Mapping[str, Config]
) -> dict[str, float]:
    """Return for each run how many rows of a file it answers in a second.

    Reading the file and opening the run are left out; making tokens or n-grams of the rows is not.

    Parameters
    ----------
    columns
        Where texts and labels stand, by what a task reads.

    Raises
    ------
    InputError
        If the file cannot be read, or a folder is none of a run.
    """
    from tokpipe.finetuning.registry import task_of
    from tokpipe.finetuning.report import read_metrics

    found = {}
    with session.progress.task("answering", len(runs), "runs") as advance:
        for run in runs:
            metrics = read_metrics(here(run))
            task = task_of(metrics["task"])
            rows = task.read(data, columns.get(task.data), None)
            answer = _opened(session, run, metrics["method"])
            found[run] = len(rows) / min(_seconds(answer, rows) for _ in range(_TIMES))
            advance(1)
    return found


def _seconds(answer: Callable[[Any], object], rows: Any) -> float:
    begin = time.perf_counter()
    answer(rows)
    return max(time.perf_counter() - begin, 1e-9)


def _opened(session: Session, run: str, method: str) -> Callable[[Any], object]:
    from tokpipe.baselines.registry import ENTRIES

    if method in {entry.name for entry in ENTRIES}:
        from tokpipe.baselines.model import open_baseline

        return open_baseline(run).predict
    from tokpipe.tasks.inputs import without_labels
    from tokpipe.tasks.model import BertModel
    from tokpipe.tasks.predict import Job

    job = Job.of(BertModel.load(run))

    def answer(rows: Any) -> object:
        asked: Any = without_labels(rows, job.model.config.labels)
        return job.predictions(asked, threads=session.threads)

    return answer
