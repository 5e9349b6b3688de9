import pytest

from tokpipe.corpus import bundled
from tokpipe.foundation.errors import ArtifactError


def test_the_bundled_corpus_has_its_parts():
    folder = bundled.bundled_corpus()
    assert (folder / "world.txt").stat().st_size > 1_400_000
    assert {"english", "swedish", "languages"} <= {p.name for p in folder.iterdir()}


def test_an_installed_wheel_finds_its_own_copy_first(tmp_path):
    inside, beside = tmp_path / "tokpipe" / "corpora", tmp_path / "corpora"
    for folder in (inside, beside):
        folder.mkdir(parents=True)
        (folder / "world.txt").touch()
    assert bundled._first_with_text([tmp_path / "tokpipe", tmp_path]) == inside


def test_a_strange_folder_of_that_name_is_not_taken(tmp_path):
    (tmp_path / "corpora").mkdir()
    with pytest.raises(ArtifactError, match=r"no world\.txt"):
        bundled._first_with_text([tmp_path])
