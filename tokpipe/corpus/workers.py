"""Other processes that read the corpus: they are given work items, and leave files.

A work item is a plain value that a function of a module is called with, in any process. What comes
of it is a file, whole or not there, and small facts: it may be done twice, or have been done.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.inputs import InputFile
from tokpipe.corpus.reader import Corpus
from tokpipe.corpus.spans import Span, refuse_streams, spans_of

T = TypeVar("T")


class Run(Protocol):
    """Maps a function over items in other processes, some items ahead; results in their order.

    The error of the first item that has one is raised, when all before it have been yielded.
    """

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any], /) -> Iterator[Any]:
        """Yield the result of each item."""
        ...


@dataclass(frozen=True)
class Workers:
    """Processes that do items.

    `look` refuses a folder that they do not see, and inputs that they do not see as they are here.
    """

    run: Run
    look: Callable[[Path, Sequence[InputFile]], None] = lambda folder, inputs: None

    def digest(self, corpus: Corpus) -> dict[str, str]:
        """Return what `Corpus.digest` does.

        Raises
        ------
        InputError
            If the corpus can be read by one process only.
        """
        refuse_streams(corpus)
        # pieces as long as the corpus: no file is in parts
        spans = ((span, corpus.config) for span in spans_of(corpus.files, corpus.stored_bytes))
        return {name: sha for part in self.run(_digest, spans) for name, sha in part.items()}

    def done(
        self, function: Callable[[T], Any], items: Iterable[T], is_done: Callable[[T], bool]
    ) -> Iterator[T]:
        """Yield items in their order, each done: before, or by the workers now."""
        ahead = deque[tuple[T, bool]]()

        def missing() -> Iterator[T]:
            for item in items:
                ahead.append((item, is_done(item)))
                if not ahead[-1][1]:
                    yield item

        for _ in self.run(function, missing()):
            while ahead[0][1]:
                yield ahead.popleft()[0]
            yield ahead.popleft()[0]
        while ahead:
            yield ahead.popleft()[0]


def _digest(item: tuple[Span, ReadConfig]) -> dict[str, str]:
    """Return the SHA-256 of the files of a span; on a worker."""
    span, config = item
    return span.pieces(config, 1)[0].digest(1)
