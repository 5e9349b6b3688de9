"""Any number of run files to one run, a limited number of them at a time."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tokpipe.foundation.pages import release_freed_memory
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.words.budget import Budget
from tokpipe.words.collect import collect
from tokpipe.words.journal import write_temporary_run
from tokpipe.words.run_files import read_run
from tokpipe.words.runs import Run, merge_streams


def merge_files(
    files: Sequence[Path],
    runs: Sequence[Run] = (),
    *,
    budget: Budget,
    folder: Path | None = None,
    progress: Progress = SILENT,
) -> Run:
    """Merge run files, and runs in memory, into one run.

    What is merged is left as it is. What does not fit into the budget goes to `folder`, or, if that
    is None, to the system's place for temporary files.
    """
    release_freed_memory()
    with (
        tempfile.TemporaryDirectory(prefix="merge-", dir=folder) as extra,
        progress.task("merging words", None, "words") as done,
    ):
        left = _merged_down(list(files), Path(extra), budget.fan_in)
        streams: list[Iterator[Run]] = [iter([run]) for run in runs]
        streams += [read_run(path) for path in left]
        batches = _reported(merge_streams(streams), done)
        return collect(batches, budget.result_bytes, folder)


def _merged_down(files: list[Path], extra: Path, most: int) -> list[Path]:
    """Merge the first files into new ones until there are few enough; return what is left."""
    while len(files) > most:
        first, files = files[:most], files[most:]
        files.append(write_temporary_run(extra, merge_streams([read_run(p) for p in first])))
        for path in first:
            if path.parent == extra:
                path.unlink()
    return files


def _reported(batches: Iterator[Run], done) -> Iterator[Run]:
    for batch in batches:
        done(len(batch.counts))
        yield batch
