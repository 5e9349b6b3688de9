import numpy as np
import pytest

from tests.unit.examples.blocks import BERT, block_of, random_block
from tokpipe.examples.build import Tally, assemble, build_examples
from tokpipe.examples.config import ExampleConfig
from tokpipe.examples.template import RowTemplate
from tokpipe.foundation.errors import ConfigError

PAIRS = ExampleConfig(max_seq_length=32, short_seq_prob=0)
PACKED = ExampleConfig(recipe="roberta", max_seq_length=32)


def spans_of(examples):
    return examples.spans.tolist()


def covered(examples, spans=None):
    """Return the ids' places that the examples hold, in order."""
    chosen = examples.spans if spans is None else spans
    return sorted(i for begin, end in chosen.tolist() for i in range(begin, end))


def test_example_by_hand():
    # room for 8 tokens and separators behind [CLS]: 3 + 2 and one [SEP] leave 2 for the third
    # sentence with its 4; the two documents share an example, with a [SEP] after each
    block = block_of([[3, 2, 4], [1]])
    config = ExampleConfig(recipe="roberta", max_seq_length=9)
    examples = build_examples(block, config, BERT, 1)
    assert spans_of(examples) == [[0, 5], [5, 9], [9, 10]]
    assert examples.borders.tolist() == [0, 1, 3]
    rows = assemble(block, examples, BERT)
    assert rows.input_ids.tolist() == [2, 5, 6, 7, 8, 9, 3, 2, 10, 11, 12, 13, 3, 14, 3]
    assert rows.offsets.tolist() == [0, 7, 15]
    assert rows.segment_b_start.tolist() == [7, 8]


def test_doc_sentences_stay_in_their_document():
    config = ExampleConfig(recipe="roberta", packing="doc-sentences", max_seq_length=9)
    examples = build_examples(block_of([[3, 2, 4], [1]]), config, BERT, 1)
    assert spans_of(examples) == [[0, 5], [5, 9], [9, 10]]
    assert examples.borders.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("packing", ["full-sentences", "doc-sentences"])
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_packing_loses_no_token_and_fits(packing, share):
    block = random_block(1, 50, (0, 6), (0, 70))
    config = ExampleConfig(
        recipe="roberta", max_seq_length=32, packing=packing, short_seq_prob=share
    )
    examples = build_examples(block, config, BERT, 1)
    assert covered(examples) == list(range(len(block.ids)))
    assert np.diff(assemble(block, examples, BERT).offsets).max() <= 32
    assert examples.tally.dropped_tokens == 0


def test_pairs_fit_and_every_token_is_used_or_counted():
    block = random_block(2, 80, (0, 9), (0, 40))
    for balance in ("google", "exact"):
        config = ExampleConfig(max_seq_length=32, nsp_balance=balance)
        examples = build_examples(block, config, BERT, 1)
        own = [
            spans[: 1 if random else 2]
            for spans, random in zip(examples.spans.reshape(-1, 2, 2), examples.labels, strict=True)
        ]
        places = covered(examples, np.concatenate(own))
        assert len(places) == len(set(places)) == len(block.ids) - examples.tally.dropped_tokens
        rows = assemble(block, examples, BERT)
        assert np.diff(rows.offsets).max() <= 32
        assert (np.diff(examples.spans, axis=1) > 0).all()


def test_random_next_comes_from_another_document_and_true_next_follows():
    block = random_block(3, 30, (1, 8), (1, 20))
    examples = build_examples(block, PAIRS, BERT, 1)
    document_of = np.repeat(np.arange(len(block)), np.diff(block.sentences[block.documents]))
    first, second = examples.spans[::2], examples.spans[1::2]
    same = document_of[first[:, 0]] == document_of[second[:, 0]]
    assert (same == (examples.labels == 0)).all()
    follows = second[:, 0] >= first[:, 1]
    assert follows[examples.labels == 0].all()


def test_sentence_order_swaps_half_of_the_pairs_of_one_document():
    block = random_block(4, 400, (1, 8), (1, 20))
    config = ExampleConfig(objective="sop", max_seq_length=32)
    examples = build_examples(block, config, BERT, 1)
    first, second = examples.spans[::2], examples.spans[1::2]
    assert ((first[:, 0] > second[:, 0]) == (examples.labels == 1)).all()
    assert abs(examples.labels.mean() - 0.5) < 3.3 * 0.5 / np.sqrt(len(examples))


def test_documents_of_one_sentence_always_get_a_random_next():
    examples = build_examples(block_of([[5]] * 40), PAIRS, BERT, 1)
    assert examples.labels.all()
    assert len(examples) == 40


def test_exact_balance_makes_up_for_lone_sentences():
    block = random_block(5, 500, (1, 4), (3, 12))
    google = build_examples(block, PAIRS, BERT, 1).labels
    exact = build_examples(
        block, ExampleConfig(max_seq_length=32, short_seq_prob=0, nsp_balance="exact"), BERT, 1
    ).labels
    assert google.mean() > 0.6
    assert abs(exact.mean() - 0.5) < 0.01


