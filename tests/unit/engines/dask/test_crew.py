import pytest

from tokpipe.engines.dask import crew as module
from tokpipe.engines.dask.crew import Crew


@pytest.fixture
def now(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    return clock


def removed(worker, items, *, computed=(), expected=False):
    said = {"processing-tasks": items, "lost-computed-tasks": computed, "expected": expected}
    return 0.0, {"action": "remove-worker", "worker": worker, **said}


def test_items_of_a_lost_worker_are_counted_and_only_ours():
    crew = Crew()
    crew.met(["a", "b"])
    for key in ("1", "2", "3"):
        crew.begun(key)
    crew.told(removed("a", ["1", "of another"], computed=["2"]))
    assert (crew.workers, crew.lost_workers, crew.lost_items) == ({"b"}, 1, 2)
    crew.told((0.0, {"action": "add-worker", "worker": "c"}))
    crew.told(removed("b", ["3"], expected=True))  # sent home, not lost
    assert (crew.workers, crew.lost_workers, crew.lost_items) == ({"c"}, 1, 2)
    crew.told((0.0, "something else"))


def test_being_alone_is_timed_from_the_last_worker_on(now):
    crew = Crew()
    crew.met(["a"])
    now[0] += 50
    assert crew.alone == 0
    crew.told(removed("a", []))
    now[0] += 7
    assert crew.alone == 7
    crew.met(["b"])
    assert crew.alone == 0


def test_an_item_far_above_the_usual_time_is_a_straggler(now):
    crew = Crew()
    crew.met(["a"])
    for key in "12345":
        crew.begun(key)
        now[0] += 3
        crew.ended(key, 3.0)
    crew.begun("slow")
    now[0] += 11
    assert crew.stragglers == 0 and crew.done == 5
    now[0] += 2
    assert crew.stragglers == 1
    crew.left(["slow"])
    assert crew.stragglers == 0
