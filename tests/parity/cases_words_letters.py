"""Arguments for the kernel that counts letters."""

from hypothesis import strategies as st

from tests.parity.cases_words_split import TEXTS
from tokpipe.foundation.arrays import Strings
from tokpipe.words.accents import _letter_tables


@st.composite
def strings_with_tables(draw):
    strings = Strings.from_list(draw(TEXTS))
    return strings.data, strings.offsets, *_letter_tables()


CASES = {"tokpipe.words.kernels.letters.count_letters": strings_with_tables()}
