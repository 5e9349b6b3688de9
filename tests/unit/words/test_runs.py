from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokpipe.foundation.arrays import PADDING, Strings
from tokpipe.foundation.errors import InputError
from tokpipe.words import runs as runs_module
from tokpipe.words.runs import Run, merge_in_memory, merge_streams, sorted_batches, sorted_run
from tokpipe.words.table import WordTable

WORD = st.one_of(
    st.binary(min_size=1, max_size=20),
    st.text("ab\0", min_size=1, max_size=26).map(str.encode),
)
COUNTS = st.dictionaries(WORD, st.integers(1, 2**40), max_size=60)


def table_of(counts):
    table = WordTable()
    table.add(Strings.from_list(list(counts)), counts.values())
    return table


def run_of(counts):
    words = sorted(counts)
    return Run(Strings.from_list(words), np.array([counts[w] for w in words], np.int64))


def rows_of(run):
    return list(zip(run.words.iter_bytes(), run.counts.tolist(), strict=True))


def joined(batches):
    return [row for batch in batches for row in rows_of(batch)]


def pieces_of(run, size):
    return iter(
        [
            Run(
                Strings(run.words.data, run.words.offsets[i : i + size + 1]),
                run.counts[i : i + size],
            )
            for i in range(0, len(run.counts), size)
        ]
    )


@given(COUNTS)
def test_a_table_comes_out_sorted_as_one_run_and_as_batches(counts):
    run = sorted_run(table_of(counts))
    assert rows_of(run) == sorted(counts.items())
    assert not run.words.data[run.words.offsets[-1] :].any()
    assert len(run.words.data) == run.words.nbytes + PADDING
    assert joined(sorted_batches(table_of(counts))) == sorted(counts.items())


def test_words_that_share_long_beginnings_come_out_sorted():
    rng = np.random.default_rng(0)
    stems = [b"https://", b"https://example.org/", b"a" * 40, b"a" * 41, b"\0" * 16]
    words = {stem + rng.integers(0, 3, rng.integers(0, 30)).astype(np.uint8).tobytes()
             for stem in stems for _ in range(3000)}  # fmt: skip
    table = table_of(dict.fromkeys(words, 1))
    assert list(sorted_run(table).words.iter_bytes()) == sorted(words)
    assert len(table) == 0


def test_a_word_longer_than_a_batch_is_a_batch_of_its_own(monkeypatch):
    monkeypatch.setattr(runs_module, "BATCH_BYTES", 100)
    counts = {b"a": 1, b"b" * 5000: 2, b"b" * 5001: 3, b"c": 4}
    assert joined(sorted_batches(table_of(counts))) == sorted(counts.items())
    streams = [pieces_of(run_of(counts), 1), pieces_of(run_of({b"b" * 5001: 1, b"d": 1}), 2)]
    assert joined(merge_streams(streams)) == sorted({**counts, b"b" * 5001: 4, b"d": 1}.items())


@given(st.lists(COUNTS, max_size=6), st.integers(1, 3))
def test_merged_runs_are_the_sum_in_memory(many, threads):
    total = Counter()
    for counts in many:
        total.update(counts)
    merged = merge_in_memory([run_of(c) for c in many], threads)
    assert rows_of(merged) == sorted(total.items())
    assert not merged.words.data[merged.words.offsets[-1] :].any()


@given(st.lists(COUNTS, max_size=6), st.lists(st.integers(1, 9), min_size=6, max_size=6))
def test_merged_streams_are_the_sum_whatever_their_batches(many, sizes):
    total = Counter()
    for counts in many:
        total.update(counts)
    streams = [pieces_of(run_of(c), size) for c, size in zip(many, sizes, strict=False)]
    assert joined(merge_streams(streams)) == sorted(total.items())


def test_more_words_than_one_call_merges(monkeypatch):
    monkeypatch.setattr(runs_module, "_MERGED_AT_ONCE", 10)
    monkeypatch.setattr(runs_module, "BATCH_WORDS", 7)
    one = {b"word %d" % i: i + 1 for i in range(0, 500, 2)}
    two = {b"word %d" % i: i + 1 for i in range(0, 500, 3)}
    total = sorted((Counter(one) + Counter(two)).items())
    assert rows_of(merge_in_memory([run_of(one), run_of(two)], 2)) == total
    assert joined(merge_streams([pieces_of(run_of(one), 9), pieces_of(run_of(two), 5)])) == total


def test_a_count_past_63_bits_is_refused_with_its_word():
    runs = [run_of({b"fine": 1, b"many": 2**62}), run_of({b"many": 2**62})]
    with pytest.raises(InputError, match="'many' occurs more than"):
        merge_in_memory(runs)
    with pytest.raises(InputError, match="'many' occurs more than"):
        list(merge_streams([iter([run]) for run in runs]))
