"""`tokpipe finetune classification`: one class of each text, or of each pair of texts."""

from typing import Any

from tokpipe.cli.command import Session
from tokpipe.cli.finetuning import TEXTS, finetune_command


@finetune_command(
    "classification",
    examples=[
        "tokpipe finetune classification out/run --train train.tsv --test dev.tsv -o out/sst2",
        "tokpipe finetune classification out/run --train reviews.csv --text-column review "
        "--label-column stars --long-texts mean -o out/stars",
        "tokpipe finetune classification out/run --train rte/train.tsv --seeds 5 -o out/rte",
    ],
    columns=TEXTS,
    leave_out=("separator",),
)
def finetune_classification(session: Session, **given: Any) -> None:
    """Learn one class of each text, or of each pair of texts (NLI), as MODEL's job.

    Files are CSV, TSV, JSON lines, Parquet, Arrow or folders of `datasets`; those of GLUE open as
    they are. FOLDER is a model that tokpipe and transformers open, with its scores and predictions.
    Stop it whenever you like: the same command goes on, to the same weights.
    """
