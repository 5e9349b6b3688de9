"""What we write is opened by transformers, silently, and gives the same ids there."""

import logging
import os

import pytest

import tokpipe
from tokpipe.corpus.bundled import bundled_corpus

os.environ["HF_HUB_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers", reason="the peers extra is not installed")

transformers.utils.logging.enable_propagation()  # else its warnings pass the tests by

pytestmark = pytest.mark.peers

TEXTS = ["Ångström's naïve café: 東京 😀 don't", "[MASK] <mask> two  spaces", "", "a\tb\nc"]
PAIR = ("The dog barked.", "At whom?")


@pytest.fixture(scope="module", params=["wordpiece", "byte-bpe", "bpe"])
def folder(request, tmp_path_factory):
    target = tmp_path_factory.mktemp("tokenizers") / request.param
    corpus = bundled_corpus() / "english"
    config = tokpipe.VocabConfig(model=request.param, vocab_size=(1500,))
    tokpipe.train_vocab([corpus], config, output=target)
    return target


@pytest.mark.filterwarnings("ignore")  # of libraries that transformers imports
def test_auto_tokenizer_opens_the_folder_and_agrees(folder, caplog, capfd):
    ours = tokpipe.Tokenizer.load(folder)
    with caplog.at_level(logging.WARNING):
        theirs = transformers.AutoTokenizer.from_pretrained(folder)
    assert caplog.records == []
    assert len(theirs) == ours.vocab_size
    for text in TEXTS:
        ids = list(ours.encode(text).ids)
        assert theirs(text)["input_ids"] == ids
        again = theirs.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        assert again == ours.decode(ids)
    encoded = ours.encode(*PAIR, max_length=9, padding=12)
    again = theirs(*PAIR, max_length=9, truncation="longest_first")
    assert again["input_ids"] == list(encoded.ids)[: len(again["input_ids"])]
    assert theirs.mask_token in TEXTS[1]
    assert theirs.mask_token_id == ours.ids[theirs.mask_token]
    assert "arning" not in capfd.readouterr().err
