"""What our pages say of the tree, of measurements and of each other holds."""

import re
import tomllib

import pytest

import tokpipe
from tests import readme
from tests.bench import report
from tokpipe.foundation import jit

PAGES = [
    readme.README,
    readme.TREE,
    readme.KERNELS,
    report.RESULTS,
    readme.ROOT / "corpora/README.md",
]


def test_trees_are_what_the_folders_hold():
    text = readme.README.read_text(encoding="utf-8")
    assert readme.with_tree(text) == text, "renew it: python -m tests.readme --trees"
    whole = readme.TREE.read_text(encoding="utf-8")
    assert readme.whole_tree() == whole, "renew it: python -m tests.readme --trees"


def test_tree_has_every_package_and_module():
    folders = {path.parent.name for path in readme.PACKAGE.glob("*/__init__.py")}
    assert set(readme.PACKAGES) == folders
    modules = [path for path in readme.PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    page = readme.TREE.read_text(encoding="utf-8")
    assert len(re.findall(r"^ +\w+\.py ", page, re.MULTILINE)) == len(modules)


def test_every_module_has_a_phrase():
    modules = readme.PACKAGE.rglob("*.py")
    assert [path for path in modules if not readme.summary(path).endswith((".", ":", "!"))] == []


def test_headline_rows_are_those_that_were_measured():
    text = readme.README.read_text(encoding="utf-8")
    results = report.RESULTS.read_text(encoding="utf-8")
    assert report.with_headlines(text, results) == text, "python -m tests.readme --trees"


def test_written_table_stands_on_its_page_and_its_headline_in_the_readme(tmp_path, monkeypatch):
    for name in ("README", "RESULTS"):
        copy = tmp_path / f"{name}.md"
        copy.write_bytes(getattr(report, name).read_bytes())
        monkeypatch.setattr(report, name, copy)
    before = report.RESULTS.read_text("utf-8")
    work = "embed 1,000 sentences of mixed length, MiniLM-L6-H384"
    peers = [
        f"transformers, 32 at a time, {how}" for how in ("as they come: 5", "sorted by length: 7")
    ]
    rows = [report.Row(work, "9 a second", peer, "1.3×", "2×", False) for peer in peers]
    report.write("embed", f"{report.markdown(rows)}\n\nMeasured on 1 × Abacus; medians of 3 rounds")
    after = report.RESULTS.read_text("utf-8")
    assert f"| {work} | 9 a second | {peers[1]} | 1.3× ✗ | 2× |" in after
    assert before.split("<!-- bench:embed")[0] == after.split("<!-- bench:embed")[0]
    page = report.README.read_text("utf-8")
    assert f"| {work} | 9 a second | {peers[1]} | 1.3× ✗ |\n" in page
    assert "Measured on 1 × Abacus." in page


def test_table_of_unknown_name_is_refused():
    with pytest.raises(SystemExit, match="bench:nothing"):
        report.with_table("", "nothing", "| |")


def test_headline_without_a_row_is_refused():
    with pytest.raises(SystemExit, match="no row of vocab"):
        report.with_headlines("<!-- bench --><!-- /bench -->", "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_version_is_said_in_one_place():
    project = tomllib.loads((readme.ROOT / "pyproject.toml").read_text("utf-8"))
    assert "version" not in project["project"] and project["project"]["dynamic"] == ["version"]
    place = readme.ROOT / project["tool"]["hatch"]["version"]["path"]
    assert f'__version__ = "{tokpipe.__version__}"' in place.read_text("utf-8")


def test_page_on_kernels_quotes_the_code_and_its_snippets_run():
    text = readme.KERNELS.read_text(encoding="utf-8")
    assert readme.with_sources(text) == text, "renew it: python -m tests.readme --trees"
    snippets = readme.snippets(text)
    assert snippets.count("assert") == 3 and "@kernel" not in snippets
    exec(compile(snippets, "KERNELS.md", "exec"), {})


def test_quotation_of_what_is_no_more_is_named():
    page = "<!-- source: tests/readme.py gone -->\n```python\n```"
    with pytest.raises(SystemExit, match=r"tests/readme\.py has no gone"):
        readme.with_sources(page)


def test_page_on_kernels_names_every_flag_there_is():
    text = readme.KERNELS.read_text(encoding="utf-8")
    assert all(f"`{name}=" in text for name in jit._FLAGS)
    named = set(re.findall(r"`([A-Z_]{5,})`", text))
    assert named <= {"PADDING", "PRODUCTS", "TOLERANCES", "TOKPIPE_CACHE_DIR"}, named
