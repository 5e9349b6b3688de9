import hashlib
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tokpipe
from tests.manifests import forge_manifest
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import ArtifactError, InputError, StorageError
from tokpipe.words.collect import collect, release
from tokpipe.words.config import BERT_CASED, GPT2
from tokpipe.words.counts import WordCounts, merge_counts
from tokpipe.words.run_files import read_run
from tokpipe.words.runs import Run


def counts_of(counts, config=GPT2, **more):
    words = sorted(counts)
    numbers = np.array([counts[w] for w in words], np.int64)
    return WordCounts(words=Strings.from_list(words), counts=numbers, config=config, **more)


def to_dict(counts):
    return dict(zip(counts.words.iter_bytes(), counts.counts.tolist(), strict=True))


def test_the_public_names_are_there():
    assert tokpipe.count_words and tokpipe.merge_counts is merge_counts
    assert tokpipe.WordCounts is WordCounts


def test_counts_come_back_from_their_folder(tmp_path):
    counts = counts_of(
        {b" the": 2**40, b"\xff\0": 1}, facts={"texts": 3}, held_out=counts_of({b"x": 1})
    )
    counts.save(tmp_path / "c")
    back = WordCounts.load(tmp_path / "c")
    assert to_dict(back) == to_dict(counts) and back.config == GPT2 and back.facts == {"texts": 3}
    assert to_dict(back.held_out) == {b"x": 1}
    assert back.words.data[back.words.offsets[-1] :].tolist() == [0] * 64
    table = pa.ipc.open_file(tmp_path / "c" / "counts.arrow").read_all()
    assert table.schema.types == [pa.large_binary(), pa.int64()]
    assert table.column("word").to_pylist() == [b" the", b"\xff\0"]


def test_empty_counts_are_a_folder_too(tmp_path):
    counts_of({}).save(tmp_path / "c")
    assert to_dict(WordCounts.load(tmp_path / "c")) == {} == to_dict(merge_counts([tmp_path / "c"]))


def test_the_same_counts_are_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        counts_of({b"%d" % i: i + 1 for i in range(70_000)}).save(tmp_path / name)
    for file in ("counts.arrow", "tokpipe.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_folder_is_not_overwritten_unless_forced(tmp_path):
    counts_of({b"a": 1}).save(tmp_path / "c")
    with pytest.raises(StorageError, match="exists already"):
        counts_of({b"b": 1}).save(tmp_path / "c")
    counts_of({b"b": 1}).save(tmp_path / "c", force=True)
    assert to_dict(WordCounts.load(tmp_path / "c")) == {b"b": 1}


def test_folders_are_summed_and_their_inputs_kept(tmp_path):
    counts_of({b"a": 1, b"b": 2}, facts={"texts": 1}, digest=lambda: {"one": "1"}).save(
        tmp_path / "1"
    )
    counts_of({b"b": 2**62, b"c": 3}, facts={"texts": 2}, digest=lambda: {"two": "2"}).save(
        tmp_path / "2"
    )
    merged = merge_counts([tmp_path / "1", tmp_path / "2"])
    assert to_dict(merged) == {b"a": 1, b"b": 2**62 + 2, b"c": 3}
    assert merged.facts == {"texts": 3} and merged.digest() == {"one": "1", "two": "2"}
    assert merged.total == 2**62 + 6


def test_a_sum_past_63_bits_is_refused(tmp_path):
    counts_of({b"m": 2**62}).save(tmp_path / "1")
    with pytest.raises(InputError, match="'m' occurs more than"):
        merge_counts([tmp_path / "1"] * 2)


@given(
    st.lists(
        st.tuples(st.binary(min_size=1, max_size=9), st.integers(1, 2**63 - 1)),
        unique_by=lambda item: item[0],
    )
)
def test_sums_are_exact_past_63_bits(items):
    run = Run(Strings.from_list([w for w, _ in items]), np.array([n for _, n in items], np.int64))
    assert run.total == sum(n for _, n in items)
    assert run.weight == sum(len(w) * n for w, n in items)


def test_counts_of_other_normalisation_are_refused_with_both_values(tmp_path):
    counts_of({b"a": 1}).save(tmp_path / "1")
    counts_of({b"a": 1}, BERT_CASED).save(tmp_path / "2")
    with pytest.raises(ArtifactError, match=r'normalizer was "none", now it is "bert"'):
        merge_counts([tmp_path / "1", tmp_path / "2"])


def test_the_total_is_exact_past_63_bits():
    assert counts_of({b"a": 2**63 - 1, b"b": 2**63 - 1}).total == 2**64 - 2


def test_a_result_larger_than_its_memory_is_mapped_and_let_go(tmp_path):
    batches = [Run(Strings.from_list([b"%06d" % i]), np.array([i + 1])) for i in range(1000)]
    run = collect(iter(batches), 2000, tmp_path)
    assert list(tmp_path.iterdir()) == []  # no name, so nothing can stay behind
    for _ in range(2):
        assert list(run.words.iter_bytes()) == [b"%06d" % i for i in range(1000)]
        assert run.counts.tolist() == list(range(1, 1001))
        release(run)
    assert not run.words.data[run.words.offsets[-1] :].any()


def test_every_byte_of_a_counts_file_is_guarded(tmp_path):
    counts_of({b"%d" % i: i + 1 for i in range(100)}).save(tmp_path / "c")
    path = tmp_path / "c" / "counts.arrow"
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for place in rng.integers(0, len(whole), 100):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ArtifactError, match=r"counts\.arrow: sha256"):
            WordCounts.load(tmp_path / "c")
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ArtifactError, match=r"counts\.arrow: bytes is"):
        merge_counts([tmp_path / "c"])


def test_damage_that_the_manifest_covers_up_reaches_no_kernel(tmp_path):
    counts_of({b"word %d" % i: i + 1 for i in range(1000)}).save(tmp_path / "c")
    path = tmp_path / "c" / "counts.arrow"
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    for place in rng.integers(0, len(whole), 300):
        garbled = whole[:place] + rng.bytes(8) + whole[place + 8 :]
        path.write_bytes(garbled)
        entry = {"bytes": len(garbled), "sha256": hashlib.sha256(garbled).hexdigest()}
        forge_manifest(tmp_path / "c", lambda content: content["files"].update({path.name: entry}))  # noqa: B023
        for read in (WordCounts.load, lambda folder: merge_counts([folder])):
            with suppress(ArtifactError, InputError):  # any other error fails, as does a signal
                read(tmp_path / "c")


@pytest.mark.parametrize("make", [
    lambda p: pa.ipc.new_file(p, pa.schema([("word", pa.string())])).close(),
    lambda p: p.write_bytes(b""),
    lambda p: p.write_bytes(b"ARROW1\0\0" * 20),
])  # fmt: skip
def test_what_is_no_file_of_counts_is_refused(tmp_path, make):
    make(tmp_path / "x.arrow")
    with pytest.raises(ArtifactError, match=r"x\.arrow"):
        list(read_run(tmp_path / "x.arrow"))
