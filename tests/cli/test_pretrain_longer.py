from tests.cli.test_pretrain import SMALL
from tests.unit.training.folders import write_shards


def test_a_finished_run_goes_on_with_more_steps_and_says_how(tokpipe, tmp_path):
    write_shards(tmp_path / "shards")
    first = ("pretrain", "shards", *SMALL, "-o", "run")
    assert tokpipe(*first).code == 0
    assert tokpipe(*first).code == 4
    longer = tokpipe(*first, "--steps", 10, "--then", "flat")
    assert longer.code == 0, longer.err
    said = " ".join(longer.err.split())
    assert "going on from step 6" in said and "at the greatest learning rate to the end" in said
    assert longer.out.split("steps")[1].split()[0] == "10"
    other = tokpipe(*first, "--steps", 12, "--learning-rate", 1e-3)
    assert other.code == 4 and "training.learning_rate was" in other.err
    assert "--from run" in other.err
    less = tokpipe(*first, "--steps", 8)
    assert less.code == 4 and "is at step 10 already" in less.err


def test_a_run_that_was_stopped_takes_other_save_steps(tokpipe, tmp_path):
    write_shards(tmp_path / "shards")
    first = ("pretrain", "shards", *SMALL, "-o", "run")
    assert tokpipe(*first, "--save-steps", 2).code == 0
    resumed = tokpipe(*first, "--save-steps", 5)
    assert resumed.code == 4 and "exists already" in resumed.err
