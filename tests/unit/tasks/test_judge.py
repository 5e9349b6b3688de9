"""What models are worth on labelled data: scores as metrics has them, and the mistakes named."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.inspection.printing import shown
from tests.unit.tasks.jobs import job_model
from tokpipe.foundation.errors import ArtifactError, InputError
from tokpipe.inspection.terminal.judged import judged_renderable
from tokpipe.labelled.questions import read_questions
from tokpipe.metrics.classes import accuracy, class_rows
from tokpipe.metrics.scores import class_scores
from tokpipe.tasks.judge import Judged, judge
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.predict import Job, predict

TEXTS = ["the cat sat", "a dog ran", "it was old", "the road", "kittens and puppies", "a new mat"]
WORDS = "the\tO\ncat\tB-PER\nsat\tI-PER\n\na\tO\nroad\tB-LOC\n\nit\tO\n"


def write_questions(path):
    asked = [
        {"id": "1", "question": "the dog?", "answers": [{"text": "dog", "answer_start": 4}]},
        {"id": "2", "question": "it?", "answers": [{"text": "sat.", "answer_start": 8}]},
    ]
    paragraph = {"context": "The dog sat.", "qas": asked}
    path.write_text(json.dumps({"data": [{"title": "t", "paragraphs": [paragraph]}]}))


@pytest.fixture
def data(tmp_path):
    """Return the labelled file for a model of each kind."""
    classes = ["good", "bad", "none", "good", "bad", "good"]
    lines = [f"{text}\t{label}" for text, label in zip(TEXTS, classes, strict=True)]
    (tmp_path / "classification.tsv").write_text("\n".join(["text\tlabel", *lines, ""]))
    numbers = [f"{text}\t{0.5 * i}" for i, text in enumerate(TEXTS)]
    (tmp_path / "regression.tsv").write_text("\n".join(["text\tscore", *numbers, ""]))
    several = ["new", "old,wet", "old", "", "wet", "new,old,wet"]
    rows = [
        {"text": t, "label": s.split(",") if s else []} for t, s in zip(TEXTS, several, strict=True)
    ]
    (tmp_path / "multilabel.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (tmp_path / "ner.conll").write_text(WORDS)
    (tmp_path / "pos.conll").write_text("the\tDET\ncat\tNOUN\n\nran\tVERB\n")
    write_questions(tmp_path / "qa.json")
    return lambda name: next(tmp_path.glob(f"{name}.*"))


ALL = ("classification", "regression", "multilabel", "ner", "pos", "qa")


@pytest.mark.parametrize("name", ALL)
def test_each_job_is_judged_and_drawn(data, name):
    job = Job.of(job_model(name))
    found = judge(job, data(name), mistakes=20)
    assert found.task == name and found.scores.n and found.seconds >= 0
    again = judge(job, data(name), mistakes=20, threads=2)
    assert (again.scores, again.mistakes) == (found.scores, found.mistakes)
    assert found.to_dict()["labels"] == list(job.model.config.labels)
    json.dumps(found.to_dict(), allow_nan=False)
    for width in (40, 80):
        text = shown(judged_renderable(found, "m on d"), width=width)
        assert all(len(line) <= width for line in text.splitlines())
    for score in found.scores.scores:
        assert score.name.replace("_", " ") in text
    assert shown(judged_renderable(found, "m on d"), encoding="ascii").isascii()
    sure = [mistake.confidence for mistake in found.mistakes]
    assert sure == sorted(sure, reverse=True) and found.mistakes


def test_classes_confusions_and_mistakes_are_those_of_the_answers(data):
    model = job_model("classification")
    found = judge(Job.of(model), data("classification"), mistakes=100)
    gold = [line.split("\t")[1] for line in data("classification").read_text().splitlines()[1:]]
    answers = predict(model, TEXTS)
    said = [answer.labels[0] for answer in answers]
    right = accuracy([found.names.index(g) for g in gold], [found.names.index(s) for s in said])
    assert found.scores["accuracy"].value == right
    counts = np.zeros((3, 3), int)
    for one, other in zip(gold, said, strict=True):
        counts[found.names.index(one), found.names.index(other)] += 1
    assert found.confusion.tolist() == counts.tolist()
    assert [row.support for row in found.classes] == counts.sum(1).tolist()
    wrong = [i for i in range(len(TEXTS)) if gold[i] != said[i]]
    assert sorted(one.place.rpartition(":")[2] for one in found.mistakes) == [
        str(i + 2) for i in wrong
    ]
    for one in found.mistakes:
        row = TEXTS.index(one.text)
        assert (one.gold, one.said) == (gold[row], said[row])
        assert one.confidence == pytest.approx(answers[row].probabilities[one.said])
    assert judge(Job.of(model), data("classification")).mistakes == ()


def test_what_says_one_thing_of_everything_is_told(tmp_path):
    (tmp_path / "d.tsv").write_text("text\tlabel\na\tbad\na\tgood\n")
    job = Job.of(job_model("classification"))
    notes = judge(job, tmp_path / "d.tsv").scores.notes
    assert notes[0].startswith("the model says '") and notes[0].endswith("learned nothing")


def test_entities_have_lenient_and_strict_scores_side_by_side(data):
    found = judge(Job.of(job_model("ner")), data("ner"), mistakes=3)
    names = [score.name for score in found.scores.scores]
    assert names[:2] == ["entity_f1", "entity_f1_strict"]
    assert (
        [row.name for row in found.classes] == [row.name for row in found.strict] == ["LOC", "PER"]
    )
    assert "strict F1" in shown(judged_renderable(found, ""))
    assert all("[" in mistake.text for mistake in found.mistakes)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ("O B-PER I-PER E-PER S-PER", "O B-PER I-PER"),
        ("B M E S", "O B I"),
        ("I-PER O B-LOC I-LOC", "O B-LOC I-LOC B-PER I-PER"),  # of IOB1, where B is rare
        ("I-PER I-LOC O", "O B-LOC I-LOC B-PER I-PER"),
        ("[CLS] O B-PER I-PER X", "O B-PER I-PER"),
    ],
)
def test_a_model_of_another_scheme_is_judged_in_the_scheme_of_the_data(tmp_path, labels, names):
    job = Job.of(job_model("ner", labels=tuple(labels.split())))
    (answer,) = predict(job.model, [["the", "cat", "sat", "on", "the", "mat"]])
    tags = [tag if tag in "BMES" or "-" in tag else "O" for tag in answer.tags]
    lines = [f"{word} {tag}" for word, tag in zip(answer.words, tags, strict=True)]
    (tmp_path / "d.conll").write_text("\n".join([*lines, "", "it O", ""]))
    found = judge(job, tmp_path / "d.conll", mistakes=10)
    assert found.names == tuple(names.split())
    assert all(mistake.text.startswith("[it]") for mistake in found.mistakes)
    assert found.scores["entity_recall"].value == 1.0 and found.strict


def test_many_labels_are_told_by_the_most_frequent_confusions():
    names = tuple(f"label-{i}" for i in range(20))
    gold = np.arange(40) % 20
    said = np.where(gold == 19, 0, gold)
    counts = np.zeros((20, 20), np.int64)
    np.add.at(counts, (gold, said), 1)
    scores, rows = class_scores(gold, said, names), class_rows(gold, said, names)
    judged = Judged("classification", 40, scores, rows, (), names, counts, (), 0.5)
    text = shown(judged_renderable(judged, "x"))
    assert "Taken for another" in text and "label-19 → label-0" in text
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "strict" not in text and "n 40" in text
    assert "80 a second" in shown(judged_renderable(replace(judged, task="pos"), "x"))


def test_labels_that_a_model_does_not_know_are_named_with_line_and_those_it_knows(tmp_path):
    (tmp_path / "d.tsv").write_text("text\tlabel\nthe cat\tgood\na dog\tfine\n")
    with pytest.raises(InputError, match=r"d.tsv:3: the label 'fine' is none of the 3") as caught:
        judge(Job.of(job_model("classification")), tmp_path / "d.tsv")
    assert "'bad', 'good', 'none'" in caught.value.hint


def test_the_best_threshold_of_the_rows_is_told_beside_the_one_that_is_used(data, tmp_path):
    job = Job.of(job_model("qa"))
    answered = judge(job, data("qa"))
    assert not answered.best and "best for these" not in shown(judged_renderable(answered, ""))
    content = json.loads(data("qa").read_text())
    content["data"][0]["paragraphs"][0]["qas"] += [
        {"id": str(n), "question": "it ran?", "answers": [], "is_impossible": True} for n in (3, 4)
    ]
    (tmp_path / "qa2.json").write_text(json.dumps(content))
    for threshold, first in ((1000.0, None), (-1000.0, 0.5)):
        found = judge(replace(job, tuned={"null_threshold": threshold}), tmp_path / "qa2.json")
        assert found.best["exact_match"] >= found.scores["exact_match"].value
        assert first is None or found.scores["exact_match"].value == first
        text = shown(judged_renderable(found, ""))
        assert f"null threshold {threshold:.4f}" in text and "best for these very rows" in text


@pytest.mark.parametrize("threshold", [None, 0.0, -1000.0, 1000.0])
def test_of_wrong_answers_models_are_as_sure_as_they_say_themselves(tmp_path, threshold):
    asked = {"cat": ("The cat sat", [("cat", 4)]), "none": ("It ran", []), "empty": ("", [])}
    paragraphs = [
        {
            "context": context,
            "qas": [{"id": name, "question": "it?", "answers": [spread(*one) for one in answers]}],
        }
        for name, (context, answers) in asked.items()
    ]
    (tmp_path / "d.json").write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}))
    tuned = {} if threshold is None else {"null_threshold": threshold}
    job = replace(Job.of(job_model("qa")), tuned=tuned)
    said = {one.id: one for one in job.answers(read_questions(tmp_path / "d.json"))}
    found = judge(job, tmp_path / "d.json", mistakes=9).mistakes
    wrong = {one.place.split()[-1]: one for one in found}
    assert set(wrong) == ({"cat"} if threshold == -1000.0 else {"cat", "none"})
    for name, one in wrong.items():
        answer = said[name].answer
        assert one.said == (answer.text if answer else "no answer")
        assert one.confidence == pytest.approx(said[name].probability)
    assert said["empty"].probability == 1.0


def spread(text, start):
    return {"text": text, "answer_start": start}


def test_data_without_labels_is_refused(tmp_path):
    (tmp_path / "d.conll").write_text("the\ncat\n")
    with pytest.raises(InputError):
        judge(Job.of(job_model("ner")), tmp_path / "d.conll")


def test_labels_in_another_order_than_a_model_was_trained_with_are_refused(tmp_path):
    model = job_model("classification")
    model.save(tmp_path / "m")
    path = tmp_path / "m/config.json"
    config = json.loads(path.read_text())
    names = config["id2label"]
    names["0"], names["1"] = names["1"], names["0"]
    config["label2id"] = {name: int(number) for number, name in names.items()}
    path.write_text(json.dumps(config))
    with pytest.raises(ArtifactError, match=r"config\.json"):
        Job.of(BertModel.load(tmp_path / "m"))
