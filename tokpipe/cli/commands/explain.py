"""`tokpipe explain`: an algorithm step by step on a text of one's own."""

from tokpipe.cli.command import CommandGroup

_HOME = "tokpipe.cli.commands"

explain = CommandGroup(
    "explain",
    sections={
        "Vocabularies": {"bpe": f"{_HOME}.explain_bpe", "wordpiece": f"{_HOME}.explain_wordpiece"},
        "Training data": {"masking": f"{_HOME}.explain_masking"},
    },
    help="An algorithm step by step on a given text, with its arithmetic and ties.",
    examples=["tokpipe explain bpe aaabdaaabac --steps 3"],
)
