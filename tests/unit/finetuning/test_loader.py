from collections import Counter

import numpy as np
import pytest

from tests.unit.bert.test_job_heads import job_config
from tests.unit.finetuning.windows_of import LENGTHS, drawn, numbers, same, with_tags
from tokpipe.batches.config import BatchConfig
from tokpipe.bert.head import target_count
from tokpipe.bert.inputs import check_input
from tokpipe.bert.registry import heads_of
from tokpipe.finetuning.loader import ExampleLoader
from tokpipe.training.parts import batches_from
from tokpipe.training.progress import Position

BY_ROWS = BatchConfig(batch_size=16, batch_tokens=100_000)
BY_TOKENS = BatchConfig(batch_tokens=500, bins=4)
BOTH = pytest.mark.parametrize("config", [BY_ROWS, BY_TOKENS], ids=["rows", "tokens"])


def labelled():
    generator = np.random.default_rng(4)
    spans = np.stack([np.zeros(300), LENGTHS - 1], axis=1).astype(np.int32)
    return drawn(labels=generator.integers(0, 3, 300).astype(np.int32), answer_spans=spans)


@BOTH
@pytest.mark.parametrize("in_order", [False, True])
def test_an_epoch_holds_every_window_once_with_what_is_asked_of_it(config, in_order):
    examples, seen = labelled(), []
    loader = ExampleLoader(examples, config, 1, in_order=in_order)
    for number, batch in enumerate(loader.batches(0)):
        windows = loader.plan(0).rows_of(number).tolist()
        assert numbers(batch) == windows
        assert batch.labels.tolist() == examples.labels[windows].tolist()
        assert batch.answer_spans.tolist() == examples.answer_spans[windows].tolist()
        for at, window in enumerate(windows):
            here = slice(*batch.offsets[at : at + 2])
            there = slice(*examples.offsets[window : window + 2])
            assert batch.input_ids[here].tolist() == examples.input_ids[there].tolist()
            assert batch.token_type_ids[here].tolist() == examples.token_type_ids[there].tolist()
        seen += windows
    assert sorted(seen) == list(range(300)) and seen != sorted(seen)
    assert loader.count(0) == number + 1 and loader.rows == 300


def test_types_are_those_that_the_model_takes():
    batch = ExampleLoader(with_tags(), BY_ROWS, 1).pack(np.array([3, 1]))
    fields = (batch.input_ids, batch.offsets, batch.token_type_ids, batch.tag_positions, batch.tags)
    assert all(field.dtype == np.int32 for field in fields)


@pytest.mark.parametrize("job", ["text", "token", "span"])
def test_the_model_lets_batches_in_and_finds_its_targets(job):
    examples = with_tags() if job == "token" else labelled()
    shape = {"vocab_size": 1_300, "max_position_embeddings": 90}
    config = job_config(job, **shape, **({} if job == "span" else {"labels": tuple("abcdefg")}))
    head = heads_of(config)[job]
    for in_order in (False, True):
        for batch in ExampleLoader(examples, BY_TOKENS, 1, in_order=in_order).batches(0):
            check_input(batch, config)
            assert target_count(head, batch) > 0


def test_the_last_batch_is_kept_though_it_is_not_full():
    sizes = Counter(len(batch) for batch in ExampleLoader(drawn(), BY_ROWS, 1).batches(0))
    assert sizes == {16: 18, 12: 1}


