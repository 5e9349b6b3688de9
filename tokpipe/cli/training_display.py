"""Training as a person watches it: step, losses, accuracy, speed, time left, and the curve."""

import time
from collections import deque
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

from tokpipe.bert.registry import entry_of
from tokpipe.cli.console import Stream
from tokpipe.cli.progress import ConsoleProgress, Task, clock, duration
from tokpipe.foundation.progress import Progress
from tokpipe.inspection.sparkline import sparkline
from tokpipe.training.log import HeadFigures, Line, Watch

_CURVE, _LEAST_CURVE = 30, 4  # columns
_POINTS = 400  # of the curve that are remembered
_SMOOTH = 0.9  # of the figures shown: a step by itself jumps


class TrainingTask(Task):
    """A training that is shown while it runs."""

    def __init__(self, step: int, steps: int | None) -> None:
        super().__init__("training", 1000, "thousandths")
        self.step, self.steps = step, steps
        self.first_share: float | None = None
        self.share = 0.0
        self.shown: dict[str, float] = {}
        self.heads: list[str] = []
        self.tokens = 0
        self.losses: deque[float] = deque(maxlen=_POINTS)

    def see(self, line: Line, share: float) -> None:
        """Take a step over."""
        if self.first_share is None:  # the first step compiles kernels: it tells no speed
            self.first_share, self.start = share, time.monotonic()
        self.step, self.tokens = line.step, line.tokens
        self.share, self.done = share, int(share * 1000)
        self.heads = list(line.heads)
        figures = [f"{head}_{kind}" for head in self.heads for kind in HeadFigures._fields]
        for name in (*figures, "tokens_per_second"):
            value = line.value(name)
            if value is not None:
                weight = min(_SMOOTH, 1 - 1 / (len(self.losses) + 1))
                before = self.shown.setdefault(name, value)
                self.shown[name] = weight * before + (1 - weight) * value
        self.losses.append(line.loss)

    @property
    def seconds_left(self) -> float | None:
        """How long it will still take, by what it took so far."""
        if self.first_share is None or self.share - self.first_share < 1e-9:
            return None
        return self.seconds * (1 - self.share) / (self.share - self.first_share)

    @property
    def heading(self) -> str:
        """How far it is."""
        return f"step {self.step:,}{f'/{self.steps:,}' if self.steps else ''}"

    def parts(self, err: Stream) -> list[str]:
        """Return the figures, the most important first; all of them fit into 80 columns."""
        parts = self._losses()
        if self.seconds_left is not None:
            parts.append(f"{clock(self.seconds_left)} left")
        if "tokens_per_second" in self.shown:
            parts.append(f"{_short(self.shown['tokens_per_second'])} tokens/s")
        return parts

    def picture(self, err: Stream, room: int) -> tuple[str, str]:
        """Return the curve of the loss, in the place of a bar."""
        if len(self.losses) < _LEAST_CURVE or room < _LEAST_CURVE:
            return "", ""
        curve = sparkline(self.losses, min(room, _CURVE), ascii=err.ascii)
        return curve, err.styled(curve, "green")

    def summary(self) -> str:
        """Return the line that stays."""
        said = "".join(f", {part}" for part in self._losses())
        return f"trained to step {self.step:,} in {duration(self.seconds)}{said}"

    def _losses(self) -> list[str]:
        """Return each head's loss, and how many of its guesses are right."""
        said = []
        for head in self.heads:
            accuracy = self.shown.get(f"{head}_accuracy")
            right = "" if accuracy is None else f" {accuracy:.0%}"
            said.append(f"{head} {self.shown[f'{head}_loss']:.2f}{right}")
        return said


def _short(number: float) -> str:
    return f"{number / 1000:.1f}k" if number >= 10_000 else f"{number:,.0f}"


class _Display:
    """The `Watch` of a console."""

    def __init__(self, progress: Progress, stack: ExitStack, longer: str) -> None:
        self._progress, self._stack, self._longer = progress, stack, longer
        self._task: TrainingTask | None = None
        self._phase: int | None = None

    def begins(self, step: int, steps: int | None, model: str) -> None:
        """Say what begins, and show it from now on."""
        if step:
            self._progress.note(f"going on from step {step:,}{self._longer}")
        self._phase = None
        self._stack.close()  # the one before it, of several trainings, is over
        self._task = TrainingTask(step, steps)
        if isinstance(self._progress, ConsoleProgress):
            self._stack.enter_context(self._progress.shown(self._task))

    def sees(self, line: Line, share: float) -> None:
        """Show a step; an evaluation stays as a line."""
        if line.split is None:
            if self._task is not None:
                self._task.see(line, share)
            if self._phase is not None and line.phase != self._phase:
                self._progress.note(f"phase {line.phase} begins with step {line.step:,}")
            self._phase = line.phase
            return
        right = "".join(
            f", {100 * figures.accuracy:.1f} % of the {entry_of(head).counted} right"
            for head, figures in line.heads.items()
            if figures.accuracy is not None
        )
        score = "" if line.score is None else f", {line.score_name} {line.score:.4f}"
        self._progress.note(
            f"step {line.step:,}: {line.split} loss {line.loss:.4f}{score or right}"
        )


@contextmanager
def training_display(progress: Progress, longer: str = "") -> Generator[Watch, None, None]:
    """Show a training on a console while the block runs."""
    with ExitStack() as stack:
        yield _Display(progress, stack, longer)
