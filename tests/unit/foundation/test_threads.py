import sys
import threading
import time

import pytest

from tokpipe.foundation import threads
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.threads import (
    Feed,
    in_background,
    map_ordered,
    run_in_threads,
    thread_count,
    usable_cpus,
)


def total(feed):
    return sum(feed)


@pytest.mark.parametrize("count", [1, 2, 7, None])
def test_each_item_goes_to_one_thread(count):
    results = run_in_threads(total, range(1000), count)
    assert sum(results) == 499_500
    assert len(results) == (count or usable_cpus())


def test_fewer_threads_than_one_are_refused():
    assert thread_count(None) == usable_cpus()
    assert thread_count(3) == 3
    for asked in (0, -1):
        with pytest.raises(ConfigError, match=rf"threads: {asked}; allowed are 1 or more"):
            run_in_threads(total, range(3), asked)
        with pytest.raises(ConfigError, match="allowed are 1 or more"):
            list(map_ordered(abs, range(3), asked))


def test_error_of_a_thread_ends_the_others_and_is_raised():
    seen = []

    def work(feed):
        for item in feed:
            seen.append(item)
            if item == 3:
                raise ValueError("three")
            time.sleep(0.001)

    with pytest.raises(ValueError, match="three"):
        run_in_threads(work, range(10_000), 2)
    assert len(seen) < 1000


@pytest.mark.parametrize("count", [1, 2, 4])
def test_error_of_the_first_item_is_raised_whichever_comes_first(count):
    def work(feed):
        for item in feed:
            if item >= 2:
                time.sleep(0.05 if item == 2 else 0)
                raise ValueError(f"item {item}")

    for _ in range(5):
        with pytest.raises(ValueError, match="item 2"):
            run_in_threads(work, range(100), count)


def test_error_of_an_item_goes_before_that_of_the_feed_behind_it():
    def items():
        yield 0
        raise OSError("disk")

    def work(feed):
        for item in feed:
            time.sleep(0.05)
            raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 0"):
        run_in_threads(work, items(), 2)


def test_error_of_the_feed_is_raised():
    def items():
        yield 1
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        run_in_threads(total, items(), 2)


def test_closed_feed_gives_nothing():
    feed = Feed([1, 2])
    feed.close()
    assert list(feed) == []


@pytest.mark.parametrize("allowed", [0, 1])
def test_fewer_threads_than_asked_do_all_the_work(monkeypatch, allowed):
    start, started = threading.Thread.start, []

    def limited(self):
        if len(started) == allowed:
            raise RuntimeError("can't start new thread")
        started.append(self)
        start(self)

    monkeypatch.setattr(threads.threading.Thread, "start", limited)
    assert run_in_threads(total, range(10), 4) == [45]


def test_map_ordered_keeps_the_order_and_stays_a_few_items_ahead():
    drawn = []

    def items():
        for i in range(100):
            drawn.append(i)
            yield i

    results = map_ordered(lambda i: i * i, items(), threads=3)
    assert [next(results) for _ in range(10)] == [i * i for i in range(10)]
    assert len(drawn) <= 10 + 2 * 3 + 1
    assert list(results) == [i * i for i in range(10, 100)]


def test_map_ordered_raises_what_the_function_raises():
    with pytest.raises(ZeroDivisionError):
        list(map_ordered(lambda i: 1 // (3 - i), range(9), threads=2))


def test_background_work_gives_its_result_or_its_error():
    assert in_background(lambda: 3)() == 3
    with pytest.raises(ZeroDivisionError):
        in_background(lambda: 1 // 0)()
    with pytest.raises(SystemExit):
        in_background(sys.exit)()


def test_without_a_further_thread_background_work_is_done_at_once(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr(threads.threading.Thread, "start", refuse)
    made_by = in_background(threading.get_ident)
    assert made_by() == threading.get_ident()
    with pytest.raises(KeyboardInterrupt):
        in_background(stop)


def test_no_more_threads_than_have_any_use():
    assert thread_count(10**30) == max(64, 2 * usable_cpus())
    assert len(run_in_threads(total, range(5), 10**6)) == 5
    assert len(run_in_threads(total, (), 10**6)) == 1


@pytest.mark.parametrize("allowed", [0, 1, 3])
def test_work_is_done_by_the_threads_that_the_system_allows(monkeypatch, allowed):
    real, left = threading.Thread.start, [allowed]

    def start(self):
        if not left[0]:
            raise RuntimeError("can't start new thread")
        left[0] -= 1
        real(self)

    monkeypatch.setattr(threading.Thread, "start", start)
    assert list(map_ordered(lambda n: n * n, range(100), 8)) == [n * n for n in range(100)]
    left[0] = allowed
    assert sum(run_in_threads(total, range(1000), 8)) == 499_500
    left[0] = allowed
    assert in_background(lambda: 7)() == 7


def test_an_ordered_map_that_is_left_early_stops_its_threads():
    others = {*threading.enumerate()}  # of tests before; some of them may end meanwhile
    made = map_ordered(lambda n: n, range(10**9), 4)
    assert next(made) == 0
    assert {*threading.enumerate()} - others
    made.close()
    limit = time.monotonic() + 5
    while {*threading.enumerate()} - others and time.monotonic() < limit:
        time.sleep(0.01)
    assert not {*threading.enumerate()} - others
