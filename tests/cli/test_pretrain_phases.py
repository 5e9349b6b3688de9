import json

import pytest

from tests.cli.test_pretrain import SMALL
from tests.unit.training.folders import write_shards

PHASES = ("short", "long", *SMALL, "--steps", 10, "--phase-shares", "0.6,0.4")


@pytest.fixture
def made(tmp_path):
    write_shards(tmp_path / "short", max_seq_length=24)
    write_shards(tmp_path / "long", seed=2, longest=30, max_seq_length=64)
    write_shards(tmp_path / "other", objective="sop")
    return tmp_path


def test_phases_are_said_trained_and_shown(tokpipe, made):
    ran = tokpipe("pretrain", *PHASES, "-o", "run")
    assert ran.code == 0, ran.err
    said = " ".join(ran.err.split())
    assert "0.6 of it on short (up to 24 tokens), then 0.4 of it on long (up to 64 tokens)" in said
    assert "measured on long throughout" in said
    assert "phase 2 begins with step 7" in said and "phase 1 begins" not in said
    shown = tokpipe("inspect", "run", "run")
    assert "phase 2 from step 7" in " ".join(shown.out.split())
    assert tokpipe("inspect", "run", "run", "--json").json[0]["phases"] == {"1": 1, "2": 7}
    assert tokpipe("inspect", "run", "run", "--html", "page.html").code == 0
    assert "phase 2 from step 7" in (made / "page.html").read_text()
    assert tokpipe("check", "run").code == 0
    again = tokpipe("pretrain", *PHASES, "-o", "run")
    assert again.code == 4 and "run exists already" in again.err
    longer = tokpipe("pretrain", *PHASES, "--steps", 14, "-o", "run")
    assert longer.code == 0 and "begins with step" not in longer.err, longer.err


def test_from_a_model_both_losses_are_printed(tokpipe, made):
    assert tokpipe("pretrain", "short", *SMALL, "-o", "first").code == 0
    ran = tokpipe(
        "pretrain", "short", "long", "--from", "first", "--steps", 20, "-o", "run", "--json"
    )
    assert ran.code == 0, ran.err
    assert [text["shards"] for text in ran.json["texts"]] == ["short", "long"]
    assert "0.9 of it on short" in " ".join(ran.err.split())
    assert "phase 2 begins with step 19" in ran.err


@pytest.mark.parametrize("how", ["repeat", "interpolate"])
def test_a_model_of_short_sequences_goes_on_with_long_ones(tokpipe, made, how):
    first = ("--max-position-embeddings", 24, "-o", "first")
    assert tokpipe("pretrain", "short", *SMALL, *first).code == 0
    on = ("pretrain", "long", "--from", "first", "--also", "short", "--steps", 6, "-o", "run")
    assert "grow_positions" in tokpipe(*on).err
    ran = tokpipe(*on, "--grow-positions", how)
    assert ran.code == 0, ran.err
    assert "the position table grows from 24 to 64 places" in ran.err
    for name in ("long", "short"):
        assert f"{name}: loss " in ran.err and f"\n{name} " in ran.out
    both = ("--from", "first", "--grow-positions", how, "--steps", 20, "-o", "both")
    ran = tokpipe("pretrain", "short", "long", *both)
    assert ran.code == 0 and "grows from 24 to 64 places" in ran.err, ran.err


def test_a_plan_tells_phases_and_takes_time_for_the_lengths(tokpipe, made):
    plan = ("--steps", 1000, "-o", "run", "--dry-run", "--json")
    both = tokpipe("pretrain", "short", "long", *plan).json
    assert both["shards"] == "short, long"
    assert both["phases"] == ["0.9 on up to 24 tokens", "0.1 on up to 64 tokens"]
    alone = {name: tokpipe("pretrain", name, *plan).json for name in ("short", "long")}
    assert "phases" not in alone["short"]
    times = [one["estimates"]["seconds"] for one in (alone["short"], both, alone["long"])]
    assert times == sorted(times)
    assert both["training_tokens"] == sum(one["training_tokens"] for one in alone.values())


def test_settings_may_stand_in_a_file(tokpipe, made):
    (made / "tokpipe.toml").write_text("[pretrain]\nphase_shares = [0.3, 0.7]\n")
    ran = tokpipe("pretrain", "short", "long", "-o", "run", "--dry-run", "--json")
    assert ran.json["phases"][0] == "0.3 on up to 24 tokens", ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("short", "long", "--epochs", 2), 2, "epochs=2 counts times through one folder"),
        (("short", "long", "--phase-shares", "0.5,0.6"), 2, "together they must be 1"),
        (("short", "long", "--phase-shares", "0.5"), 2, "together they must be 1"),
        (("short", "--phase-shares", "1"), 2, "there is one folder"),
        (("short", "other"), 4, "the same objective: nsp, and sop"),
        (("short", "nowhere"), 4, "nowhere"),
        ((), 2, "SHARDS"),
        (("short", "--batch-ramp-tokens", "1k"), 2, "no effect with gradient_accumulation_steps=1"),
    ],
)
@pytest.mark.parametrize("plan", [(), ("--dry-run",)])
def test_what_cannot_be_is_refused_before_anything_is_written(
    tokpipe, made, arguments, code, said, plan
):
    ran = tokpipe("pretrain", *arguments, "-o", "run", *plan)
    assert ran.code == code and said in " ".join(ran.err.split()), ran.err
    assert "Traceback" not in ran.err and not (made / "run").exists()


def test_the_log_numbers_phases_from_one(tokpipe, made):
    tokpipe("pretrain", *PHASES, "-o", "run")
    lines = [json.loads(line) for line in (made / "run/log.jsonl").read_text().splitlines()]
    assert [line["phase"] for line in lines if "split" not in line] == [1] * 6 + [2] * 4
    assert not any("phase" in line for line in lines if "split" in line)
