import pytest

from tests import readme


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("readme")
    (place / "corpora").symlink_to(readme.ROOT / "corpora")
    return place


SHORT = [example for example in readme.examples() if example.kind != "long"]


@pytest.mark.parametrize("example", SHORT, ids=lambda example: example.command)
def test_command_prints_what_the_readme_says(example, folder):
    output = readme.run(example.command, folder)
    assert output
    if example.kind == "run":
        assert output == example.output


def test_tree_is_what_the_folders_hold():
    text = readme.README.read_text(encoding="utf-8")
    assert readme.with_tree(text) == text, "renew it: python -m tests.readme"


def test_tree_has_every_package():
    folders = {path.parent.name for path in readme.PACKAGE.glob("*/__init__.py")}
    assert set(readme.PACKAGES) == folders
