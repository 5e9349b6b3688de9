import json

import numpy as np
import pytest

from tokpipe.batches.config import BatchConfig
from tokpipe.batches.loader import Loader
from tokpipe.corpus.bundled import bundled_corpus
from tokpipe.foundation.seeds import child_keys, stream_key
from tokpipe.shards.reader import open_shards

SMALL = ("--max-seq-length", "32", "--block-bytes", "8k", "--validation-fraction", "0.2")


@pytest.fixture
def build(tokpipe, tmp_path):
    """Run `build-shards` on the bundled English texts, with a vocabulary of them."""
    english = bundled_corpus() / "english"
    assert tokpipe("train-vocab", english, "--vocab-size", "400", "-o", "tok", "-q").code == 0

    def run(*more, inputs=english):
        return tokpipe("build-shards", inputs, "-t", "tok", "-o", "out", *SMALL, *more)

    return run


def manifest(folder):
    return json.loads((folder / "out/tokpipe.json").read_text())


def test_closing_table_says_what_was_made_and_what_comes_next(build, tmp_path):
    ran = build("--masking", "static")
    assert ran.code == 0, ran.err
    assert "bert shards, static masks, in out" in ran.out
    rows = ("shards", "documents", "sentences", "examples", "tokens", "tokens an example")
    rows += ("random next", "tokens masked", "files", "time", "look at it", "go on")
    for row in rows:
        assert f"\n{row} " in ran.out
    assert "tokpipe inspect shards out" in ran.out
    assert f" {open_shards(tmp_path / 'out').train.rows:,} " in ran.out


def test_json_says_the_same_in_figures(build, tmp_path):
    ran = build("--json", "-q")
    assert ran.code == 0, ran.err
    opened = open_shards(tmp_path / "out")
    for split in opened.splits:
        found = ran.json["splits"][split.name]
        assert (found["examples"], found["tokens"]) == (split.rows, split.tokens)
        assert found["shards"] == len(split.files)
    sizes = [path.stat().st_size for path in (tmp_path / "out").rglob("*.arrow")]
    assert ran.json["file_bytes"] == sum(sizes)


@pytest.mark.parametrize("masking", ["static", "dynamic"])
def test_dry_run_comes_true_within_30_percent(build, tmp_path, masking):
    plan = build("--masking", masking, "--dry-run", "--json")
    assert plan.code == 0, plan.err
    assert not (tmp_path / "out").exists()
    made = build("--masking", masking, "--json", "-q").json
    for what in ("examples", "tokens"):
        found = sum(split[what] for split in made["splits"].values())
        assert abs(plan.json[what] / found - 1) < 0.3, what
    disk = plan.json["estimates"]["disk_bytes"]
    assert abs(disk / made["file_bytes"] - 1) < 0.3


@pytest.mark.parametrize(
    ("options", "column"),
    [
        (("--nsp",), "next_sentence_label"),
        (("--sop",), "sentence_order_label"),
        (("--no-nsp",), None),
        (("--recipe", "roberta"), None),
        (("--recipe", "roberta", "--nsp"), "next_sentence_label"),
    ],
)
def test_objective(build, tmp_path, options, column):
    assert build(*options, "-q").code == 0
    info = json.loads((tmp_path / "out/train/dataset_info.json").read_text())
    labels = [name for name in info["features"] if name.endswith("_label")]
    assert labels == [column] * (column is not None)
    train = open_shards(tmp_path / "out").train
    if column:
        assert {int(label) for part in train.parts for label in part.labels} == {0, 1}
    else:
        assert train.parts[0].segment_b_start is None


