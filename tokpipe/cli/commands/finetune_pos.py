"""`tokpipe finetune pos`: a tag of each word."""

from typing import Any

from tokpipe.cli.command import Session
from tokpipe.cli.finetuning import WORDS, finetune_command


@finetune_command(
    "pos",
    examples=[
        "tokpipe finetune pos out/run --train en_ewt-ud-train.conllu -o out/upos",
        "tokpipe finetune pos out/run --train en_ewt-ud-train.conllu --tag-column Number -o out/nr",
    ],
    columns=WORDS,
)
def finetune_pos(session: Session, **given: Any) -> None:
    """Learn the part of speech of each word, or any other tag, as MODEL's job.

    Files are CoNLL-U (upos, xpos or any feature) or columns of words and tags. The best epoch has
    the most words right.
    """
