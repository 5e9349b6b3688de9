"""The peers' side does what it is held against for: else it would be no judge."""

import hashlib
import json

import pytest
import tokenizers

from tests.bench.peers import gigabpe_train, nanotoken_encode, tokenizers_train
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


TEXT = "the cat ran home .\nthe dogs sat in , wé think\n\nthe cat sat\n" * 40


def test_gigabpe_makes_the_merges_of_tokenizers(tmp_path):
    pytest.importorskip("gigabpe")
    path = str(tmp_path / "t.txt")
    (tmp_path / "t.txt").write_text(TEXT, encoding="utf-8")
    for size in (270, 285):  # fewer than there are pairs
        ours = tokenizers_train(path, "byte-bpe", size, 2)()()
        theirs = gigabpe_train(path, size, 2)()()
        assert theirs["merges"] == ours["merges"] and ours["tokens"] == size


def test_nanotoken_makes_the_ids_of_tokenizers(tmp_path):
    pytest.importorskip("nanotoken")
    (tmp_path / "t.txt").write_text(TEXT, encoding="utf-8")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    judge = tokenizers.Tokenizer(
        tokenizers.models.WordPiece(
            {token: i for i, token in enumerate(vocabulary)}, unk_token="[UNK]"
        )
    )
    judge.normalizer = tokenizers.normalizers.BertNormalizer()
    judge.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    judge.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    judge.save(str(tmp_path / "tokenizer.json"))
    lines = TEXT.removesuffix("\n").split("\n")
    ids = [i for e in judge.encode_batch_fast(lines, add_special_tokens=False) for i in e.ids]
    found = nanotoken_encode(str(tmp_path / "t.txt"), str(tmp_path / "tokenizer.json"))()()
    raw = b"".join(i.to_bytes(4, "little") for i in ids)
    assert found == {"ids": len(ids), "sha256": hashlib.sha256(raw).hexdigest()}
