import json
import os
from pathlib import Path

import pytest

from tokpipe.foundation import manifest as manifests
from tokpipe.foundation.errors import ArtifactError
from tokpipe.foundation.manifest import (
    Manifest,
    first_difference,
    require_equal,
    verify_beside,
    verify_files,
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "part").mkdir()
    (tmp_path / "a.txt").write_bytes(b"abc")
    (tmp_path / "part" / "b.bin").write_bytes(b"\0" * 10)
    manifest = Manifest(kind="counts", settings={"words": {"x": 1}}, inputs={"in": "00"})
    manifest.write(tmp_path, ["part/b.bin", "a.txt"])
    return tmp_path


def edit(folder, **changes):
    path = folder / "tokpipe.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_manifest_comes_back_and_its_files_are_as_it_says(folder):
    manifest = Manifest.read(folder, "counts")
    assert manifest.settings == {"words": {"x": 1}} and list(manifest.files) == [
        "a.txt",
        "part/b.bin",
    ]
    # the sha256 of "abc", FIPS 180-2 appendix B.1
    assert manifest.files["a.txt"]["sha256"].startswith("ba7816bf8f01cfea414140de5dae2223")
    manifest.check_files(folder)


def test_a_file_is_hashed_once_in_a_process_until_it_changes(folder, monkeypatch):
    seen = []
    real = manifests.describe_file
    monkeypatch.setattr(manifests, "describe_file", lambda path: (seen.append(path), real(path))[1])
    monkeypatch.setattr(manifests, "_SETTLED_NS", -(10**12))
    for _ in range(3):
        Manifest.read(folder).check_files(folder)
        verify_files(folder, ["a.txt"])
    assert sorted(path.name for path in seen) == ["a.txt", "b.bin"]
    (folder / "a.txt").write_bytes(b"abd")
    for _ in range(2):  # what is not whole is never remembered
        with pytest.raises(ArtifactError, match="sha256 begins with"):
            verify_files(folder)


def test_a_file_of_just_now_is_hashed_again(folder, monkeypatch):
    Manifest.read(folder).check_files(folder)
    monkeypatch.setattr(manifests, "describe_file", lambda path: {"bytes": 3, "sha256": "00"})
    with pytest.raises(ArtifactError, match="sha256 begins with 00"):
        Manifest.read(folder).check_files(folder)


def test_two_runs_write_the_same_bytes(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "part").mkdir()
    for name in ("a.txt", "part/b.bin"):
        (other / name).write_bytes((folder / name).read_bytes())
    manifest = Manifest(kind="counts", settings={"words": {"x": 1}}, inputs={"in": "00"})
    manifest.write(other, ["a.txt", "part/b.bin"])
    assert (other / "tokpipe.json").read_bytes() == (folder / "tokpipe.json").read_bytes()


@pytest.mark.parametrize(("change", "message"), [
    (lambda p: p.write_bytes(b"abd"), "sha256 begins with .* the manifest says ba78"),
    (lambda p: p.write_bytes(b"ab"), "bytes is 2, the manifest says 3"),
    (lambda p: p.unlink(), "missing"),
    (lambda p: (p.unlink(), p.mkdir()), "missing, or no plain file"),
    (lambda p: (p.unlink(), os.mkfifo(p)), "missing, or no plain file"),
    (lambda p: (p.unlink(), p.symlink_to("/etc/passwd")), "leads out of the folder"),
])  # fmt: skip
def test_a_changed_file_is_found_and_named(folder, change, message):
    change(folder / "a.txt")
    with pytest.raises(ArtifactError, match=message) as caught:
        Manifest.read(folder, "counts").check_files(folder)
    assert "a.txt" in caught.value.problem


