"""`tokpipe completion`: the script that teaches a shell the commands and options."""

import click
from click.shell_completion import get_completion_class

from tokpipe.cli.command import Session, command


@command(
    examples=['eval "$(tokpipe completion bash)"', "tokpipe completion zsh > ~/.zfunc/_tokpipe"]
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(session: Session, shell: str) -> None:
    """Print the script that completes commands and options in SHELL.

    Put the line of the first example into ~/.bashrc, or its like into ~/.zshrc; for fish, write the
    script to ~/.config/fish/completions/tokpipe.fish.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    root = click.get_current_context().find_root().command
    session.console.out.write(kind(root, {}, "tokpipe", "_TOKPIPE_COMPLETE").source())
