"""Arguments for the kernels of normalisation."""

from hypothesis import strategies as st

from tests.parity.cases_words_split import TEXTS
from tokpipe.foundation.arrays import Strings
from tokpipe.words.normalizers import FORMS, form_tables, map_tables
from tokpipe.words.tables import names

MAPS = st.builds(
    map_tables,
    st.booleans(),
    st.sampled_from([0, names.CONTROL, names.BERT_MARK, names.MARK]),
    st.sampled_from([0, names.CHINESE]),
)


@st.composite
def texts_with(draw, tables):
    strings = Strings.from_list(draw(TEXTS))
    # all in one call: what a budget leaves for the next one is not the twin's business
    return strings.data, strings.offsets, 0, 0, 1 << 20, draw(tables), draw(st.booleans())


CASES = {
    "tokpipe.words.kernels.normalize.map_characters": texts_with(MAPS),
    "tokpipe.words.kernels.forms.normal_form": texts_with(st.sampled_from(FORMS).map(form_tables)),
}
