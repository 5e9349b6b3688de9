"""A chapter of `explain`: steps, each with a sentence, a formula and the numbers that it makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.inspection.attention import Chosen, numbers
from tokpipe.inspection.readable import signed

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Grid:
    """Numbers with names for their rows and columns."""

    name: str
    values: Array  # [rows, columns]
    rows: Sequence[str] = ()
    columns: Sequence[str] = ()
    shape: tuple[int, ...] = ()  # what the numbers are part of; empty: all there are
    as_signs: bool = False  # drawn as signs for far below 0 to far above, not as digits
    digits: int = 3  # behind the point


@dataclass(frozen=True, eq=False)
class Curves:
    """Curves over one axis."""

    name: str
    x: Array  # [points]
    y: dict[str, Array]  # [points] each


@dataclass(frozen=True, eq=False)
class Step:
    """One step."""

    title: str
    about: str  # what is done and why, in words that were told before
    formula: str = ""  # a line each
    shown: tuple[Grid | Curves, ...] = ()
    result: str = ""  # what it comes to, in a sentence


@dataclass(frozen=True, eq=False)
class Chapter:
    """What `explain NAME` tells."""

    title: str
    about: str
    reference: str
    steps: tuple[Step, ...]
    model: str = ""  # whose numbers they are; empty: made up
    text: str = ""  # what that model read: its tokens


def chapter_json(chapter: Chapter) -> dict[str, Any]:
    """Return a chapter as JSON types, with all of its numbers."""
    return {
        "title": chapter.title,
        "about": chapter.about,
        "reference": chapter.reference,
        "model": chapter.model or None,
        "text": chapter.text or None,
        "steps": [
            {
                "title": step.title,
                "about": step.about,
                "formula": step.formula,
                "result": step.result,
                "shown": [_shown_json(one) for one in step.shown],
            }
            for step in chapter.steps
        ],
    }


def _shown_json(shown: Grid | Curves) -> dict[str, Any]:
    if isinstance(shown, Curves):
        curves = {name: numbers(values) for name, values in shown.y.items()}
        return {"name": shown.name, "x": numbers(shown.x), "curves": curves}
    return {
        "name": shown.name,
        "shape": list(shown.shape or shown.values.shape),
        "rows": list(shown.rows),
        "columns": list(shown.columns),
        "values": [[v if isfinite(v) else None for v in row] for row in numbers(shown.values)],
    }


def vector(name: str, values: Array, **more: Any) -> Grid:
    """Return one row of numbers as a grid."""
    return Grid(name, np.asarray(values)[None], **more)


def shown_tokens(chosen: Chosen) -> list[str]:
    """Return the tokens as they are shown."""
    return [signed(token, chosen.form) for token in chosen.seen.tokens]


def token_names(chosen: Chosen) -> list[str]:
    """Return the tokens after their places, as rows are named."""
    return [f"{i} {token}" for i, token in enumerate(shown_tokens(chosen))]


def token_in_question(chosen: Chosen) -> int:
    """Return the token asked for, or the last of a word with letters in it."""
    if chosen.token is not None:
        return chosen.token
    words = [i for i, word in enumerate(chosen.seen.words) if any(map(str.isalnum, word))]
    return words[-1] if words else 0


def softmax(scores: Array) -> Array:
    """Return shares that add up to 1: [..., n]."""
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)
