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
