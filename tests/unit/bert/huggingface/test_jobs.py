"""Heads of a job in a folder: known by the class that config.json names, left out on a wish."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.bert.huggingface.models import BARE, CONFIGS, JOBS, SHAPE, family_in, filled
from tests.unit.bert.huggingface.test_checkpoint import read_tensors, rewritten
from tokpipe.bert.config import NO_JOB, BertConfig
from tokpipe.bert.families.bert import BERT
from tokpipe.bert.families.distilbert import DISTILBERT
from tokpipe.bert.families.jobs import config_for_job
from tokpipe.bert.families.registry import FAMILIES, family_of, refusals
from tokpipe.bert.families.roberta import ROBERTA
from tokpipe.bert.huggingface.checkpoint import load_checkpoint, read_outline, write_checkpoint
from tokpipe.bert.huggingface.settings import config_json
from tokpipe.bert.parameters import Parameters, missing_from
from tokpipe.foundation.errors import ConfigError, InputError

TASKS = ("text", "token", "span")


def said(folder, **changes):
    path = folder / "config.json"
    values = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in values.items() if v != "gone"}))
    return values


@pytest.mark.parametrize("name", JOBS)
def test_the_head_comes_back_with_its_labels(name, tmp_path):
    write_checkpoint(tmp_path, filled(JOBS[name]), family=FAMILIES[family_in(name)])
    found = load_checkpoint(tmp_path)
    assert found.config == JOBS[name]
    assert not found.left_out
    assert load_checkpoint(tmp_path, found.config.task).config == found.config
    assert read_outline(tmp_path, found.config.task).config == found.config


@pytest.mark.parametrize("name", JOBS)
def test_a_head_that_is_not_wanted_is_left_out_and_named(name, tmp_path):
    config = JOBS[name]
    write_checkpoint(tmp_path, filled(config))
    whole = load_checkpoint(tmp_path)
    tensors = read_tensors(tmp_path / "model.safetensors")
    for wish in {*TASKS, "none"} - {config.task}:
        found = load_checkpoint(tmp_path, wish)
        assert found.config == replace(config, **NO_JOB)
        prefixes = ("text.", "token.", "span.", "classifier", "pre_classifier", "qa_outputs")
        assert sorted(found.left_out) == sorted(n for n in tensors if n.startswith(prefixes))
        for tensor, view in found.parameters.views.items():
            assert view.tobytes() == whole.parameters.views[tensor].tobytes()


@pytest.mark.parametrize("wrapper", ["module.", "_orig_mod.module."])
@pytest.mark.parametrize("name", ["bert, classification", "roberta, classification"])
def test_what_training_put_before_the_names_is_taken_off(name, wrapper, tmp_path):
    parameters = filled(JOBS[name])
    write_checkpoint(tmp_path, parameters)
    rewritten(tmp_path, lambda t: {wrapper + n: value for n, value in t.items()})
    assert load_checkpoint(tmp_path).parameters.block.tobytes() == parameters.block.tobytes()


def test_only_the_class_tells_texts_from_words(tmp_path):
    config = JOBS["bert, words"]
    write_checkpoint(tmp_path, filled(config))
    said(tmp_path, architectures="gone")
    assert sorted(load_checkpoint(tmp_path).left_out) == ["classifier.bias", "classifier.weight"]
    assert load_checkpoint(tmp_path, "token").config == config
    for strange in (["BertForMultipleChoice"], ["Mine"], "BertForTokenClassification", [3]):
        said(tmp_path, architectures=strange)
        assert load_checkpoint(tmp_path).config.task == "none"


def test_a_class_without_its_tensors_is_an_encoder(tmp_path):
    write_checkpoint(tmp_path, filled(JOBS["bert, classification"]))
    rewritten(tmp_path, lambda t: {n: v for n, v in t.items() if not n.startswith("classifier")})
    found = load_checkpoint(tmp_path)
    assert found.config == replace(JOBS["bert, classification"], **NO_JOB)


@pytest.mark.parametrize("name", ["bert, answers", "albert, words", "roberta, classification"])
def test_a_pooler_that_the_head_does_not_use_stays_as_it_is(name, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    config = replace(JOBS[name], pooler=True)  # as older releases wrote them
    write_checkpoint(one, filled(config))
    found = load_checkpoint(one)
    assert found.config == config
    write_checkpoint(two, found.parameters, family=found.family)
    assert (one / "model.safetensors").read_bytes() == (two / "model.safetensors").read_bytes()


@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_an_old_or_scant_config_is_understood_as_by_transformers(dtype, tmp_path):
    write_checkpoint(tmp_path, filled(JOBS["bert, classification"]), dtypes=dtype)
    without = dict.fromkeys(("id2label", "label2id", "problem_type", "classifier_dropout"), "gone")
    said(tmp_path, **without, num_labels=3)
    found = load_checkpoint(tmp_path).config
    assert found.labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert (found.problem, found.head_dropout) == ("classification", 0.1)
    said(tmp_path, num_labels="gone")
    with pytest.raises(InputError, match=r"classifier\.weight has the shape \[3, 8\]"):
        load_checkpoint(tmp_path)
    said(tmp_path, id2label={"1": 5, "0": "x", "2": 0.5}, problem_type=None)
    assert load_checkpoint(tmp_path).config.labels == ("x", "5", "0.5")


def test_one_label_is_a_number_unless_it_is_said_otherwise(tmp_path):
    write_checkpoint(tmp_path, filled(JOBS["roberta, regression"]))
    assert said(tmp_path, problem_type="gone")["id2label"] == {"0": "LABEL_0"}
    assert load_checkpoint(tmp_path).config == JOBS["roberta, regression"]
    said(tmp_path, id2label={"0": "score"}, problem_type="multi_label_classification")
    found = load_checkpoint(tmp_path).config
    assert (found.labels, found.problem) == (("score",), "multilabel")


def test_dropout_has_the_default_of_its_family(tmp_path):
    for name, key, default in (
        ("distilbert, classification", "seq_classif_dropout", 0.2),
        ("distilbert, answers", "qa_dropout", 0.1),
        ("albert, words", "classifier_dropout_prob", 0.1),
        ("bert, words", "classifier_dropout", None),
    ):
        write_checkpoint(tmp_path, filled(JOBS[name]))
        said(tmp_path, **{key: "gone"})
        assert load_checkpoint(tmp_path).config.classifier_dropout == default


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"id2label": ["a", "b", "c"]}, "id2label is"),
        ({"id2label": {}}, "id2label is"),
        ({"id2label": {"0": "a", "1": "b", "3": "c"}}, "numbers a label 3, not 0 to 2"),
        ({"id2label": {"0": "a", "1": None, "2": "c"}}, "calls label 1 None"),
        ({"id2label": {"0": "a"}}, "with 1 labels"),
        ({"id2label": {"0": "a", "1": "b", "2": "a"}}, "calls labels 0 and 2 both 'a'"),
        ({"label2id": {"no": 1, "yes": 0, "\u2191": 2}}, "id2label's label 0, and label2id 1"),
        ({"label2id": {"no": 0, "yes": [], "\u2191": 2}}, "id2label's label 1, and label2id "),
        ({"id2label": "gone", "num_labels": 0}, "num_labels is 0"),
        ({"id2label": "gone", "num_labels": 10**40}, "num_labels is a number of"),
        ({"problem_type": "ranking"}, "problem_type is ranking, known are"),
        ({"problem_type": 3}, "problem_type is 3"),
        ({"classifier_dropout": 1.5}, "classifier_dropout"),
        ({"classifier_dropout": "0.1"}, "classifier_dropout"),
    ],
)
def test_what_is_said_of_a_job_and_cannot_be_is_named(changes, named, tmp_path):
    write_checkpoint(tmp_path, filled(JOBS["bert, classification"]))
    said(tmp_path, **changes)
    with pytest.raises(InputError, match=named) as caught:
        load_checkpoint(tmp_path)
    assert "config.json" in caught.value.problem
    assert load_checkpoint(tmp_path, "none").config.task == "none"


@pytest.mark.parametrize("changes", [{"labels": "a"}, {"labels": [1]}, {"classifier_dropout": "x"}])
def test_our_own_config_is_held_to_its_kinds(changes, tmp_path):
    write_checkpoint(tmp_path, filled(JOBS["tokpipe, words"]))
    said(tmp_path, **changes)
    with pytest.raises(InputError, match=next(iter(changes))):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("name", JOBS)
def test_a_model_for_a_job_finds_its_family(name):
    family = family_in(name)
    assert family_of(JOBS[name]).name == family
    written = config_json(JOBS[name], FAMILIES[family])
    kinds = {"text": "SequenceClassification", "token": "TokenClassification"}
    ending = kinds.get(JOBS[name].task, "QuestionAnswering")
    assert family == "tokpipe" or written["architectures"][0].endswith(f"For{ending}")


def test_what_a_family_cannot_say_of_a_job_is_refused_with_the_reason():
    assert "classifier='pooler'" in refusals(JOBS["bert, classification"], ROBERTA)[-1]
    dropped = replace(JOBS["bert, answers"], classifier_dropout=0.2)
    assert refusals(dropped, BERT) == ["classifier_dropout=0.2, which is 0 there"]
    with pytest.raises(ConfigError, match=r"DistilBERT has no such model: classifier_dropout=0\.3"):
        config_for_job(CONFIGS["distilbert"], DISTILBERT, "token", ("O",), dropout=0.3)
    config_for_job(CONFIGS["distilbert"], DISTILBERT, "token", ("O",), dropout=0.1)


@pytest.mark.parametrize("name", ["bert", "bert for masks", "roberta", "distilbert", "tokpipe"])
@pytest.mark.parametrize("task", TASKS)
def test_an_encoder_is_taken_over_bit_for_bit_and_the_head_drawn(name, task):
    source, family = filled(CONFIGS[name]), FAMILIES[name.split(" ")[0]]
    labels = () if task == "span" else ("x", "y")
    config = config_for_job(source.config, family, task, labels)
    one, again, other = (Parameters.from_encoder(source, config, seed) for seed in (1, 1, 2))
    has_new_pooler = name == "bert for masks" and task == "text"
    assert bool(missing_from(source.config, config)) == has_new_pooler
    for tensor, view in one.views.items():
        is_drawn = tensor.startswith(task) or (has_new_pooler and tensor.startswith("pooler"))
        assert view.tobytes() == again.views[tensor].tobytes()
        if not is_drawn:
            assert view.tobytes() == source.views[tensor].tobytes()
            continue
        assert (view.ndim == 1 and not view.any()) or (view != other.views[tensor]).any()
    spread = one.views[f"{task}.output.weight"].std()
    assert 0.005 < spread < 0.05


def test_the_head_of_another_job_is_not_taken_over():
    source = filled(JOBS["bert, words"])
    config = config_for_job(source.config, BERT, "token", source.config.labels)
    made = Parameters.from_encoder(source, config, 3)
    weight = "token.output.weight"
    assert np.abs(made.views[weight]).max() < 0.1 < np.abs(source.views[weight]).max()


def test_another_encoder_is_refused():
    source = filled(BertConfig(**SHAPE, **BARE))
    config = replace(source.config, type_vocab_size=1)
    with pytest.raises(ConfigError, match=r"embeddings\.segment has the shape \(2, 8\) there"):
        Parameters.from_encoder(source, config, 0)


def test_a_head_beside_those_of_pretraining_is_written_as_its_own_class(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    config = replace(JOBS["bert, classification"], mlm_head=True, nsp_head=True)
    write_checkpoint(one, filled(config))
    written = json.loads((one / "config.json").read_text())
    assert written["architectures"] == ["BertForSequenceClassification"]
    found = load_checkpoint(one)
    assert found.config == config
    write_checkpoint(two, found.parameters, family=found.family)
    for name in ("config.json", "model.safetensors"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
