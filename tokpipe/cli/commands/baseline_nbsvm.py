"""`tokpipe baseline nbsvm`: naive Bayes and a linear model of words and n-grams."""

from typing import Any

from tokpipe.baselines.config import NbsvmConfig
from tokpipe.cli.baselines import baseline_command
from tokpipe.cli.command import Session


@baseline_command(
    "nbsvm",
    NbsvmConfig,
    examples=[
        "tokpipe baseline nbsvm classification --train train.tsv --test dev.tsv -o out/nbsvm",
        "tokpipe baseline nbsvm classification --train a.csv --ngrams 2 -o out/bigrams",
    ],
)
def baseline_nbsvm(session: Session, **given: Any) -> None:
    """Weigh words and n-grams by naive Bayes, and learn a linear model of which are there.

    TASK is classification or multilabel. For long texts the hardest of these methods to beat. Data,
    scores and files are those of `tokpipe finetune`; settings that are not given are chosen by the
    validation part.
    """
