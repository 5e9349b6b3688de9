from pathlib import Path

import numpy as np
import pytest

from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import ArtifactError
from tokpipe.words.journal import Covered, Journal, write_temporary_run
from tokpipe.words.run_files import read_run
from tokpipe.words.runs import Run

RUN = Run(Strings.from_list(["a", "b"]), np.array([1, 2]))


def begin(folder, digest=None, settings=None, piece_bytes=100):
    return Journal(folder, settings or {"words": 1}, lambda: digest or {"in": "00"}, piece_bytes)


def commit(journal, pieces, facts):
    path = write_temporary_run(journal.folder, [RUN])
    journal.commit(Covered(list(pieces), facts), [[path], []])
    return path


def test_a_commit_is_found_again_with_its_pieces_facts_runs_and_cut(tmp_path):
    first = begin(tmp_path / "w")
    assert first.covered.pieces == [] and first.runs(0) == []
    path = commit(first, [5, 3, 4, 9], {"texts": 2})
    commit(first, [1 << 32], {"texts": 3})
    again = begin(tmp_path / "w", piece_bytes=999)
    assert sorted(again.covered.pieces) == [3, 4, 5, 9, 1 << 32]
    assert again.covered.facts == {"texts": 5} and again.piece_bytes == 100
    assert again.runs(0)[0] == path and again.runs(1) == []
    assert [list(run.words.iter_bytes()) for run in read_run(path)] == [[b"a", b"b"]]


def test_runs_that_were_never_committed_are_removed(tmp_path):
    journal = begin(tmp_path / "w")
    kept, stale = commit(journal, [1], {}), write_temporary_run(tmp_path / "w", [RUN])
    begin(tmp_path / "w")
    assert kept.exists() and not stale.exists()


def test_a_damaged_run_is_refused(tmp_path):
    path = commit(begin(tmp_path / "w"), [1], {})
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ArtifactError, match="sha256"):
        begin(tmp_path / "w")


def test_other_inputs_or_settings_are_refused(tmp_path):
    commit(begin(tmp_path / "w"), [1], {})
    with pytest.raises(ArtifactError, match=r'inputs\.in was "00", now it is "11"'):
        begin(tmp_path / "w", digest={"in": "11"})
    with pytest.raises(ArtifactError, match=r"settings\.words was 1, now it is 2"):
        begin(tmp_path / "w", settings={"words": 2})


def test_inputs_are_not_hashed_before_there_is_something_to_keep(tmp_path):
    def never():
        raise AssertionError

    assert Journal(tmp_path / "w", {}, never, 100).covered.pieces == []


def test_a_journal_in_a_store_is_found_again_and_holds_no_run_that_is_gone(store):
    folder = Path(f"{store}/out/work")
    store.put("out/work/items/a.run.arrow", b"a run")
    store.put("out/work/stale.run.arrow", b"of nobody")
    journal, described = begin(folder), {"bytes": 5, "sha256": "00"}
    path = folder / "items" / "a.run.arrow"
    journal.commit(Covered([1, 2], {"texts": 2}), [[path], []], {path: described})
    again = begin(folder, piece_bytes=999)
    assert again.covered.pieces == [1, 2] and again.runs(0) == [path] and again.piece_bytes == 100
    assert store.listed() == ["out/work/items/a.run.arrow", "out/work/tokpipe.json"]
    store.put("out/work/items/a.run.arrow", b"another run")
    with pytest.raises(ArtifactError, match=rf"^{store}/out/work/items/a.run.arrow: gone"):
        begin(folder)
