"""Arguments for the kernel that counts letters."""

import numpy as np
from hypothesis import strategies as st

from tests.parity.cases_words_split import TEXTS
from tokpipe.foundation.arrays import Strings
from tokpipe.words.accents import _letter_tables


@st.composite
def weighted_strings(draw):
    strings = Strings.from_list(draw(TEXTS))
    counts = draw(st.lists(st.integers(0, 2**40), min_size=len(strings), max_size=len(strings)))
    return strings.data, strings.offsets, np.array(counts, np.int64), *_letter_tables()


CASES = {"tokpipe.words.kernels.letters.count_letters": weighted_strings()}
