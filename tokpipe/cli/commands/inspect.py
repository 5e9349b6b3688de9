"""`tokpipe inspect`: look at what tokpipe makes."""

from tokpipe.cli.command import CommandGroup

_HOME = "tokpipe.cli.commands"

inspect = CommandGroup(
    "inspect",
    sections={
        "Vocabularies": {"tokens": f"{_HOME}.inspect_tokens", "vocab": f"{_HOME}.inspect_vocab"},
        "Training data": {
            "shards": f"{_HOME}.inspect_shards",
            "masking": f"{_HOME}.inspect_masking",
        },
        "Models": {"model": f"{_HOME}.inspect_model", "run": f"{_HOME}.inspect_run"},
    },
    help="Look at tokens, vocabularies, training data, models and trainings.",
    examples=['tokpipe inspect tokens -t out/wp "Ångström\'s naïve café"'],
)
