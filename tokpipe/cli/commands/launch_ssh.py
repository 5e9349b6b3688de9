"""`tokpipe launch ssh`: a command on many machines by ssh."""

from tokpipe.cli.command import Session, command
from tokpipe.cli.launching import command_argument, launch
from tokpipe.cli.options import config_options
from tokpipe.engines.launch.config import SshConfig


@command(
    name="ssh",
    examples=[
        "tokpipe launch ssh --hosts a,b --processes 8 --dry-run -- pretrain shards -o run "
        "--engine mpi --gradient-shards 16"
    ],
    plans=True,
)
@config_options(SshConfig, "config", heading="ssh")
@command_argument
def launch_ssh(session: Session, config: SshConfig, words: tuple[str, ...]) -> int:
    """Run COMMAND on machines that ssh reaches; with --dry-run, print the script.

    COMMAND is one of tokpipe with --engine dask or mpi, behind `--`. Dask's scheduler and the
    command itself run here; the name of this machine is taken from TOKPIPE_HOST, if it is set.
    """
    return launch(session, "ssh", config, words, ["bash", "-s"])
