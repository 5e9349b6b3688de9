"""What ranks tell each other when one of them is to stop: why, where it stood, how all end.

Two rounds, each one message to everybody. The first says that a rank stops and how often its
weights have moved: where all stand behind the same step, that step can still be saved. The second
says what the rank would tell the user in the end, and all of them end as the first one that has
something to say: with the same exit code, and one message, at rank 0.
"""

import json
import math
import time
from collections.abc import Callable
from typing import Any

from tokpipe.foundation.errors import TokpipeError

Explain = Callable[[BaseException], tuple[str, str, int]]  # problem, hint, exit code

_STOPS, _ENDS = 1, 2  # tags of the rounds
_PATIENCE = 20.0  # seconds for what others owe: one may be in a long call that looks at nothing
_SIGNALLED = 128  # exit codes of signals begin here
_REST = 1e-3


class Left(BaseException):
    """Nobody will answer any more."""


class StoppedElsewhere(TokpipeError):  # noqa: N818 - it is what happened to another
    """Another rank has stopped; this one follows, with its exit code."""

    def __init__(self, problem: str, hint: str, exit_code: int) -> None:
        super().__init__(problem, hint=hint)
        self.code = exit_code


class Notices:
    """The messages of one rank.

    Parameters
    ----------
    mpi
        The module `mpi4py.MPI`.

    Attributes
    ----------
    leaving : bool
        Whether this rank stops: nothing new is begun then.
    """

    def __init__(self, mpi: Any) -> None:
        self._mpi, self._comm = mpi, mpi.COMM_WORLD.Dup()
        self.leaving = False
        self._heard: dict[int, dict[int, Any]] = {_STOPS: {}, _ENDS: {}}
        self._sent: list[Any] = []
        self._told: set[int] = set()
        self._deadline = math.inf  # for what is still done together

    def watch(self) -> None:
        """Look whether another rank stops.

        Raises
        ------
        StoppedElsewhere
            If so.
        """
        self._receive(_STOPS)
        if self._heard[_STOPS] and not self.leaving:
            raise StoppedElsewhere("another rank has stopped", "", 1)

    def look(self) -> None:
        """Look as `watch` does; or, when this rank stops itself, whether there is still time.

        Raises
        ------
        StoppedElsewhere
            If another rank stops, or does not answer any more.
        """
        if not self.leaving:
            self.watch()
        elif time.monotonic() > self._deadline:
            raise StoppedElsewhere("another rank does not answer", "", 1)

    def settle(self, error: BaseException, entered: int | None) -> list[dict[str, Any]]:
        """Say that this rank stops, and how often weights were about to move; None: do not ask.

        Returns
        -------
        list of dict
            What all that answered say; an error of one of them is a None, too.
        """
        is_quiet = isinstance(error, StoppedElsewhere) or not isinstance(error, Exception)
        own = {"entered": entered if is_quiet else None}
        self._tell(_STOPS, own)
        return [own, *self._answers(_STOPS)]

    def leave(self, error: BaseException, explain: Explain) -> BaseException:
        """End together: return the error of the rank that counts; errors before signals."""
        self.leaving = True
        if _STOPS not in self._told:
            self._tell(_STOPS, {"entered": None})
        problem, hint, code = explain(error)
        own = not isinstance(error, StoppedElsewhere)
        mine = {"own": own, "problem": problem, "hint": hint, "code": code}
        self._tell(_ENDS, mine)
        self._answers(_ENDS)
        known = sorted({self._comm.rank: mine, **self._heard[_ENDS]}.items())
        first = min(known, key=lambda one: (not one[1]["own"], one[1]["code"] >= _SIGNALLED))
        if own and first[0] == self._comm.rank:
            return error
        said = first[1]
        return StoppedElsewhere(said["problem"], said["hint"], said["code"])

    @property
    def all_have_ended(self) -> bool:
        """Whether every other rank has said how it ends."""
        return len(self._heard[_ENDS]) == self._comm.size - 1

    def _tell(self, tag: int, message: dict[str, Any]) -> None:
        self._told.add(tag)
        self._deadline = time.monotonic() + _PATIENCE
        text = bytearray(json.dumps(message).encode())
        for rank in range(self._comm.size):
            if rank != self._comm.rank:
                sent = self._comm.Isend([text, self._mpi.BYTE], dest=rank, tag=tag)
                self._sent.append((sent, text))

    def _answers(self, tag: int) -> list[Any]:
        """Wait for what all others say, but not for ever."""
        while len(self._heard[tag]) < self._comm.size - 1 and time.monotonic() < self._deadline:
            self._receive(tag)
            time.sleep(_REST)
        return list(self._heard[tag].values())

    def _receive(self, tag: int) -> None:
        status = self._mpi.Status()
        while self._comm.Iprobe(source=self._mpi.ANY_SOURCE, tag=tag, status=status):
            text = bytearray(status.Get_count(self._mpi.BYTE))
            source = status.Get_source()
            self._comm.Recv([text, self._mpi.BYTE], source=source, tag=tag)
            self._heard[tag][source] = json.loads(text)
