import time

import pytest

pytest.importorskip("distributed", reason="the extra tokpipe[dask] is not installed")

from tokpipe.engines.dask import cluster as module
from tokpipe.engines.dask.cluster import _in_time, _TooLate
from tokpipe.foundation.errors import ClusterError


def test_what_takes_too_long_is_left_alone():
    assert _in_time(lambda: 5, 10) == 5
    start = time.monotonic()
    with pytest.raises(_TooLate):
        _in_time(lambda: time.sleep(3), 0.1)
    assert time.monotonic() - start < 2
    with pytest.raises(KeyError):
        _in_time(lambda: {}["x"], 10)


def test_a_worker_that_hangs_is_said(cluster, monkeypatch):
    monkeypatch.setattr(module, "_ANSWER_SECONDS", 0.3)
    with pytest.raises(ClusterError, match="not every worker of tcp://"):
        cluster.on_each(time.sleep, 2)
    monkeypatch.undo()
    assert len(cluster.on_each(time.time)) == 2


def test_being_left_by_all_workers_ends_the_work(cluster, monkeypatch):
    monkeypatch.setattr(type(cluster.crew), "alone", property(lambda crew: 61.0))
    with pytest.raises(ClusterError, match="has had no worker for 60 s"):
        cluster.check()
