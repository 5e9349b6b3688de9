import json
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.bert.huggingface.models import CONFIGS
from tests.unit.finetuning.jobs import FAST, PARTS, TASKS, run, write_data, write_model
from tests.unit.finetuning.rows import BERT, questions_of
from tests.unit.tasks.models import TOKENS, small
from tests.unit.training.stopping import contents, stopping
from tokpipe.bert.families.registry import FAMILIES
from tokpipe.bert.huggingface.checkpoint import load_checkpoint, write_checkpoint
from tokpipe.bert.parameters import Parameters
from tokpipe.finetuning.config import FinetuneConfig, WindowConfig
from tokpipe.finetuning.encode_questions import encode_questions
from tokpipe.finetuning.finetune import finetune
from tokpipe.finetuning.preparing import said_of
from tokpipe.finetuning.scoring import Part
from tokpipe.foundation.errors import ArtifactError, StorageError
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.progress import SILENT
from tokpipe.tasks.judge import judge
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.predict import Job
from tokpipe.training import loop
from tokpipe.training import trainer as trainer_module
from tokpipe.training.log import read_log
from tokpipe.training.state import save_checkpoint

GOOD = dict.fromkeys(TASKS, 0.8) | {"multilabel": 0.65, "pos": 0.97}


@pytest.mark.parametrize("task", TASKS)
def test_a_model_learns_its_task_and_says_how_well(tmp_path, task):
    made = run(tmp_path, task)
    out = tmp_path / "out"
    first = made.report.scores["test"].scores[0]
    assert first.value >= GOOD[task], made.report
    assert first.value > made.report.scores["test"].majority
    assert first.low <= first.value <= first.high
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["task"] == task and metrics["rows"]["train"] == 64
    assert metrics["test"]["scores"][first.name]["value"] == first.value
    rows = [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]
    assert [row["part"] for row in rows] == ["validation"] * 24 + ["test"] * 24
    assert all("gold" in row for row in rows)
    manifest = Manifest.read(out, "model")
    manifest.check_files(out)
    names = {"config.json", "model.safetensors", "tokenizer.json", "README.md", "metrics.json"}
    assert names < set(manifest.files) and not list(out.glob("checkpoint-*"))
    assert set(manifest.inputs) == {"model", "train", "validation", "test"}
    assert f"pipeline_tag: {_PIPELINES[task]}" in (out / "README.md").read_text()


_PIPELINES = dict.fromkeys(TASKS[:3], "text-classification") | {
    "ner": "token-classification",
    "pos": "token-classification",
    "qa": "question-answering",
}


def test_the_epoch_that_validates_best_is_the_model(tmp_path):
    made = run(tmp_path, "classification", learning_rate=0.02, epochs=8)
    lines = [line for line in read_log(tmp_path / "out/log.jsonl") if line.split]
    assert len(lines) == 8 and {line.score_name for line in lines} == {"accuracy"}
    best = max(lines, key=lambda line: (line.score, -line.loss, -line.step))
    assert made.state.step == made.state.best_step == best.step
    kept = made.report.scores["validation"]["accuracy"].value
    assert kept == pytest.approx(best.score, abs=1e-6)


def test_an_epoch_that_is_not_the_best_is_saved_only_now_and_then(tmp_path, monkeypatch):
    """A folder of few rows would take longer to write than to learn from."""
    saved = []

    def save(run, state, *rest):
        saved.append(state.step)
        return save_checkpoint(run, state, *rest)

    monkeypatch.setattr(loop, "save_checkpoint", save)
    settings = {"learning_rate": 0.02, "epochs": 8}
    run(tmp_path, "classification", **settings)
    best, better = None, []
    for line in (line for line in read_log(tmp_path / "out/log.jsonl") if line.split):
        if best is None or (line.score, -line.loss) > best:
            best, better = (line.score, -line.loss), [*better, line.step]
    assert saved == sorted({*better, line.step}) and len(saved) < 8
    seldom, saved[:] = contents(tmp_path / "out"), []
    monkeypatch.setattr(loop, "_SPARE_SECONDS", 0.0)
    run(tmp_path, "classification", "often", **settings)
    assert len(saved) == 8
    assert contents(tmp_path / "often") == seldom


@pytest.mark.parametrize("task", ["classification", "ner"])
def test_threads_change_no_bit(tmp_path, task):
    run(tmp_path, task, "one", threads=1, epochs=3, dropout=0.1)
    run(tmp_path, task, "two", threads=2, epochs=3, dropout=0.1)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    def stop(step, task, out, **settings):
        with stopping(monkeypatch, step) as watch:
            run(tmp_path, task, out, watch=watch, **settings)

    return stop


