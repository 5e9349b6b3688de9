import io
import re
from html.parser import HTMLParser

import pytest
from rich.console import Console

from tokpipe.foundation.errors import ArtifactError
from tokpipe.inspection.run_page import run_page
from tokpipe.inspection.runs import Curve, metrics_of, read_run, runs_in
from tokpipe.inspection.sparkline import sparkline, thinned
from tokpipe.inspection.terminal.curves import chart
from tokpipe.inspection.terminal.runs import runs_renderable
from tokpipe.training.log import HeadFigures, Line, write_log

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=1>\x1b[31m"


@pytest.fixture
def run(tmp_path):
    def made(name="run", count=100, slope=1.0):
        folder = tmp_path / name
        folder.mkdir()
        lines = []
        for step in range(1, count + 1):
            loss = 8 - slope * step / 20
            known = {"loss": loss, "heads": {"mlm": HeadFigures(loss, step / count)}}
            lines.append(Line(step=step, tokens=9 * step, tokens_per_second=5e4, **known))
            if step % 50 == 0:
                lines.append(Line(step=step, tokens=9 * step, split="validation", **known))
        write_log(folder / "log.jsonl", lines)
        return read_run(folder)

    return made


def drawn(runs, width=60, **how):
    stream = io.StringIO()
    console = Console(file=stream, width=width, color_system=None, markup=False)
    console.print(runs_renderable(runs, metrics_of(runs), width, **how))
    return stream.getvalue()


def test_figures_are_those_of_the_log(run):
    figures = run().figures()
    assert figures["steps"] == 100
    assert figures["best_validation_loss"] == 3.0
    assert figures["best_step"] == 100
    assert figures["tokens_per_second"] == 5e4


def test_a_folder_of_several_seeds_is_their_runs(run, tmp_path):
    for number in (10, 2, 1):
        run(f"seed-{number}")
    assert runs_in(tmp_path) == [tmp_path / f"seed-{number}" for number in (1, 2, 10)]
    assert runs_in(tmp_path / "seed-1") == [tmp_path / "seed-1"]
    assert runs_in(tmp_path / "seed-1/log.jsonl") == [tmp_path / "seed-1/log.jsonl"]
    with pytest.raises(ArtifactError, match="`tokpipe pretrain` or `finetune` made"):
        [read_run(one) for one in runs_in(tmp_path / "gone")]


def test_a_log_without_steps_is_refused(tmp_path):
    (tmp_path / "log.jsonl").write_text("")
    with pytest.raises(ArtifactError, match="no steps yet"):
        read_run(tmp_path)
    with pytest.raises(ArtifactError, match="nowhere: No such file"):
        read_run(tmp_path / "nowhere")


def test_a_falling_loss_falls_in_the_chart(run):
    text = drawn([run()], ascii=True, color=False)
    chart = [line for line in text.splitlines() if re.fullmatch(r" *[\d.]* *a+ *", line)]
    columns = [line.index("a") for line in chart[:8]]
    assert columns == sorted(columns)
    assert all(len(line) <= 60 for line in text.splitlines())
    assert text.isascii()


def test_several_runs_have_letters_without_colour_and_dots_with_it(run):
    runs = [run("one"), run("two", slope=0.5)]
    plain = drawn(runs, ascii=False, color=False)
    assert "a" in plain.split("loss of masked")[1]
    assert "b" in plain.split("loss of masked")[1]
    assert re.search("[\u2801-\u28ff]", drawn(runs, ascii=False, color=True))


def test_a_single_step_is_drawn(run):
    assert "1 step\n" in drawn([run(count=1)], ascii=True, color=False)


@pytest.mark.parametrize("width", [24, 40, 60, 80])
def test_a_table_of_runs_keeps_its_numbers_whole_and_the_axis_ends_at_the_last_step(run, width):
    lines = drawn([run("a-name-of-a-run", 1000)], width, ascii=False, color=False).splitlines()
    heads, figures = re.split(r"\s{2,}", lines[0].strip()), ["1,000", "9,000", "-40.7750"]
    figures += ["-42.0000 at 1,000", "50,000"]
    assert [one for one in figures if one in lines[1]] == figures[: len(heads) - 1]
    assert len(heads) >= 2 and (len(heads) == 6) == (width == 80)
    assert lines[-1].endswith(" 1,000 steps")
    assert ">1,000</text>" in run_page([run("other", 1000)], ["mlm_loss"])


def test_what_nobody_knows_of_a_run_is_blank(tmp_path):
    line = Line(step=5, tokens=9, loss=3.0, heads={"mlm": HeadFigures(3.0)}, split="validation")
    write_log(tmp_path / "log.jsonl", [line])
    summary = drawn([read_run(tmp_path)], 200, ascii=False, color=False).splitlines()[1]
    assert summary.split()[-5:] == ["0", "0", "3.0000", "at", "5"]


class _Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []
        self.attributes = []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += [(name, value) for name, value in attrs]


def test_the_page_escapes_names_and_fetches_nothing(run, tmp_path):
    one = run()
    hostile = type(one)(HOSTILE, one.steps, one.evaluations)
    page = run_page([hostile, one], metrics_of([hostile, one]))
    found = _Elements()
    found.feed(page)
    assert set(found.seen) <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "table", "tr", "th"),
        *("td", "svg", "circle", "div", "figure", "figcaption", "line", "text", "polyline"),
        *("details", "summary", "script"),
    }
    assert found.seen.count("script") == 1  # ours, whose hash the policy has
    assert not any(
        name.startswith("on") or name in ("src", "href", "style") for name, _ in found.attributes
    )
    policies = [v for name, v in found.attributes if name == "content" and "default-src" in v]
    assert policies[0].startswith("default-src 'none'; style-src 'sha256-")
    assert "\x1b" not in page
    assert found.seen.count("figure") == 3  # loss, accuracy, speed: what the log has


