"""What was checked, and how findings are worded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokpipe.foundation.errors import TokpipeError
from tokpipe.foundation.visible import visible
from tokpipe.inspection.readable import PLAIN, TokenForm, readable
from tokpipe.tokenizer.findings import ERROR, NOTE, WARNING, Finding

LEVELS = (ERROR, WARNING, NOTE)  # the worst first
_MOST_EXAMPLES = 5  # enough to see what kind they are of; the rest is counted
_LONGEST_EXAMPLE = 32  # characters: a finding stays a line or two of a terminal


@dataclass(frozen=True, slots=True)
class Checked:
    """A folder or file that was checked: what it is called, what it is, what was found."""

    name: str
    about: str
    findings: list[Finding]


def examples(tokens: Sequence[str], form: TokenForm = PLAIN) -> str:
    """Write a few tokens as examples, in a form that a person can read.

    Examples
    --------
    >>> examples(["a", "b c"])
    "'a', 'b c'"
    """
    shown = [quoted(readable(token, form)) for token in tokens[:_MOST_EXAMPLES]]
    more = len(tokens) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def quoted(text: str) -> str:
    """Write foreign text in quotes, short and harmless."""
    short = text if len(text) <= _LONGEST_EXAMPLE else f"{text[:_LONGEST_EXAMPLE]}…"
    return f"'{visible(short)}'"


def problems(findings: Iterable[Finding]) -> int:
    """Count what is more than a note."""
    return sum(finding.level != NOTE for finding in findings)


def warning_of(warning: str, place: str) -> Finding:
    """Return what a command warns of, "cause; cure", as what was found at a place."""
    problem, _, cure = warning.partition("; ")
    return Finding(WARNING, place, problem, f"{cure[:1].upper()}{cure[1:]}.")


def finding_of(error: TokpipeError, path: Path) -> Finding:
    """Return an error as what was found at a place in a folder, or in a file."""
    place, _, problem = error.problem.partition(": ")
    return Finding(ERROR, place.removeprefix(f"{path}/"), problem or error.problem, error.hint)
