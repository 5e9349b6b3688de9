import pytest

from tokpipe.foundation.errors import MemoryLimitError
from tokpipe.words import budget as budget_module
from tokpipe.words.budget import Budget, resident_bytes


@pytest.fixture(autouse=True)
def program_of_180_megabytes(monkeypatch):
    monkeypatch.setattr(budget_module, "resident_bytes", lambda: 180_000_000)


def worst_case(budget):
    pieces = 4 * budget.piece_bytes
    return budget.threads * (pieces + 40 * budget.limits.slots + budget.limits.arena)


@pytest.mark.parametrize("memory", [210_000_000, 256_000_000, 10**9, 10**11])
@pytest.mark.parametrize("threads", [1, 2, 64])
def test_all_shares_together_stay_under_the_bound(memory, threads):
    budget = Budget.of(memory, threads)
    assert 1 <= budget.threads <= threads
    assert 180_000_000 + worst_case(budget) <= memory
    assert budget.result_bytes < memory - 180_000_000 and budget.fan_in >= 4


def test_no_bound_is_no_bound():
    budget = Budget.of(None, 3)
    assert budget.threads == 3 and budget.keep_bytes is None and budget.result_bytes is None


def test_less_than_the_program_itself_is_refused_with_what_would_do():
    with pytest.raises(MemoryLimitError, match="the program itself takes") as caught:
        Budget.of(100_000_000, 1)
    assert "Allow at least" in caught.value.hint


def test_a_process_that_has_grown_already_gets_the_least_share(monkeypatch):
    monkeypatch.setattr(budget_module, "resident_bytes", lambda: 400_000_000)
    assert worst_case(Budget.of(256_000_000, 2)) <= 6 << 20


def test_memory_of_this_process_is_read():
    assert 10_000_000 < resident_bytes() < 10**11