def test_bars_and_means():
    assert sparkline([1, 2, 3], 3, ascii=True) == "_=@"
    assert sparkline([], 5) == ""
    assert sparkline([float("nan"), 2.0], 5) == "▁"
    assert thinned(list(range(100)), 4) == [12.0, 37.0, 62.0, 87.0]


def test_points_are_joined_by_lines(run):
    text = drawn([run(count=4, slope=20)], ascii=True, color=False)
    chart = text.split("loss of masked tokens\n")[1].splitlines()[:8]
    assert all("a" in line for line in chart)


def test_the_page_says_what_is_dashed_and_what_the_axis_counts(run):
    page = run_page([run()], ["mlm_loss"])
    assert ">steps</text>" in page and "validation\n</figcaption>" in page
    assert "prefers-color-scheme: dark" in page


def test_a_single_evaluation_is_drawn_as_a_dot(run):
    page = run_page([run(count=60)], ["mlm_loss"])
    (points,) = re.findall(r'class="curve c0 dashed" stroke="currentColor" points="(.*?)"', page)
    first, second = points.split()
    assert first == second


def test_the_score_of_evaluations_has_its_curve_and_says_which_is_best(tmp_path):
    figures = [(2.0, 0.5), (1.0, 0.75), (0.5, 0.75), (0.25, 0.625)]
    lines = [
        Line(step=step, tokens=step, loss=loss, score=score, score_name="F1", split="validation")
        for step, (loss, score) in enumerate(figures, 1)
    ]
    write_log(tmp_path / "log.jsonl", [Line(step=1, tokens=1, loss=3.0), *lines])
    run = read_run(tmp_path)
    assert (run.figures()["best_step"], run.figures()["best_score"]) == (3, 0.75)
    assert metrics_of([run], losses_only=True) == ["score"]
    assert "F1, validation" in drawn([run], ascii=True, color=False)
    page = run_page([run], metrics_of([run]))
    assert page.count("F1, validation</h2>") == 1 and "score 0.7500, loss" in page


def test_curves_on_one_another_take_turns():
    same = [Curve([0.0, 1.0], [0.0, 1.0])] * 3
    lines = [line.plain for line in chart(same, 40, ("0", "1"), letters=True)]
    assert {sign for line in lines[1:-2] for sign in line if sign.isalpha()} == set("abc")