def test_batches_hold_windows_of_one_class_of_length_or_of_two_neighbours():
    config = BatchConfig(batch_size=16, batch_tokens=100_000, bins=8)
    edges = np.quantile(LENGTHS, np.arange(1, 8) / 8)
    classes = [
        np.unique(np.searchsorted(edges, np.diff(batch.offsets)))
        for batch in ExampleLoader(drawn(), config, 1).batches(0)
    ]
    assert all(np.ptp(found) <= 1 for found in classes)
    assert sum(len(found) == 1 for found in classes) >= len(classes) - 7  # of 8 classes


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 300])
@pytest.mark.parametrize("bins", [1, 2, 8, 16])
def test_classes_of_length_cost_no_steps(rows, bins):
    config = BatchConfig(batch_size=16, batch_tokens=100_000, bins=bins)
    lengths = np.random.default_rng(rows).integers(1, 90, rows)
    loader = ExampleLoader(drawn(lengths), config, 1)
    sizes = sorted(len(batch) for batch in loader.batches(0))
    assert sizes == sorted([rows % 16, *[16] * (rows // 16)])[-len(sizes) :]
    assert loader.count(0) == -(-rows // 16)


@BOTH
@pytest.mark.parametrize("in_order", [False, True])
@pytest.mark.parametrize("start", [0, 1, 7])
def test_resuming_at_a_batch_goes_on_as_if_never_stopped(config, start, in_order):
    whole = list(ExampleLoader(labelled(), config, 5, in_order=in_order).batches(3))
    rest = list(ExampleLoader(labelled(), config, 5, in_order=in_order).batches(3, start))
    assert len(whole) - start == len(rest) > 0
    assert all(same(one, other) for one, other in zip(whole[start:], rest, strict=True))


def test_threads_change_nothing():
    one, two, four = (
        list(ExampleLoader(with_tags(), BY_TOKENS, 1).batches(0, 0, n)) for n in (1, 2, 4)
    )
    assert all(map(same, one, two)) and all(map(same, one, four))


def test_epochs_and_seeds_have_orders_of_their_own_but_those_asked_in_order():
    def order(seed, epoch, in_order=False):
        loader = ExampleLoader(drawn(), BY_ROWS, seed, in_order=in_order)
        return [n for batch in loader.batches(epoch) for n in numbers(batch)]

    assert len({tuple(order(seed, epoch)) for seed in (1, 2) for epoch in (0, 1)}) == 4
    assert order(1, 0) == order(1, 0)
    lengths = LENGTHS[order(1, 0, in_order=True)]
    assert (np.diff(lengths) <= 0).all() and order(1, 0, True) == order(2, 1, True)


@pytest.mark.parametrize("in_order", [False, True])
def test_tags_go_along_with_their_words(in_order):
    examples = with_tags()
    loader = ExampleLoader(examples, BY_TOKENS, 1, in_order=in_order)
    count = 0
    for number, batch in enumerate(loader.batches(0)):
        places = examples.logit_places(loader.plan(0).rows_of(number))
        found = examples.tag_positions[places]
        assert batch.input_ids[batch.tag_positions].tolist() == examples.input_ids[found].tolist()
        assert batch.tags.tolist() == examples.tags[places].tolist()
        assert (np.diff(batch.tag_positions) > 0).all()
        count += len(found)
    assert count == examples.logit_count


def test_words_without_a_tag_are_not_learned_from_but_asked():
    examples = with_tags(tags_known=False)
    learned = list(ExampleLoader(examples, BY_TOKENS, 1).batches(0))
    asked = list(ExampleLoader(examples, BY_TOKENS, 1, in_order=True).batches(0))
    assert min(batch.tags.min() for batch in learned) == 0
    assert sum(len(batch.tags) for batch in learned) == int((examples.tags >= 0).sum())
    assert sum(len(batch.tag_positions) for batch in asked) == examples.logit_count
    assert {batch.tags is None for batch in asked} == {True}


def test_the_loop_goes_through_its_epochs():
    loader = ExampleLoader(drawn(), BY_ROWS, 1)
    found = batches_from(loader, Position(0, 17))
    positions = [next(found)[1] for _ in range(4)]
    assert positions == [Position(0, 18), Position(1, 0), Position(1, 1), Position(1, 2)]


def test_no_windows_are_no_batches():
    loader = ExampleLoader(drawn(np.zeros(0, np.int64)), BY_TOKENS, 1)
    assert loader.count(0) == 0 and list(loader.batches(0)) == []
