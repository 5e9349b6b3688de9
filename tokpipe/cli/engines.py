"""Who does the work: the options that commands share, and how many workers are shown at it."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from tokpipe.cli.command import Session
from tokpipe.cli.console import Stream
from tokpipe.cli.options import config_options
from tokpipe.cli.progress import ConsoleProgress, Task
from tokpipe.engines.config import EngineConfig
from tokpipe.foundation.progress import Progress

if TYPE_CHECKING:
    from tokpipe.corpus.workers import Workers
    from tokpipe.engines.dask.crew import Crew

HEADING = "Engine"

engine_options: Callable[[Callable[..., Any]], Callable[..., Any]] = config_options(
    EngineConfig, "engine", heading=HEADING
)


def counter(session: Session, engine: EngineConfig) -> tuple[Callable[..., Any], Progress]:
    """Return what counts words as `words.count.count_words` does, and the progress for it."""
    if engine.engine == "threads":
        from tokpipe.words.count import count_words

        return count_words, session.progress
    from tokpipe.engines.dask.counts import count_words as count_on_workers
    from tokpipe.engines.dask.crew import Crew

    crew = Crew()
    return partial(count_on_workers, engine=engine, crew=crew), crew_progress(session, crew)


@contextmanager
def open_workers(
    session: Session, config: EngineConfig
) -> "Generator[tuple[Workers | None, Progress], None, None]":
    """Open the workers of a cluster, None where threads do the work; and the progress for it."""
    if config.engine == "threads":
        yield None, session.progress
        return
    from tokpipe.engines.dask.corpus_workers import corpus_workers
    from tokpipe.engines.dask.crew import Crew

    crew = Crew()
    with corpus_workers(config, crew, session.progress) as workers:
        yield workers, crew_progress(session, crew)


def crew_progress(session: Session, crew: "Crew") -> Progress:
    """Return the progress of a session that shows the workers of a cluster as well."""
    shown = session.progress
    return _CrewProgress(shown, crew) if isinstance(shown, ConsoleProgress) else shown


class _CrewProgress:
    def __init__(self, shown: ConsoleProgress, crew: "Crew") -> None:
        self._shown, self._crew = shown, crew

    @contextmanager
    def task(
        self, label: str, total: int | None, unit: str
    ) -> Generator[Callable[[int], None], None, None]:
        task = _CrewTask(label, total, unit, self._crew)
        with self._shown.shown(task):
            yield task.add

    def note(self, message: str) -> None:
        self._shown.note(message)


class _CrewTask(Task):
    """Work that is shared out: who is at it stands behind how far it is."""

    def __init__(self, label: str, total: int | None, unit: str, crew: "Crew") -> None:
        super().__init__(label, total, unit)
        self._crew = crew

    def parts(self, err: Stream) -> list[str]:
        """Return what is said of the work, and of the workers where they have some of it."""
        crew = self._crew
        if not crew.workers:
            return super().parts(err)
        said = [_amount(len(crew.workers), "worker"), _amount(crew.done, "item")]
        said += [_amount(crew.stragglers, "straggler")] if crew.stragglers else []
        said += [f"{crew.lost_items} done again"] if crew.lost_items else []
        return [*super().parts(err), *said]


def _amount(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
