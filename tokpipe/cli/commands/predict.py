"""`tokpipe predict`: what a model says of a text."""

from tokpipe.cli.command import CommandGroup

_HOME = "tokpipe.cli.commands"

predict = CommandGroup(
    "predict",
    sections={"Pairs": {"nsp": f"{_HOME}.predict_nsp"}},
    help="What a model says of texts.",
    examples=['tokpipe predict nsp out/run "The dog barked." "The cat ran away."'],
)
