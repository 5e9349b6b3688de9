"""`tokpipe finetune`: a model and labelled data to a model that does a job."""

from tokpipe.cli.command import CommandGroup

_HOME = "tokpipe.cli.commands"

finetune = CommandGroup(
    "finetune",
    sections={
        "Texts": {
            "classification": f"{_HOME}.finetune_classification",
            "regression": f"{_HOME}.finetune_regression",
            "multilabel": f"{_HOME}.finetune_multilabel",
        },
        "Words": {"ner": f"{_HOME}.finetune_ner", "pos": f"{_HOME}.finetune_pos"},
        "Questions": {"qa": f"{_HOME}.finetune_qa"},
    },
    help="Train a model for a job, on labelled data: classes, numbers, tags, answers.",
    examples=["tokpipe finetune classification out/run --train sst2/train.tsv -o out/sst2"],
)
