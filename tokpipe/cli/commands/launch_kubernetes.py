"""`tokpipe launch kubernetes`: a command on many machines by Kubernetes."""

from tokpipe.cli.command import Session, command
from tokpipe.cli.launching import command_argument, launch
from tokpipe.cli.options import config_options
from tokpipe.engines.launch.config import KubernetesConfig


@command(
    name="kubernetes",
    examples=[
        "tokpipe launch kubernetes --image me/tokpipe --nodes 8 --dry-run -- build-shards "
        "s3://b/text -t s3://b/tok -o s3://b/shards --engine dask > shards.yaml"
    ],
    plans=True,
)
@config_options(KubernetesConfig, "config", heading="Kubernetes")
@command_argument
def launch_kubernetes(session: Session, config: KubernetesConfig, words: tuple[str, ...]) -> int:
    """Apply COMMAND to Kubernetes as jobs; with --dry-run, print the manifest.

    COMMAND is one of tokpipe with --engine dask (three jobs and a service) or mpi (a job of the
    MPI operator), behind `--`. The manifest is made to be edited.
    """
    return launch(session, "kubernetes", config, words, ["kubectl", "apply", "-f", "-"])