def test_workers_are_threads_and_change_no_byte(build, tmp_path):
    assert build("--workers", "1", "-q").code == 0
    one = manifest(tmp_path)
    assert build("--workers", "2", "-q", "--force").code == 0
    assert manifest(tmp_path) == one


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--sop", "--nsp"), 2, "exclude each other"),
        (("--sop", "--no-nsp"), 2, "exclude each other"),
        (("--dense-labels",), 2, "masking=static"),
        (("--num-shards", "3", "--shard-size", "1M"), 2, "num_shards and shard_bytes"),
        (("--num-shards", "999"), 2, "num_shards=999"),
        (("--shard-size", "3"), 2, "shard"),
        (("--recipe", "gpt"), 2, "--recipe"),
        (("--masked-lm-prob", "0"), 2, "masked_lm_prob"),
        (("--validation-fraction", "0.9"), 2, "validation_fraction"),
        (("--workers", "0"), 2, "--workers"),
        (("-t", "nowhere"), 3, "nowhere"),
        (("-o", "tok"), 4, "exists already"),
    ],
)
def test_mistakes_are_named(build, tmp_path, options, code, said):
    ran = build(*options)
    assert ran.code == code, ran.err
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["tok"]


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_blank_input_is_named(build, tmp_path, more):
    (tmp_path / "blank.txt").write_text("\n \n")
    ran = build(*more, inputs="blank.txt")
    assert ran.code == 3, ran.err
    assert "blank.txt" in ran.err
    assert not (tmp_path / "out").exists()


def test_nothing_held_back_is_a_note(build):
    ran = build("--validation-fraction", "0")
    assert ran.code == 0
    assert "the validation split is empty" in ran.err


CHINESE = "我们今天在学校看书然后回家吃饭\n"
ENGLISH = "the harbour lay still that evening and the boats were home"


def made(tokpipe, tmp_path, text, model, *more):
    """Build shards of a text with a vocabulary of the bundled English texts."""
    english = bundled_corpus() / "english"
    vocabulary = ("--model", model, "--vocab-size", "500", "-o", "tok", "-q")
    assert tokpipe("train-vocab", english, *vocabulary).code == 0
    (tmp_path / "text.txt").write_text(text, "utf-8")
    ran = tokpipe("build-shards", "text.txt", "-t", "tok", "-o", "out", *more)
    assert ran.code == 0, ran.err
    return ran, tokpipe("check", "out")


@pytest.mark.parametrize("masking", ["static", "dynamic"])
@pytest.mark.parametrize("words", [("--whole-word",), ("--span", "geometric")])
def test_a_line_without_spaces_is_masked_as_asked(tokpipe, tmp_path, words, masking):
    ran, checked = made(tokpipe, tmp_path, CHINESE, "byte-bpe", *words, "--masking", masking,
                        "--no-nsp", "--validation-fraction", "0")  # fmt: skip
    assert "warning" not in ran.err and "are masked" not in checked.out
    split = open_shards(tmp_path / "out").train
    loader = Loader(split, BatchConfig(), open_shards(tmp_path / "out").facts,
                    open_shards(tmp_path / "out").masks, 0)  # fmt: skip
    masked = sum(len(batch.masked_ids) for batch in loader.batches(0, threads=1))
    assert masked / split.tokens == pytest.approx(0.15, abs=0.01)


@pytest.mark.parametrize("model", ["wordpiece", "bpe"])
def test_every_command_says_the_same_share_of_unknown_words(tokpipe, tmp_path, model):
    (tmp_path / "known.txt").write_text("a b c\n" * 9)
    (tmp_path / "text.txt").write_text("a b c 東\n" * 99, "utf-8")
    vocabulary = ("--model", model, "--vocab-size", "50", "-o", "tok", "-q")
    assert tokpipe("train-vocab", "known.txt", *vocabulary).code == 0
    for command in (
        ("build-shards", "text.txt", "-t", "tok", "-o", "out"),
        ("check", "out"),
        ("check", "tok", "--corpus", "text.txt"),
        ("encode", "-t", "tok", "text.txt"),
    ):
        ran = tokpipe(*command)
        said = " ".join((ran.out + ran.err).split())
        assert "25.0 % of the words are unknown to the vocabulary" in said
        assert ("--max-input-chars" in said) == (model == "wordpiece" and "--corpus" not in command)


