"""The workers of a cluster, as those who read a corpus elsewhere know them."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

from tokpipe.corpus.workers import Workers
from tokpipe.engines.config import EngineConfig
from tokpipe.engines.dask.cluster import open_cluster
from tokpipe.engines.dask.crew import Crew, tell_of_lost
from tokpipe.engines.dask.items import run_items
from tokpipe.engines.dask.seen import require_shared
from tokpipe.foundation.progress import SILENT, Progress


@contextmanager
def corpus_workers(
    config: EngineConfig, crew: Crew | None = None, progress: Progress = SILENT
) -> Generator[Workers, None, None]:
    """Open a cluster.

    Parameters
    ----------
    config
        Where the workers are: they must see all files under the same paths.
    crew
        Told of workers and items.
    progress
        Told of items that were lost with their workers, and done again.

    Raises
    ------
    ConfigError
        If Dask is not installed.
    ClusterError
        If the cluster cannot be reached, is lost, or has workers of another version.
    """
    with open_cluster(config, crew) as cluster:
        yield Workers(partial(run_items, cluster, ordered=True), partial(require_shared, cluster))
        tell_of_lost(cluster.crew, progress)
