"""What an extended vocabulary does to what the old one encoded: proved, and measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings, range_items, take_strings
from tokpipe.foundation.errors import TokpipeError
from tokpipe.tokenizer.extend import STRANGE, Extension, pieces_of
from tokpipe.tokenizer.quality import Quality, measure
from tokpipe.tokenizer.spec import ModelKind, Spec
from tokpipe.tokenizer.texts import short
from tokpipe.vocab.further import Pieces
from tokpipe.vocab.vocabulary import CHAR_TO_BYTE
from tokpipe.words.counts import WordCounts

_SHOWN = 8  # of the words that became one token


@dataclass(frozen=True, slots=True)
class Gain:
    """What new tokens do to a text."""

    before: Quality
    after: Quality
    changed_words: float  # per cent of the words that are cut in another way than before
    gained_words: int  # unique words that became one token
    gained_share: float  # per cent of the words that they are
    commonest: tuple[tuple[str, float], ...]  # of those: word, and its share in per cent


def prove_vocabulary(extension: Extension) -> int:
    """Hold all old tokens against the new vocabulary, and encode each with both.

    Returns
    -------
    int
        How many tokens were compared.

    Raises
    ------
    TokpipeError
        Naming what moved: a fault of the extension.
    """
    old, new = extension.old, extension.new
    freed = set(extension.added)
    for id, token in enumerate(old.tokens):
        if id not in freed and new.tokens[id] != token:
            raise _moved(f"the id {id} was {token!r} and is {new.tokens[id]!r}")
    kept = (token for id, token in enumerate(old.spec.tokens) if id not in freed)
    texts = (_plain(token, old.spec) for token in kept)
    prove_words(extension, Strings.from_list(filter(None, texts)))
    return len(old.tokens) - extension.filled


def prove_words(extension: Extension, words: Strings, threads: int | None = 1) -> int:
    """Encode words with both vocabularies.

    Without new tokens all pieces must be the old ones; of a BPE new tokens must be the old pieces,
    joined, or unknown for a new character. A word that was one token stays so.

    Returns
    -------
    int
        How many words were compared.

    Raises
    ------
    TokpipeError
        Naming a word that is not so: a fault of the extension.
    """
    old, new = (pieces_of(one, words, threads) for one in (extension.old, extension.new))
    if extension.is_exact:
        new = _split(extension, new)
        same = ~_with(new, [STRANGE])
    else:
        is_new = extension.added  # filled ids are in both
        same = ~(_with(old, is_new) | _with(new, is_new)) | _are_whole(extension, old)
    words = take_strings(words, np.flatnonzero(same))
    old, new = (_only(pieces, same) for pieces in (old, new))
    differ = old.sizes != new.sizes
    if not differ.any():
        first = np.concatenate([[0], np.cumsum(old.sizes)])[:-1]
        places = np.flatnonzero(old.ids != new.ids)
        differ[np.searchsorted(first, places, side="right") - 1] = True
    if differ.any():
        word = words.bytes_of(int(np.argmax(differ))).decode(errors="replace")
        raise _moved(f"the word {short(word)} has other pieces than before")
    return len(words)


def measure_gain(extension: Extension, counts: WordCounts, threads: int | None = None) -> Gain:
    """Measure both vocabularies on the held-out words, or on all if none are held out."""
    held_out = counts.held_out
    sample = held_out if held_out is not None and len(held_out) else counts
    after = pieces_of(extension.new, sample.words, threads)
    weights = sample.counts.astype(np.float64)
    share = 100 / weights.sum()
    changed = _with(after, extension.added)
    gained = np.flatnonzero((after.sizes == 1) & changed)
    order = gained[np.argsort(-weights[gained], kind="stable")]
    top = [(sample.words.bytes_of(i).decode().strip(), weights[i] * share) for i in order[:_SHOWN]]
    return Gain(
        measure(extension.old, counts, threads),
        measure(extension.new, counts, threads),
        round(float(weights[changed].sum() * share), 3),
        len(gained),
        round(float(weights[gained].sum() * share), 3),
        tuple((word, round(float(per_cent), 3)) for word, per_cent in top),
    )


def _with(pieces: Pieces, ids: Sequence[int]) -> NDArray[np.bool_]:
    """Say which words have one of some ids among their pieces."""
    found = np.concatenate([[0], np.cumsum(np.isin(pieces.ids, ids))])
    return np.diff(found[np.concatenate([[0], np.cumsum(pieces.sizes)])]) > 0


def _are_whole(extension: Extension, old: Pieces) -> NDArray[np.bool_]:
    """Say which words were one token, of those that are kept."""
    return (old.sizes == 1) & ~_with(old, [-1, *extension.added])


def _only(pieces: Pieces, rows: NDArray[np.bool_]) -> Pieces:
    kept = np.repeat(rows, pieces.sizes)
    return Pieces(pieces.ids[kept], pieces.sizes[rows], pieces.counts[rows])


def _split(extension: Extension, pieces: Pieces) -> Pieces:
    """Cut new tokens into the old ones that they stand for.

    A new character is one unknown token, unless what is unknown was left out or became one.
    """
    old = extension.old.spec
    unknown = -1 if old.unk_token in extension.old.ids and not old.fuse_unk else STRANGE
    parts = [[id] for id in range(extension.new.vocab_size)] + [[-1]]  # the last one for -1
    for id, leaves in extension.pieces.items():
        parts[id] = [unknown if leaf == STRANGE else leaf for leaf in leaves]
    sizes = np.array([len(part) for part in parts])
    flat = np.array([id for part in parts for id in part], np.int32)
    ids = flat[range_items((np.cumsum(sizes) - sizes)[pieces.ids], sizes[pieces.ids])]
    ends = np.concatenate([[0], np.cumsum(sizes[pieces.ids])])
    borders = ends[np.concatenate([[0], np.cumsum(pieces.sizes)])]
    return Pieces(ids, np.diff(borders).astype(np.int32), pieces.counts)


def _plain(token: str, spec: Spec) -> bytes:
    """Return the text of a token; of a byte-level one that holds other characters, none."""
    if spec.model is ModelKind.BYTE_BPE:
        known = all(character in CHAR_TO_BYTE for character in token)
        return bytes(CHAR_TO_BYTE[character] for character in token) if known else b""
    bare = token.removeprefix(spec.continuing_subword_prefix)
    return bare.removesuffix(spec.end_of_word_suffix).encode()


def _moved(what: str) -> TokpipeError:
    return TokpipeError(f"the extended vocabulary is not as the old one: {what}")
