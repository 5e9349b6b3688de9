"""What the parity suites compared, told at the end of a test run."""

from collections import Counter
from collections.abc import Callable

import pytest

_COMPARED: Counter[tuple[str, str]] = Counter()


@pytest.fixture(scope="session")
def compared() -> Callable[..., None]:
    """Return a function to say what was compared: ``compared("words", texts=3, bytes=900)``."""

    def add(subject: str, **amounts: int) -> None:
        for unit, amount in amounts.items():
            _COMPARED[subject, unit] += amount

    return add


def pytest_terminal_summary(terminalreporter):
    for subject in dict.fromkeys(subject for subject, _ in _COMPARED):
        amounts = [f"{n:,} {unit}" for (s, unit), n in _COMPARED.items() if s == subject]
        terminalreporter.write_line(f"parity of {subject}: compared {', '.join(amounts)}")
