import pytest

from tests.unit.bert.test_job_heads import job_config
from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.bert import BERT
from tokpipe.bert.families.registry import FAMILIES
from tokpipe.training.card import model_card

STATE = {"step": 3, "tokens": 1_000}


@pytest.mark.parametrize(
    "job, theirs, pipeline",
    [
        ("text", "AutoModelForSequenceClassification", "text-classification"),
        ("token", "AutoModelForTokenClassification", "token-classification"),
        ("span", "AutoModelForQuestionAnswering", "question-answering"),
    ],
)
def test_a_model_of_a_job_names_the_class_and_the_pipeline_that_open_it(job, theirs, pipeline):
    card = model_card(job_config(job, classifier_dropout=0.0), STATE, {}, BERT)
    assert f"`transformers.{theirs}.from_pretrained`" in card
    assert f"\npipeline_tag: {pipeline}\n" in card


def test_a_checkpoint_of_pretraining_names_the_class_of_any_encoder():
    card = model_card(BertConfig(), STATE, {}, BERT)
    assert "`transformers.AutoModel.from_pretrained`" in card
    assert "\npipeline_tag: feature-extraction\n" in card


@pytest.mark.parametrize(
    ("family", "said"),
    [
        ("bert", "# A BERT of"),
        ("roberta", "# A RoBERTa of"),
        ("albert", "# An ALBERT of"),
        ("electra", "# An ELECTRA of"),
        ("xlm-roberta", "# An XLM-RoBERTa of"),
        ("mpnet", "# An MPNet of"),
        ("tokpipe", "# A BERT variant of"),
    ],
)
def test_a_model_is_called_what_it_is_written_as(family, said):
    assert said in model_card(BertConfig(), STATE, {}, FAMILIES[family])
