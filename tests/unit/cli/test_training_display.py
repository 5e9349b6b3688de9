import io
import sys

import pytest

from tests.unit.cli.test_console import Terminal
from tokpipe.cli.console import Console
from tokpipe.cli.progress import ConsoleProgress, live_line
from tokpipe.cli.training_display import TrainingTask, training_display
from tokpipe.training.log import HeadFigures, Line


def lines(count):
    for step in range(1, count + 1):
        yield Line(
            step=step,
            tokens=100 * step,
            loss=6.0 - step / 100,
            heads={"mlm": HeadFigures(5.5 - step / 100, 0.25), "nsp": HeadFigures(0.5, 0.5)},
            learning_rate=1e-3,
            grad_norm=1.0,
            tokens_per_second=12_345.0,
            seconds=step / 10,
        )


@pytest.mark.parametrize("columns", [1, 20, 40, 80, 140])
@pytest.mark.parametrize("steps", [None, 200])
def test_the_line_fits_and_says_what_matters_first(monkeypatch, columns, steps):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys, "stderr", Terminal())
    task = TrainingTask(0, steps)
    for line in lines(50):
        task.see(line, line.step / 200)
    drawn = live_line(task, Console().err)
    assert drawn.columns <= max(columns - 1, 0)
    if columns >= 40:
        assert f"step 50{'/200' if steps else ''}" in drawn.text
    if columns >= 80:
        for part in ("mlm 5.0", "25%", "nsp 0.50 50%", "12.3k tokens/s", "left", "█"):
            assert part in drawn.text


def test_elsewhere_there_are_plain_lines_and_evaluations_stay(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with training_display(ConsoleProgress(Console())) as watch:
        watch.begins(100, 200, "2 layers")
        for line in lines(5):
            watch.sees(line, 0.5)
        heads = {"mlm": HeadFigures(2.5, 0.5)}
        watch.sees(Line(step=5, tokens=1, loss=2.5, heads=heads, split="validation"), 0.5)
    said = stream.getvalue()
    assert "going on from step 100" in said
    assert "step 5: validation loss 2.5000, 50.0 % of the masks right" in said
    assert "trained to step 5 in" in said
    assert "\r" not in said
