"""What is wrong with a file: found once, raised by `load` if it refuses, listed by `check`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tokpipe.foundation.errors import InputError

ERROR, WARNING, NOTE = "error", "warning", "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and where."""

    # "error" (something will fail or go wrong), "warning" (something is wasted or surprising),
    # "note" (worth knowing, not a problem). An error of `tokenizer.reading` keeps a tokenizer from
    # being opened: it is unsafe, or has no one meaning
    level: str
    place: str  # file, and where in it
    problem: str  # what was found: one sentence without a full stop, harmless to print
    hint: str = ""  # what to do about it, or empty


class FoundError(InputError):
    """A finding that is raised."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.place}: {finding.problem}", hint=finding.hint)
        self.finding = finding


class Findings(list[Finding]):
    """Collects what is found."""

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Take what is raised in the block as found, and go on behind the block."""
        try:
            yield
        except FoundError as error:
            self.append(error.finding)

    @property
    def refused(self) -> Finding | None:
        """The first that keeps the file from being opened."""
        return next((finding for finding in self if finding.level == ERROR), None)
