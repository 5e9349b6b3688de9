"""`tokpipe finetune regression`: a number of each text, or of each pair of texts."""

from typing import Any

from tokpipe.cli.command import Session
from tokpipe.cli.finetuning import TEXTS, finetune_command


@finetune_command(
    "regression",
    examples=[
        "tokpipe finetune regression out/run --train sts-b/train.tsv -o out/sts",
        "tokpipe finetune regression out/run --train posts.jsonl --label-column score -o out/posts",
    ],
    columns=TEXTS,
    leave_out=("separator", "class_weights", "label_smoothing"),
)
def finetune_regression(session: Session, **given: Any) -> None:
    """Learn a number of each text, or of each pair of texts, as MODEL's job.

    The best epoch has the highest correlation (Pearson's) on the validation part. Files and FOLDER
    are as those of `tokpipe finetune classification`.
    """
