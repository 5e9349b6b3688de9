import pytest

from tokpipe.engines.config import EngineConfig


@pytest.fixture(scope="session")
def cluster():
    """Two workers on this machine, for all tests that leave them as they are."""
    pytest.importorskip("distributed", reason="the extra tokpipe[dask] is not installed")
    from tokpipe.engines.dask.cluster import open_cluster

    with open_cluster(EngineConfig(engine="dask", workers=2)) as opened:
        yield opened
