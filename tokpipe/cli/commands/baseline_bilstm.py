"""`tokpipe baseline bilstm`: a BiLSTM over vectors of words, learned on the task."""

from typing import Any

from tokpipe.baselines.config import BilstmConfig
from tokpipe.cli.baselines import baseline_command
from tokpipe.cli.command import Session


@baseline_command(
    "bilstm",
    BilstmConfig,
    examples=[
        "tokpipe baseline bilstm pos --train train.conllu --test test.conllu -o out/tagger",
        "tokpipe baseline bilstm classification --train train.tsv --epochs 5 -o out/bilstm",
    ],
)
def baseline_bilstm(session: Session, **given: Any) -> None:
    """Learn vectors of words and a BiLSTM that reads them in both directions.

    TASK is classification, multilabel, ner or pos. A word is read by itself and by the n-grams of
    its characters, so that one that was never met is known by its beginning and end. Texts are told
    by the greatest and the mean of the states of their words, words each by its own. Data, scores
    and files are those of `tokpipe finetune`. The best epoch by the validation part is kept; the
    result does not depend on the number of threads.
    """
