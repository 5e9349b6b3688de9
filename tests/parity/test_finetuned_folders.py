"""What fine-tuning makes, opened by transformers: the same labels and the same numbers."""

import json

import numpy as np
import pytest

from tests.unit.finetuning.jobs import run

CLASSES = {
    "classification": "AutoModelForSequenceClassification",
    "regression": "AutoModelForSequenceClassification",
    "multilabel": "AutoModelForSequenceClassification",
    "ner": "AutoModelForTokenClassification",
    "pos": "AutoModelForTokenClassification",
    "qa": "AutoModelForQuestionAnswering",
}
ATOL = 2e-5

pytestmark = pytest.mark.peers


@pytest.fixture
def opened(tmp_path):
    """Fine-tune, and open the folder with transformers, which must miss nothing in it."""
    transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")

    def open_(task):
        run(tmp_path, task, epochs=4)
        kind = getattr(transformers, CLASSES[task])
        model, info = kind.from_pretrained(tmp_path / "out", output_loading_info=True)
        assert not any(info[name] for name in ("missing_keys", "unexpected_keys"))
        tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
        lines = (tmp_path / "out/predictions.jsonl").read_text().splitlines()
        rows = [row for row in map(json.loads, lines) if row["part"] == "test"]
        return model.eval(), tokenizer, rows

    return open_


def texts_of(folder):
    return [json.loads(line)["text"] for line in (folder / "test.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("task", ["classification", "multilabel", "regression"])
def test_texts_get_the_same_labels_and_numbers(opened, tmp_path, compared, task):
    model, tokenizer, rows = opened(task)
    for text, row in zip(texts_of(tmp_path), rows, strict=True):
        logits = model(**tokenizer(text, return_tensors="pt")).logits[0].detach()
        if task == "regression":
            assert row["value"] == pytest.approx(float(logits), abs=ATOL)
        elif task == "classification":
            shares = logits.softmax(-1)
            assert row["label"] == model.config.id2label[int(shares.argmax())]
            assert row["probability"] == pytest.approx(float(shares.max()), abs=ATOL)
        else:
            shares = dict(
                zip(model.config.id2label.values(), logits.sigmoid().tolist(), strict=True)
            )
            assert row["probabilities"] == pytest.approx(shares, abs=ATOL)
    compared("fine-tuned folders", rows=len(rows))


@pytest.mark.parametrize("task", ["ner", "pos"])
def test_words_get_the_same_tags(opened, compared, task):
    model, tokenizer, rows = opened(task)
    for row in rows:
        encoded = tokenizer(row["words"], is_split_into_words=True, return_tensors="pt")
        shares = model(**encoded).logits[0].softmax(-1)
        places = [encoded.word_ids().index(word) for word in range(len(row["words"]))]
        best = shares[places].max(-1)
        assert row["tags"] == [model.config.id2label[i] for i in best.indices.tolist()]
        np.testing.assert_allclose(row["probabilities"], best.values.tolist(), atol=ATOL)
    compared("fine-tuned folders", words=sum(len(row["words"]) for row in rows))


def test_questions_get_the_same_answers(opened, tmp_path, compared):
    model, tokenizer, rows = opened("qa")
    data = json.loads((tmp_path / "test.json").read_text())["data"][0]["paragraphs"]
    for paragraph, row in zip(data, rows, strict=True):
        question, context = paragraph["qas"][0]["question"], paragraph["context"]
        encoded = tokenizer(question, context, return_tensors="pt", return_offsets_mapping=True)
        offsets = encoded.pop("offset_mapping")[0].tolist()
        found = model(**encoded)
        inside = [i for i, part in enumerate(encoded.sequence_ids()) if part == 1]
        starts, ends = (logits[0].tolist() for logits in (found.start_logits, found.end_logits))
        pairs = [(starts[a] + ends[b], a, b) for a in inside for b in inside if a <= b < a + 30]
        _, first, last = max(pairs)
        assert row["answer"] == context[offsets[first][0] : offsets[last][1]]
    compared("fine-tuned folders", questions=len(rows))


def test_a_pipeline_says_the_same(opened, tmp_path):
    transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")
    model, tokenizer, rows = opened("classification")
    pipeline = transformers.pipeline("text-classification", model=model, tokenizer=tokenizer)
    for said, row in zip(pipeline(texts_of(tmp_path)), rows, strict=True):
        assert said["label"] == row["label"]
        assert said["score"] == pytest.approx(row["probability"], abs=ATOL)
