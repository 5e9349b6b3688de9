"""`tokpipe finetune ner`: names in sentences."""

from typing import Any

from tokpipe.cli.command import Session
from tokpipe.cli.finetuning import WORDS, finetune_command


@finetune_command(
    "ner",
    examples=[
        "tokpipe finetune ner out/run --train train.conll --test test.conll -o out/ner",
        "tokpipe finetune ner out/run --train eng.train --word-column 1 --tag-column -1 -o out/ner",
    ],
    columns=WORDS,
)
def finetune_ner(session: Session, **given: Any) -> None:
    """Learn to find names and their kinds in sentences, as MODEL's job.

    Files have CoNLL columns: a word a line with its tag, a blank line between sentences. IOB1, IOB2
    and IOBES are told apart and become IOB2. The best epoch has the highest F1 of entities.
    """
