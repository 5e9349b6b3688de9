import json

import numpy as np
import pytest

from tests.unit.foundation.places import TAKEN, seen
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.manifest import Manifest
from tokpipe.words import counts as words_counts
from tokpipe.words.config import WordsConfig
from tokpipe.words.counts import WordCounts
from tokpipe.words.run_files import write_run
from tokpipe.words.runs import Run


def test_counts_are_written_and_summed_up(tokpipe, text_file):
    ran = tokpipe("count-words", text_file, "-o", "counts", "--json", "--cased")
    assert ran.code == 0
    assert ran.json["texts"] == 160
    assert ran.json["unique_words"] == 37
    manifest = json.loads((text_file.parent / "counts" / "tokpipe.json").read_text())
    assert manifest["settings"]["words"]["lowercase"] is False
    assert sorted(p.name for p in text_file.parent.iterdir()) == ["counts", "text.txt"]
    assert sorted(p.name for p in (text_file.parent / "counts").iterdir()) == [
        "counts.arrow",
        "tokpipe.json",
    ]


def test_table_is_for_people(tokpipe, text_file):
    ran = tokpipe("count-words", text_file, "-o", "counts", "-q")
    assert ran.out.splitlines()[0] == "Word counts"
    assert "unique words  36" in ran.out
    assert ran.err == ""


def test_merged_counts_are_the_sum(tokpipe, text_file):
    for name in ("a", "b"):
        assert tokpipe("count-words", text_file, "-o", name).code == 0
    ran = tokpipe("merge-counts", "a", "b", "-o", "ab", "--json")
    assert ran.code == 0
    assert ran.json["texts"] == 320
    assert ran.json["unique_words"] == 36


def test_counts_of_other_normalisation_are_not_merged(tokpipe, text_file):
    tokpipe("count-words", text_file, "-o", "a")
    tokpipe("count-words", text_file, "-o", "b", "--cased")
    ran = tokpipe("merge-counts", "a", "b", "-o", "ab")
    assert ran.code in (2, 4)
    assert "lowercase" in ran.err
    assert not (text_file.parent / "ab").exists()


def test_dry_run_tells_the_plan_and_does_nothing(tokpipe, text_file):
    ran = tokpipe("count-words", text_file, "-o", "counts", "--dry-run")
    assert ran.code == 0
    assert "(nothing is done)" in ran.out
    assert "memory" in ran.out
    assert [p.name for p in text_file.parent.iterdir()] == ["text.txt"]
    assert tokpipe("count-words", text_file, "-o", "c", "--dry-run", "--json").json["estimates"]


def test_existing_counts_are_refused(tokpipe, text_file):
    assert tokpipe("count-words", text_file, "-o", "counts").code == 0
    ran = tokpipe("count-words", text_file, "-o", "counts")
    assert ran.code == 4
    assert "counts exists already" in ran.err
    assert tokpipe("count-words", text_file, "-o", "counts", "--force").code == 0


@pytest.mark.parametrize("model", ["wordpiece", "bpe", "byte-bpe"])
def test_defaults_follow_the_kind_of_vocabulary(tokpipe, text_file, model):
    assert tokpipe("count-words", text_file, "-o", "counts", "--model", model).code == 0
    manifest = json.loads((text_file.parent / "counts" / "tokpipe.json").read_text())
    wanted = "gpt2" if model == "byte-bpe" else "bert"
    assert manifest["settings"]["words"]["pre_tokenizer"] == wanted


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (["count-words", "no.txt", "-o", "c"], 3, "no.txt"),
        (["count-words", "text.txt"], 2, "--output"),
        (["count-words", "-o", "c"], 2, "INPUT"),
        (["merge-counts", "text.txt", "-o", "c"], 4, "text.txt"),
        (["count-words", "text.txt", "-o", "c", "--memory", "1kB"], 5, "memory"),
        (["count-words", "text.txt", "-oc", "--normalizer", "nfc", "--strip-accents"], 2, "nfd"),
    ],
)
def test_mistakes_are_named(tokpipe, text_file, line, code, said):
    ran = tokpipe(*line)
    assert ran.code == code
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert [p.name for p in text_file.parent.iterdir()] == ["text.txt"]


def test_input_without_a_word_is_an_error_and_leaves_nothing(tokpipe, text_file):
    text_file.write_text("\n\n  \n")
    ran = tokpipe("count-words", text_file, "-o", "counts")
    assert ran.code == 3
    assert "holds no word" in ran.err
    assert not (text_file.parent / "counts").exists()


def test_a_plan_names_folders_that_hold_no_counts(tokpipe, tmp_path):
    ran = tokpipe("merge-counts", "nowhere", "-o", "all", "--dry-run")
    assert ran.code == 4 and "nowhere: no such folder" in ran.err


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("words.tsv", "words.tsv is a table of words"),
        ("spm.model", "spm.model is a SentencePiece model"),
        ("cl100k.tiktoken", "cl100k.tiktoken is a tiktoken vocabulary"),
        ("text.txt", "text.txt is a text"),
        ("owner/name", "count hub:owner/name with `count-words`"),
        ("empty", "empty is no folder of word counts: no tokpipe.json in it"),
        ("counts/counts.arrow", "Name its folder: counts."),
        ("counts/tokpipe.json", "Name its folder: counts."),
    ],
)
@pytest.mark.parametrize("command", ["train-vocab", "merge-counts"])
def test_what_is_no_counts_folder_is_said_as_what_it_is(tokpipe, text_file, command, place, said):
    here = text_file.parent
    assert tokpipe("count-words", text_file, "-o", "counts", "-q").code == 0
    (here / "empty").mkdir()
    for name in ("words.tsv", "spm.model", "cl100k.tiktoken"):
        (here / name).write_text("a\t1\n")
    option = ["--from-counts"] if command == "train-vocab" else []
    ran = tokpipe(command, *option, place, "-o", "out")
    assert ran.code == 4 and said in " ".join(ran.err.split())
    assert not (here / "out").exists()


