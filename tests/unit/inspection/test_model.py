from dataclasses import replace

import pytest

from tests.unit.inspection.printing import shown
from tests.unit.tasks.models import CONFIG, small
from tokpipe.bert.config import BertConfig
from tokpipe.bert.parameters import parameter_table
from tokpipe.inspection.model import model_json, tensor_rows, view_model, work_of
from tokpipe.inspection.readable import TokenForm
from tokpipe.inspection.terminal.model import model_renderable, scores_renderable


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "m"
    small().save(path)
    return path


def test_a_model_is_counted(folder):
    view = view_model(folder)
    assert (view.family, view.stored) == ("bert", ("F32",))
    found = model_json(view)
    assert found["parameters"] == small().parameters.count
    assert sum(tensor["parameters"] for tensor in found["tensors"]) == found["parameters"]
    (qkv,) = [t for t in found["tensors"] if t["name"] == "layers.*.attention.qkv.weight"]
    assert qkv == {"name": qkv["name"], "shape": [48, 16], "times": 4, "parameters": 4 * 768}


@pytest.mark.parametrize("ffn", ["plain", "glu"])
@pytest.mark.parametrize("preset", ["tiny", "base"])
def test_operations_are_two_a_weight_and_attention(preset, ffn):
    config = BertConfig.preset(preset, ffn=ffn)
    work = work_of(config, 128)
    maps = [
        slot.size
        for name, slot in parameter_table(config).items()
        if name.startswith("layers.") and len(slot.shape) == 2
    ]
    weights = sum(maps)
    if ffn == "plain":
        assert weights == 12 * config.hidden_size**2 * config.num_hidden_layers
    assert work.encoder == 2 * weights + 4 * 128 * config.hidden_size * config.num_hidden_layers
    assert work.attention == 4 * 128 * config.hidden_size * config.num_hidden_layers


def test_a_gate_is_named(tmp_path):
    for inside, said in (("plain", "gelu, learned"), ("glu", "gelu gates, learned")):
        small(replace(CONFIG, ffn=inside)).save(tmp_path / inside)
        assert said in shown(model_renderable(view_model(tmp_path / inside)))


def test_shared_layers_are_one_row():
    rows = {row.path: row for row in tensor_rows(replace(CONFIG, share_layers="attention"))}
    assert rows["layers", "*", "attention", "qkv", "weight"].times == 1
    assert rows["layers", "*", "ffn", "input", "weight"].times == 4


@pytest.mark.parametrize("width", [20, 40, 80, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_the_tree_fits_the_terminal(folder, width, encoding):
    drawn = shown(model_renderable(view_model(folder)), width=width, encoding=encoding)
    assert max(map(len, drawn.splitlines())) <= width
    if encoding == "ascii":
        assert drawn.isascii()
    if width >= 80:
        times = "x" if encoding == "ascii" else "×"
        (line,) = (line for line in drawn.splitlines() if "qkv" in line)
        assert line.split()[:6] == ["qkv", "48", times, "16", "+", "48"]
        assert line.startswith("    qkv ")
        assert "layers (4)" in drawn


def test_scores_are_drawn_with_hostile_text_made_visible():
    drawn = shown(scores_renderable("a\x1b[1m [bold]", [("\x07x", 0.5), ("y", 0.25)]), width=60)
    assert "\\x1b[1m [bold]" in drawn and "\\x07x" in drawn
    assert "50.00 %" in drawn and "█" in drawn
    assert max(map(len, drawn.splitlines())) <= 60


def test_tokens_are_written_for_a_reader():
    form = TokenForm(byte_level=True)
    assert "·dog" in shown(scores_renderable("", [("\u0120dog", 0.5)], form=form), width=60)
