"""Rows of every recipe and vocabulary: what the written tokenizer makes of their segments."""

import json
import random
from itertools import groupby

import pytest

from tokpipe.batches.config import BatchConfig
from tokpipe.batches.loader import Loader
from tokpipe.examples.config import ExampleConfig
from tokpipe.foundation.errors import ConfigError
from tokpipe.shards.build import BuildConfig, build_shards
from tokpipe.shards.config import ShardConfig
from tokpipe.shards.reader import open_shards
from tokpipe.tokenizer.build import train_vocab
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.vocab.config import VocabConfig

WORDS = [
    "the", "sea", "is", "wide", "and", "a", "ship", "sails", "home", "with", "salt", "on", "her",
    "deck", "while", "gulls", "cry",
]  # fmt: skip
RECIPES = {
    "bert": ExampleConfig(max_seq_length=24),
    "sop": ExampleConfig(max_seq_length=24, objective="sop"),
    "roberta": ExampleConfig(max_seq_length=24, recipe="roberta"),
    "single": ExampleConfig(max_seq_length=24, recipe="roberta", packing="doc-sentences"),
}


def template(pair, single="<s> $A </s>"):
    names = {token: {"id": token, "ids": [id], "tokens": [token]} for token, id in IDS.items()}
    return {
        "type": "TemplateProcessing",
        "single": [piece(part) for part in single.split()],
        "pair": [piece(part) for part in pair.split()],
        "special_tokens": names,
    }


IDS = {"<pad>": 0, "<unk>": 1, "<s>": 2, "</s>": 3, "<mask>": 4}


def piece(part):
    name, _, type_id = part.partition(":")
    kind = {"Sequence": {"id": name[1:]}} if name[0] == "$" else {"SpecialToken": {"id": name}}
    ((key, value),) = kind.items()
    return {key: {**value, "type_id": int(type_id or 0)}}


PROCESSORS = {
    "roberta": {
        "type": "RobertaProcessing",
        "sep": ["</s>", 3],
        "cls": ["<s>", 2],
        "trim_offsets": True,
        "add_prefix_space": False,
    },
    "bert": {"type": "BertProcessing", "sep": ["</s>", 3], "cls": ["<s>", 2]},
    "long": template("<s> <s> $A </s> $B:1 </s>:1 <mask>:1"),
    "early types": template("<s> $A </s> </s>:1 $B:1 </s>:1"),
    "sequence": {
        "type": "Sequence",
        "processors": [
            {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False},
            template("<s> $A </s> </s> $B </s>"),
        ],
    },
}


def unigram(processor):
    """Return a tokenizer.json of a model that only the library runs."""
    vocabulary = [[token, 0.0] for token in IDS] + [["▁" + word, -2.0] for word in WORDS]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": id, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True}
            for token, id in IDS.items()
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always",
                          "split": True},
        "post_processor": processor,
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always",
                    "split": True},
        "model": {"type": "Unigram", "unk_id": 1, "vocab": vocabulary, "byte_fallback": False},
    }  # fmt: skip


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Documents of one to six short sentences, of words that every vocabulary knows whole."""
    drawn = random.Random(1)
    documents = [
        "\n".join(" ".join(drawn.choices(WORDS, k=drawn.randint(2, 7))) for _ in range(sentences))
        for sentences in (drawn.randint(1, 6) for _ in range(150))
    ]
    path = tmp_path_factory.mktemp("corpus") / "text.txt"
    path.write_text("\n\n".join(documents) + "\n")
    return path


@pytest.fixture(scope="module")
def vocabularies(corpus, tmp_path_factory):
    root = tmp_path_factory.mktemp("vocabularies")
    for model in ("wordpiece", "bpe", "byte-bpe"):
        train_vocab([corpus], VocabConfig(model=model, vocab_size=(500,)), output=root / model)
    trained = json.loads((root / "byte-bpe/tokenizer.json").read_text("utf-8"))
    known = {token["content"]: token["id"] for token in trained["added_tokens"]}
    for name, processor in PROCESSORS.items():
        (root / f"unigram {name}.json").write_text(json.dumps(unigram(processor)), "utf-8")
        bare = {token: known[token] for token in IDS}
        text = json.dumps(processor)
        for token, id in IDS.items():
            text = text.replace(f'["{token}", {id}]', f'["{token}", {bare[token]}]')
            old = f'"ids": [{id}], "tokens": ["{token}"]'
            text = text.replace(old, f'"ids": [{bare[token]}], "tokens": ["{token}"]')
        document = {**trained, "post_processor": json.loads(text)}
        (root / f"byte-bpe {name}.json").write_text(json.dumps(document), "utf-8")
    return root


def rows(shards):
    """Yield ids and types of all rows, as the loader hands them to a model, without masks."""
    for split in shards.splits:
        config = BatchConfig()
        for batch in Loader(split, config, shards.facts, shards.masks, 0).batches(0, threads=1):
            ids = batch.input_ids.copy()
            ids[batch.masked_positions] = batch.masked_ids
            for start, end in zip(batch.offsets[:-1], batch.offsets[1:], strict=True):
                yield ids[start:end].tolist(), batch.token_type_ids[start:end].tolist()


VOCABULARIES = [
    "wordpiece", "bpe", "byte-bpe",
    *(f"{kind} {name}.json" for kind in ("byte-bpe", "unigram") for name in PROCESSORS),
]  # fmt: skip


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_a_row_is_what_the_written_tokenizer_makes_of_its_segments(
    recipe, vocabulary, corpus, vocabularies, tmp_path
):
    config = BuildConfig(examples=RECIPES[recipe], shards=ShardConfig(validation_fraction=0.1))
    build_shards([corpus], vocabularies / vocabulary, tmp_path / "shards", config)
    shards = open_shards(tmp_path / "shards")
    written = Tokenizer.load(tmp_path / "shards/tokenizer.json")
    special, lengths = set(written.special_tokens.values()), []
    for ids, types in rows(shards):
        runs = groupby(ids, key=lambda id: id in special)
        texts = [written.decode(list(run)) for is_special, run in runs if not is_special]
        if config.examples.pairs or len(texts) == 1:
            wanted = written.encode(*texts)
            assert (ids, types) == (wanted.ids, wanted.type_ids)
        else:  # several documents in one row, parted by the token that ends it
            alone = [written.encode(text, add_special_tokens=False).ids for text in texts]
            around = written.encode(texts[0]).ids
            begin = around[: around.index(alone[0][0])]
            end = around[len(begin) + len(alone[0]) :]
            middle = [id for part in alone for id in (*part, end[-1])][:-1]
            assert (ids, types) == ([*begin, *middle, *end], [0] * len(ids))
        lengths.append(len(ids))
    assert max(lengths) == 24 or (recipe == "single" and max(lengths) <= 24)


@pytest.mark.parametrize("pair", ["$A </s> $B </s>", "<s> $B </s> $A </s>", "<s> $A </s> $B:1"])
def test_a_template_that_rows_cannot_follow_is_refused(pair, corpus, vocabularies, tmp_path):
    document = unigram(template(pair, single="<s> $A"))
    (tmp_path / "tokenizer.json").write_text(json.dumps(document), "utf-8")
    for config in (ExampleConfig(), ExampleConfig(recipe="roberta")):
        with pytest.raises(ConfigError, match=r"begin or to end|another order"):
            build_shards([corpus], tmp_path / "tokenizer.json", tmp_path / "out",
                         BuildConfig(examples=config))  # fmt: skip
    assert not (tmp_path / "out").exists()
