"""The expected values of the `tokenizers` library's own tests, on our code, library or none."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import InputError
from tokpipe.tokenizer.folder import open_file
from tokpipe.tokenizer.node import Node
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.tokenizer.words_json import words_from_json
from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.train import train
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR
from tokpipe.words.counts import WordCounts
from tokpipe.words.normalizers import normalize

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "tokenizers_cases.json").read_text())
FIELDS = ("tokens", "ids", "offsets", "type_ids", "special_tokens_mask", "sequence_ids", "word_ids")
PARTS = ("normalizer", "pre_tokenizer", "post_processor", "decoder", "truncation", "padding")


def document(case, model, added=()):
    parts = {part: case.get(part) for part in PARTS}
    return {"version": "1.0", **parts, "added_tokens": list(added), "model": model}


def load(folder, content):
    (folder / "tokenizer.json").write_text(json.dumps(content))
    return Tokenizer.load(folder / "tokenizer.json")


def assert_encoded(tokenizer, text, special=False):
    found = tokenizer.encode(text["text"], text.get("pair"), add_special_tokens=special)
    for field in FIELDS:
        if field in text:
            ours = [list(x) if isinstance(x, tuple) else x for x in getattr(found, field)]
            assert ours == text[field], field
    assert [window.ids for window in found.overflowing] == text.get("windows", [])


def encode(case, tmp_path):
    tokenizer = load(tmp_path, document(case, case["model"], case.get("added_tokens", ())))
    for text in case["texts"]:
        assert_encoded(tokenizer, text)


def words(case, tmp_path):
    """Make a vocabulary in which each expected word is one token."""
    expected = [t for text in case["texts"] for t in (text.get("tokens") or text.get("ids_of", []))]
    is_bytes = case["pre_tokenizer"]["type"] == "ByteLevel"
    plain = [*BYTE_TO_CHAR, *case.get("vocabulary", []), *expected] if is_bytes else expected
    contents = {token["content"] for token in case.get("added_tokens", [])}
    vocab = {t: i for i, t in enumerate(dict.fromkeys(["[UNK]", *plain])) if t not in contents}
    vocab = {token: i for i, token in enumerate(vocab)}
    added = [{"id": len(vocab) + i, **t} for i, t in enumerate(case.get("added_tokens", []))]
    settings = {"continuing_subword_prefix": "##", "max_input_chars_per_word": 100}
    model = {"type": "WordPiece", "unk_token": "[UNK]", "vocab": vocab, **settings}
    if is_bytes:
        model = {"type": "BPE", "vocab": vocab, "merges": [], "ignore_merges": True}
    tokenizer = load(tmp_path, document(case, model, added))
    for text in case["texts"]:
        assert_encoded(tokenizer, text)
        found = tokenizer.encode(text["text"], add_special_tokens=False).ids
        first = [tokenizer.ids[token] for token in text.get("ids_of", [])]
        assert found[: len(first)] == first
        assert "last" not in text or found[-1] == tokenizer.ids[text["last"]]


def added(case, tmp_path):
    """Make a vocabulary in which what stands between added tokens is one token."""
    pieces = [part for _, parts in case["texts"] for part, id in parts if id is None]
    vocab = {piece: len(case["added_tokens"]) + i for i, piece in enumerate(pieces)}
    vocab |= {token["content"]: token["id"] for token in case["added_tokens"]}
    model = {"type": "BPE", "vocab": vocab, "merges": [], "ignore_merges": True}
    tokenizer = load(tmp_path, document(case, model, case["added_tokens"]))
    for text, parts in case["texts"]:
        found = tokenizer.encode(text)
        assert found.ids == [vocab[part] if id is None else id for part, id in parts]
        ends = np.cumsum([len(part) for part, _ in parts]).tolist()
        assert found.offsets == list(zip([0, *ends[:-1]], ends, strict=True))


def template(case, tmp_path):
    case = {"pre_tokenizer": {"type": "WhitespaceSplit"}, **case}
    tokenizer = load(tmp_path, document(case, case["model"]))
    spec = tokenizer.spec.template
    assert [spec.added(False), spec.added(True)] == case["added"]
    for text in case["texts"]:
        assert_encoded(tokenizer, text, special=True)


def decode(case, tmp_path):
    vocab = {token: i for i, token in enumerate(case["tokens"])}
    model = {"type": "BPE", "vocab": vocab, "merges": []}
    tokenizer = load(tmp_path, document(case, model))
    assert tokenizer.decode([vocab[token] for token in case["tokens"]]) == case["text"]


def round_trip(case, tmp_path):
    vocab = {char: i for i, char in enumerate(BYTE_TO_CHAR)}
    tokenizer = load(tmp_path, document(case, {"type": "BPE", "vocab": vocab, "merges": []}))
    for text in case["texts"]:
        ids = tokenizer.encode(text).ids
        assert len(ids) == len(text.encode()) and tokenizer.decode(ids) == text


def trim(case, tmp_path):
    """Give each token as a text of its own, behind and before what others stand for."""
    tokens = [token for token, *_ in case["texts"]]
    for token, before, after, *keeps in case["texts"]:
        vocab = {char: i for i, char in enumerate(dict.fromkeys([*BYTE_TO_CHAR, *tokens]))}
        level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
        processor = {**level, "add_prefix_space": bool(keeps)}
        several = {"type": "Sequence", "processors": [processor]}
        parts = {
            "pre_tokenizer": {**level, "use_regex": False},
            "post_processor": several if case.get("several") else processor,
        }
        model = {"type": "BPE", "vocab": vocab, "merges": [], "ignore_merges": True}
        tokenizer = load(tmp_path, document(parts, model))
        text = token.replace("Ġ", " ")
        pair = text if case.get("pair") else None
        offsets = tokenizer.encode(text, pair).offsets
        shift = before[1] - len(text)
        moved = [[start + shift, end + shift] for start, end in offsets]
        assert moved == [after] * (2 if pair else 1)


def windows(case, tmp_path):
    tokenizer = load(tmp_path, document(case, case["model"]))
    length = case["truncation"]["max_length"]
    for text in case["texts"]:
        found = tokenizer.encode(text["text"], text.get("pair"), max_length=length, stride=0)
        assert found.ids == text["ids"]
        assert [window.ids for window in found.overflowing] == text["windows"]
        types = [window.type_ids for window in found.overflowing]
        assert types == text.get("window_types", types)


def cut(case, tmp_path):
    vocab = {"a": 0, "b": 1}
    settings = {"direction": "Right", "strategy": "LongestFirst", "stride": 0}
    truncation = {**settings, "max_length": case["max_length"]}
    model = {"type": "BPE", "vocab": vocab, "merges": []}
    tokenizer = load(tmp_path, document({"truncation": truncation}, model))
    for first, second, kept_first, kept_second in case["rows"]:
        ids = tokenizer.encode("a" * first, "b" * second).ids
        assert ids == [0] * kept_first + [1] * kept_second


def files(case, tmp_path):
    (tmp_path / "vocab.json").write_text(json.dumps(case["vocab"]))
    (tmp_path / "merges.txt").write_text(case["merges"])
    if "problem" in case:
        with pytest.raises(InputError) as error:
            open_file(tmp_path).opened()
        assert case["problem"] in error.value.problem
    else:
        spec = open_file(tmp_path).opened()
        assert spec.merges.tolist() == case["rows"]
        assert dict(zip(spec.tokens, range(len(spec.tokens)), strict=True)) == case["vocab"]


def refuse(case, tmp_path):
    with pytest.raises(InputError) as error:
        load(tmp_path, document(case, case["model"]))
    assert case["problem"] in error.value.problem


def padded(case, tmp_path):
    model = {"type": "BPE", "vocab": {"[PAD]": 0, "a": 1}, "merges": []}
    tokenizer = load(tmp_path, document(case, model))
    found = tokenizer.encode_batch(["a" * length for length in case["lengths"]])
    for length, encoding in zip(case["lengths"], found, strict=True):
        assert encoding.ids == [1] * length + [0] * (case["size"] - length)
        assert encoding.attention_mask == encoding.ids


def normalized(case, _):
    config = words_from_json(Node(case["normalizer"], "x"), Node(None, "x"))
    for text, expected in case["texts"]:
        assert list(normalize(Strings.from_list([text]), config).iter_bytes()) == [
            expected.encode()
        ]


def learn(case, _):
    items = sorted(case["counts"].items(), key=lambda item: item[0].encode())
    counts = WordCounts(
        words=Strings.from_list([word for word, _ in items]),
        counts=np.array([count for _, count in items], np.int64),
    )
    config = VocabConfig(model="bpe", special_tokens=(), vocab_size=(30_000,), **case["settings"])
    vocabulary = train(counts, config)
    if "longest" in case:
        assert max(map(len, vocabulary.tokens)) <= case["longest"]
    if "tokens" in case:
        assert list(vocabulary.tokens) == case["tokens"]
    if "merges" in case:
        assert vocabulary.merges.tolist() == case["merges"]


KINDS = {
    "encode": encode,
    "words": words,
    "added": added,
    "template": template,
    "decode": decode,
    "round trip": round_trip,
    "trim": trim,
    "windows": windows,
    "pad": padded,
    "normalize": normalized,
    "cut": cut,
    "files": files,
    "refuse": refuse,
    "train": learn,
}


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
def test_what_the_library_expects_of_itself(case, tmp_path):
    KINDS[case["kind"]](case, tmp_path)


def test_what_is_left_out_is_counted_with_its_reason():
    assert len({case["name"] for case in GOLDEN["cases"]}) == len(GOLDEN["cases"]) == 103
    assert all(entry["why"] and entry["cases"] for entry in GOLDEN["left_out"])
    assert sum(entry["cases"] for entry in GOLDEN["left_out"]) == 22


class Library:
    """The library behind the names that the cases call."""

    def __init__(self, content):
        import tokenizers

        self.library = tokenizers.Tokenizer.from_str(json.dumps(content))
        self.ids = self.library.get_vocab()
        self.decode = self.library.decode
        self.encode_batch = self.library.encode_batch
        added = SimpleNamespace(added=self.library.num_special_tokens_to_add)
        self.spec = SimpleNamespace(template=added)
        self.keeps_windows = bool((content.get("truncation") or {}).get("stride"))

    def encode(self, text, pair=None, add_special_tokens=True, max_length=None, stride=None):
        found = self.library.encode(text, pair, add_special_tokens=add_special_tokens)
        names = (*FIELDS, "attention_mask", "overflowing")
        fields = {name: getattr(found, name) for name in names}
        if not self.keeps_windows and max_length is None:  # it keeps them at a stride of 0, too
            fields["overflowing"] = []
        return SimpleNamespace(**fields)


def learned_by_the_library(counts, config):
    import tokenizers

    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=config.sizes[-1],
        min_frequency=config.min_frequency,
        max_token_length=config.max_token_length,
        show_progress=False,
    )
    words = zip(counts.words.iter_bytes(), counts.counts.tolist(), strict=True)
    texts = [word.decode() for word, count in words for _ in range(count)]
    tokenizer.train_from_iterator(texts, trainer)
    ids, merges = tokenizer.get_vocab(), json.loads(tokenizer.to_str())["model"]["merges"]
    rows = [[ids[left], ids[right], ids[left + right]] for left, right in merges]
    return SimpleNamespace(tokens=sorted(ids, key=ids.__getitem__), merges=np.array(rows))


JUDGED = [case for case in GOLDEN["cases"] if case["kind"] not in ("files", "refuse")]


@pytest.mark.parametrize("case", JUDGED, ids=lambda case: case["name"])
def test_the_library_as_it_is_installed_gives_the_same(case, tmp_path, monkeypatch):
    pytest.importorskip("tokenizers")
    here = sys.modules[__name__]
    monkeypatch.setattr(here, "load", lambda _, content: Library(content))
    monkeypatch.setattr(here, "train", learned_by_the_library)
    if case["kind"] == "normalize":
        normalizer = Library(document(case, {"type": "BPE", "vocab": {}, "merges": []}))
        found = [normalizer.library.normalizer.normalize_str(text) for text, _ in case["texts"]]
        assert found == [expected for _, expected in case["texts"]]
    else:
        KINDS[case["kind"]](case, tmp_path)
