"""Views of the terminal as pages: the same text, no script, nothing fetched."""

import pytest

from tests.unit.shards.folders import write_folder
from tests.unit.tasks.models import small, tokenizer
from tokpipe.cli.main import execute

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
    ("explain", "position", "--model", "model", "the cat sat"),
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
    assert browser.run("return document.querySelectorAll('script, img').length") == 0
    colour = f"getComputedStyle(document.querySelector('{COLOURS}')).color"
    light = browser.run(f"return {colour}")
    browser.media(scheme="dark")
    assert browser.run(f"return {colour}") != light


def _lines(text):
    return [line.rstrip() for line in text.strip("\n").splitlines()]