@pytest.mark.parametrize(
    "name", ["../a", "/etc/passwd", "a/../../b", "", ".", "a\0b", "x" * 300, "a\\b", "a//b", "./a"]
)
def test_names_that_lead_elsewhere_are_refused(folder, name):
    edit(folder, files={name: {"bytes": 1, "sha256": "00"}})
    with pytest.raises(ArtifactError, match="no name of a file inside"):
        Manifest.read(folder, "counts")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "nul", "[" * 100_000, '{"kind": "counts"}', "\udcff"]
)
def test_what_is_no_manifest_is_refused(folder, text):
    (folder / "tokpipe.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ArtifactError, match=r"tokpipe\.json"):
        Manifest.read(folder, "counts")


def test_wrong_fields_are_named(folder):
    edit(folder, settings=[], extra=1)
    with pytest.raises(ArtifactError, match="wrong settings"):
        Manifest.read(folder, "counts")
    edit(folder, settings={})
    with pytest.raises(ArtifactError, match="wrong extra"):
        Manifest.read(folder, "counts")


@pytest.mark.parametrize("changes", [
    {"settings": {"words": {"x": 2}}}, {"inputs": {}}, {"facts": {"texts": 1}}, {"seed": 1},
    {"version": "0"}, {"files": {}}, {"sha256": None}, {"sha256": "0" * 64},
])  # fmt: skip
def test_a_changed_manifest_is_not_taken_for_true(folder, changes):
    edit(folder, **changes)
    with pytest.raises(ArtifactError, match=r"tokpipe\.json: its content is not what"):
        Manifest.read(folder, "counts")


def test_the_order_and_spacing_of_a_manifest_do_not_matter(folder):
    path = folder / "tokpipe.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(content.items()))))
    assert Manifest.read(folder, "counts").settings == {"words": {"x": 1}}


def test_a_manifest_of_tuples_and_numbered_keys_confirms_itself(tmp_path):
    Manifest(kind="counts", facts={"sizes": (1, 2), "by size": {10: 0.1, 9: None}}).write(
        tmp_path, []
    )
    facts = Manifest.read(tmp_path, "counts").facts
    assert facts == {"sizes": [1, 2], "by size": {"10": 0.1, "9": None}}


def test_a_folder_of_another_kind_or_without_manifest_is_refused(folder, tmp_path_factory):
    with pytest.raises(ArtifactError, match="holds 'counts', wanted 'tokenizer'"):
        Manifest.read(folder, "tokenizer")
    with pytest.raises(ArtifactError, match=r"no tokpipe\.json in it"):
        Manifest.read(tmp_path_factory.mktemp("empty"), "counts")


def test_a_difference_names_its_key_and_both_values():
    assert first_difference({"a": [1, 2]}, {"a": [1, 2]}) is None
    assert first_difference({"a": 1}, {"a": True}) == ("a", 1, True)
    assert first_difference({"a": {"b": 1}}, {"a": {"b": 1}, "c": 2}) == ("c", None, 2)
    with pytest.raises(ArtifactError, match=r'out: a\.b was 1, now it is "two"'):
        require_equal({"a": {"b": 1}}, {"a": {"b": "two"}}, what="out", hint="")
    require_equal({"a": [1]}, {"a": (1,)}, what="out", hint="")


def test_what_is_no_folder_of_a_kind_is_told_with_its_maker(folder, tmp_path):
    (tmp_path / "text.txt").write_text("a")
    for path, said in (
        (folder, "holds 'counts', wanted 'shards'"),
        (tmp_path / "nowhere", "nowhere: no such folder"),
        (tmp_path / "text.txt", "text.txt is no folder"),
    ):
        with pytest.raises(ArtifactError, match=said) as caught:
            Manifest.read(path, "shards")
        assert caught.value.hint == "Name a folder that `tokpipe build-shards` made."


def test_sizes_are_compared_before_anything_is_hashed(folder, monkeypatch):
    with (folder / "part" / "b.bin").open("r+b") as file:
        file.truncate(1 << 40)  # sparse: hashing it would take many minutes
    monkeypatch.setattr("hashlib.file_digest", lambda *_: pytest.fail("hashed"))
    with pytest.raises(ArtifactError, match=r"b\.bin: bytes is 1,099,511,627,776, the manifest"):
        verify_files(folder)


def test_files_are_verified_against_the_manifest_beside_them(folder, tmp_path_factory):
    verified = verify_files(folder)
    assert verified is not None and verified.kind == "counts"
    (folder / "part" / "b.bin").write_bytes(b"\0" * 9 + b"\1")
    with pytest.raises(ArtifactError, match=r"b\.bin: sha256 begins with"):
        verify_files(folder)
    assert verify_files(folder, ["a.txt", "not of ours"]) is not None
    with pytest.raises(ArtifactError, match=r"b\.bin"):
        verify_files(folder, ["part/b.bin"])
    assert verify_files(tmp_path_factory.mktemp("foreign")) is None


def test_a_file_is_verified_against_the_manifest_of_its_folder_or_the_one_above(
    folder, monkeypatch
):
    for name in ("a.txt", "part/b.bin"):
        verify_beside(folder / name)
    (folder / "part" / "b.bin").write_bytes(b"\0" * 9 + b"\1")
    verify_beside(folder / "a.txt")
    monkeypatch.chdir(folder / "part")
    with pytest.raises(ArtifactError, match=r"b\.bin: sha256 begins with"):
        verify_beside(Path("b.bin"))
    (folder / "part" / "new").write_text("of nobody")
    verify_beside(Path("new"))


def test_a_damaged_manifest_is_not_passed_over(folder):
    edit(folder, seed=2)
    with pytest.raises(ArtifactError, match="its content is not what"):
        verify_files(folder, ["a.txt"])
    (folder / "tokpipe.json").unlink()
    (folder / "tokpipe.json").symlink_to("nowhere")
    with pytest.raises(ArtifactError, match="tokpipe"):
        verify_files(folder, ["a.txt"])


@pytest.mark.parametrize("make", [lambda p: p.write_text("x"), os.mkfifo], ids=["file", "pipe"])
def test_what_is_no_folder_is_told(tmp_path, make):
    make(tmp_path / "it")
    with pytest.raises(ArtifactError, match="it is no folder, but a file or a device"):
        Manifest.read(tmp_path / "it", "counts")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (os.mkfifo, "is a pipe, and no plain file"),
        (lambda p: p.symlink_to("/dev/zero"), "is a device, and no plain file"),
        (lambda p: p.mkdir(), "is a folder, and no plain file"),
        (lambda p: (p.touch(), os.truncate(p, 1 << 40)), "is larger than 67,108,864 bytes"),
    ],
    ids=["pipe", "device", "folder", "huge"],
)
def test_a_manifest_is_a_plain_file_of_a_bounded_size(tmp_path, make, said):
    make(tmp_path / "tokpipe.json")
    with pytest.raises(ArtifactError, match=rf"tokpipe\.json {said}"):
        Manifest.read(tmp_path, "counts")
