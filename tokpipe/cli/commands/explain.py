"""`tokpipe explain`: an algorithm step by step on a text, or a model, of one's own."""

from tokpipe.cli.command import CommandGroup
from tokpipe.inspection.config import CHAPTERS

_HOME = "tokpipe.cli.commands"

explain = CommandGroup(
    "explain",
    sections={
        "Vocabularies": {"bpe": f"{_HOME}.explain_bpe", "wordpiece": f"{_HOME}.explain_wordpiece"},
        "Training data": {"masking": f"{_HOME}.explain_masking"},
        "Models": {name: f"{_HOME}.explain_{name.replace('-', '_')}" for name in CHAPTERS},
    },
    help="An algorithm step by step on a given text, or a model on given numbers, with the "
    "arithmetic of each step.",
    examples=["tokpipe explain bpe aaabdaaabac --steps 3"],
)
