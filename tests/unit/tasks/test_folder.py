import pytest

from tests.unit.bert.test_job_heads import job_config
from tests.unit.tasks.models import CONFIG, tokenizer
from tokpipe.bert.parameters import Parameters
from tokpipe.tasks.folder import save_model


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
