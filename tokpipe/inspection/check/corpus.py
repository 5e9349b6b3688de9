"""An alphabet against a corpus: characters that have no token."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.sizes import plural
from tokpipe.inspection.check.finding import NOTE, WARNING, Finding, quoted
from tokpipe.inspection.source import Source

_MOST_EXAMPLES = 8  # letters that are named
_RARE = 1e-4  # a share of words with a gap below this is a note, not a problem


def check_alphabet(source: Source, words: Strings, counts: NDArray[np.int64]) -> Iterator[Finding]:
    """Look for characters of a corpus that the vocabulary has no token for.

    Byte-level ones need nothing but their 256 bytes. The W different words of the corpus are
    normalised; each occurs so many times, int64[W].
    """
    if source.model == "byte-bpe" or not len(words):
        return
    points, owners = code_points(words)
    known = _alphabet(source)
    gap = ~np.isin(points, known)
    if not gap.any():
        return
    missing, place = np.unique(points[gap], return_inverse=True)
    times = np.bincount(place, weights=counts[owners[gap]]).astype(np.int64)
    affected = int(counts[np.unique(owners[gap])].sum())
    share = affected / max(int(counts.sum()), 1)
    order = np.argsort(-times, kind="stable")[:_MOST_EXAMPLES]
    shown = ", ".join(f"{quoted(chr(missing[i]))} ({times[i]:,})" for i in order)
    more = f" and {len(missing) - len(order):,} more" if len(missing) > len(order) else ""
    yield Finding(
        WARNING if share >= _RARE else NOTE,
        f"{source.path.name}: vocabulary",
        f"{plural(len(missing), 'character')} of the corpus without a token, in "
        f"{plural(affected, 'word')} ({100 * share:.2g} %): {shown}{more}",
        "Raise limit_alphabet, train on this corpus too, or use a byte-level vocabulary.",
    )


def code_points(words: Strings) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return all characters of all words, and the word of each.

    Examples
    --------
    >>> points, owners = code_points(Strings.from_list(["aå", "b"]))
    >>> points.tolist(), owners.tolist()
    ([97, 229, 98], [0, 0, 1])
    """
    data = words.data[words.offsets[0] : words.offsets[-1]]
    text = data.tobytes().decode("utf-8", "replace")
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum((data & 0xC0) != 0x80)])
    borders = starts[words.offsets - words.offsets[0]]
    return points, np.repeat(np.arange(len(words)), np.diff(borders))


def _alphabet(source: Source) -> NDArray[np.uint32]:
    """Return the characters that are a token alone, at the start of a word or inside it."""
    form = source.form
    bodies = {token.removeprefix(form.prefix) for token in source.ids} | set(source.ids)
    bodies |= {body.removesuffix(form.suffix) for body in bodies}
    return np.array(sorted(ord(body) for body in bodies if len(body) == 1), np.uint32)
