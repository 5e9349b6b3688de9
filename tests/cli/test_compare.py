"""`tokpipe compare`: methods in one table, and score against labelled rows."""

import shutil

import pytest

from tests.unit.finetuning.jobs import write_data, write_model
from tests.unit.tasks.runs import write_run
from tokpipe.baselines.train import train_baseline
from tokpipe.finetuning.config import FinetuneConfig
from tokpipe.finetuning.finetune import finetune


@pytest.fixture
def runs(tmp_path):
    write_run(tmp_path / "bow", "classification", 0.6, method="bow")
    write_run(tmp_path / "bert", "classification", 0.9)
    return "bow", "bert"


def test_runs_are_compared_in_a_table_that_fits(tokpipe, runs):
    ran = tokpipe("compare", *runs)
    lines = ran.out.splitlines()
    assert ran.code == 0 and all(len(line) <= 80 for line in lines)
    assert lines[0].startswith("classification, test: accuracy of 40 (majority ")
    assert "difference in accuracy to bow" in ran.out and "+0." in ran.out
    found = tokpipe("compare", *runs, "--json").json
    assert [run["run"] for run in found["runs"]] == [*runs]
    assert (
        found["runs"][0]["difference"] is None and found["runs"][1]["difference"]["p_value"] < 0.1
    )


def test_what_is_no_run_and_what_is_of_other_data_have_their_codes(tokpipe, runs, tmp_path):
    write_run(tmp_path / "other", "classification", 0.9, seed=9)
    ran = tokpipe("compare", "bow", "other")
    assert ran.code == 4 and "bow" in ran.err and "other" in ran.err
    (tmp_path / "empty").mkdir()
    for name in ("nowhere", "empty"):
        ran = tokpipe("compare", "bow", name)
        assert ran.code == 3 and f"{name}: no metrics.json in it" in ran.err
    assert tokpipe("compare").code == 2


@pytest.mark.parametrize("flag", ["--train", "--validation", "--test", "--model", "-o", "--html"])
def test_what_only_a_learning_curve_needs_is_refused_without_one(tokpipe, runs, flag):
    ran = tokpipe("compare", *runs, flag, "x")
    assert ran.code == 2 and "is for a learning curve" in ran.err


