"""Where a stopped run goes on: at which checkpoint, and what is removed behind it."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from tokpipe.foundation.errors import ArtifactError
from tokpipe.foundation.folders import MANIFEST
from tokpipe.training.log import LOG, Line, read_log, write_log
from tokpipe.training.loop import Run
from tokpipe.training.state import checkpoints, load_into, remove_stale, remove_unfinished
from tokpipe.training.trainer import Trainer


def begun_at(run: Path, resume: str | Path | None = None) -> Path | None:
    """Return the checkpoint to go on from; None if there is none.

    Parameters
    ----------
    resume
        The name of one; None: the latest.

    Raises
    ------
    ArtifactError
        If there is none of that name.
    """
    found = checkpoints(run)
    if resume is None:
        return found[max(found)] if found else None
    for path in found.values():
        if path.name == Path(resume).name:
            return path
    raise ArtifactError(
        f"{run} has no checkpoint {str(resume)!r}",
        hint=f"There are: {', '.join(path.name for path in found.values()) or 'none'}.",
    )


def clear_behind(run: Path, begun: Path | None) -> None:
    """Remove what a killed writer left, and all checkpoints behind the one to go on from."""
    remove_unfinished(run)
    found = checkpoints(run)
    first = next((step for step, path in found.items() if path == begun), 0)
    for step, path in found.items():
        if step > first:
            (path / MANIFEST).unlink()
    remove_stale(run)


def go_on_from(begun: Path | None, run: Path, trainer: Trainer, going: Run) -> Line | None:
    """Take weights, moments and log of a checkpoint, or begin a log; return its last step.

    Rank 0 alone reads and writes; the others have from it what they need.
    """
    ranks = trainer.ranks

    def read_lines() -> list[str]:
        lines = [] if begun is None else list(read_log(begun / LOG))
        write_log(run / LOG, lines)
        steps = [line for line in lines if not line.split]
        evaluations = [line for line in lines if line.split]
        return [line.to_json() for line in (*steps[-1:], *evaluations[-1:], *lines[-1:])]

    if begun is not None:
        trainer.restore(partial(load_into, begun), going.state.step)
    else:
        trainer.spread()
    known = [Line.from_json(text, str(run / LOG)) for text in ranks.first(read_lines)]
    of_steps = [line for line in known if not line.split]
    evaluations = [line for line in known if line.split]
    going.resume_after(known[-1] if known else None, evaluations[0] if evaluations else None)
    return of_steps[0] if of_steps else None


def last_step(run: Path) -> Line | None:
    """Return the last step in the log of a run."""
    return next((line for line in reversed(list(read_log(run / LOG))) if not line.split), None)


def bytes_in(folders: Iterable[Path]) -> int:
    """Return the bytes of the files in some checkpoints."""
    return sum(path.stat().st_size for folder in folders for path in folder.iterdir())
