"""What must hold of a folder of word counts: its files, and the numbers in them."""

from collections.abc import Mapping
from pathlib import Path

from tokpipe.foundation.errors import TokpipeError
from tokpipe.foundation.manifest import Manifest
from tokpipe.inspection.check.finding import ERROR, Finding, finding_of
from tokpipe.words.counts import KIND, MOST_WEIGHT, open_counts
from tokpipe.words.run_files import read_run


def check_counts(folder: Path) -> list[Finding]:
    """Check that each count is at least 1, and that their sums can be kept and are as counted."""
    try:
        manifest = open_counts(folder)
    except TokpipeError as error:
        return [finding_of(error, folder), *_numbers(folder, _facts(folder))]
    return _numbers(folder, manifest.facts)


def _facts(folder: Path) -> Mapping[str, dict[str, int]]:
    """Return what is known of each file in a folder whose manifest does not hold."""
    try:
        return Manifest.read(folder, KIND).facts
    except TokpipeError:
        return {path.name: {} for path in sorted(folder.glob("*.arrow"))}


def _numbers(folder: Path, facts: Mapping[str, dict[str, int]]) -> list[Finding]:
    findings, total = [], 0
    for name in facts:
        words = weight = 0
        try:
            for run in read_run(folder / name):
                words, weight = words + run.total, weight + run.weight
        except TokpipeError as error:
            findings.append(finding_of(error, folder))
        if weight > MOST_WEIGHT:
            problem = f"the words have {weight:,} bytes together, more than 2^63 - 1"
            hint = "No vocabulary can be trained on them; count a part of the corpus."
            findings.append(Finding(ERROR, name, problem, hint))
        total += words
    counted = next(iter(facts.values()), {}).get("words")
    if not findings and counted not in (None, total):
        problem = f"the counts sum up to {total:,}, but {counted:,} words were counted"
        findings.append(Finding(ERROR, next(iter(facts)), problem, "Count the words again."))
    return findings
