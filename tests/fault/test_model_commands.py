"""M1, S1, O1, K3, K4 and F2 on the commands that make and use a model."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.fault.conftest import Command, names
from tests.unit.training.folders import write_shards

SMALL = (
    *("--steps", "6", "--save-steps", "3", "--batch-tokens", "120", "--hidden-size", "16"),
    *("--num-hidden-layers", "1", "--num-attention-heads", "2", "--intermediate-size", "32"),
)
USES = {
    "fill-mask": ("fill-mask", "run", "a [MASK] c"),
    "embed": ("embed", "run", "lines.txt"),
    "attention": ("attention", "run", "a b c"),
    "heads": ("attention", "run", "--corpus", "lines.txt"),
    "explain": ("explain", "position", "-m", "run"),
    "nearest": ("nearest", "run", "a"),
    "evaluate": ("evaluate", "run", "shards"),
    "predict": ("predict", "nsp", "run", "a b", "c"),
    "inspect": ("inspect", "model", "run"),
    "check": ("check", "run"),
    "plan": ("export", "run", "-o", "new", "--force", "--dry-run"),
    "export": ("export", "run", "-o", "new", "--force"),
    "import": ("import", "run", "-o", "new", "--force"),
    "extend": ("extend-vocab", "run", "--words", "words.txt", "-o", "new", "--force"),
    "pretrain": ("pretrain", "shards", "-o", "new", "--force", *SMALL),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with shards, a run over them, and lines of text."""
    folder = tmp_path_factory.mktemp("made")
    write_shards(folder / "shards")
    (folder / "lines.txt").write_text("a b c\nc a\n" * 50)
    (folder / "words.txt").write_text("abacus\n")
    ran = Command(folder, "pretrain", "shards", "-o", "run", *SMALL).run()
    assert ran.code == 0, ran.err
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
@pytest.mark.parametrize("megabytes", [300, 500])
@pytest.mark.parametrize("name", ["fill-mask", "pretrain", "check", "inspect", "plan"])
def test_too_small_an_address_space_is_refused(made, name, megabytes):
    ran = Command(made, *USES[name]).limited("AS", megabytes * 1_000_000)
    assert ran.code == 5, ran.err
    assert "hint:" in ran.err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
@pytest.mark.parametrize("megabytes", [300, 500, 700, 830, 850, 900, 1000, 1400])
@pytest.mark.parametrize("name", USES)
def test_any_address_space_gives_success_or_what_is_needed(made, name, megabytes):
    ran = Command(made, *USES[name]).limited("AS", megabytes * 1_000_000)
    assert ran.code in (0, 5), ran.err
    assert "Traceback" not in ran.err


@pytest.mark.slow
@pytest.mark.parametrize("name", USES)
def test_no_command_loses_its_result_unsaid(made, name):
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        ran = Command(made, *USES[name]).run(stdout=full)
    assert ran.code == 4, ran.err
    assert "no space left on device" in ran.err.lower()
    assert "Traceback" not in ran.err and "Exception ignored" not in ran.err


@pytest.mark.parametrize("name", ["fill-mask", pytest.param("embed", marks=pytest.mark.slow)])
def test_a_reader_that_goes_away_is_no_error(made, name):
    with Command(made, *USES[name]).started() as process:
        process.stdout.close()
        said = process.stderr.read().decode()
        assert process.wait(600) in (0, 141), said
    assert "Traceback" not in said and "error:" not in said


def test_another_folder_hash_seed_and_thread_change_no_weight(made, tmp_path):
    write_shards(tmp_path / "shards")
    line = ("pretrain", tmp_path / "shards", "-o", "å b", "--threads", "1", *SMALL)
    ran = Command(tmp_path, *line).run(env={"PYTHONHASHSEED": "7", "LC_ALL": "C"})
    assert ran.code == 0, ran.err
    for part in ("", "encoder/", "masked-lm/"):
        name = f"{part}model.safetensors"
        assert (tmp_path / "å b" / name).read_bytes() == (made / "run" / name).read_bytes()


def test_going_on_with_another_setting_or_corpus_names_both_values(made, tmp_path):
    subprocess.run(["cp", "-r", made / "run", made / "shards", tmp_path], check=True)
    (tmp_path / "run/tokpipe.json").unlink()  # as if it had been killed before its last file
    before = names(tmp_path / "run")
    line = ("pretrain", "shards", "-o", "run", *SMALL)
    ran = Command(tmp_path, *line, "--learning-rate", "0.25").run()
    assert ran.code == 4
    assert "training.learning_rate was 0.003, now it is 0.25" in ran.err
    write_shards(tmp_path / "others", seed=2)
    ran = Command(tmp_path, "pretrain", "others", *line[2:]).run()
    assert ran.code == 4 and "shards was" in ran.err
    assert names(tmp_path / "run") == before
    ran = Command(tmp_path, *line).run()
    assert ran.code == 0 and "going on from step 6" in ran.err


def test_a_killed_run_loses_at_most_the_steps_since_its_last_checkpoint(made, tmp_path):
    write_shards(tmp_path / "shards")
    options = list(SMALL)
    options[options.index("--steps") + 1] = "1000000"
    process = Command(tmp_path, "pretrain", "shards", "-o", "run", *options).started()
    limit = time.monotonic() + 600
    while not (tmp_path / "run/checkpoint-000012").exists() and time.monotonic() < limit:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    done = (tmp_path / "run/log.jsonl").read_text().count('"grad_norm"')
    kept = max(int(path.name[11:]) for path in (tmp_path / "run").glob("checkpoint-*"))
    assert kept >= 12 and done - kept <= 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_forbidden_place_is_refused_at_once(made, tmp_path):
    tmp_path.chmod(0o500)
    for name in ("export", "import", "extend", "pretrain"):
        line = [str(tmp_path / "x") if word == "new" else word for word in USES[name]]
        begin = time.monotonic()
        assert Command(made, *line).run().code == 4
        assert time.monotonic() - begin < 5  # most of it imports


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_answered_within_two_seconds(made, tmp_path, number):
    (tmp_path / "many.txt").write_text("a b c a b c\n" * 300_000)
    command = Command(made, "embed", "run", tmp_path / "many.txt", "-o", tmp_path / "v.npy")
    process, limit = command.started(), time.monotonic() + 600
    while len(names(tmp_path)) == 1 and time.monotonic() < limit:
        time.sleep(0.01)  # until it writes
    process.send_signal(number)
    begin = time.monotonic()
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - begin < 2.5
    assert process.returncode == 128 + number, said
    assert "v.npy" not in names(tmp_path)
