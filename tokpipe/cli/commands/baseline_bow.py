"""`tokpipe baseline bow`: counts of words and n-grams, TF-IDF, and a linear model."""

from typing import Any

from tokpipe.baselines.config import BowConfig
from tokpipe.cli.baselines import baseline_command
from tokpipe.cli.command import Session


@baseline_command(
    "bow",
    BowConfig,
    examples=[
        "tokpipe baseline bow classification --train train.tsv --test dev.tsv -o out/bow",
        "tokpipe baseline bow regression --train sts/train.csv --test sts/dev.csv -o out/sts",
    ],
)
def baseline_bow(session: Session, **given: Any) -> None:
    """Count words and n-grams, weigh them by TF-IDF, and learn a linear model of them.

    TASK is classification, multilabel or regression. Data, scores and files are those of `tokpipe
    finetune`, so that `tokpipe compare` sets both side by side. How small weights are held is
    chosen by the validation part.
    """
