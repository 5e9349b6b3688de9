import pytest

from tokpipe.foundation.errors import ArtifactError
from tokpipe.training.log import HeadFigures, Line, read_log, write_log

LINES = [
    Line(
        **{"step": 1, "tokens": 100, "loss": 5.5, "heads": {"mlm": HeadFigures(5.5, 0.25)}},
        **{"learning_rate": 1e-4, "grad_norm": 2.0},
    ),
    Line(step=1, tokens=100, loss=5.25, split="validation"),
]


def test_a_log_is_read_as_it_was_written(tmp_path):
    write_log(tmp_path / "log.jsonl", LINES)
    assert list(read_log(tmp_path / "log.jsonl")) == LINES


def test_a_cut_last_line_is_left_out(tmp_path):
    path = tmp_path / "log.jsonl"
    write_log(path, LINES)
    path.write_bytes(path.read_bytes()[:-9])
    assert list(read_log(path)) == LINES[:1]


@pytest.mark.parametrize("bad", ["[1]", '{"step": "x"}', '{"stop": 1}', "\x00", '{"step": true}'])
def test_a_foreign_line_is_named(tmp_path, bad):
    path = tmp_path / "log.jsonl"
    path.write_text(f"{LINES[0].to_json()}\n{bad}\n")
    with pytest.raises(ArtifactError, match=r"log.jsonl:2: no line of a training log"):
        list(read_log(path))
