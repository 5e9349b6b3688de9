"""What is looked at of a text's attention: which view, layers, heads and tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.looking import LayerSeen
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.inspection.readable import PLAIN, TokenForm, body_of
from tokpipe.tasks.attention import Attention

Places = NDArray[np.int64]

# what a kind of heads is called beside its map, and what that means
KIND_NAMES = {
    "itself": ("self", "the token itself"),
    "previous": ("prev", "the one before"),
    "next": ("next", "the one after"),
    "cls": ("cls", "the token for the whole text"),
    "sep": ("sep", "the ends of texts"),
    "same_word": ("same", "the same word elsewhere"),
    "wide": ("wide", "spread over many, its entropy 80 % or more of that of all alike"),
    "mixed": ("mixed", "none of these"),
}


@dataclass(frozen=True)
class Wanted:
    """What a person asks to see; None: whatever the view shows by itself."""

    layer: int | None = None  # from 1; -1 is the last
    head: str | None = None  # a number from 1, "mean" or "all"
    token: str | None = None  # that looks: its place, or what it is
    # `from_`, `to`: "a" or "b", the text of a pair whose tokens look, and are looked at
    from_: str | None = None
    to: str | None = None
    numbers: bool = False
    around: str | None = None  # a word of the vocabulary


@dataclass(frozen=True, eq=False)
class Chosen:
    """What a view shows."""

    name: str  # of the model
    seen: Attention
    form: TokenForm
    layers: tuple[LayerSeen, ...]
    head: int | str  # a number from 1, "mean" or "all"
    token: int | None
    # `rows`, `columns`: the places of the tokens that look, and of those that are looked at
    rows: Places
    columns: Places
    wanted: Wanted

    @property
    def heads(self) -> str:
        """Which heads, in words."""
        count = self.seen.heads
        words = {"mean": f"mean of {count} heads", "all": f"{count} heads"}
        return words.get(str(self.head), f"head {self.head} of {count}")

    def weights(self, layer: LayerSeen) -> NDArray[np.floating]:
        """Return the weights of the heads in question, rows to columns: [heads, rows, columns]."""
        weights = layer.weights()[:, self.rows[:, None], self.columns]
        if self.head == "mean":
            return weights.mean(0, keepdims=True)
        return weights if isinstance(self.head, str) else weights[self.head - 1 : self.head]


def choose(
    name: str, seen: Attention, wanted: Wanted, view: Any, form: TokenForm = PLAIN
) -> Chosen:
    """Find what is asked for.

    Raises
    ------
    ConfigError
        If there is no such layer, head or second text, or the view does not take what was given.
    InputError
        If there is no such token.
    """
    _check_taken(wanted, view)
    layers = seen.layers
    if wanted.layer is not None or not view.ALL_LAYERS:
        layers = (seen.layer(-1 if wanted.layer is None else wanted.layer),)
    rows, columns = (_of_side(seen, *side) for side in (("from", wanted.from_), ("to", wanted.to)))
    token = None if wanted.token is None else place_of(seen, wanted.token, form)
    if token is not None and token not in rows:
        raise ConfigError(f"--token {wanted.token}: place {token} is not in text {wanted.from_}")
    head = _head(seen, wanted.head, view.HEADS)
    return Chosen(name, seen, form, layers, head, token, rows, columns, wanted)


def place_of(seen: Attention, token: str, form: TokenForm = PLAIN) -> int:
    """Return the place of a token, which is named by that place or by what it is.

    A word of several pieces stands for its first one.

    Raises
    ------
    InputError
        If there is none, or several.
    """
    if token.isdecimal() and int(token[:9]) < len(seen):
        return int(token)
    names = [(one, body_of(one, form).strip()) for one in seen.tokens]
    found = [i for i, name in enumerate(names) if token in name] if token else []
    found = found or _first_pieces(seen, token)
    if not found:
        every = ", ".join(f"{i} {one}" for i, one in enumerate(seen.tokens[:20]))
        more = ", ..." if len(seen) > 20 else ""
        raise InputError(f"no token of the text is {token!r}", hint=f"There are {every}{more}.")
    if len(found) > 1:
        more = ", ..." if len(found) > 20 else ""
        raise InputError(
            f"{token!r} is at the places {', '.join(map(str, found[:20]))}{more}",
            hint=f"Name one of them: --token {found[0]}.",
        )
    return found[0]


def _first_pieces(seen: Attention, word: str) -> list[int]:
    words = ["", *(one.strip() for one in seen.words)]
    return [i for i, one in enumerate(words[1:]) if word and one == word != words[i]]


def _check_taken(wanted: Wanted, view: Any) -> None:
    for name in ("token", "numbers", "around"):
        if getattr(wanted, name) not in (None, False) and name not in view.TAKES:
            raise ConfigError(f"--{name} says nothing in this view", hint="Choose another --view.")


def _head(seen: Attention, head: str | None, words: Sequence[str]) -> int | str:
    if head is None:
        return words[0] if words else 1
    if head in words:
        return head
    if head.isdecimal() and 1 <= int(head[:9]) <= seen.heads:
        return int(head)
    others = f", or {' or '.join(words)}" if words else ""
    raise ConfigError(f"--head {head}: this view takes 1 to {seen.heads}{others}")


def _of_side(seen: Attention, option: str, side: str | None) -> Places:
    found = np.flatnonzero([side in (None, one) for one in seen.sides])
    if not len(found):
        what = "there is no second text, or it" if side == "b" else "the first text"
        raise ConfigError(f"--{option} {side}: {what} is empty", hint="Give two texts with words.")
    return found


def tokens_json(chosen: Chosen) -> dict[str, Any]:
    """Return what the tokens are, as JSON types: the beginning of all views."""
    seen = chosen.seen
    columns = zip(seen.tokens, seen.ids, seen.sides, strict=True)
    return {
        "model": chosen.name,
        "tokens": [
            {"place": i, "token": token, "id": id, "text": side}
            for i, (token, id, side) in enumerate(columns)
        ],
        "cut": seen.cut,
    }


def numbers(values: NDArray[np.floating] | np.floating) -> Any:
    """Return numbers as JSON types, with nine places: more than float32 has."""
    return np.asarray(values, np.float64).round(9).tolist()