def forged(folder, counts, **facts):
    words = Strings.from_list([b"%c" % (97 + i) * 3 for i in range(len(counts))])
    folder.mkdir()
    with (folder / "counts.arrow").open("wb") as file:
        write_run(file, [Run(words, np.array(counts, np.int64))])
    settings = {"words": WordsConfig().to_dict()}
    facts = {"counts.arrow": {**facts, "unique words": len(counts)}}
    Manifest(kind="counts", settings=settings, facts=facts).write(folder, ["counts.arrow"])


@pytest.mark.parametrize(
    ("counts", "facts", "said"),
    [
        ([5, 7], {"words": 12}, ""),
        ([5, 7], {}, ""),
        ([5, 0], {}, "a count below 1"),
        ([-5, 7], {}, "a count below 1"),
        ([2**62, 2**62], {}, "more than 2^63 - 1"),
        ([2**63 - 1], {}, "more than 2^63 - 1"),
        ([5, 7], {"words": 13}, "sum up to 12, but 13 words were counted"),
    ],
)
def test_check_looks_at_the_counts(tokpipe, tmp_path, counts, facts, said):
    forged(tmp_path / "counts", counts, **facts)
    ran = tokpipe("check", tmp_path / "counts")
    assert ran.code == (1 if said else 0)
    assert said in " ".join(ran.out.split())


@pytest.mark.parametrize("score", ["frequency", "likelihood"])
@pytest.mark.parametrize("model", ["wordpiece", "bpe", "byte-bpe"])
@pytest.mark.parametrize("counts", [[2**62, 2**62], [2**63 - 1], [2**60] * 4])
def test_counts_whose_sums_pass_63_bits_are_refused(tokpipe, tmp_path, model, score, counts):
    forged(tmp_path / "counts", counts)
    line = ["--model", model, "--score", score, "--vocab-size", "300", "-o", tmp_path / "out"]
    ran = tokpipe("train-vocab", "--from-counts", tmp_path / "counts", *line)
    assert ran.code == 3 and "2^63" in ran.err


@pytest.mark.parametrize("counts", [[2**62], [2**60, 2**60], [2**61]])
def test_a_sum_past_63_bits_is_not_written(tokpipe, tmp_path, counts):
    for name in ("a", "b"):
        forged(tmp_path / name, [*counts, *[1] * (name == "b")])
    ran = tokpipe("merge-counts", "a", "b", "-o", "out")
    assert ran.code == 3 and "2^63" in ran.err and "Traceback" not in ran.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_sums_just_below_are_written(tokpipe, tmp_path):
    for name in ("a", "b"):
        forged(tmp_path / name, [2**60])
    assert tokpipe("merge-counts", "a", "b", "-o", "out").code == 0
    assert tokpipe("check", "out").code == 0


@pytest.mark.parametrize("take", TAKEN.values(), ids=TAKEN)
@pytest.mark.parametrize("force", [True, False])
def test_what_comes_to_the_place_of_merged_counts_meanwhile_stays(
    tokpipe, tmp_path, monkeypatch, take, force
):
    def merge(*arguments, **settings):
        take(tmp_path / "out")
        come.append(seen(tmp_path / "out"))
        return real(*arguments, **settings)

    forged(tmp_path / "a", [1])
    real, come = words_counts.merge_counts, []
    monkeypatch.setattr(words_counts, "merge_counts", merge)
    ran = tokpipe("merge-counts", "a", "a", "-o", "out", *["--force"] * force)
    assert ran.code == 4 and "was put there by another while the work ran" in ran.err
    assert come == [seen(tmp_path / "out")]
    assert WordCounts.load(tmp_path / "out.finished").counts.tolist() == [2]


@pytest.mark.parametrize("place", ["/", "/..", "//"])
@pytest.mark.parametrize(
    "line",
    [
        ("count-words", "text.txt"),
        ("merge-counts", "counts"),
        ("train-vocab", "--from-counts", "counts"),
        ("train-vocab", "text.txt"),
        ("encode", "-t", "nowhere", "text.txt"),
        ("demo",),
    ],
)
def test_the_root_of_all_folders_is_no_output_of_a_plan(tokpipe, text_file, line, place):
    forged(text_file.parent / "counts", [1])
    ran = tokpipe(*line, "-o", place, "--dry-run")
    assert ran.code == 4 and "is the root of all folders" in ran.err and not ran.out


def test_counts_just_below_are_trained_on(tokpipe, tmp_path):
    forged(tmp_path / "counts", [2**60, 2**60])
    line = ["--vocab-size", "20", "-o", tmp_path / "out"]
    assert tokpipe("train-vocab", "--from-counts", tmp_path / "counts", *line).code == 0


@pytest.mark.slow
def test_compiling_is_said_where_something_is_compiled_and_nowhere_else(process, text_file):
    """Of the kernels that the command may call, a text this small calls not all."""
    cold = {"TOKPIPE_CACHE_DIR": str(text_file.parent / "cache")}
    for said in (True, False):
        ran = process("count-words", text_file, "-o", "counts", "--force", env=cold)
        assert ran.returncode == 0, ran.stderr
        assert (b"compiling kernels, first run only" in ran.stderr) == said
