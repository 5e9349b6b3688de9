"""What models of each job answer: as transformers' pipelines, for any length and any threads."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tests.unit.tasks.jobs import ENTITIES, JOBS, job_model
from tests.unit.tasks.models import WORDS, small
from tokpipe.finetuning.report import Report
from tokpipe.finetuning.scoring import Part
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.tasks.inputs import texts_data
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.predict import Job, example_logits, predict

TEXTS = [
    *("the cat sat on the mat.", "", "a", "dogs, kittens and puppies sat on a new road"),
    *("it was old", "東京 \u200b", "the cat"),
]
QUESTIONS = [
    ("the dog?", "The dog sat on the old mat. It ran and ran."),
    ("it?", "the cat"),
    ("a new cat?", "a kitten, a dog and the old cat sat on the road"),
]


def inputs_of(name):
    return QUESTIONS if name == "qa" else TEXTS


@pytest.mark.parametrize("name", JOBS)
def test_each_input_has_its_answer_in_order_for_any_threads_and_neighbours(name, tmp_path):
    model, inputs = job_model(name), inputs_of(name)
    found = predict(model, inputs)
    assert len(found) == len(inputs)
    assert predict(model, inputs, threads=1) == predict(model, inputs, threads=2) == found
    model.save(tmp_path / "m")
    assert predict(tmp_path / "m", inputs) == found
    assert Job.of(BertModel.load(tmp_path / "m")).task.name == name
    assert predict(model, []) == []
    for one, alone in zip(found, (predict(model, [one])[0] for one in inputs), strict=True):
        assert rounded(one.to_dict() | {"id": ""}) == alone.to_dict() | {"id": ""}


def rounded(value):
    if isinstance(value, float):
        return pytest.approx(value, abs=1e-5)
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list) else value


def test_classes_are_named_and_sum_to_one():
    (answer,) = predict(job_model("classification"), ["the cat"])
    assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-6)
    assert answer.labels == (max(answer.probabilities, key=answer.probabilities.get),)
    assert answer.ranked[0][0] == answer.labels[0] and answer.texts == ("the cat",)
    (pair,) = predict(job_model("classification"), [("the cat", "it ran")])
    assert pair.texts == ("the cat", "it ran") and pair.probabilities != answer.probabilities


def test_of_several_classes_those_from_a_half_on_hold():
    for answer in predict(job_model("multilabel"), TEXTS):
        held = [name for name, share in answer.probabilities.items() if share >= 0.5]
        assert list(answer.labels) == held


@pytest.mark.parametrize("name", ["ner", "pos"])
def test_every_word_of_three_thousand_has_one_tag(name):
    words = [WORDS[i % 9] for i in range(3000)]
    model = job_model(name)
    found = predict(model, [" ".join(words)]) + predict(model, [words])
    assert [answer.words for answer in found] == [words] * 2
    assert found[0].tags == found[1].tags and len(found[0].tags) == 3000
    assert (found[0].entities is None) is (name == "pos")


def test_entities_are_the_tags_read():
    for answer in predict(job_model("ner"), TEXTS):
        kinds = [tag.partition("-")[2] for tag in answer.tags]
        covered = set()
        for entity in answer.entities:
            assert set(kinds[entity.first : entity.last]) == {entity.label}
            assert answer.text[entity.start : entity.end] == entity.text
            covered |= {*range(entity.first, entity.last)}
        assert covered == {i for i, tag in enumerate(answer.tags) if tag != "O"}


@pytest.mark.parametrize("place", [0, 1500, 2990])
def test_a_long_text_is_answered_from_each_of_its_windows(place):
    words = ["road"] * 3000
    words[place : place + 2] = ["old", "cat"]
    (answer,) = predict(job_model("qa"), [("the cat?", " ".join(words))])
    assert answer.answer and all(a.probability >= b.probability for a, b in pairwise(answer.spans))
    for span in answer.spans:
        assert answer.context[span.start : span.end] == span.text


def test_a_paragraph_without_a_token_has_no_answer():
    (answer,) = predict(job_model("qa"), [("the cat?", " ")])
    assert answer.answer is None and answer.spans == () and answer.to_dict()["answer"] == ""
    assert answer.no_answer == answer.probability == 1.0


def test_characters_of_answers_are_counted_not_bytes():
    context = "東京 åäö the cat 😀 sat."
    (answer,) = predict(job_model("qa"), [("cat?", context)])
    assert all(context[span.start : span.end] == span.text for span in answer.spans)


def test_a_threshold_that_was_chosen_in_training_decides_whether_there_is_an_answer(tmp_path):
    model = job_model("qa")
    model.save(tmp_path / "m")
    report = Report(task="qa", method="fine-tuned", rows={"train": 1}, scores={})
    for threshold, answered in ((-1000.0, False), (1000.0, True)):
        said = replace(report, tuned={"null_threshold": threshold}).to_dict()
        (tmp_path / "m/metrics.json").write_text(json.dumps(said))
        (answer,) = predict(tmp_path / "m", QUESTIONS[:1])
        assert (answer.answer is not None) is answered and 0 < answer.no_answer < 1
        whole = answer.no_answer + sum(span.probability for span in answer.spans)
        assert whole == pytest.approx(1, abs=1e-5)


def test_a_model_without_a_head_of_a_job_is_refused_by_what_it_has():
    with pytest.raises(ConfigError, match=r"no head for texts, words or questions; it has .*MLM"):
        predict(small(), ["a"])


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        *(("classification", [None]), ("qa", ["a"]), ("ner", [3]), ("classification", ["\ud800"])),
        *((name, what) for name in ("classification", "ner", "qa") for what in (None, 5)),
        *(("qa", "ab"), ("classification", b"ab"), ("ner", b"ab")),
    ],
)
def test_what_a_model_is_not_asked_is_refused(name, inputs):
    with pytest.raises(InputError):
        predict(job_model(name), inputs)


@pytest.fixture
def pipeline(tmp_path):
    transformers = pytest.importorskip("transformers")

    def opened(task, model, **settings):
        model.save(tmp_path / "m", force=True)
        path = str(tmp_path / "m")
        return transformers.pipeline(task, model=path, tokenizer=path, device="cpu", **settings)

    return opened


@pytest.mark.peers
@pytest.mark.parametrize("name", ["classification", "multilabel"])
def test_classes_are_those_of_the_pipeline(pipeline, name):
    model = job_model(name)
    theirs = pipeline("text-classification", model, top_k=None)(TEXTS)
    for ours, wanted in zip(predict(model, TEXTS), theirs, strict=True):
        shares = {one["label"]: one["score"] for one in wanted}
        assert ours.probabilities == pytest.approx(shares, abs=1e-5)


@pytest.mark.peers
def test_pairs_and_numbers_are_those_of_the_pipeline(pipeline):
    model, pairs = job_model("classification"), [("the cat", "it ran"), ("a dog", "sat")]
    asked = pipeline("text-classification", model, top_k=None)
    for ours, pair in zip(predict(model, pairs), pairs, strict=True):
        theirs = asked({"text": pair[0], "text_pair": pair[1]})
        shares = {one["label"]: one["score"] for one in theirs}
        assert ours.probabilities == pytest.approx(shares, abs=1e-5)
    model = job_model("regression")
    theirs = pipeline("text-classification", model, function_to_apply="none")(TEXTS)
    values = [answer.value for answer in predict(model, TEXTS)]
    assert values == pytest.approx([one["score"] for one in theirs], abs=1e-5)


@pytest.mark.peers
@pytest.mark.parametrize("seed", range(4))
def test_entities_are_those_of_the_pipeline(pipeline, seed):
    model = job_model("ner", seed, labels=ENTITIES)
    asked = pipeline("token-classification", model, aggregation_strategy="first")
    texts = [text for text in TEXTS if text]
    for ours, theirs in zip(predict(model, texts), asked(texts), strict=True):
        found = [(one.label, one.start, one.end) for one in ours.entities]
        assert found == [(one["entity_group"], one["start"], one["end"]) for one in theirs]
        shares = [float(one["score"]) for one in theirs]
        assert [one.probability for one in ours.entities] == pytest.approx(shares, abs=1e-5)


@pytest.mark.peers
@pytest.mark.parametrize("seed", range(4))
def test_answers_are_the_best_by_the_logits_of_transformers(seed, tmp_path):
    transformers = pytest.importorskip("transformers")
    model = job_model("qa", seed)
    model.save(tmp_path / "m")
    judge = transformers.AutoModelForQuestionAnswering.from_pretrained(tmp_path / "m").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "m")
    for ours, (question, context) in zip(predict(model, QUESTIONS), QUESTIONS, strict=True):
        asked = tokenizer(question, context, return_tensors="pt", return_offsets_mapping=True)
        places = asked.pop("offset_mapping")[0].tolist()
        found = judge(**asked)
        inside = [i for i, side in enumerate(asked.sequence_ids(0)) if side == 1]
        start, end = (one[0].tolist() for one in (found.start_logits, found.end_logits))
        pairs = [(start[i] + end[j], i, j) for i in inside for j in inside if i <= j < i + 30]
        _, first, last = max(pairs)
        assert (ours.answer.start, ours.answer.end) == (places[first][0], places[last][1])


def test_logits_are_those_of_windows_one_by_one():
    job = Job.of(job_model("classification"))
    data = texts_data(TEXTS)
    logits = example_logits(job.model, "text", part_of(job, data))
    for number, text in enumerate(TEXTS):
        alone = example_logits(job.model, "text", part_of(job, texts_data([text])))
        np.testing.assert_allclose(alone[0], logits[number], atol=1e-5)


def part_of(job, data):
    examples = job.task.encode(data, job.model.tokenizer, job.windows, 24, 1)
    return Part("asked", data, examples)


def test_a_regression_of_several_numbers_is_not_read_as_its_first():
    with pytest.raises(ConfigError, match="says 2 numbers of a text, one is read"):
        predict(job_model("regression", labels=("a", "b")), ["a"])
