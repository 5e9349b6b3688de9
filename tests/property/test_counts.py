"""Word counts depend on the texts alone."""

from collections import Counter
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokpipe.corpus.config import ReadConfig
from tokpipe.foundation.arrays import Strings
from tokpipe.words import count as count_module
from tokpipe.words.budget import Budget
from tokpipe.words.config import BERT_UNCASED, GPT2, WordsConfig
from tokpipe.words.count import count_words
from tokpipe.words.counter import Limits
from tokpipe.words.counts import merge_counts
from tokpipe.words.pre_tokenizers import split_words

SPLIT = WordsConfig(normalizer="none", lowercase=False, pre_tokenizer="whitespace-split")
CONFIGS = st.sampled_from([SPLIT, GPT2, BERT_UNCASED])
LINE = st.lists(
    st.one_of(
        st.sampled_from(
            ["The", "the", "cat", "Ångström", "don't", "12", "supercalifragilistic", "東京"]
        ),
        st.text("abAB é\t", max_size=12),
    ),
    max_size=8,
).map(" ".join)
LINES = st.lists(LINE, min_size=1, max_size=40).filter(lambda lines: any(lines))


def expected(lines, config):
    words, _ = split_words(Strings.from_list([line + "\n" for line in lines]), config)
    return sorted(Counter(words.iter_bytes()).items())


def rows(counts):
    return list(zip(counts.words.iter_bytes(), counts.counts.tolist(), strict=True))


@pytest.fixture(scope="module")
def corpus_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")

    def write(lines):
        path = folder / "corpus.txt"
        path.write_text("".join(line + "\n" for line in lines), "utf-8", newline="")
        return path

    return write


def small_budget(slots, arena, piece_bytes, keep_bytes=None, fan_in=3):
    def of(memory, threads):
        return Budget(
            threads=threads,
            piece_bytes=piece_bytes,
            limits=Limits(slots, arena),
            keep_bytes=keep_bytes,
            result_bytes=200 if memory else None,
            fan_in=fan_in,
        )

    return of


@given(LINES, CONFIGS, st.integers(1, 3), st.integers(1, 200))
def test_counts_do_not_depend_on_threads_or_pieces(
    corpus_file, lines, config, threads, piece_bytes
):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(count_module, "PIECE_BYTES", piece_bytes)
        counts = count_words([corpus_file(lines)], config, threads=threads)
    assert rows(counts) == expected(lines, config)
    assert counts.total == counts.facts["words"] == sum(n for _, n in expected(lines, config))
    assert counts.facts["texts"] == len(lines)


@given(LINES, CONFIGS, st.integers(1, 2), st.integers(1, 200), st.sampled_from([0, 10**9]))
@settings(max_examples=50)
def test_counts_do_not_depend_on_memory(corpus_file, lines, config, threads, piece_bytes, keep):
    # tables of 12 words at most, far below what the smallest real bound gives
    of = small_budget(32, 200, piece_bytes, keep)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Budget, "of", staticmethod(of))
        patch.setattr("tokpipe.words.table._FIRST_SLOTS", 16)
        patch.setattr("tokpipe.words.table._FIRST_ARENA", 64)
        bounded = count_words([corpus_file(lines)], config, threads=threads, memory=1)
        unbounded = count_words([corpus_file(lines)], config, threads=threads)
    assert rows(bounded) == rows(unbounded) == expected(lines, config)
    assert not bounded.words.data[bounded.words.offsets[-1] :].any()


@given(LINES, st.integers(1, 2), st.integers(1, 300), st.integers(1, 400))
@settings(max_examples=50)
def test_counts_do_not_depend_on_commits(
    tmp_path_factory, corpus_file, lines, threads, piece, commit
):
    workdir = tmp_path_factory.mktemp("work")
    path = corpus_file(lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(count_module, "PIECE_BYTES", piece)
        for _ in range(2):  # the second time most is done
            counts = count_words(
                [path], GPT2, threads=threads, workdir=workdir, commit_bytes=commit
            )
            assert rows(counts) == expected(lines, GPT2)
            assert counts.facts["texts"] == len(lines) and counts.facts["words"] == counts.total


@given(LINES, st.sampled_from([0.2, 0.5]), st.integers(1, 200))
def test_a_text_is_counted_or_held_out_and_equal_texts_go_together(
    corpus_file, lines, share, piece_bytes
):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(count_module, "PIECE_BYTES", piece_bytes)
        counts = count_words([corpus_file(lines)], GPT2, held_out=share)
    together = Counter(dict(rows(counts))) + Counter(dict(rows(counts.held_out)))
    assert sorted(together.items()) == expected(lines, GPT2)
    same = count_words([corpus_file(["a line", *lines[:1] * 50])], GPT2, held_out=share)
    for word, number in expected(lines[:1], GPT2):
        if word not in dict(expected(["a line"], GPT2)):
            assert {dict(rows(c)).get(word, 0) for c in (same, same.held_out)} == {0, 50 * number}


def test_the_share_held_out_is_about_what_was_asked(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("".join(f"line {i}\n" for i in range(20_000)))
    counts = count_words([path], SPLIT, held_out=0.1)
    assert 1850 < dict(rows(counts.held_out))[b"line"] < 2150


@given(st.lists(LINES, min_size=1, max_size=4), st.sampled_from([0.0, 0.3]))
@settings(max_examples=25)
def test_counting_apart_and_merging_is_counting_together(
    tmp_path_factory, corpus_file, parts, share
):
    folder = tmp_path_factory.mktemp("counts")
    for i, lines in enumerate(parts):
        counts = count_words([corpus_file(lines)], GPT2, held_out=share)
        counts.save(folder / str(i))
    merged = merge_counts([folder / str(i) for i in range(len(parts))])
    together = count_words([corpus_file(list(chain(*parts)))], GPT2, held_out=share)
    assert rows(merged) == rows(together) and merged.facts == together.facts
    if share:
        assert rows(merged.held_out) == rows(together.held_out)


def test_mended_text_is_counted_in_the_facts_and_survives_a_resume(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"good\nb\xffd\n")
    for _ in range(2):
        counts = count_words(
            [path], SPLIT, ReadConfig(errors="replace"), workdir=tmp_path / "w", commit_bytes=1
        )
        assert counts.facts == {"texts": 2, "bytes": 11, "words": 2, "replaced": 1}
        assert list(counts.facts) == ["texts", "bytes", "words", "replaced"]
