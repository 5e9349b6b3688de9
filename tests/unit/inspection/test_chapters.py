"""Chapters of `explain` as a whole: how they are drawn and written."""

import json
import re
from importlib import import_module
from math import log

import numpy as np
import pytest
from rich.cells import cell_len

from tests.unit.inspection.chapter_cases import real
from tests.unit.inspection.printing import colored, shown
from tokpipe.inspection.chapters.chapter import Chapter, Curves, Grid, Step, chapter_json, softmax
from tokpipe.inspection.config import CHAPTERS
from tokpipe.inspection.figures import map_figure
from tokpipe.inspection.terminal.chapter import chapter_renderable


@pytest.mark.parametrize("name", CHAPTERS)
@pytest.mark.parametrize("is_toy", [True, False], ids=["toy", "real"])
def test_a_chapter_is_drawn_in_any_terminal_and_written_whole(name, is_toy):
    module = import_module(CHAPTERS[name])
    chapter = module.toy() if is_toy else real(module)
    assert chapter.reference and len(chapter.steps) > 1 and bool(chapter.model) is not is_toy
    for width in (24, 40, 80, 120):
        for encoding in ("utf-8", "ascii"):
            printed = shown(chapter_renderable(chapter), width=width, encoding=encoding)
            longest = max(map(len, re.split(r"\s", printed)))  # a word is not broken
            assert max(map(cell_len, printed.splitlines())) <= max(width, longest + 4)
            assert encoding == "utf-8" or printed.isascii()
            assert "-0.000" not in printed and "nan" not in printed
    plain = shown(chapter_renderable(chapter))
    assert max(map(cell_len, plain.splitlines())) <= 80
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored(chapter_renderable(chapter))) == plain
    content = json.loads(json.dumps(chapter_json(chapter), allow_nan=False))
    assert [step["title"] for step in content["steps"]] == [step.title for step in chapter.steps]
    for number, step in enumerate(chapter.steps, 1):
        assert f"\n{number}. {step.title}\n" in plain and step.about


def test_signs_are_scaled_by_the_spread_and_explained():
    values = np.array([[1.0, -1.0, 0.05, 0.5, -100.0]])
    values = np.concatenate([values, np.ones((40, 5))])
    chapter = Chapter("t", "a", "r", (Step("s", "b", shown=(Grid("g", values, as_signs=True),)),))
    lines = shown(chapter_renderable(chapter)).splitlines()
    row = next(line for line in lines if "▼" in line)
    assert row.strip() == "··" + "··▼" or row.strip().endswith("▼")
    assert "▲ far above 0   △ above 0   · near 0   ▽ below 0   ▼ far below 0" in "\n".join(lines)


def test_numbers_that_do_not_fit_are_left_out_with_a_mark():
    grid = Grid("g", np.arange(40.0)[None], columns=[f"c{i}" for i in range(40)])
    chapter = Chapter("t", "a", "r", (Step("s", "b", shown=(grid,)),))
    printed = shown(chapter_renderable(chapter))
    assert "c0" in printed and "c39" not in printed and printed.count("…") == 2
    whole = shown(chapter_renderable(chapter), width=400)
    assert "c39" in whole and "…" not in whole
    content = chapter_json(chapter)["steps"][0]["shown"][0]
    assert content["values"] == [[float(i) for i in range(40)]] and content["shape"] == [1, 40]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize(
    "name", ["東京", "e\u0301", "é", "\x1b[31m", "\u202e", "x" * 60], ids=ascii
)
def test_any_name_stands_over_its_column(name, encoding):
    grid = Grid("g", np.arange(4.0)[None], ["row"], ["first", name, name, "last"])
    chapter = Chapter("t", "a", "r", (Step("s", "b", shown=(grid,)),))
    printed = shown(chapter_renderable(chapter), width=120, encoding=encoding)
    assert not set(printed) & set("\x1b\u202e") and (encoding == "utf-8" or printed.isascii())
    head, row = printed.splitlines()[6:8]
    assert "0.000" in row and "3.000" in row
    ends = [cell_len(head[: match.end()]) for match in re.finditer(r"\S+", head)]
    assert ends == [cell_len(row[: match.end()]) for match in re.finditer(r"\d\S+", row)]


@pytest.mark.parametrize(
    ("text", "said"),
    [("a ·cat", "· is a space. Read"), ("a ##cat", "## goes on with a word. Read")],
)
def test_what_signs_of_tokens_mean_is_told_where_they_stand(text, said):
    chapter = Chapter("t", "a", "r", (Step("s", "b"),), "m", text)
    assert said in " ".join(shown(chapter_renderable(chapter)).split())


@pytest.mark.parametrize(("name", "columns"), [("abc", 3), ("東京", 4), ("e\u0301", 1)])
def test_names_beside_a_map_have_room(name, columns):
    figure = map_figure(Grid("g", np.ones((1, 1)), [name]))
    assert figure["left"] == map_figure(Grid("g", np.ones((1, 1)), ["x" * columns]))["left"]


def test_curves_are_written_with_their_points():
    curves = Curves("c", np.array([0.0, 1.0]), {"one": np.array([2.0, 3.0])})
    chapter = Chapter("t", "a", "r", (Step("s", "b", shown=(curves,)),))
    content = chapter_json(chapter)["steps"][0]["shown"][0]
    assert content == {"name": "c", "x": [0.0, 1.0], "curves": {"one": [2.0, 3.0]}}


def test_softmax_of_large_scores():
    assert softmax(np.array([1000.0, 1000.0 + log(3)])).tolist() == pytest.approx([0.25, 0.75])
