"""How much of a text the stripping of accents would change."""

import functools

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.words.kernels.letters import CHANGED, NO_LETTER, UNCHANGED, count_letters
from tokpipe.words.tables import names
from tokpipe.words.tables.unicode import unicode_tables

WORTH_A_WARNING = 0.001  # the share of letters from which on stripping changes a language


def stripped_share(strings: Strings) -> float:
    """Return the share of letters that `strip_accents` of the BERT normalizer would change.

    A letter is changed if it loses an accent or falls apart (Hangul); marks that are characters of
    their own count as letters that vanish. Lower-casing alone does not count as a change.

    Examples
    --------
    >>> stripped_share(Strings.from_list(["får", "der"]))
    0.16666666666666666
    """
    unchanged, changed = count_letters(strings.data, strings.offsets, *_letter_tables())
    return changed / (unchanged + changed) if changed else 0.0


@functools.cache
def _letter_tables() -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    source = unicode_tables()
    flags = source["flags"]
    kinds = np.full(flags.size, NO_LETTER, np.uint8)
    kinds[flags & names.LETTER > 0] = UNCHANGED
    stripping = source["bert"][names.STRIP_ACCENTS]
    apart = (source["strip"] > 0) | (stripping == names.HANGUL)
    kinds[(kinds == UNCHANGED) & apart] = CHANGED
    kinds[flags & names.BERT_MARK > 0] = CHANGED
    return source["pages"], kinds[source["records"]]
