import pytest

pytest.importorskip("distributed", reason="the extra tokpipe[dask] is not installed")

from tokpipe.engines.dask import workers as module
from tokpipe.engines.dask.workers import look_at_workers, scheduler_problems
from tokpipe.engines.facts import own_facts


def test_workers_of_this_machine_are_as_this_process(cluster, tmp_path):
    found = look_at_workers(cluster, tmp_path)
    assert len(found) == 2 and not any(worker.problems for worker in found)
    for worker in found:
        assert own_facts().items() <= worker.facts.items()
        assert worker.free_memory and worker.free_memory > 1 << 20
        assert worker.skew is not None and abs(worker.skew) < 5
    assert scheduler_problems(cluster) == [] and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("clock", "said"),
    [((9.0, 0.1), "9.0 s ahead of ours"), ((-9.0, 0.1), "9.0 s behind ours"), ((1.5, 1.0), "")],
)
def test_a_clock_that_is_off_by_more_than_asking_takes_is_a_problem(
    cluster, tmp_path, monkeypatch, clock, said
):
    monkeypatch.setattr(module, "_clocks", lambda c: dict.fromkeys(c.crew.workers, clock))
    for worker in look_at_workers(cluster, tmp_path):
        assert len(worker.problems) == bool(said) and said in "".join(worker.problems)


@pytest.mark.parametrize(
    ("name", "other", "said"),
    [
        ("_answer", lambda probe, found: "not seen", "not seen"),
        ("own_facts", lambda: {**own_facts(), "numba": "9"}, ", here 9"),
    ],
)
def test_what_differs_is_a_problem(cluster, tmp_path, monkeypatch, name, other, said):
    monkeypatch.setattr(module, name, other)
    for worker in look_at_workers(cluster, tmp_path):
        assert len(worker.problems) == 1 and said in worker.problems[0]
