import hashlib
import json
import os
import socket

import pytest

from tests.unit.corpus.reference import texts_of
from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.inputs import find_inputs
from tokpipe.corpus.reader import open_corpus
from tokpipe.foundation.errors import InputError


def names(corpus, root):
    return [str(file.path.relative_to(root)) for file in corpus.files]


@pytest.fixture
def tree(tmp_path):
    for name in ("b.txt", "a.txt", "sub/z.md", "sub/.hidden.txt", "pic.png", "sub/Ä.txt", "noend"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{name}\n")
    return tmp_path


def test_a_folder_is_read_in_the_order_of_the_bytes_of_its_paths(tree):
    corpus = open_corpus([tree])
    assert names(corpus, tree) == ["a.txt", "b.txt", "sub/z.md", "sub/Ä.txt"]
    assert corpus.tally == {"files skipped": 2}
    assert corpus.notes[0].startswith("left out 2 files of folders (1 ")
    assert corpus.stored_bytes == sum(
        path.stat().st_size for path in (f.path for f in corpus.files)
    )


def test_unknown_endings_are_read_when_named_or_when_the_format_is_said(tree):
    assert names(open_corpus([tree / "noend", tree / "pic.png"]), tree) == ["noend", "pic.png"]
    assert "noend" in names(open_corpus([tree], ReadConfig(format="txt")), tree)


def test_globs_are_expanded_sorted_and_must_match(tree):
    assert names(open_corpus([str(tree / "**" / "*.txt")]), tree) == ["a.txt", "b.txt", "sub/Ä.txt"]
    with pytest.raises(InputError, match=r"no file matches .*\*\.csv"):
        open_corpus([str(tree / "*.csv")])


def test_a_missing_file_is_named_with_the_nearest(tree):
    with pytest.raises(
        InputError, match=r"c\.txt: No such file or directory\nDid you mean .*[ab]\.txt\?"
    ):
        open_corpus([tree / "c.txt"])
    with pytest.raises(InputError, match="'' is no path: an unset variable"):
        open_corpus([""])
    with pytest.raises(InputError, match="NUL"):
        open_corpus(["a\0b"])
    with pytest.raises(InputError, match="name too long"):
        open_corpus(["x" * 300])


def test_a_file_named_twice_is_read_twice_and_noted(tree):
    corpus = open_corpus([tree / "a.txt", tree / "a.txt"])
    assert texts_of(p.load() for p in corpus.pieces()) == [b"a.txt\n"] * 2
    assert "more than once" in corpus.notes[0]


def test_a_folder_that_leads_back_to_itself_is_refused(tree):
    (tree / "sub" / "up").symlink_to(tree)
    with pytest.raises(InputError, match="leads back"):
        open_corpus([tree])


def test_devices_and_sockets_are_refused(tmp_path):
    with pytest.raises(InputError, match="/dev/null is no file"):
        open_corpus(["/dev/null"])
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        with pytest.raises(InputError, match="is no file"):
            open_corpus([tmp_path / "s"])


def test_a_pipe_is_read_as_a_stream():
    read, write = os.pipe()
    try:
        os.write(write, b"one\ntwo\n")
        os.close(write)
        corpus = open_corpus([f"/dev/fd/{read}"])
        assert texts_of(p.load() for p in corpus.pieces()) == [b"one\n", b"two\n"]
    finally:
        os.close(read)


def test_empty_inputs_are_refused_and_an_empty_file_among_others_is_not(tree):
    (tree / "empty.txt").touch()
    with pytest.raises(InputError, match="nothing to read, the file is empty"):
        open_corpus([tree / "empty.txt"])
    assert len(texts_of(p.load() for p in open_corpus([tree]).pieces())) == 4
    (tree / "void").mkdir()
    with pytest.raises(InputError, match="no files to read"):
        open_corpus([tree / "void"])


@pytest.mark.parametrize(
    ("head", "what"),
    [(b"PK\x03\x04", "zip"), (b"%PDF-1.7", "PDF"), (bytes(257) + b"ustar\0" + bytes(99), "tar")],
)
def test_archives_and_documents_are_refused_by_content(tmp_path, head, what):
    (tmp_path / "a.txt").write_bytes(head)
    with pytest.raises(InputError, match=what):
        open_corpus([tmp_path / "a.txt"])


@pytest.mark.parametrize(
    "name", ["../b.txt", "/etc/passwd", "", ".", "..", "a\0b", 7, None, "link"]
)
def test_a_dataset_folder_that_leads_outside_is_refused(tree, name):
    folder = tree / "saved"
    folder.mkdir()
    (folder / "link").symlink_to(tree / "a.txt")
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    with pytest.raises(InputError, match="outside"):
        open_corpus([folder])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"_data_files": 3}', "[" * 100_000])
def test_a_damaged_dataset_folder_is_refused(tmp_path, text):
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(InputError, match=r"state\.json is damaged"):
        open_corpus([tmp_path])


def test_digests_are_those_of_the_stored_bytes(tree):
    corpus = open_corpus([tree / "a.txt", tree / "b.txt"])
    assert list(corpus.digest()) == [str(tree / "a.txt"), str(tree / "b.txt")]
    assert corpus.digest()[str(tree / "a.txt")] == hashlib.sha256(b"a.txt\n").hexdigest()


def test_standard_input_cannot_be_named_twice():
    with pytest.raises(InputError, match="named twice"):
        open_corpus(["-", "-"])


def test_a_pattern_that_says_any_depth_twice_finds_each_file_once(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x.txt").write_text("x")
    for pattern in ("**/**/*.txt", "**/**/**/**/**/x.txt", "a/**/**/*.txt"):
        found = find_inputs([f"{tmp_path}/{pattern}"], ReadConfig()).files
        assert [file.path.name for file in found] == ["x.txt"]


@pytest.mark.parametrize("pattern", ["*/" * 5000 + "x", "**/*/" * 300, "a*/" * 101])
def test_a_pattern_without_end_is_refused_at_once(pattern):
    with pytest.raises(InputError):
        find_inputs([pattern], ReadConfig())


def test_folders_may_be_nested_as_deep_as_paths_allow(tmp_path):
    deep = tmp_path
    for _ in range(1200):
        deep = deep / "d"
        deep.mkdir()
    (deep / "x.txt").write_text("x")
    try:
        found = find_inputs([tmp_path], ReadConfig()).files
        assert [file.path for file in found] == [deep / "x.txt"]
    finally:  # pytest's own clearing is not as deep
        (deep / "x.txt").unlink()
        while deep != tmp_path:
            deep.rmdir()
            deep = deep.parent


def test_a_hidden_file_is_no_suggestion_for_a_plain_name(tmp_path):
    (tmp_path / ".out.lock").touch()
    with pytest.raises(InputError) as caught:
        find_inputs([tmp_path / "out.lock"], ReadConfig())
    assert caught.value.hint == ""
