"""The command `tokpipe`."""

import click


@click.group()
def main() -> None:
    """Raw text to a pretrained, inspectable BERT on an ordinary CPU."""


def run() -> None:
    """Run the command line and leave with its exit code."""
    main()
