import os
import signal
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="the extra tokpipe[dask] is not installed")

from tests.unit.engines.dask import work
from tokpipe.engines.config import EngineConfig
from tokpipe.engines.dask.cluster import open_cluster
from tokpipe.engines.dask.items import run_items
from tokpipe.foundation.errors import ClusterError, InputError


def test_every_item_is_done_once(cluster):
    assert sorted(run_items(cluster, work.doubled, range(50))) == [2 * n for n in range(50)]
    assert list(run_items(cluster, work.doubled, [])) == []


def test_results_come_in_order_where_that_is_asked_for(cluster):
    assert list(run_items(cluster, work.slower_if_early, range(20), ordered=True)) == [*range(20)]


def test_items_are_drawn_a_few_ahead_only(cluster):
    drawn = []

    def items():
        for number in range(100):
            drawn.append(number)
            yield number

    for place, number in enumerate(run_items(cluster, work.doubled, items(), ordered=True)):
        assert number == 2 * place and len(drawn) <= place + 1 + 8 * 2
    assert len(drawn) == 100


@pytest.mark.parametrize("ordered", [False, True])
def test_the_error_is_that_of_the_first_item_and_what_was_before_it_is_finished(cluster, ordered):
    results, done = [], run_items(cluster, work.refused_from_five, range(30), ordered=ordered)
    with pytest.raises(InputError, match="item 5 is bad") as caught:
        results.extend(done)
    assert sorted(results) == [0, 1, 2, 3, 4]
    assert caught.value.problem == "item 5 is bad" and caught.value.hint == "Take another."


def test_an_item_that_cannot_be_drawn_fails_in_its_place(cluster):
    def items():
        yield from range(3)
        raise InputError("no more")

    results = []
    with pytest.raises(InputError, match="no more"):
        results.extend(run_items(cluster, work.doubled, items()))
    assert sorted(results) == [0, 2, 4]


def test_errors_of_the_system_and_of_ours_keep_what_they_say(cluster):
    with pytest.raises(OSError, match="No space left") as caught:
        list(run_items(cluster, work.full, [1]))
    assert caught.value.errno == 28 and caught.value.filename == "/data/counts"
    with pytest.raises(RuntimeError, match="KeyError: 'nowhere'") as bug:
        list(run_items(cluster, work.buggy, [1]))
    assert "in buggy" in bug.value.__notes__[0]


def test_an_end_before_the_end_leaves_nothing_behind(cluster):
    results = run_items(cluster, work.doubled, range(1000))
    next(results)
    results.close()
    assert not cluster.crew.waiting
    assert sorted(run_items(cluster, work.doubled, range(3))) == [0, 2, 4]


def test_what_was_with_a_killed_worker_is_done_again_and_counted(tmp_path):
    with open_cluster(EngineConfig(engine="dask", workers=2)) as cluster:
        items = [(str(tmp_path), number) for number in range(12)]
        assert sorted(run_items(cluster, work.killed_once, items)) == [*range(12)]
        assert cluster.crew.lost_workers == 1
        assert 1 <= cluster.crew.lost_items <= 4
    begun = [len(list(tmp_path.glob(f"{number}.*"))) for number in range(12)]
    assert begun[4] == 2 and sum(begun) - 12 <= cluster.crew.lost_items


def test_an_item_that_kills_every_worker_is_given_up():
    with (
        open_cluster(EngineConfig(engine="dask", workers=1)) as cluster,
        pytest.raises(ClusterError, match="lost with its worker again and again"),
    ):
        list(run_items(cluster, work.deadly, [1]))


@pytest.fixture
def interrupted():
    """Make SIGUSR1 what Ctrl-C is; when it came, the moment stands here."""
    moments = []

    def stop(number, frame):
        moments.append(time.monotonic())
        raise InterruptedError

    before = signal.signal(signal.SIGUSR1, stop)
    yield moments
    signal.signal(signal.SIGUSR1, before)


def test_workers_are_gone_within_two_seconds_of_a_signal(interrupted):
    with pytest.raises(InterruptedError), open_cluster(EngineConfig(engine="dask", workers=2)) as c:
        pids = c.on_each(os.getpid).values()
        main = threading.main_thread().ident
        threading.Timer(1.0, signal.pthread_kill, [main, signal.SIGUSR1]).start()
        list(run_items(c, work.asleep, [1, 2, 3]))
    assert time.monotonic() - interrupted[0] < 2
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
