"""The model that a training begins with is never written over by what comes of it."""

import pytest

from tests.unit.tasks.models import small

COMMANDS = {
    "pretrain": ("pretrain", "data", "--from"),
    "finetune": ("finetune", "classification", "--train", "data"),
    "distill": ("distill", "--train", "data"),
    "distill on text": ("distill", "--text", "data"),
}


@pytest.fixture
def run(tmp_path):
    """Return a folder with a model that holds another, as a run holds its checkpoints."""
    small().save(tmp_path / "run")
    small().save(tmp_path / "run/checkpoint-000001")
    (tmp_path / "link").symlink_to("run")
    (tmp_path / "data").mkdir()
    return tmp_path / "run"


@pytest.mark.parametrize("force", [(), ("--force",)])
@pytest.mark.parametrize(
    ("model", "output"),
    [
        ("run", "run"),
        ("run/checkpoint-000001", "run"),
        ("link", "run"),
        ("run", "link"),
        ("run", "data/../run"),
    ],
)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_is_not_trained_in_and_begun_with(tokpipe, run, command, model, output, force):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    ran = tokpipe(*COMMANDS[command], model, "-o", output, *force)
    assert ran.code == 4 and f"{model} is the model to begin with" in ran.err
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
