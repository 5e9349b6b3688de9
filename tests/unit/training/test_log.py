import json
import os
import tracemalloc
from pathlib import Path

import pytest

from tokpipe.foundation.errors import ArtifactError
from tokpipe.training.log import HeadFigures, Line, read_log, write_log
from tokpipe.training.progress import State

LINES = [
    Line(
        **{"step": 1, "tokens": 100, "loss": 5.5, "heads": {"mlm": HeadFigures(5.5, 0.25)}},
        **{"learning_rate": 1e-4, "grad_norm": 2.0},
    ),
    Line(step=1, tokens=100, loss=5.25, split="validation"),
    Line(step=2, tokens=200, loss=5, score=0.75, score_name="accuracy", split="validation"),
]


def test_a_log_is_read_as_it_was_written(tmp_path):
    write_log(tmp_path / "log.jsonl", LINES)
    assert list(read_log(tmp_path / "log.jsonl")) == LINES


def test_a_cut_last_line_is_left_out(tmp_path):
    path = tmp_path / "log.jsonl"
    write_log(path, LINES)
    path.write_bytes(path.read_bytes()[:-9])
    assert list(read_log(path)) == LINES[:-1]


@pytest.mark.parametrize("end", [b"", b"\n"])
@pytest.mark.parametrize("inner", [b" ", b"x", b"[", b"\xff"])
def test_a_line_without_end_is_not_read_whole(tmp_path, inner, end):
    path = tmp_path / "log.jsonl"
    write_log(path, LINES)
    with path.open("ab") as file:
        file.write(LINES[0].to_json().encode()[:-1] + inner * (1 << 25) + b"}" + end)
    tracemalloc.start()
    with pytest.raises(ArtifactError, match=r"log.jsonl:4: no line of a training log"):
        list(read_log(path))
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_a_log_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "log.jsonl"
    write_log(path, LINES)
    os.truncate(path, 1 << 33)  # of zeros, which the disk does not hold
    with pytest.raises(ArtifactError, match="no training log"):
        next(read_log(path))


GOOD = '"step": 1, "tokens": 1, "loss": 1.0'
HOSTILE = ["NaN", "Infinity", "-Infinity", "1e400", "9" * 400, "9" * 5000, "1e200", '"1"', "true"]
HOSTILE += ["null", "[]", "{}"]
FIGURES = ("loss", "mlm_loss", "learning_rate", "grad_norm", "tokens_per_second", "seconds")
FIGURES += ("score",)


@pytest.mark.parametrize(
    "bad",
    [
        *("[1]", '{"step": "x"}', '{"stop": 1}', "\x00", '{"step": true}', "[" * 100_000, "{}"),
        *(f'{{{GOOD}, "{name}": {value}}}' for name in FIGURES for value in HOSTILE),
        *(f'{{{GOOD}, "{name}": {v}}}' for name in ("step", "tokens") for v in (*HOSTILE, -1, 1.5)),
        *(f'{{{GOOD}, "split": {value}}}' for value in (1, "null", "[]")),
        f'{{{GOOD}, "mlm_accuracy": 0.5}}',
        f'{{{GOOD}, "\\u001b[31m_loss": 0.5}}',
    ],
)
def test_a_foreign_line_is_named(tmp_path, bad):
    path = tmp_path / "log.jsonl"
    path.write_text(f"{LINES[0].to_json()}\n{bad}\n")
    with pytest.raises(ArtifactError, match=r"log.jsonl:2: no line of a training log"):
        list(read_log(path))


def test_a_log_of_a_head_that_is_gone_opens(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text(f'{{{GOOD}, "rtd_loss": 0.5}}\n')
    assert next(read_log(path)).heads == {"rtd": HeadFigures(0.5)}


@pytest.mark.parametrize("place", ["/dev/zero", "."])
def test_what_is_no_plain_file_is_refused(tmp_path, place):
    with pytest.raises(ArtifactError):
        list(read_log(Path(place)))


STATE = {"step": 3, "tokens": 9, "position": {"epoch": 0, "batch": 1}, "settings": {}}


def test_a_state_is_read_with_and_without_a_yardstick(tmp_path):
    for more in ({}, {"guessing": {"mlm": 6.5}}, {"best_loss": 1.5}, {"best_score": 0.5}):
        (tmp_path / "trainer_state.json").write_text(json.dumps(STATE | more))
        assert State.read(tmp_path).to_dict().items() >= (STATE | more).items()


@pytest.mark.parametrize("value", ["9" * 400, "1e400", '"x"', "true", "[]", "-1e200"])
@pytest.mark.parametrize(
    "field",
    ["step", "tokens", "best_step", "best_loss", "best_score", "position", "settings", "guessing"],
)
def test_a_foreign_state_is_named(tmp_path, field, value):
    values = {name: json.dumps(content) for name, content in STATE.items()} | {field: value}
    text = ", ".join(f'"{name}": {content}' for name, content in values.items())
    (tmp_path / "trainer_state.json").write_text(f"{{{text}}}")
    with pytest.raises(ArtifactError, match="no state of a training"):
        State.read(tmp_path)


@pytest.mark.parametrize("inner", ['{"epoch": -1}', '{"epoch": 1.5}', '{"batch": "1"}', '{"x": 1}'])
def test_a_foreign_position_is_named(tmp_path, inner):
    (tmp_path / "trainer_state.json").write_text(f'{{"position": {inner}}}')
    with pytest.raises(ArtifactError, match="no state of a training"):
        State.read(tmp_path)


@pytest.mark.parametrize(
    ("best", "found", "better"),
    [
        ((None, None), (2.0, None), True),
        ((2.0, None), (1.9, None), True),
        ((2.0, None), (2.0, None), False),
        ((2.0, 0.5), (3.0, 0.6), True),
        ((2.0, 0.5), (1.0, 0.4), False),
        ((2.0, 0.5), (1.0, 0.5), True),
        ((2.0, 0.5), (2.0, 0.5), False),
    ],
)
def test_the_best_has_the_highest_score_and_of_those_the_lowest_loss(best, found, better):
    state = State(best_step=1, best_loss=best[0], best_score=best[1])
    assert state.is_bettered_by(*found) == better
