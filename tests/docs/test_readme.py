from pathlib import Path

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


def test_every_folder_of_the_tree_stands_in_the_readme():
    text = readme.README.read_text(encoding="utf-8")
    packages = [path.parent.name for path in Path(readme.ROOT, "tokpipe").glob("*/__init__.py")]
    assert [name for name in packages if f"  {name}/" not in text] == []