LONG = ("xqzjk " * 9 + "\n\n") * 40  # rows of nine words of five pieces, where seven are wanted
SHORT = [
    (LONG, ("--whole-word", "--packing", "doc-sentences"), "10.7 % of the tokens are masked, ask"),
    (CHINESE * 9, (), "nothing is masked, asked 15 % of the tokens: the others are special or"),
    (CHINESE * 9, (), "100.0 % of the words are unknown to the vocabulary: "),
]


@pytest.mark.parametrize("masking", ["static", "dynamic"])
@pytest.mark.parametrize(("text", "more", "said"), SHORT)
def test_masks_and_words_that_are_missed_by_far_are_said(
    tokpipe, tmp_path, text, more, said, masking
):
    ran, checked = made(tokpipe, tmp_path, text, "wordpiece", *more, "--masking", masking,
                        "--no-nsp", "--validation-fraction", "0")  # fmt: skip
    assert said in ran.err
    if "masked" in said:
        assert "masked" in checked.out


@pytest.mark.parametrize("balance", ["google", "exact"])
def test_documents_of_one_sentence_are_named_as_the_cause(tokpipe, tmp_path, balance):
    text = "\n\n".join(f"{ENGLISH} {number}" for number in range(300))
    more = ("--nsp-balance", balance, "--validation-fraction", "0", "--short-seq-prob", "0")
    ran, checked = made(tokpipe, tmp_path, text, "wordpiece", *more)
    for said in (ran.err, checked.out):
        assert "100.0 % of the pairs" in said
        assert "document is one sentence" in said
        assert "--nsp-balance exact" not in said


@pytest.mark.parametrize("seed", range(8))
def test_one_sentence_is_the_cause_only_where_each_document_is_one(tokpipe, tmp_path, seed):
    lines = [ENGLISH, ENGLISH, f"{ENGLISH}\n{ENGLISH}"]  # 3 or 4 pairs: all are random by chance
    ran, _ = made(tokpipe, tmp_path, "\n\n".join(lines), "wordpiece", "--seed", str(seed),
                  "--validation-fraction", "0", "--sentence-splitter", "line")  # fmt: skip
    assert "each document is one sentence" not in ran.err


def test_a_balance_that_can_be_made_up_for_is_advised(tokpipe, tmp_path):
    lines = [ENGLISH, ENGLISH, ENGLISH, f"{ENGLISH}\n{ENGLISH}"] * 100
    more = ("--validation-fraction", "0", "--short-seq-prob", "0", "--max-seq-length", "32")
    ran, checked = made(tokpipe, tmp_path, "\n\n".join(lines), "wordpiece", *more)
    for said in (ran.err, checked.out):
        assert "--nsp-balance exact makes up for them" in said


def test_text_that_fits_has_no_warning(tokpipe, tmp_path, build):
    for more in ((), ("--whole-word", "--masking", "static"), ("--sop",), ("--no-nsp",)):
        ran = build(*more, "--force")
        assert ran.code == 0 and "warning" not in ran.err


def held_back(seed, documents, fraction):
    """Return which documents of a corpus go into the validation split."""
    keys = child_keys(
        np.full(documents, stream_key(seed, "split"), np.uint64), np.arange(documents)
    )
    return np.flatnonzero(keys < np.uint64(int(fraction * 2**64))).tolist()


def test_a_document_that_was_held_back_is_not_called_none(tokpipe, tmp_path):
    seed = next(seed for seed in range(100) if len(held_back(seed, 20, 0.05)) == 1)
    documents = [ENGLISH] * 20
    documents[held_back(seed, 20, 0.05)[0]] = "a"  # of which no pair can be made
    more = ("--validation-fraction", "0.05", "--seed", str(seed))
    ran, _ = made(tokpipe, tmp_path, "\n\n".join(documents), "wordpiece", *more)
    said = "1 document held back gave no example: the validation split is empty"
    assert said in ran.err and "no document" not in ran.err
