"""Model folders: killed, starved of disk, damaged; F1, K1, W1 on `import` and `export`."""

import os
import random
import shutil

import numpy as np
import pytest

from tests.fault.conftest import Command, hashes, names
from tests.fault.strace import calls_on_output, failing, sample
from tests.unit.tasks.models import small
from tokpipe.bert.huggingface.checkpoint import load_checkpoint
from tokpipe.foundation.errors import InputError


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "m"
    small().save(folder)
    return folder


@pytest.fixture
def export(saved, tmp_path):
    shutil.copytree(saved, tmp_path / "m")
    return Command(tmp_path, "export", "m", "-o", "out", "-q")


@pytest.fixture(scope="module")
def undisturbed(saved, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    Command(folder, "export", saved, "-o", "out", "-q").finished()
    return hashes(folder / "out")


@pytest.fixture(scope="module")
def touched(saved, tmp_path_factory):
    folder = tmp_path_factory.mktemp("traced")
    return calls_on_output(Command(folder, "export", saved, "-o", "out", "-q"))


@pytest.mark.parametrize("call", ["write", "rename", "fsync"])
def test_killed_at_a_system_call_it_is_done_again_to_the_same_bytes(
    call, export, touched, undisturbed
):
    for number in sample(touched[call], 2):
        ran = export.run(before=failing(call, number, "signal=SIGKILL"))
        assert ran.code != 0
        export.finished()
        assert hashes(export.folder / "out") == undisturbed
        assert names(export.folder) == ["m", "out"]
        shutil.rmtree(export.folder / "out")


def test_a_limit_on_file_size_leaves_the_earlier_folder(export, undisturbed):
    export.finished()
    ran = export.limited("FSIZE", 5000, "--force")
    assert ran.code == 4 and "file too large" in ran.err.lower() and "Traceback" not in ran.err
    assert hashes(export.folder / "out") == undisturbed
    assert names(export.folder) == ["m", "out"]


@pytest.mark.parametrize("count", [300, pytest.param(3000, marks=pytest.mark.slow)])
def test_changed_weights_are_refused_or_finite(count, saved, tmp_path):
    """Change bytes of the header, of the borders and of the settings, and cut the file."""
    folder = tmp_path / "m"
    shutil.copytree(saved, folder)
    (folder / "tokpipe.json").unlink()  # a stranger's, which no checksum guards
    weights, settings = folder / "model.safetensors", folder / "config.json"
    whole, config = weights.read_bytes(), settings.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    draw = random.Random(count)
    refused = 0
    for _ in range(count):
        raw, text = bytearray(whole), bytearray(config)
        for _ in range(draw.randint(1, 3)):
            raw[draw.randrange(header)] = draw.randrange(256)
        if draw.random() < 0.3:
            text[draw.randrange(len(text))] = draw.randrange(256)
        if draw.random() < 0.1:
            raw = raw[: draw.randrange(len(raw))]
        weights.write_bytes(raw)
        settings.write_bytes(text)
        try:
            found = load_checkpoint(folder)
            assert np.isfinite(found.parameters.block).all()
        except InputError:
            refused += 1
    assert refused > 0.9 * count


def test_links_and_fifos_are_no_weights(saved, tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(saved, folder)
    (folder / "model.safetensors").unlink()
    os.mkfifo(folder / "model.safetensors")
    ran = Command(tmp_path, "inspect", "model", "m").run()
    assert ran.code == 4 and "no plain file" in ran.err
    (folder / "tokpipe.json").unlink()
    ran = Command(tmp_path, "inspect", "model", "m").run()
    assert ran.code == 3 and "no plain file" in ran.err