def test_scores_that_are_not_defined_are_no_numbers(tokpipe, tmp_path):
    train = tmp_path / "a.csv"
    train.write_text("text,score\n" + "a b,1\nc d,2\n" * 6)
    test = tmp_path / "b.csv"
    test.write_text("text,score\na b,1\nc d,1\n")
    for run in "xy":
        train_baseline("bow", "regression", train, train, test, tmp_path / run)
    ran = tokpipe("compare", "x", "y")
    assert ran.code == 0 and ran.out.count("not defined") == 3 and "nan" not in ran.out
    curve = ("x", "--learning-curve", "2,all", "--train", train, "--test", test)
    ran = tokpipe("compare", *curve, "--html", "a.html")
    assert ran.out.count("not defined") == 2 and "nan" not in ran.out
    assert "<td>nan" not in (tmp_path / "a.html").read_text()
    assert tokpipe("compare", *curve, "--json").json["curves"]["x (bow)"][0]["value"] is None


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a folder with data, a pretrained model, a fine-tuned one and a bag of words."""
    folder = tmp_path_factory.mktemp("trained")
    train = write_data(folder, "classification", rows=40)
    test = write_data(folder, "classification", rows=30, seed=5, name="test")
    model = write_model(folder / "m", layers=1)
    config = FinetuneConfig(epochs=1, batch_size=8)
    finetune("classification", model, train, None, test, folder / "bert", config=config)
    train_baseline("bow", "classification", train, None, test, folder / "bow")
    return folder


@pytest.mark.parametrize("name", ["metrics.json", "predictions.jsonl"])
@pytest.mark.parametrize("run", ["bert", "bow"])
def test_scores_that_the_manifest_does_not_say_are_refused(tokpipe, tmp_path, trained, run, name):
    shutil.copytree(trained / run, tmp_path / run)
    assert tokpipe("compare", tmp_path / run).code == tokpipe("check", tmp_path / run).code == 0
    path = tmp_path / run / name
    path.write_text(path.read_text().replace("0.", "1.", 1))
    ran = tokpipe("compare", tmp_path / run)
    assert ran.code == 4 and f"{name}: sha256 begins with" in ran.err
    ran = tokpipe("check", tmp_path / run)
    assert ran.code == 1 and name in ran.out and "sha256 begins with" in ran.out


def curve_of(trained, *more):
    paths = ("--train", trained / "train.jsonl", "--test", trained / "test.jsonl")
    return (
        "compare",
        trained / "bow",
        trained / "bert",
        "--learning-curve",
        "9,20,all",
        *paths,
        *more,
    )


def test_cost_stands_beside_scores(tokpipe, trained):
    found = tokpipe("compare", trained / "bow", trained / "bert", "--json").json["runs"]
    assert all(run["seconds"] > 0 and run["bytes"] > 1000 for run in found)
    assert all(run["rows_per_second"] > 1 for run in found)
    data = ("--speed", trained / "test.jsonl")
    found = tokpipe("compare", trained / "bow", trained / "bert", *data, "--json").json["runs"]
    assert all(run["rows_per_second"] > 1 for run in found)
    assert tokpipe("compare", trained / "bow", "--speed", "nowhere.jsonl").code == 3


def test_methods_are_trained_again_on_parts_that_grow(tokpipe, trained, tmp_path):
    model = ("--model", trained / "m", "-o", tmp_path / "curve")
    ran = tokpipe(*curve_of(trained, *model, "--html", "curve.html"))
    assert ran.code == 0 and all(len(line) <= 80 for line in ran.out.splitlines())
    assert "(fine-tuned)" in ran.out and "36 labelled rows" in ran.out
    assert (tmp_path / "curve.html").read_text().count("<circle fill") == 6
    assert len(list((tmp_path / "curve").iterdir())) == 3
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "curve").rglob("*.safetensors")}
    found = tokpipe(*curve_of(trained, *model, "--json")).json
    curves = list(found["curves"].values())
    assert [[point["rows"] for point in curve] for curve in curves] == [[9, 20, 36]] * 2
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "curve").rglob("*.safetensors")}
    assert before == after and before  # what is finished is not trained again
    assert tokpipe(*curve_of(trained, *model, "--html", "curve.html")).code == 4


def test_what_a_learning_curve_needs_is_said_before_anything_is_trained(tokpipe, trained, tmp_path):
    assert "needs a folder" in tokpipe(*curve_of(trained, "--model", trained / "m")).err
    ran = tokpipe(*curve_of(trained, "-o", "c", "--model", trained / "bert"))
    assert ran.code == 4 and "another pretrained model" in ran.err
    assert not (tmp_path / "c").exists()
    bare = ("compare", trained / "bow", "--learning-curve")
    assert "--train" in tokpipe(*bare, "10").err
    for wrong in ("20,10", "0,5", "x", "all,10", "5,5"):
        ran = tokpipe(*bare, wrong, "--train", trained / "train.jsonl", "--test", "t")
        assert ran.code == 2, wrong


def test_a_page_that_cannot_be_written_is_told_before_anything_is_trained(
    tokpipe, trained, tmp_path
):
    (tmp_path / "file").write_text("")
    paths = ("--model", trained / "m", "-o", "curve")
    ran = tokpipe(*curve_of(trained, *paths, "--html", "file/curve.html"))
    assert ran.code == 4 and not (tmp_path / "curve").exists()
    bare = ("compare", trained / "bow", "--learning-curve", "all")
    parts = ("--train", trained / "train.jsonl", "--test", trained / "test.jsonl")
    assert tokpipe(*bare, *parts, "--html", "a/new/curve.html").code == 0
    assert (tmp_path / "a/new/curve.html").is_file()
