from dataclasses import replace

import pytest

from tests.unit.tasks.models import CONFIG, small
from tokpipe.foundation.errors import ConfigError
from tokpipe.tasks.folder import Layout, save_model
from tokpipe.tasks.sentence_folder import FLAGS, SentenceFolder, read_sentence_folder
from tokpipe.tasks.sentence_layout import sentence_layout

PROMPTED = {"prompts": {"q": "cat "}, "default_prompt": "q", "similarity": "dot"}


@pytest.mark.parametrize(
    "sentence",
    [
        *(SentenceFolder((mode,), max_length=9) for mode in FLAGS.values()),
        SentenceFolder(("cls", "max", "mean"), normalize=True, max_length=24),
        SentenceFolder(max_length=9, lowercase=True, **PROMPTED),
    ],
    ids=str,
)
def test_what_is_written_is_read_again(tmp_path, sentence):
    model = small()
    layout = Layout(sentence=sentence_layout(sentence, CONFIG))
    save_model(model.parameters, model.tokenizer, tmp_path / "m", layout)
    assert read_sentence_folder(tmp_path / "m", CONFIG.hidden_size) == sentence


@pytest.mark.parametrize("asked, written", [(None, 24), (9, 9), (500, 24)])
def test_the_length_is_one_that_the_model_takes(tmp_path, asked, written):
    files = sentence_layout(SentenceFolder(max_length=asked), CONFIG)
    assert b'"max_seq_length": %d' % written in files["sentence_bert_config.json"]
    endless = replace(CONFIG, position="rope")
    files = sentence_layout(SentenceFolder(), endless)
    assert b'"max_seq_length": null' in files["sentence_bert_config.json"]


@pytest.mark.parametrize("poolings", [("pooler",), ("max", "cls")], ids=str)
def test_poolings_that_it_does_not_have_are_refused(poolings):
    with pytest.raises(ConfigError, match=" and ".join(poolings)) as caught:
        sentence_layout(SentenceFolder(poolings), CONFIG)
    assert "lasttoken" in caught.value.hint
