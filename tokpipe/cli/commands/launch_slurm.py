"""`tokpipe launch slurm`: a command on many machines by Slurm."""

from tokpipe.cli.command import Session, command
from tokpipe.cli.launching import command_argument, launch
from tokpipe.cli.options import config_options
from tokpipe.engines.launch.config import SlurmConfig


@command(
    name="slurm",
    examples=[
        "tokpipe launch slurm --nodes 4 --processes 16 --dry-run -- count-words text -o counts "
        "--engine dask > count.sh"
    ],
    plans=True,
)
@config_options(SlurmConfig, "config", heading="Slurm")
@command_argument
def launch_slurm(session: Session, config: SlurmConfig, words: tuple[str, ...]) -> int:
    """Submit COMMAND to Slurm as a batch job; with --dry-run, print the script.

    COMMAND is one of tokpipe with --engine dask or mpi, behind `--`. The script is made to be
    edited: save it, and give it to sbatch yourself.
    """
    return launch(session, "slurm", config, words, ["sbatch"])
