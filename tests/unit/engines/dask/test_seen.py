import pytest

pytest.importorskip("distributed", reason="the extra tokpipe[dask] is not installed")

from dataclasses import replace

from tokpipe.corpus.reader import open_corpus
from tokpipe.engines.dask import seen
from tokpipe.engines.dask.seen import look, probed, require_shared
from tokpipe.foundation.errors import ClusterError, StorageError


def test_a_folder_and_inputs_that_all_see_are_fine_and_left_as_they_were(cluster, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    require_shared(cluster, tmp_path, open_corpus([tmp_path / "a.txt"]).files)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_an_input_that_a_worker_does_not_see_names_worker_and_input(cluster, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    (file,) = open_corpus([tmp_path / "a.txt"]).files
    for other, said in (
        (replace(file, path=tmp_path / "b.txt"), "no such file"),
        (replace(file, identity=(1, 2, 3, 4)), "another file is there"),
    ):
        with pytest.raises(ClusterError, match=rf"^worker tcp://\S+: \S+a.txt: {said}"):
            require_shared(cluster, tmp_path, [other])


def test_another_folder_under_the_same_path_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(seen, "_PATIENCE_SECONDS", 0.2)
    with probed(tmp_path) as probe:
        assert isinstance(look(str(probe), []), str)
        found = look(str(tmp_path / "probe-of-another"), [])
        assert isinstance(found, StorageError) and "is not the one" in found.problem
        missing = look(str(tmp_path / "no" / probe.name), [])
        assert isinstance(missing, StorageError)
    assert not list(tmp_path.iterdir())
