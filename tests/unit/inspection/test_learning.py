"""Curves of score against labelled rows, in the terminal and as a page."""

import re

import pytest

from tests.unit.inspection.printing import shown
from tests.unit.inspection.test_runs import HOSTILE, _Elements
from tokpipe.inspection.learning_page import learning_page
from tokpipe.inspection.terminal.learning import learned_renderable
from tokpipe.tasks.learning import Learned, LearningCurve, Reached

NAN = float("nan")


def curve(name, *values, rows=(50, 200, 1000)):
    points = [Reached(n, v, v - 0.05, v + 0.05, 1.5) for n, v in zip(rows, values, strict=False)]
    return LearningCurve(name, tuple(points))


LEARNED = Learned("accuracy", (curve("bert", 0.6, 0.8, 0.9), curve("bow", 0.7, 0.75, 0.8)))


def test_the_table_has_a_line_for_each_part_and_the_chart_each_method():
    text = shown(learned_renderable(LEARNED, 80, ascii=True, color=False))
    lines = text.splitlines()
    assert all(len(line) <= 80 for line in lines) and text.isascii()
    assert re.search(r"bert +50 +0\.6000 +0\.5500 to 0\.6500 +1\.5", text)
    assert sum("0.7500 to 0.8500" in line for line in lines) == 2
    chart = text.split("accuracy\n")[-1]
    assert "a" in chart and "b" in chart and chart.rstrip().endswith("1,000 labelled rows")
    dots = shown(learned_renderable(LEARNED, 60, ascii=False, color=True), width=60)
    assert re.search("[\u2801-\u28ff]", dots)


def test_equal_ratios_of_rows_are_equal_distances():
    one = Learned("f1", (curve("a", 0.1, 0.5, 0.9, rows=(10, 100, 1000)),))
    (points,) = re.findall(
        r'class="curve" stroke="currentColor" points="(.*?)"', learning_page(one)
    )
    x, y = zip(*(map(float, pair.split(",")) for pair in points.split()), strict=True)
    assert x[1] - x[0] == pytest.approx(x[2] - x[1], abs=0.2)
    assert y[0] > y[1] > y[2]


@pytest.mark.parametrize("values", [(0.5,), (NAN, 0.5), (NAN, NAN)])
def test_a_single_point_and_scores_that_are_not_defined_are_drawn(values):
    learned = Learned("f1", (curve("a", *values),))
    assert "95 % interval" in shown(learned_renderable(learned, 80, ascii=True, color=False))
    page = learning_page(learned)
    assert page.count("<circle fill") == sum(value == value for value in values)
    assert "nan" not in page.split("<table>")[0]


def test_the_page_escapes_names_and_fetches_nothing():
    page = learning_page(Learned(HOSTILE, (curve(HOSTILE, 0.1, 0.2),)))
    found = _Elements()
    found.feed(page)
    assert found.seen.count("script") == 1 and "img" not in found.seen and "\x1b" not in page
    assert not any(
        name.startswith("on") or name in ("src", "href", "style") for name, _ in found.attributes
    )