def test_sentences_longer_than_the_window_are_cut_and_counted():
    block = block_of([[100], [7]])
    packed = build_examples(block, PACKED, BERT, 1)  # parts of 30
    assert covered(packed) == list(range(107))
    assert packed.tally.cut_sentences == 1
    pairs = build_examples(block, PAIRS, BERT, 1)
    assert pairs.tally.cut_sentences == 1
    # parts of 15, the window 29: each pair of parts loses one token
    assert pairs.tally.dropped_tokens <= 10


def test_a_block_of_one_document_lends_runs_of_its_own():
    block = block_of([[5] * 60])
    examples = build_examples(block, PAIRS, BERT, 1)
    random = examples.spans.reshape(-1, 2, 2)[examples.labels == 1]
    assert len(random)
    for (_, a_end), (begin, end) in random.tolist():
        assert begin != a_end  # the true next is no random next
        assert end <= a_end or begin > a_end


def test_a_lone_sentence_alone_is_split_and_a_lone_token_counted():
    examples = build_examples(block_of([[6]]), PAIRS, BERT, 1)
    (_, middle), (begin, end) = spans_of(examples)
    assert (middle, end, examples.labels.tolist()) == (begin, 6, [0])
    nothing = build_examples(block_of([[1]]), PAIRS, BERT, 1)
    assert len(nothing) == 0
    assert nothing.tally == Tally(1, 1, 0, 0, 0, 1)


def test_empty_documents_and_empty_blocks_are_counted():
    block = block_of([[], [0, 0], [4, 0, 5], []])
    for config in (PAIRS, PACKED):
        examples = build_examples(block, config, BERT, 1)
        assert len(examples) == 1
        assert examples.tally.empty_documents == 3
        nothing = build_examples(block_of([]), config, BERT, 1)
        rows = assemble(block_of([]), nothing, BERT)
        assert len(nothing) == len(rows.input_ids) == 0


def test_copies_and_seeds_differ_and_repeat():
    block = random_block(6, 30, (2, 9), (3, 12))
    for config in (PAIRS, PACKED):
        runs = [
            build_examples(block, config, BERT, seed, copy)
            for seed, copy in ((1, 0), (1, 1), (2, 0))
        ]
        again = build_examples(block, config, BERT, 1, 0)
        assert spans_of(runs[0]) == spans_of(again)
        assert runs[0].keys.tolist() == again.keys.tolist()
        keys = np.concatenate([run.keys for run in runs])
        assert len(np.unique(keys)) == len(keys)
        if config.pairs:
            assert len({str(spans_of(run)) for run in runs}) == 3


def test_draws_hang_on_document_numbers_and_not_on_places():
    block = random_block(7, 20, (2, 6), (3, 12))
    packing = ExampleConfig(recipe="roberta", packing="doc-sentences", max_seq_length=32)
    whole = build_examples(block, packing, BERT, 1)
    tail = type(block)(block.ids, block.sentences, block.documents[5:], block.numbers[5:])
    first = block.documents[5]
    tail = type(block)(
        block.ids, block.sentences[first:], block.documents[5:] - first, block.numbers[5:]
    )
    part = build_examples(tail, packing, BERT, 1)
    assert whole.keys[-len(part) :].tolist() == part.keys.tolist()
    assert spans_of(whole)[-len(part) :] == spans_of(part)


ROBERTA = RowTemplate(*(np.array(ids, np.int32) for ids in ([2], [3, 3], [3])))


def test_rows_follow_the_template_and_room_is_left_for_all_of_it():
    block = random_block(8, 40, (1, 6), (1, 20))
    config = ExampleConfig(max_seq_length=16, short_seq_prob=0)
    longest = []
    for template in (BERT, ROBERTA):
        examples = build_examples(block, config, template, 1)
        rows = assemble(block, examples, template)
        for e, (a, b) in enumerate(examples.spans.reshape(-1, 2, 2).tolist()):
            row = rows.input_ids[rows.offsets[e] : rows.offsets[e + 1]].tolist()
            between = template.between.tolist()
            first, second = (block.ids[begin:end].tolist() for begin, end in (a, b))
            assert row == [2, *first, *between, *second, 3]
            is_bert = template is BERT
            assert rows.segment_b_start[e] == (2 + len(first) if is_bert else len(row))
        longest.append(np.diff(rows.offsets).max())
    assert longest == [16, 16]


def test_a_row_without_room_for_text_is_refused():
    many = RowTemplate(*(np.full(n, 3, np.int32) for n in (4, 1, 2)))
    with pytest.raises(ConfigError, match="max_seq_length=8 leaves no room"):
        build_examples(block_of([[3]]), ExampleConfig(max_seq_length=8), many, 1)
