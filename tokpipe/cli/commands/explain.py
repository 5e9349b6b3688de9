"""`tokpipe explain`: an algorithm step by step on a text, or a model, of one's own."""

from tokpipe.cli.command import CommandGroup

_HOME = "tokpipe.cli.commands"

explain = CommandGroup(
    "explain",
    sections={
        "Vocabularies": {"bpe": f"{_HOME}.explain_bpe", "wordpiece": f"{_HOME}.explain_wordpiece"},
        "Training data": {"masking": f"{_HOME}.explain_masking"},
        "Models": {
            "ffn": f"{_HOME}.explain_ffn",
            "activations": f"{_HOME}.explain_activations",
            "attention": f"{_HOME}.explain_attention",
            "multi-head": f"{_HOME}.explain_multi_head",
            "position": f"{_HOME}.explain_position",
            "add-norm": f"{_HOME}.explain_add_norm",
        },
    },
    help="An algorithm step by step on a given text, or a model on given numbers, with the "
    "arithmetic of each step.",
    examples=["tokpipe explain bpe aaabdaaabac --steps 3"],
)
