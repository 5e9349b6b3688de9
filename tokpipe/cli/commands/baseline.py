"""`tokpipe baseline`: earlier approaches, trained for the same scores as a fine-tuned model."""

from tokpipe.cli.command import CommandGroup

_HOME = "tokpipe.cli.commands"

baseline = CommandGroup(
    "baseline",
    sections={
        "Methods": {
            "bow": f"{_HOME}.baseline_bow",
            "nbsvm": f"{_HOME}.baseline_nbsvm",
            "vectors": f"{_HOME}.baseline_vectors",
            "bilstm": f"{_HOME}.baseline_bilstm",
        },
    },
    help="Train an earlier approach, to see what a fine-tuned model is worth beside it.",
    examples=["tokpipe baseline nbsvm classification --train sst2/train.tsv -o out/nbsvm"],
)
