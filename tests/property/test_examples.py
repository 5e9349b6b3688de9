"""Whatever the documents and the settings: nothing lost, nothing split, draws tied to keys."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.examples.blocks import BERT, block_of, facts_of
from tests.unit.examples.test_masking import words_of
from tokpipe.examples.build import assemble, build_examples
from tokpipe.examples.config import ExampleConfig, MaskConfig
from tokpipe.examples.masking import mask_examples

FACTS = facts_of(1_000, continuing=range(30, 600))
BLOCKS = st.lists(st.lists(st.integers(0, 40), max_size=6), max_size=4).map(block_of)
EXAMPLES = st.builds(
    ExampleConfig,
    recipe=st.sampled_from(["bert", "roberta"]),
    max_seq_length=st.integers(8, 40),
    short_seq_prob=st.sampled_from([0.0, 0.3, 1.0]),
    objective=st.sampled_from(["recipe", "nsp", "sop", "none"]),
    nsp_balance=st.sampled_from(["google", "exact"]),
    packing=st.sampled_from(["full-sentences", "doc-sentences"]),
)
MASKS = st.builds(
    MaskConfig,
    masked_lm_prob=st.floats(0.01, 1),
    max_predictions_per_seq=st.none() | st.integers(1, 10),
    whole_word=st.booleans(),
    span=st.sampled_from(["none", "geometric"]),
    compat=st.sampled_from(["none", "google"]),
)


@given(BLOCKS, EXAMPLES, st.integers(0, 9))
def test_examples_fit_and_hold_or_count_every_token(block, config, seed):
    examples = build_examples(block, config, BERT, seed)
    rows = assemble(block, examples, BERT)
    lengths = np.diff(rows.offsets)
    assert (lengths <= config.max_seq_length).all()
    assert (np.diff(examples.spans, axis=1) > 0).all()
    assert len(np.unique(examples.keys)) == len(examples)
    spans = examples.spans
    if config.task == "nsp":
        random = np.repeat(examples.labels == 1, 2)
        random[::2] = False  # segment A is always the document's own
        spans = spans[~random]
    held = np.concatenate([[], *(np.arange(begin, end) for begin, end in spans)])
    assert len(np.unique(held)) == len(held)
    assert len(held) + examples.tally.dropped_tokens == len(block.ids) == examples.tally.tokens


@given(BLOCKS, EXAMPLES, MASKS, st.integers(0, 9))
def test_masks_follow_the_rules_and_the_keys(block, config, masking, seed):
    examples = build_examples(block, config, BERT, seed)
    rows = assemble(block, examples, BERT)
    ids = rows.input_ids.copy()
    masks = mask_examples(ids, rows.offsets, examples.keys, FACTS, masking)
    places = np.repeat(rows.offsets[:-1], np.diff(masks.offsets)) + masks.positions
    restored = ids.copy()
    restored[places] = masks.ids
    assert (restored == rows.input_ids).all()
    if masking.compat == "none":
        assert not FACTS.is_special[rows.input_ids[places]].any()
    for e in range(len(examples)):
        row = rows.input_ids[rows.offsets[e] : rows.offsets[e + 1]]
        chosen = masks.positions[masks.offsets[e] : masks.offsets[e + 1]].tolist()
        wanted = max(1, round(len(row) * masking.masked_lm_prob))
        wanted = min(wanted, masking.max_predictions_per_seq or wanted)
        possible = int((FACTS.is_special[row] == 0).sum())
        assert len(chosen) <= wanted
        if not masking.by_words:
            assert len(chosen) == min(wanted, possible)
        for word in words_of(row) if masking.by_words and masking.compat == "none" else []:
            is_part = len(word) > wanted  # longer than all that may be chosen
            assert is_part or set(chosen).issuperset(word) or set(chosen).isdisjoint(word)
        alone = row.copy()
        borders = np.array([0, len(row)], np.int64)
        mask_examples(alone, borders, examples.keys[e : e + 1], FACTS, masking)
        assert alone.tolist() == ids[rows.offsets[e] : rows.offsets[e + 1]].tolist()
