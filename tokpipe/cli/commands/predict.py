"""`tokpipe predict`: what a model says of texts, by what it is for; and of pairs (`nsp`)."""

from tokpipe.cli.command import CommandGroup

_HOME = "tokpipe.cli.commands"

predict = CommandGroup(
    "predict",
    sections={"Pairs": {"nsp": f"{_HOME}.predict_nsp"}},
    own=f"{_HOME}.predict_texts",
    help="What a model says of texts: their class, their tags, or answers to questions.",
    examples=["tokpipe predict out/sst2 reviews.txt"],
)
