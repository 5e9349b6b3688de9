"""What is wrong with labelled data, before hours are lost on it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.sizes import plural
from tokpipe.labelled.counting import count_labels, rows_left_out
from tokpipe.labelled.faults_between import faults_between
from tokpipe.labelled.faults_within import faults_within
from tokpipe.labelled.labels import shown
from tokpipe.labelled.naming import require_alike
from tokpipe.labelled.places import place_in, share_of
from tokpipe.labelled.records import Labelled
from tokpipe.tokenizer.findings import NOTE, Finding

_FEW = 5  # labels of a part that the short form names


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long rows are for a model."""

    tokens: Mapping[str, NDArray[np.int64]]  # Mapping of int64[N]: by part, with the special tokens
    longest: int  # the most that the model takes
    outcome: str  # what becomes of longer ones, behind a colon


def check_labelled(parts: Mapping[str, Labelled], lengths: Lengths | None = None) -> list[Finding]:
    """Look for what makes scores worse, or better, than they should be.

    Labels that only one part has, or that hardly any row has, empty and repeated texts, the same
    text with two labels, rows of one part in another, tags that contradict their scheme, texts
    longer than the model takes.

    Parameters
    ----------
    parts
        "train" first, then "validation" and "test", all of one kind; each read on its own.
    lengths
        How long the rows are, if a model is known.

    Raises
    ------
    InputError
        If one part has pairs of texts and another has not.
    """
    require_alike(parts)
    findings = [*_within(parts), *faults_between(parts)]
    if lengths is not None:
        findings += _too_long(parts, lengths)
    return findings


def brief(parts: Mapping[str, Labelled], findings: Sequence[Finding]) -> list[str]:
    """Say in a few lines what there is to learn from, and what is wrong with it.

    Returns
    -------
    list of str
        A line for each part, then one for each finding that is more than a note.
    """
    lines, seen = [], set()
    for name, data in parts.items():
        counted = count_labels(data)
        labels = sorted(counted.labels.items(), key=lambda item: -item[1])
        total = max(counted.whole, 1)
        few = ", ".join(f"{shown(label)} {100 * n / total:.3g} %" for label, n in labels[:_FEW])
        more = f" and {len(labels) - _FEW} more" if len(labels) > _FEW else ""
        lines.append(f"{name}: {plural(counted.number, counted.rows)}{': ' * bool(few)}{few}{more}")
        if (left := rows_left_out(data)) and data.source not in seen:
            lines.append(f"{data.source}: {left}")
        seen.add(data.source)
    problems = (found for found in findings if found.level != NOTE)
    # what is held out of a file has its faults, too
    said = dict.fromkeys(f"{found.level}: {found.place}: {found.problem}" for found in problems)
    return [*lines, *said]


def _within(parts: Mapping[str, Labelled]) -> Iterator[Finding]:
    """Look at each part; what is so in one of the parts of a file is not said of the file."""
    found = {part: list(faults_within(data)) for part, data in parts.items()}
    for part, data in parts.items():
        same_file = [found[other] for other in parts if parts[other].source == data.source]
        for one in found[part]:
            is_of_part = one.place == data.source and not all(one in each for each in same_file)
            yield replace(one, place=f"{one.place}, the {part} part") if is_of_part else one


def _too_long(parts: Mapping[str, Labelled], lengths: Lengths) -> Iterator[Finding]:
    for part, tokens in lengths.tokens.items():
        longer = tokens > lengths.longest
        if longer.any():
            data = parts[part]
            rows = plural(int(longer.sum()), count_labels(data).rows, ("is", "are"))
            problem = (
                f"{rows} longer than {lengths.longest:,} tokens ({share_of(longer)}), "
                f"the longest {int(tokens.max()):,}: {lengths.outcome}"
            )
            yield Finding(NOTE, place_in(data, int(tokens.argmax())), problem)
