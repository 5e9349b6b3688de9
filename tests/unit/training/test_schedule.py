import pytest

from tokpipe.training.config import TrainingConfig
from tokpipe.training.schedule import Schedule


def rates(steps, **settings):
    schedule = Schedule(TrainingConfig(learning_rate=1.0, **settings), steps)
    return [schedule.learning_rate(step, 0) for step in range(steps)]


def test_the_first_step_has_a_rate_and_the_peak_follows_the_warm_up():
    found = rates(10, warmup_proportion=0.4)
    assert found[:5] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])
    assert found[5:] == pytest.approx([5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])


def test_cosine_and_constant():
    assert rates(4, schedule="constant", warmup_proportion=0) == [1.0] * 4
    assert rates(4, schedule="cosine", warmup_proportion=0)[2] == pytest.approx(0.5)


def test_all_warm_up_never_passes_the_greatest_rate():
    assert max(rates(7, warmup_proportion=1.0)) == pytest.approx(1.0)
    assert max(rates(7, warmup_steps=70)) == pytest.approx(1.0)


def test_a_budget_follows_the_clock():
    schedule = Schedule(TrainingConfig(budget="100s", learning_rate=1.0), None)
    assert 0 < schedule.learning_rate(0, 0) < 0.1
    assert schedule.learning_rate(5, 5) == pytest.approx(0.6)  # 5 of 10 s, and a step of 1 s
    assert schedule.learning_rate(77, 55) == pytest.approx(0.5)
    assert not schedule.is_over(0, 1000)
    assert not schedule.is_over(3, 99)
    assert schedule.is_over(3, 100)
    assert all(schedule.learning_rate(1, seconds) <= 1 for seconds in range(100))