@pytest.mark.parametrize(("task", "step"), [("classification", 5), ("pos", 19), ("qa", 24)])
def test_a_stopped_training_goes_on_to_the_same_bits(tmp_path, stopped, task, step):
    run(tmp_path, task, "whole", epochs=4, dropout=0.1)
    stopped(step, task, "out", epochs=4, dropout=0.1)
    assert list((tmp_path / "out").glob("checkpoint-*"))
    assert not (tmp_path / "out/tokpipe.json").exists()
    run(tmp_path, task, "out", epochs=4, dropout=0.1)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_one_that_was_stopped_while_it_was_finished_is_finished(tmp_path, stopped, monkeypatch):
    run(tmp_path, "classification", "whole", epochs=2)
    with monkeypatch.context() as patch:

        def killed(self, folder, files):
            raise KeyboardInterrupt

        patch.setattr("tokpipe.finetuning.folder.Manifest.write", killed)
        with pytest.raises((KeyboardInterrupt, Exception)):
            run(tmp_path, "classification", epochs=2)
    run(tmp_path, "classification", epochs=2)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_a_finished_folder_is_not_replaced_but_by_force(tmp_path):
    run(tmp_path, "classification", epochs=1)
    before = contents(tmp_path / "out")
    with pytest.raises(StorageError, match="out exists already"):
        run(tmp_path, "classification", epochs=1)
    assert contents(tmp_path / "out") == before
    run(tmp_path, "classification", epochs=1, force=True, seed=5)
    assert contents(tmp_path / "out") != before


def test_a_folder_of_a_stranger_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/metrics.json").write_text("mine")
    with pytest.raises(StorageError, match=r"was not written by tokpipe: it holds 'metrics.json'"):
        run(tmp_path, "classification", epochs=1)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"learning_rate": 0.001}, "learning_rate was 0.005, now it is 0.001"),
        ({"epochs": 5}, "epochs was 4, now it is 5"),
        ({"seed": 1}, "seed was 0, now it is 1"),
    ],
)
def test_other_settings_are_refused(tmp_path, stopped, settings, said):
    stopped(9, "classification", "out", epochs=4)
    with pytest.raises(ArtifactError, match=said):
        run(tmp_path, "classification", **{"epochs": 4, **settings})


def test_other_data_is_refused(tmp_path, stopped):
    stopped(9, "classification", "out", epochs=4)
    other = write_data(tmp_path, "classification", 64, 9, "other")
    parts = other, tmp_path / "validation.jsonl", tmp_path / "test.jsonl"
    config = FinetuneConfig(**FAST | {"epochs": 4})
    with pytest.raises(ArtifactError, match=r"inputs\.train was"):
        finetune("classification", tmp_path / "model", *parts, tmp_path / "out", config=config)


def test_several_seeds_are_a_table_and_the_best_is_the_model(tmp_path):
    made = run(tmp_path, "classification", seeds=3, epochs=2)
    out = tmp_path / "out"
    metrics = json.loads((out / "metrics.json").read_text())
    values = [seed["validation"]["accuracy"] for seed in metrics["seeds"]]
    found = metrics["spread"]["validation"]["accuracy"]
    assert found == {"median": sorted(values)[1], "least": min(values), "greatest": max(values)}
    assert metrics["validation"]["scores"]["accuracy"]["value"] == max(values)
    best = out / f"seed-{metrics['best_seed']}"
    assert (best / "model.safetensors").samefile(out / "model.safetensors")
    drawn = {seed[what] for seed in metrics["seeds"] for what in ("head", "order")}
    assert len(drawn) == 6
    blocks = [load_checkpoint(out / f"seed-{n}").parameters.block for n in (1, 2, 3)]
    assert not np.array_equal(blocks[0], blocks[1])
    assert made.spread == metrics["spread"]
    Manifest.read(out, "model").check_files(out)


def test_force_puts_one_training_in_the_place_of_several(tmp_path):
    run(tmp_path, "classification", "one", epochs=1)
    run(tmp_path, "classification", seeds=2, epochs=1)
    run(tmp_path, "classification", epochs=1, force=True)
    assert contents(tmp_path / "out") == contents(tmp_path / "one")


