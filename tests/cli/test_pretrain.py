import json

import pytest

from tests.unit.training.folders import write_shards

SMALL = (
    *("--hidden-size", 16, "--num-hidden-layers", 1, "--num-attention-heads", 2),
    *("--intermediate-size", 32, "--steps", 6, "--batch-tokens", 100, "--eval-steps", 3),
)


@pytest.fixture
def shards(tmp_path):
    return write_shards(tmp_path / "shards")


def test_pretrain_makes_a_folder_that_other_commands_open(tokpipe, shards, tmp_path):
    ran = tokpipe("pretrain", shards, *SMALL, "-o", "run")
    assert ran.code == 0, ran.err
    assert "validation loss" in ran.out
    assert "tokpipe fill-mask run" in ran.out
    assert "step 3: validation loss" in ran.err
    assert json.loads((tmp_path / "run/config.json").read_text())["model_type"] == "bert"
    again = tokpipe("pretrain", shards, *SMALL, "-o", "run")
    assert again.code == 4
    assert "run exists already" in again.err


def test_the_run_and_its_parts_are_models_to_other_commands(tokpipe, shards, tmp_path):
    assert tokpipe("pretrain", shards, *SMALL, "-o", "run").code == 0
    (tmp_path / "s.txt").write_text("a b c\nc a\n")
    parts = ("run", "run/encoder", "run/masked-lm")
    filled = [tokpipe("fill-mask", part, "a [MASK] c", "--json") for part in parts]
    assert [ran.code for ran in filled] == [0, 2, 0]
    assert filled[0].json == filled[2].json
    drawn = [tokpipe("embed", part, "s.txt").out for part in parts]
    assert drawn[0] == drawn[1] == drawn[2] != ""
    for part in parts:
        assert tokpipe("check", part).code == 0, tokpipe("check", part).out
        assert tokpipe("inspect", "model", part).code == 0
        assert tokpipe("import", part, "-o", f"{part}-again").code == 0
        assert tokpipe("nearest", part, "a").code == 0
    assert tokpipe("evaluate", "run/masked-lm", shards).code == 0
    assert tokpipe("evaluate", "run/encoder", shards).code == 2
    assert tokpipe("predict", "nsp", "run", "a b", "c").code == 0


def test_check_finds_what_is_wrong_with_a_run(tokpipe, shards, tmp_path):
    assert tokpipe("pretrain", shards, *SMALL, "-o", "run").code == 0
    weights = tmp_path / "run/encoder/model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    ran = tokpipe("check", "run")
    assert ran.code == 1 and "sha256" in ran.out
    assert tokpipe("check", "run/masked-lm").code == 0
    (tmp_path / "run/tokpipe.json").unlink()
    (tmp_path / "run/model.safetensors").unlink()
    ran = tokpipe("check", "run")
    assert ran.code == 1 and "the training is not over" in ran.out


def test_shards_of_robertas_recipe_make_a_roberta_that_is_exported(tokpipe, text_file, tmp_path):
    model = ("--model", "byte-bpe", "--vocab-size", 300)
    assert tokpipe("train-vocab", text_file, *model, "-o", "bb").code == 0
    size = ("--max-seq-length", 32)
    shards = ("build-shards", text_file, "-t", "bb", "--recipe", "roberta", *size)
    assert tokpipe(*shards, "-o", "shards").code == 0
    ran = tokpipe("pretrain", "shards", *SMALL, "-o", "run")
    assert ran.code == 0, ran.err
    for part in ("run", "run/encoder", "run/masked-lm"):
        config = json.loads((tmp_path / part / "config.json").read_text())
        assert config["model_type"] == "roberta" and config["type_vocab_size"] == 1
        assert (config["pad_token_id"], config["max_position_embeddings"]) == (1, 514)
    assert tokpipe("export", "run", "-o", "out").code == 0
    assert tokpipe("fill-mask", "out", "the <mask> lay still").code == 0
    cards = [path.read_text() for path in tmp_path.glob("[or]u*/**/README.md")]
    assert len(cards) == 5 and not any("[MASK]" in text for text in [ran.out, *cards])
    assert 'tokpipe fill-mask run "any text with a <mask> in it"' in ran.out
    for part in ("run", "run/checkpoint-000006", "out"):
        card = (tmp_path / part / "README.md").read_text()
        assert '"text with a <mask> in it"' in card and "roberta" in card.lower()
    ran = tokpipe("pretrain", "shards", *SMALL, "--position-offset", 0, "-o", "no")
    assert ran.code == 2 and "makes it 2" in ran.err and not (tmp_path / "no").exists()
    ran = tokpipe("pretrain", "shards", *SMALL, "--position", "none", "-o", "own")
    assert ran.code == 0 and ran.err.index("family will be tokpipe") < ran.err.index("step 3")


