"""Shards by the workers of a cluster: the bytes, the folder and the records of one process."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

from tokpipe.engines.config import EngineConfig
from tokpipe.engines.dask.cluster import open_cluster
from tokpipe.engines.dask.crew import Crew, tell_of_lost
from tokpipe.engines.dask.items import run_items
from tokpipe.engines.dask.seen import require_shared
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.shards.engine import Engine
from tokpipe.shards.spread import Spread


@contextmanager
def shards_on_workers(
    config: EngineConfig, crew: Crew | None = None, progress: Progress = SILENT
) -> Generator[Engine, None, None]:
    """Open a cluster as an engine of `build_shards`.

    Parameters
    ----------
    config
        Where the workers are: they must see inputs, tokenizer and output under the same paths.
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
        yield Spread(partial(run_items, cluster, ordered=True), partial(require_shared, cluster))
        tell_of_lost(cluster.crew, progress)
