"""`tokpipe launch`: the same command on many machines, as a script to edit."""

from tokpipe.cli.command import CommandGroup

_HOME = "tokpipe.cli.commands"

launch = CommandGroup(
    "launch",
    sections={
        "Where": {
            "slurm": f"{_HOME}.launch_slurm",
            "kubernetes": f"{_HOME}.launch_kubernetes",
            "ssh": f"{_HOME}.launch_ssh",
        }
    },
    help="Start a command with --engine dask or mpi on many machines, or print how.",
    examples=["tokpipe launch ssh --hosts a,b --dry-run -- pretrain s -o run --engine mpi"],
)
