import json
from dataclasses import replace

import pytest

from tests.unit.bert.test_job_heads import job_config
from tests.unit.tasks.models import CONFIG, tokenizer
from tokpipe.bert.parameters import Parameters
from tokpipe.tasks.folder import save_model
from tokpipe.tasks.model import BertModel
from tokpipe.training.source_model import open_source


@pytest.mark.parametrize(
    "config, theirs",
    [
        (CONFIG, "AutoModel"),
        (job_config("text"), "AutoModelForSequenceClassification"),
        (job_config("token"), "AutoModelForTokenClassification"),
        (job_config("span", classifier_dropout=0.0), "AutoModelForQuestionAnswering"),
    ],
    ids=["none", "text", "token", "span"],
)
def test_the_card_names_the_class_that_opens_the_folder(tmp_path, config, theirs):
    save_model(Parameters.initialised(config, 1), tokenizer(), tmp_path / "m")
    card = (tmp_path / "m/README.md").read_text()
    assert f'`transformers.{theirs}.from_pretrained("this folder")`' in card


@pytest.mark.parametrize(
    ("said", "length"), [(None, 24), (12, 12), (512, 24), (10**30, 24), ("many", 24)]
)
@pytest.mark.parametrize("segments", [0, 2])
def test_beside_a_bare_vocabulary_the_length_is_what_the_model_takes(
    said, length, segments, tmp_path
):
    config = replace(CONFIG, type_vocab_size=segments, nsp_head=False, pooler=False)
    save_model(Parameters.initialised(config, 1), tokenizer(), tmp_path / "m")
    for name in ("tokenizer.json", "tokpipe.json"):
        (tmp_path / "m" / name).unlink()
    told = {} if said is None else {"model_max_length": said}
    (tmp_path / "m/tokenizer_config.json").write_text(json.dumps(told))
    BertModel.load(tmp_path / "m").save(tmp_path / "again")
    written = (tmp_path / "again/tokenizer_config.json").read_bytes()
    found = json.loads(written)
    assert found["model_max_length"] == length
    assert ("token_type_ids" in found["model_input_names"]) == bool(segments)
    assert open_source(tmp_path / "m").files["tokenizer_config.json"] == written
