"""The pages of charts: curves of trainings, and scores against labelled rows."""

import xml.etree.ElementTree as ET

import pytest

from tests.unit.inspection.test_learning import curve
from tokpipe.inspection.learning_page import learning_page
from tokpipe.inspection.run_page import run_page
from tokpipe.inspection.runs import metrics_of, read_run
from tokpipe.tasks.learning import Learned
from tokpipe.training.log import HeadFigures, Line, write_log

BAD = "</title></td><script>document.title = 'run'</script><img src=x onerror=alert(1)>"


def trainings(tmp_path):
    lines = [
        Line(step=step, tokens=step, loss=9 / step, heads={"mlm": HeadFigures(9 / step, 0.5)})
        for step in range(1, 11)
    ]
    write_log(tmp_path / "log.jsonl", lines)
    run = read_run(tmp_path)
    runs = [type(run)(BAD, run.steps, run.evaluations), run]
    return run_page(runs, metrics_of(runs))


def lessons(tmp_path):
    return learning_page(Learned(BAD, (curve(BAD, 0.1, 0.2),)))


@pytest.mark.parametrize("made", [trainings, lessons])
def test_a_page_of_charts_is_drawn_and_fetches_nothing(browser, tmp_path, made):
    path = tmp_path / "page.html"
    path.write_text(made(tmp_path), "utf-8")
    browser.open(path, "document.readyState === 'complete'")
    files = [url for url in browser.fetched() if not url.startswith("about:")]
    assert files == [path.as_uri()]
    assert browser.run("return document.querySelectorAll('img').length") == 0
    assert browser.run("return document.scripts.length") == 1  # ours
    assert browser.run("return document.title") != "run"
    assert BAD in browser.run("return document.body.textContent")
    for scheme in ("light", "dark"):
        browser.media(scheme=scheme)
        colour = browser.run("return getComputedStyle(document.querySelector('.curve')).color")
        assert colour == ("rgb(11, 114, 133)" if scheme == "light" else "rgb(59, 201, 219)")


@pytest.mark.parametrize("made", [trainings, lessons])
def test_a_chart_is_copied_with_its_style(browser, tmp_path, made):
    path = tmp_path / "page.html"
    path.write_text(made(tmp_path), "utf-8")
    browser.open(path, "document.readyState === 'complete'")
    charts = "document.querySelectorAll('figure > svg[role=img]')"
    buttons = browser.driver.find_elements("css selector", "figure > button.copy")
    assert len(buttons) == browser.run(f"return {charts}.length") > 0
    text = browser.run(f"return styled({charts}[0])")
    drawing = ET.fromstring(text)
    assert drawing.tag.endswith("}svg") and drawing[0].tag.endswith("}style")
    assert ".curve" in drawing[0].text and BAD in "".join(drawing.itertext())
    buttons[0].click()
    done = "document.querySelector('button.copy').textContent === 'Copied'"
    browser.wait(f"{done} || document.querySelector('dialog')?.open")
    if browser.run("return document.querySelector('dialog')?.open"):
        assert browser.run("return document.querySelector('dialog textarea').value") == text
        browser.press("ESCAPE")
        assert not browser.run("return document.querySelector('dialog').open")
    browser.media(media="print")
    shown = "getComputedStyle(document.querySelector('button.copy')).display"
    assert browser.run(f"return {shown}") == "none"


def test_a_curve_has_the_numbers_of_the_log_and_a_table_behind_it(browser, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(trainings(tmp_path), "utf-8")
    browser.open(path, "document.readyState === 'complete'")
    points = browser.run(
        "return [...document.querySelector('.curve').points].map(point => [point.x, point.y])"
    )
    heights = [(point[1] - points[-1][1]) / (points[0][1] - points[-1][1]) for point in points]
    losses = [9 / step for step in range(1, 11)]
    span = losses[0] - losses[-1]
    assert heights == pytest.approx([(loss - losses[-1]) / span for loss in losses], abs=0.001)
    rows = browser.run(
        "return [...document.querySelector('details table').rows].slice(1, 11)"
        ".map(row => [...row.cells].slice(1).map(cell => cell.textContent))"
    )
    assert rows == [[f"{step}", f"{9 / step:.4g}"] for step in range(1, 11)]
