"""Characters that a vocabulary lacks, in the forms in which its words have them."""

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings, take_strings
from tokpipe.tokenizer.quality import too_long_words
from tokpipe.tokenizer.spec import ModelKind
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.vocab.alphabet import KINDS, marked
from tokpipe.vocab.further import Pieces
from tokpipe.vocab.train import count_code_points
from tokpipe.words.counts import WordCounts


def missing_characters(
    tokenizer: Tokenizer, counts: WordCounts, pieces: Pieces, *, least: int, most: int, tokens: int
) -> list[str]:
    """Return tokens of characters that words need and a vocabulary has not, the commonest first.

    A character gets its plain form and the marked ones that words have, as where a vocabulary is
    trained. Bytes are never missing.

    Parameters
    ----------
    counts, pieces
        Words, and how the tokenizer cuts them.
    least
        How often a character occurs, in words that are not known whole, to be worth a token.
    most, tokens
        How many characters are taken, and how many tokens they may take.
    """
    spec = tokenizer.spec
    if spec.model is ModelKind.BYTE_BPE:
        return []
    is_partial = are_partial(tokenizer, counts.words, pieces)
    rows = np.flatnonzero(is_partial & ~too_long_words(tokenizer, counts.words, is_partial))
    totals, kinds = count_code_points(take_strings(counts.words, rows), counts.counts[rows])
    marks = spec.continuing_subword_prefix, spec.end_of_word_suffix
    forms: dict[int, list[str]] = {}
    for code in np.flatnonzero(kinds).tolist():
        seen = [kind for kind in range(KINDS) if kinds[code] >> kind & 1]
        wanted = dict.fromkeys(marked(chr(code), kind, *marks) for kind in [0, *seen])
        if any(marked(chr(code), kind, *marks) not in tokenizer.ids for kind in seen):
            forms[code] = [token for token in wanted if token not in tokenizer.ids]
    common = sorted((-int(totals[code]), code) for code in forms if totals[code] >= least)
    chosen = [forms[code] for _, code in common[:most]]
    fit = int(np.searchsorted(np.cumsum([len(each) for each in chosen]), tokens, side="right"))
    return [token for each in chosen[:fit] for token in each]


def are_partial(tokenizer: Tokenizer, words: Strings, pieces: Pieces) -> NDArray[np.bool_]:
    """Say which words their pieces do not spell: something is unknown, or was left out."""
    prefix, suffix = tokenizer.spec.continuing_subword_prefix, tokenizer.spec.end_of_word_suffix
    bare = (token.removeprefix(prefix).removesuffix(suffix) for token in tokenizer.tokens)
    is_bytes = tokenizer.spec.model is ModelKind.BYTE_BPE  # a character of a token stands for one
    lengths = (len(token if is_bytes else token.encode()) for token in bare)
    sizes = np.array([*lengths, 0], np.int64)  # the last for -1
    spelled = np.concatenate([[0], np.cumsum(sizes[pieces.ids])])
    borders = np.concatenate([[0], np.cumsum(pieces.sizes)])
    return np.diff(spelled[borders]) != np.diff(words.offsets)