@pytest.mark.parametrize("task", ["classification", "ner", "qa"])
@pytest.mark.parametrize("name", ["roberta", "distilbert", "albert", "tokpipe"])
def test_each_family_stays_what_it_is(tmp_path, name, task):
    config = replace(CONFIGS[name], vocab_size=len(TOKENS), max_position_embeddings=42)
    model = tmp_path / "model"
    small().save(model)
    (model / "tokpipe.json").unlink()
    write_checkpoint(model, Parameters.initialised(config, 1), family=FAMILIES[name])
    made = run(tmp_path, task, epochs=1, dropout=0.1)
    config = json.loads((tmp_path / "out/config.json").read_text())
    assert config["model_type"] == name
    found = load_checkpoint(tmp_path / "out")
    assert found.config.task == {"classification": "text", "ner": "token", "qa": "span"}[task]
    assert made.report.scores["test"].n >= 24


def test_a_stopped_table_of_seeds_goes_on(tmp_path, stopped):
    run(tmp_path, "classification", "whole", seeds=2, epochs=2)
    stopped(11, "classification", "out", seeds=2, epochs=2)
    run(tmp_path, "classification", "out", seeds=2, epochs=2)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    ("task", "windows", "said"),
    [
        ("classification", {"long_texts": "head"}, "too long, head read"),
        ("classification", {"long_texts": "head-tail"}, "too long, head and tail read"),
        ("classification", {"long_texts": "mean"}, "read in windows, the mean taken, "),
        ("ner", {}, "read in windows, "),
    ],
)
def test_what_became_of_long_rows_is_told(tmp_path, task, windows, said):
    write_model(tmp_path / "model")
    parts = [write_data(tmp_path, task, 24, seed, name) for seed, name in enumerate(PARTS)]
    lines = []
    how = {"progress": Lines(lines), "windows": WindowConfig(max_seq_length=7, **windows)}
    config = FinetuneConfig(**FAST | {"epochs": 1})
    made = finetune(task, tmp_path / "model", *parts, tmp_path / "out", config=config, **how)
    assert all(said in made.report.long_rows[part] for part in PARTS)
    assert any(line.startswith("test: ") and said in line for line in lines)
    assert said in (tmp_path / "out/README.md").read_text()
    rows = (tmp_path / "out/predictions.jsonl").read_text().splitlines()
    assert len(rows) == 48 and made.report.scores["test"].n >= 24


def test_pairs_of_which_both_texts_are_too_long_are_told_apart(tmp_path):
    rows = [{"text1": "the cat " * 9, "text2": "a dog " * n, "label": "xy"[n % 2]} for n in (1, 8)]
    train = tmp_path / "train.jsonl"
    train.write_text("".join(f"{json.dumps(row)}\n" for row in rows * 4))
    windows = WindowConfig(max_seq_length=12, long_texts="mean")
    config = FinetuneConfig(**FAST | {"epochs": 1})
    how = {"windows": windows, "config": config, "out": tmp_path / "out"}
    made = finetune("classification", write_model(tmp_path / "model"), train, train, **how)
    assert made.report.long_rows["train"].endswith(" in all, 4 first texts too long, head read")


def test_what_became_of_long_questions_is_told():
    data = questions_of(("the words", "the " * 70, []), ("the " * 200, "a", []))
    windows = WindowConfig(max_seq_length=140)
    said = said_of(Part("train", data, encode_questions(data, BERT, windows, None)), windows)
    assert said == "1 read in windows, 3 in all, the end of 1 question left out"


class Lines:
    """A `Progress` that keeps what is said."""

    def __init__(self, lines):
        self.note, self.task = lines.append, SILENT.task


@pytest.mark.parametrize("task", TASKS)
def test_words_that_the_model_does_not_know_are_told(tmp_path, task):
    paths = [write_data(tmp_path, task, 24, seed, name) for seed, name in enumerate(PARTS)]
    paths[1].write_text(paths[1].read_text().replace("the", "zzz"))
    lines = []
    run_on = {"progress": Lines(lines), "config": FinetuneConfig(**FAST | {"epochs": 1})}
    finetune(task, write_model(tmp_path / "model"), *paths, tmp_path / "out", **run_on)
    told = [line for line in lines if "unknown to the model" in line]
    assert len(told) == 1 and "validation" in told[0]


def test_scores_that_are_not_defined_are_compared_with_nothing(tmp_path):
    write_model(tmp_path / "model")
    train = write_data(tmp_path, "regression")
    (tmp_path / "one.csv").write_text("text,score\nthe cat,1\nthe dog,1\n")
    how = {"out": tmp_path / "out", "config": FinetuneConfig(**FAST | {"epochs": 1})}
    made = finetune("regression", tmp_path / "model", train, tmp_path / "one.csv", **how)
    said = "validation: no correlation is defined, all are the same: gold numbers"
    assert made.report.notes == (said,)


