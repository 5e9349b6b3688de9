import pytest

from tests import readme


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("readme")
    (place / "corpora").symlink_to(readme.ROOT / "corpora")
    return place


@pytest.mark.parametrize("example", readme.examples(), ids=lambda example: example.command)
def test_command_prints_what_the_readme_says(example, folder):
    output = readme.run(example.command, folder)
    assert output
    if example.repeats:
        assert output == example.output


def test_tree_is_what_the_folders_hold():
    text = readme.README.read_text(encoding="utf-8")
    assert readme.with_tree(text) == text, "renew it: python -m tests.readme"
