"""Whatever the split and the settings: every row once, and the same from any batch on."""

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.batches.splits import FACTS, drawn_rows, same, split_of
from tokpipe.batches.config import BatchConfig
from tokpipe.batches.loader import Loader
from tokpipe.examples.config import MaskConfig

CONFIGS = st.builds(
    BatchConfig,
    batch_tokens=st.integers(1, 300),
    batch_size=st.none() | st.integers(1, 9),
    bins=st.integers(1, 4),
)


@given(st.integers(0, 60), CONFIGS, st.integers(0, 3), st.data())
def test_every_row_once_within_the_budget_and_the_same_after_resuming(count, config, epoch, data):
    cuts = sorted(data.draw(st.lists(st.integers(1, max(1, count - 1)), max_size=3, unique=True)))
    cuts = [(cut, number // 2) for number, cut in enumerate(cuts) if cut < count]
    rows = drawn_rows(count)
    split = split_of(rows, cuts=cuts) if count else type(split_of(drawn_rows(1)))("x", [], [], 0)
    whole = list(Loader(split, config, FACTS, MaskConfig(), 1).batches(epoch, 0, 1))
    places = [tuple(place) for batch in whole for place in batch.rows.tolist()]
    assert len(places) == len(set(places)) == count
    for batch in whole:
        assert len(batch) == 1 or len(batch.input_ids) <= config.batch_tokens
        assert len(batch) <= (config.batch_size or count)
    start = data.draw(st.integers(0, len(whole)))
    rest = list(Loader(split, config, FACTS, MaskConfig(), 1).batches(epoch, start, 2))
    for one, other in zip(whole[start:], rest, strict=True):
        assert one.next_sentence_label is None
        assert same(one, other)