def test_a_part_is_held_out_where_none_is_given(tmp_path):
    write_model(tmp_path / "model")
    train = write_data(tmp_path, "classification")
    how = {"config": FinetuneConfig(**FAST | {"epochs": 2, "validation_fraction": 0.25})}
    made = finetune("classification", tmp_path / "model", train, out=tmp_path / "out", **how)
    assert made.report.rows == {"train": 48, "validation": 16}


def test_what_is_frozen_stays_bit_for_bit(tmp_path):
    run(tmp_path, "classification", epochs=1, freeze="1", weight_decay=0.1)
    before = load_checkpoint(tmp_path / "model").parameters.views
    after = load_checkpoint(tmp_path / "out").parameters.views
    same = {name for name, view in after.items() if np.array_equal(view, before.get(name))}
    below = {name for name in after if name.startswith(("embeddings.", "layers.0."))}
    assert below <= same and not any("layers.1" in name for name in same)


@pytest.mark.parametrize("freeze", ["embeddings", "1", "encoder"])
@pytest.mark.parametrize("task", ["classification", "ner"])
def test_going_back_no_further_than_what_moves_changes_no_bit(tmp_path, monkeypatch, task, freeze):
    run(tmp_path, task, "short", epochs=1, freeze=freeze)
    monkeypatch.setattr("tokpipe.finetuning.training.lowest_moving", lambda *_: -1)
    run(tmp_path, task, "whole", epochs=1, freeze=freeze)
    assert contents(tmp_path / "short") == contents(tmp_path / "whole")


def test_a_budget_ends_the_training(tmp_path):
    made = run(tmp_path, "classification", epochs=None, budget="2s")
    assert made.report.rows["train"] == 64 and made.state.step > 0
    assert made.last is not None and 1.0 < made.last.seconds < 20


LINE = "{}\t{}\t_\t{}\t_\t_\t0\t_\t_\t_\n"


@pytest.mark.parametrize(
    ("task", "test", "n", "note"),
    [
        ("pos", "cat _ ran V | ran V it X | cat _", 2, "test: 2 rows without a label: not scored"),
        ("pos", "cat _ ran V | cat _", None, "test: 2 rows without a label: not scored"),
        ("pos", "\u200b V it X", 2, "tokenizer makes nothing; tagged by their neighbours"),
        ("pos", "\u200b V \u0301 X", 2, "2 words of which the tokenizer makes nothing; tagged"),
        (
            "ner",
            "\u200b O \u200b B-ANIMAL",
            2,
            "2 words of which the tokenizer makes nothing; taken",
        ),
    ],
)
def test_a_test_part_is_scored_as_far_as_it_has_labels(tmp_path, task, test, n, note):
    parts = [write_data(tmp_path, task, 24, 0, name) for name in ("train", "validation")]
    rows = []
    for sentence in test.split(" | "):
        cells = sentence.split(" ")
        words = enumerate(zip(cells[::2], cells[1::2], strict=True), 1)
        rows.append("".join(LINE.format(i, word, tag) for i, (word, tag) in words))
    (tmp_path / "t.conllu").write_text("\n".join(rows))
    config = FinetuneConfig(**{**FAST, "epochs": 1})
    model = write_model(tmp_path / "model")
    done = finetune(task, model, *parts, tmp_path / "t.conllu", tmp_path / "out", config=config)
    assert ("test" in done.report.scores) is (n is not None)
    assert n is None or done.report.scores["test"].n == n
    assert any(note in one for one in done.report.notes)
    judged = judge(Job.of(BertModel.load(tmp_path / "out")), tmp_path / "t.conllu") if n else None
    assert n is None or judged.scores.scores[0] == done.report.scores["test"].scores[0]


def test_a_model_that_says_one_thing_is_no_success(tmp_path):
    made = run(tmp_path, "classification", epochs=1, learning_rate=0.0, freeze="encoder")
    said = " ".join(made.report.notes)
    assert "of every text; it has learned nothing" in said or "no better than always" in said
    assert said and made.report.notes[0] in (tmp_path / "out/README.md").read_text()


def test_numbers_that_are_none_name_the_row(tmp_path):
    with pytest.raises(trainer_module.TrainingError, match=r"at .*train.jsonl:\d+; "):
        run(tmp_path, "classification", learning_rate=1e37, max_grad_norm=0.0, warmup_proportion=0)


@pytest.mark.parametrize("task", TASKS)
def test_numbers_that_are_none_only_behind_the_last_step_are_told(tmp_path, task):
    how = {"batch_size": 64, "epochs": 1, "learning_rate": 1e30, "warmup_proportion": 0}
    with pytest.raises(trainer_module.TrainingError, match="step 1: the loss in its evaluation"):
        run(tmp_path, task, **how)
