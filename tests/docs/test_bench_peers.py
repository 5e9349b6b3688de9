"""The peers' side of fine-tuning learns what is there to learn: else it would be no judge."""

import json

import pytest

from tests.bench.peers_finetune import epochs, tune

pytestmark = pytest.mark.peers

WORDS = ["the", "cat", "dog", "ran", "sat", "home", "who", "where", "?", "##s", "in"]
SETTINGS = {
    "epochs": 25,
    "batch_size": 2,
    "learning_rate": 5e-3,
    "warmup_proportion": 0.1,
    "weight_decay": 0.01,
    "adam_epsilon": 1e-6,
    "max_grad_norm": 1.0,
    "dropout": 0.0,
}
TEXTS = [("the cat ran", "cat"), ("the dog sat", "dog"), ("the cats", "cat"), ("dogs ran", "dog")]
SENTENCES = ["the\tO\ncats\tB-ANIMAL\nran\tO", "the\tO\n\u200b\tO\ndog\tB-ANIMAL\nsat\tO"]
CONTEXT = "the cat ran home . " + "the dog sat in . " * 60  # three windows


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A BERT that knows some words, drawn at random."""
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("model")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    transformers.BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
    )
    transformers.BertModel(config).save_pretrained(folder)
    return str(folder)


def _parts(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return {part: str(path) for part in ("train", "validation", "test")}


def _squad():
    asked = [
        {"id": "0", "question": "who ran ?", "answers": [{"text": "cat", "answer_start": 4}]},
        {"id": "1", "question": "where ?", "answers": [{"text": "home", "answer_start": 12}]},
    ]
    return json.dumps({"data": [{"paragraphs": [{"context": CONTEXT, "qas": asked}]}]})


@pytest.mark.parametrize(
    ("task", "name", "text", "said"),
    [
        (
            "classification",
            "a.jsonl",
            "".join(json.dumps({"text": t, "label": label}) + "\n" for t, label in TEXTS),
            ["cat", "dog", "cat", "dog"],
        ),
        (
            "ner",
            "a.conll",
            "\n\n".join(SENTENCES) + "\n",
            ["O", "B-ANIMAL", "O", "O", "O", "B-ANIMAL", "O"],
        ),
        ("qa", "a.json", _squad(), ["cat", "home"]),
    ],
)
def test_the_peers_side_learns_a_job_by_heart(tmp_path, model, task, name, text, said):
    parts = _parts(tmp_path, name, text)
    found = tune(task, model, parts, SETTINGS, 160, 0, 2)()
    assert (found["said"], found["validation"]) == (said, 1.0)


@pytest.mark.parametrize("is_grouped", [False, True])
def test_an_epoch_of_the_peers_side_goes_through_every_row(tmp_path, model, is_grouped):
    rows = "".join(json.dumps({"text": t, "second": t, "label": n}) + "\n" for t, n in TEXTS * 3)
    parts = _parts(tmp_path, "a.jsonl", rows)
    run = epochs("classification", model, parts, {**SETTINGS, "batch_size": 5}, 128, is_grouped)
    assert run() == {"steps": 3, "rows": 12}
    assert run() == {"steps": 3, "rows": 12}