def test_json_holds_the_figures(tokpipe, shards):
    ran = tokpipe("pretrain", shards, *SMALL, "-o", "run", "--json", "-q")
    assert ran.code == 0, ran.err
    assert ran.json["step"] == 6
    assert ran.json["validation_loss"] > 0
    assert ran.json["guessing_by_frequency"] > 0
    assert not ran.err
    judged = tokpipe("evaluate", "run", shards, "--json").json
    guessing = judged["mlm_guessing_by_frequency"] + judged["nsp_guessing_by_frequency"]
    assert guessing == pytest.approx(ran.json["guessing_by_frequency"], rel=0.2)  # another split


def test_dry_run_estimates_and_makes_nothing(tokpipe, shards, tmp_path):
    ran = tokpipe("pretrain", shards, "--preset", "tiny", "-o", "run", "--dry-run", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["estimates"]["memory_bytes"] > 1 << 20
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--steps", 3, "--budget", "3m"), "both say how long to train"),
        (("--budget", "soon"), "is no time"),
        (("--position", "ropy"), "ropy"),
        (("--lerning-rate", 1), "Did you mean '--learning-rate'?"),
        (("--max-position-embeddings", 64), "max_seq_length=128"),
    ],
)
def test_wrong_options_are_named(tokpipe, shards, tmp_path, options, message):
    ran = tokpipe("pretrain", shards, "-o", "run", *options)
    assert ran.code == 2
    assert message in ran.err
    assert not (tmp_path / "run").exists() or not any((tmp_path / "run").iterdir())


def test_variants_train(tokpipe, shards, tmp_path):
    variants = ("--position", "rope", "--norm-position", "pre", "--hidden-act", "silu")
    ran = tokpipe("pretrain", shards, *SMALL, *variants, "--share-layers", "all", "-o", "run")
    assert ran.code == 0, ran.err
    assert json.loads((tmp_path / "run/config.json").read_text())["model_type"] == "tokpipe"


def test_inspect_run_draws_curves_and_writes_a_page(tokpipe, shards, tmp_path):
    assert tokpipe("pretrain", shards, *SMALL, "-o", "run").code == 0
    ran = tokpipe("inspect", "run", "run")
    assert ran.code == 0, ran.err
    assert "loss of masked tokens" in ran.out
    assert "length of the gradient" not in ran.out
    assert "length of the gradient" in tokpipe("inspect", "run", "run", "--all").out
    assert tokpipe("inspect", "run", "run", "--json").json[0]["steps"] == 6
    assert tokpipe("inspect", "run", "run", "run", "--html", "page.html").code == 0
    assert (tmp_path / "page.html").read_text().startswith("<!DOCTYPE html>")
    assert tokpipe("inspect", "run", "run", "--html", "page.html").code == 4
    assert tokpipe("inspect", "run", "shards").code == 4


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_start_that_a_model_cannot_have_is_refused_by_the_plan_too(tokpipe, shards, more):
    asked = ("pretrain", shards, "--position", "rope", "--attention-start", "local", "-o", "run")
    ran = tokpipe(*asked, *more)
    assert ran.code == 2 and "attention_start='local' and position='rope'" in ran.err
