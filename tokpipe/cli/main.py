"""The command `tokpipe`: its commands, and the one place where it begins and ends."""

from collections.abc import Sequence
from typing import Any

import tokpipe
from tokpipe.cli.command import CommandGroup
from tokpipe.cli.console import Console
from tokpipe.cli.failures import report
from tokpipe.cli.interrupts import answering_signals
from tokpipe.cli.started import be_silent, is_another_rank
from tokpipe.cli.streams import prepare_streams

_HOME = "tokpipe.cli.commands"
_SECTIONS = {
    "First steps": {
        "demo": f"{_HOME}.demo",
        "doctor": f"{_HOME}.doctor",
        "completion": f"{_HOME}.completion",
    },
    "Words and vocabularies": {
        "count-words": f"{_HOME}.count_words",
        "merge-counts": f"{_HOME}.merge_counts",
        "train-vocab": f"{_HOME}.train_vocab",
        "extend-vocab": f"{_HOME}.extend_vocab",
    },
    "Text and ids": {
        "encode": f"{_HOME}.encode",
        "decode": f"{_HOME}.decode",
    },
    "Pretraining": {
        "build-shards": f"{_HOME}.build_shards",
        "pretrain": f"{_HOME}.pretrain",
        "mpi": f"{_HOME}.mpi",
    },
    "Jobs": {
        "finetune": f"{_HOME}.finetune",
        "distill": f"{_HOME}.distill",
        "baseline": f"{_HOME}.baseline",
    },
    "Models": {
        "fill-mask": f"{_HOME}.fill_mask",
        "predict": f"{_HOME}.predict",
        "embed": f"{_HOME}.embed",
        "nearest": f"{_HOME}.nearest",
        "evaluate": f"{_HOME}.evaluate",
        "compare": f"{_HOME}.compare",
        "compare-layers": f"{_HOME}.compare_layers",
        "import": f"{_HOME}.import_model",
        "export": f"{_HOME}.export_model",
    },
    "Many machines": {
        "launch": f"{_HOME}.launch",
    },
    "Look and understand": {
        "inspect": f"{_HOME}.inspect",
        "attention": f"{_HOME}.attention",
        "explain": f"{_HOME}.explain",
        "check": f"{_HOME}.check",
    },
}
_EPILOG = """\
Every option can also be set in a TOML file, in a table named after its command
([train-vocab] vocab_size = 8000), or in the environment
(TOKPIPE_TRAIN_VOCAB_VOCAB_SIZE=8000). The command line beats the environment, the environment
the file. Names of options may be written with underscores.

Exit codes: 0 done; 1 failed, or a check found problems; 2 usage; 3 bad input; 4 disk, permission or
a damaged artifact; 5 out of memory; 130 Ctrl-C; 141 the reader of a pipe went away; 143 SIGTERM.
"""


class _Main(CommandGroup):
    """The root of all commands."""

    version = tokpipe.__version__


main = _Main(
    "tokpipe",
    sections=_SECTIONS,
    help="Raw text to a pretrained, inspectable BERT on an ordinary CPU.",
    epilog=_EPILOG,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "TOKPIPE",
        "token_normalize_func": lambda name: name.replace("_", "-"),
        "max_content_width": 80,
    },
)


def execute(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; nothing escapes."""
    prepare_streams()
    if is_another_rank(arguments):
        be_silent()
    console = Console()
    if "--no-color" in arguments:
        console.no_color()
    with answering_signals(console, arguments) as ended_by:
        try:
            code = _invoke(console, list(arguments))
            console.flush()
            return code
        except BaseException as error:
            return report(ended_by(error), console, arguments)


def _invoke(console: Console, arguments: list[str]) -> int:
    main._main_shell_completion({}, "tokpipe", "_TOKPIPE_COMPLETE")
    settings: dict[str, Any] = {"obj": console, "color": console.out.color}
    with main.make_context("tokpipe", arguments, **settings) as context:
        result = main.invoke(context)
    return result if isinstance(result, int) else 0
