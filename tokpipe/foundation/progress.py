"""Progress as an object that is handed down: the library reports, the caller decides to show it."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """Something that can show how far a long piece of work has come."""

    def task(
        self, label: str, total: int | None, unit: str
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Begin a task; the block calls the yielded function with the units just done.

        The label is for a person ("counting words"), the total None when nobody knows, the unit "B"
        for bytes and otherwise a plural noun ("merges", "words"). Any thread may call the function.
        """
        ...

    def note(self, message: str) -> None:
        """Say one line that is worth keeping: a warning, a thing skipped and how often."""
        ...


class _Silent:
    @contextmanager
    def task(
        self, label: str, total: int | None, unit: str
    ) -> Generator[Callable[[int], None], None, None]:
        yield lambda done: None

    def note(self, message: str) -> None:
        pass


SILENT: Progress = _Silent()
