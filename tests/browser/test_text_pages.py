"""Views of the terminal as pages: the same text, no script, nothing fetched."""

import json

import numpy as np
import pytest

from tests.unit.shards.folders import write_folder
from tests.unit.tasks.models import small, tokenizer
from tokpipe.cli.main import execute
from tokpipe.tasks.attention_measures import MEASURES

BAD = "</pre><script>alert(1)</script><img src=x> the cat"
MADE = {
    "vocabulary": tokenizer().save,
    "shards": write_folder,
    "model": small().save,
    "texts": lambda path: path.write_text("the cat sat\n\nit ran\n"),
}
COLOURS = ", ".join(f"pre .{c}" for c in ("cyan", "green", "yellow", "magenta", "blue", "red"))
COMMANDS = [
    ("inspect", "tokens", "-t", "vocabulary", BAD),
    ("inspect", "tokens", "-t", "vocabulary", "the cats", "--trace", "cats"),
    ("inspect", "masking", BAD),
    ("inspect", "shards", "shards"),
    ("explain", "masking", BAD),
    ("explain", "bpe", "hug:10,pug:5,<b>:12", "--encode", "bug"),
    ("explain", "wordpiece", "hug:10,pug:5,<b>:12", "--encode", "bug"),
    ("explain", "ffn"),
    ("explain", "mlm", "--model", "model", "the [MASK] sat"),
    ("attention", "model", "--corpus", "texts"),
]


@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_page_says_what_the_terminal_says(browser, tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for name in {*arguments} & {*MADE}:
        MADE[name](tmp_path / name)
    assert execute(list(arguments)) == 0
    printed = capsys.readouterr().out
    assert execute([*arguments, "--html", "page.html"]) == 0
    assert capsys.readouterr().out == "page.html\n"
    browser.open(tmp_path / "page.html", "document.readyState === 'complete'")
    drawn = browser.run("return document.querySelector('pre').textContent")
    assert _lines(drawn) == _lines(printed)
    files = [url for url in browser.fetched() if not url.startswith("about:")]
    assert files == [(tmp_path / "page.html").as_uri()]
    scripts = browser.run("return document.scripts.length")
    assert scripts == (browser.run("return document.querySelectorAll('figure').length") > 0)
    assert browser.run("return document.querySelectorAll('img').length") == 0
    colour = f"getComputedStyle(document.querySelector('{COLOURS}')).color"
    light = browser.run(f"return {colour}")
    browser.media(scheme="dark")
    assert browser.run(f"return {colour}") != light


DRAWN = {
    ("activations",): (5, 0),
    ("position",): (0, 16 * 32),
    ("position", "--model", "model", "the cat sat"): (0, None),
    ("encoder",): (0, 5 * 5 + 5 * 5),
}


@pytest.mark.parametrize("arguments", DRAWN)
def test_a_chapter_draws_its_curves_and_maps(browser, tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    small().save(tmp_path / "model")
    assert execute(["explain", *arguments, "--json", "--html", "page.html"]) == 0
    told = json.loads(capsys.readouterr().out)
    browser.open(tmp_path / "page.html", "document.readyState === 'complete'")
    curves, numbers = DRAWN[arguments]
    assert (
        browser.run("return document.querySelectorAll('figure.curves polyline').length") == curves
    )
    tables = "[...document.querySelectorAll('figure.map table')]"
    rows = "[...t.querySelectorAll('tr')].slice(1)"
    cells = "[...r.querySelectorAll('td')].map(d => Number(d.textContent))"
    drawn = browser.run(f"return {tables}.map(t => {rows}.map(r => {cells}))")
    maps = [one["values"] for step in told["steps"] for one in step["shown"] if "values" in one]
    for values in drawn:
        assert any(np.allclose(values, one, atol=6e-4) for one in maps if len(one) == len(values))
    if numbers is not None:
        assert sum(np.size(values) for values in drawn) == numbers
    assert browser.run("return document.querySelectorAll('img').length") == 0
    charts = browser.run("return document.querySelectorAll('figure > svg[role=img]').length")
    copies = browser.driver.find_elements("css selector", "figure > button.copy")
    assert len(copies) == charts == curves // 5 + len(drawn)
    wide = "[...document.querySelectorAll('figure')].every(f => f.scrollWidth <= f.clientWidth)"
    assert browser.run(f"return {wide}")


def test_the_page_of_a_corpus_has_a_map_for_each_measure(browser, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small().save(tmp_path / "model")
    MADE["texts"](tmp_path / "texts")
    asked = ["attention", "model", "--corpus", "texts", "--json", "--html", "page.html"]
    assert execute(asked) == 0
    told = json.loads(capsys.readouterr().out)["layers"]
    browser.open(tmp_path / "page.html", "document.readyState === 'complete'")
    maps = "[...document.querySelectorAll('figure.map')]"
    rows = "[...f.querySelectorAll('tr')].slice(1)"
    cells = "[...r.querySelectorAll('td')].map(d => Number(d.textContent))"
    drawn = browser.run(f"return {maps}.map(f => {rows}.map(r => {cells}))")
    for values, measure in zip(drawn, MEASURES, strict=True):
        expected = [[head[measure] for head in layer["heads"]] for layer in told]
        np.testing.assert_allclose(values, expected, atol=6e-4)
    solid = "[...f.querySelectorAll('rect')].map(r => Number(r.getAttribute('fill-opacity')))"
    shares = browser.run(f"return {maps}.map(f => {solid})")[0]
    assert len(shares) == sum(head["itself"] >= 0.01 for layer in told for head in layer["heads"])


def _lines(text):
    return [line.rstrip() for line in text.strip("\n").splitlines()]
