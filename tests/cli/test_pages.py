"""Where pages of all commands go: folders that are not there, devices, and what cannot be."""

import os

import pytest

from tests.unit.tasks.models import small
from tests.unit.training.folders import write_shards
from tokpipe.training.log import HeadFigures, Line, write_log

PAGES = {
    "attention": ("m", "the cat"),
    "attention --corpus": ("m", "--corpus", "texts"),
    "explain ffn": (),
    "explain bpe": ("aab",),
    "explain masking": (),
    "inspect masking": (),
    "inspect tokens": ("-t", "m", "the cat"),
    "inspect shards": ("shards",),
    "inspect run": ("run",),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    small().save(folder / "m")
    write_shards(folder / "shards")
    (folder / "texts").write_text("the cat sat\n")
    (folder / "run").mkdir()
    line = Line(step=1, tokens=9, loss=3.0, heads={"mlm": HeadFigures(3.0)})
    write_log(folder / "run/log.jsonl", [line])
    return folder


@pytest.fixture
def page(tokpipe, made, monkeypatch):
    """Run a command that writes a page, where its inputs are."""

    def run(name, html, *more):
        monkeypatch.chdir(made)
        first, _, second = name.partition(" ")
        group = [second] if second and not second.startswith("-") else []
        return tokpipe(first, *group, *PAGES[name], "--html", html, *more)

    return run


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_written_into_a_folder_that_is_made(page, tmp_path, name):
    place = tmp_path / "new" / "\x1b[31m.html"
    ran = page(name, place)
    assert ran.code == 0 and ran.out == f"{tmp_path}/new/\\x1b[31m.html\n", ran.err
    assert place.read_text("utf-8").rstrip().endswith("</html>")
    assert [*place.parent.iterdir()] == [place]
    again = page(name, place)
    assert (again.code, again.out) == (4, "") and "--force" in again.err


@pytest.mark.parametrize("name", PAGES)
def test_a_device_stays_a_device(page, tmp_path, name):
    place = tmp_path / "null"
    place.symlink_to(os.devnull)
    assert page(name, place).code == 0
    assert [*tmp_path.iterdir()] == [place] and place.is_char_device()


@pytest.mark.parametrize("more", [(), ("--json",), ("--force",)], ids=" ".join)
@pytest.mark.parametrize(("html", "code"), [("-", 2), (".", 4), ("", 4), ("texts/x", 4)])
@pytest.mark.parametrize("name", PAGES)
def test_a_place_that_no_page_can_have_is_refused(page, made, name, html, code, more):
    before = sorted(made.rglob("*"))
    ran = page(name, html, *more)
    assert ran.code == code and ran.err.count("error: ") == 1
    assert sorted(made.rglob("*")) == before


ENVIRONMENTS = {
    "dumb": {"TERM": "dumb", "FORCE_COLOR": "1", "TTY_COMPATIBLE": "1"},
    "no colour": {"NO_COLOR": "1"},
    "narrow": {"COLUMNS": "40", "LINES": "5"},
    "ascii": {"LC_ALL": "C"},
}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_the_same_whatever_the_terminal(page, tmp_path, monkeypatch, name, environment):
    assert page(name, tmp_path / "one.html").code == 0
    for variable, value in ENVIRONMENTS[environment].items():
        monkeypatch.setenv(variable, value)
    assert page(name, tmp_path / "other.html").code == 0
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "other.html").read_bytes()
