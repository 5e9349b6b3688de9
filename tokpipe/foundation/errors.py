"""The one family of errors. What a user can act on is a `TokpipeError`; all else is a bug."""

from typing import ClassVar

from tokpipe.foundation.told import told


class TokpipeError(Exception):
    """A failure that the user can act on.

    Parameters
    ----------
    problem
        Place (``path:line``, setting), what was found, what is allowed; no full stop.
    hint
        What to do about it: one sentence, or empty.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, problem: str, *, hint: str = "") -> None:
        problem, hint = told(problem), told(hint)
        super().__init__(
            f"{problem}\n{hint}" if hint else problem
        )  # one text: pickle calls with it
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.problem}\n{self.hint}" if self.hint else self.problem


class ConfigError(TokpipeError):
    """A setting is out of range, unknown, or contradicts another."""

    exit_code = 2


class InputError(TokpipeError):
    """The user's text or task data cannot be read as asked."""

    exit_code = 3


class ArtifactError(TokpipeError):
    """A file that tokpipe wrote or reads is missing, damaged, or does not match its manifest."""

    exit_code = 4


class StorageError(TokpipeError):
    """The disk is full, read-only, forbidden, or held by another process."""

    exit_code = 4


class StoreError(StorageError):
    """An object store refuses, does not answer, or answers wrongly; what was made is kept."""


class ClusterError(TokpipeError):
    """Machines that share the work cannot be reached, were lost, or are of another version.

    What was finished stays, and the same command goes on from it.
    """


class MemoryLimitError(TokpipeError):
    """The work does not fit into the memory that is there or that was allowed."""

    exit_code = 5
