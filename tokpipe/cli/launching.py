"""What the ways to launch a command have in common: its words, the script, and who is told it."""

import subprocess
from collections.abc import Sequence

import click

from tokpipe.cli.command import Session
from tokpipe.engines.launch.config import KubernetesConfig, SlurmConfig, SshConfig
from tokpipe.foundation.errors import ConfigError

command_argument = click.argument(
    "words", metavar="COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED
)


def launch(
    session: Session,
    kind: str,
    config: SlurmConfig | KubernetesConfig | SshConfig,
    words: tuple[str, ...],
    starter: Sequence[str],
) -> int:
    """Print the script with --dry-run, or hand it to the program that starts it.

    Parameters
    ----------
    kind
        Of the script, as `engines.launch.script` has it.
    starter
        A command that reads the script from its standard input.

    Raises
    ------
    ConfigError
        If the command cannot be launched so, or the program is not installed.
    """
    from tokpipe.engines.launch.script import script
    from tokpipe.engines.launch.words import launched

    processes = config.nodes * config.processes
    text = script(kind, launched(words, config, processes), config, processes)
    if session.dry_run:
        session.console.out.write(text)
        return 0
    try:
        return subprocess.run(starter, input=text.encode(), check=False).returncode
    except FileNotFoundError:
        raise ConfigError(
            f"tokpipe launch {kind}: there is no {starter[0]} here",
            hint="Pass --dry-run to print the script, and take it to where it is.",
        ) from None
