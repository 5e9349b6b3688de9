"""`tokpipe finetune multilabel`: any number of classes of each text."""

from typing import Any

from tokpipe.cli.command import Session
from tokpipe.cli.finetuning import TEXTS, finetune_command


@finetune_command(
    "multilabel",
    examples=[
        "tokpipe finetune multilabel out/run --train posts.jsonl --label-column tags -o out/tags",
        "tokpipe finetune multilabel out/run --train a.csv --label-separator '|' -o out/tags",
        "tokpipe finetune multilabel out/run --train a.csv --label-column toxic,rude -o out/rude",
    ],
    columns=TEXTS,
    leave_out=("class_weights", "label_smoothing"),
)
def finetune_multilabel(session: Session, **given: Any) -> None:
    """Learn any number of classes of each text, as MODEL's job.

    Labels are a list, a text with a separator, or columns of 0 and 1. The best epoch has the
    highest F1 (micro) on the validation part. Files and FOLDER are as those of `tokpipe finetune
    classification`.
    """
