import json

import pytest

from tokpipe.corpus.bundled import bundled_corpus
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
