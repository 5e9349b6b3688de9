"""`tokpipe finetune qa`: where a paragraph answers a question."""

from typing import Any

from tokpipe.cli.command import Session
from tokpipe.cli.finetuning import finetune_command


@finetune_command(
    "qa",
    examples=[
        "tokpipe finetune qa out/run --train train-v2.0.json --test dev-v2.0.json -o out/squad",
        "tokpipe finetune qa out/run --train train-v1.1.json --max-seq-length 384 -o out/squad",
    ],
    leave_out=("class_weights", "label_smoothing"),
)
def finetune_qa(session: Session, **given: Any) -> None:
    """Learn where a paragraph answers a question, or that it does not, as MODEL's job.

    Files are JSON of SQuAD 1.1 or 2.0. Long paragraphs are read in windows whose answers compete.
    The best epoch has the most exact answers on the validation part.
    """
