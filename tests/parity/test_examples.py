"""Examples and masks against BERT's own algorithm in plain Python: agreement in distribution.

Both sides draw from generators of their own, so that figures are compared, not examples: shares by
a two-sample z test, lengths by Kolmogorov and Smirnov's, each at the 99.9 % point. The seeds are
fixed: the tests do not fail by chance.
"""

import random

import numpy as np
import pytest
from scipy.stats import ks_2samp

from tests.parity.pretraining_script import Settings, make_instances, pairs_of
from tests.unit.examples.blocks import BERT, block_of, facts_of
from tokpipe.examples.build import assemble, build_examples
from tokpipe.examples.config import ExampleConfig, MaskConfig
from tokpipe.examples.masking import mask_examples

NORMAL_999 = 3.2905
SHORT = [[12, 9], [7, 15], [20, 4], [11, 10]] * 3_000  # two sentences a document
LONG = [[5 + (7 * i) % 23 for i in range(250 + k % 40)] for k in range(300)]  # some 4,300 tokens
MIXED = [[3 + (5 * i + k) % 40 for i in range(1 + k % 25)] for k in range(3_000)]
FACTS = facts_of(1_000, continuing=range(700, 1_000))


def documents_of(sizes, ids=None):
    """Write the documents of a block as lists of tokens."""
    words, at = [], 0
    for document in sizes:
        words.append([])
        for size in document:
            row = range(at, at + size) if ids is None else ids[at : at + size]
            words[-1].append([f"##{i}" if ids is not None and i >= 700 else f"t{i}" for i in row])
            at += size
    return words


def their_pairs(sizes, settings, seed=1):
    documents, rng = documents_of(sizes), random.Random(seed)
    return [
        (len(a), len(b), is_random)
        for index in range(len(documents))
        for a, b, is_random in pairs_of(documents, index, rng, settings)
    ]


def our_pairs(sizes, config, seed=1):
    examples = build_examples(block_of(sizes), config, BERT, seed)
    a, b = np.diff(examples.spans, axis=1)[:, 0].reshape(-1, 2).T
    return a, b, examples.labels


def assert_shares_agree(ours, theirs):
    """Compare two means of draws that are 0 or 1."""
    share = (np.sum(ours) + np.sum(theirs)) / (len(ours) + len(theirs))
    error = np.sqrt(share * (1 - share) * (1 / len(ours) + 1 / len(theirs)))
    assert abs(np.mean(ours) - np.mean(theirs)) < NORMAL_999 * error


@pytest.mark.parametrize(("sizes", "share"), [(SHORT, 0.666), (LONG, 0.506)], ids=["short", "long"])
def test_share_of_random_nexts_is_google_s(sizes, share):
    theirs = np.array(their_pairs(sizes, Settings(short_seq_prob=0)))[:, 2]
    ours = our_pairs(sizes, ExampleConfig(short_seq_prob=0))[2]
    assert_shares_agree(ours, theirs)
    assert abs(np.mean(theirs) - share) < 0.01
    assert abs(np.mean(ours) - share) < 0.01
    exact = our_pairs(sizes, ExampleConfig(nsp_balance="exact"))[2]
    assert abs(np.mean(exact) - 0.5) < 0.01


@pytest.mark.parametrize("sizes", [SHORT, LONG, MIXED], ids=["short", "long", "mixed"])
@pytest.mark.parametrize("length", [32, 128])
def test_pair_lengths_are_distributed_as_google_s(sizes, length):
    # one draw makes a whole document short: too few draws to compare where documents are long
    share = 0.0 if sizes is LONG else 0.1
    # sentences longer than an example we cut in parts, and they lose
    whole = [[min(size, length - 3) for size in document] for document in sizes]
    theirs = np.array(their_pairs(whole, Settings(length, share))).T
    a, b, labels = our_pairs(whole, ExampleConfig(max_seq_length=length, short_seq_prob=share))
    assert abs(len(a) / theirs.shape[1] - 1) < 0.02
    for ours, other in ((a, theirs[0]), (b, theirs[1]), (a + b, theirs[0] + theirs[1])):
        assert ks_2samp(ours, other).pvalue > 0.001
    assert ks_2samp(b[labels == 1], theirs[1][theirs[2] == 1]).pvalue > 0.001


@pytest.mark.parametrize("whole_word", [False, True])
def test_masks_are_distributed_as_google_s(whole_word):
    sizes = [[10 + i % 9 for i in range(12)]] * 150
    block = block_of(sizes)
    block.ids[:] = np.random.default_rng(1).integers(5, 1_000, len(block.ids))
    examples = build_examples(block, ExampleConfig(), BERT, 1)
    rows = assemble(block, examples, BERT)
    ids = rows.input_ids.copy()
    config = MaskConfig(whole_word=whole_word, max_predictions_per_seq=15)
    masks = mask_examples(ids, rows.offsets, examples.keys, FACTS, config)
    settings = Settings(whole_word=whole_word, max_predictions_per_seq=15)
    words = [f"t{i}" for i in range(5, 1_000)]
    documents = documents_of(sizes, block.ids.tolist())
    theirs = make_instances(documents, words, random.Random(1), settings)
    counts = np.array([len(instance.positions) for instance in theirs])
    assert ks_2samp(np.diff(masks.offsets), counts).pvalue > 0.001
    places = np.repeat(rows.offsets[:-1], np.diff(masks.offsets)) + masks.positions
    fates = [
        (instance.tokens[place] == "[MASK]", instance.tokens[place] == label)
        for instance in theirs
        for place, label in zip(instance.positions, instance.labels, strict=True)
    ]
    is_mask, is_same = np.array(fates).T
    assert_shares_agree(ids[places] == FACTS.mask_id, is_mask)
    assert_shares_agree(ids[places] == masks.ids, is_same)
    theirs_at = np.concatenate([np.array(i.positions) / len(i.tokens) for i in theirs])
    lengths = np.repeat(np.diff(rows.offsets), np.diff(masks.offsets))
    assert ks_2samp(masks.positions / lengths, theirs_at).pvalue > 0.001
