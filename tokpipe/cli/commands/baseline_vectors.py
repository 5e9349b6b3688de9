"""`tokpipe baseline vectors`: averaged vectors of words and n-grams, learned on the task."""

from typing import Any

from tokpipe.baselines.config import VectorsConfig
from tokpipe.cli.baselines import baseline_command
from tokpipe.cli.command import Session


@baseline_command(
    "vectors",
    VectorsConfig,
    examples=[
        "tokpipe baseline vectors classification --train train.tsv --test dev.tsv -o out/vectors",
        "tokpipe baseline vectors classification --train a.csv --dimensions 50 -o out/wide",
    ],
)
def baseline_vectors(session: Session, **given: Any) -> None:
    """Learn vectors of words and n-grams whose mean tells classes apart, as fastText does.

    TASK is classification, multilabel or regression. Data, scores and files are those of `tokpipe
    finetune`. The best epoch is kept, and the learning rate chosen, by the validation part; the
    result does not depend on the number of threads.
    """
