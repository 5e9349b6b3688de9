import numpy as np

from tokpipe.batches.config import BatchConfig
from tokpipe.batches.kernels.plan import batch_borders
from tokpipe.batches.plan import mask_keys, plan_epoch
from tokpipe.foundation.seeds import stream_key

LENGTHS = np.random.default_rng(1).integers(5, 128, 5_000).astype(np.int32)


def test_borders_by_hand():
    lengths = np.array([4, 3, 5, 9, 2], np.int32)
    order, groups = np.array([3, 0, 1, 2, 4]), np.array([0, 5])
    # 9 alone is more than 8; 4 + 3 fit, 5 more would not; 5 + 2 fit
    assert batch_borders(lengths, order, groups, 8, 10).tolist() == [0, 1, 3, 5]
    assert batch_borders(lengths, order, groups, 99, 2).tolist() == [0, 2, 4, 5]
    assert batch_borders(lengths, order, np.array([0, 2, 5]), 99, 99).tolist() == [0, 2, 5]


def test_batches_are_filled_and_hold_every_row_once():
    plan = plan_epoch(LENGTHS, BatchConfig(batch_tokens=2_048), 1, 0)
    rows = [plan.rows_of(batch) for batch in range(len(plan))]
    sizes = [int(LENGTHS[row].sum()) for row in rows]
    assert max(sizes) <= 2_048
    assert min(sizes[:-1]) > 2_048 - 128
    assert sorted(np.concatenate(rows).tolist()) == list(range(5_000))


def test_bins_shuffle_their_batches_into_one_another():
    plan = plan_epoch(LENGTHS, BatchConfig(batch_tokens=2_048, bins=5), 1, 0)
    means = np.array([LENGTHS[plan.rows_of(batch)].mean() for batch in range(len(plan))])
    assert abs(np.corrcoef(means, np.arange(len(plan)))[0, 1]) < 0.3
    spread = [np.ptp(LENGTHS[plan.rows_of(batch)]) for batch in range(len(plan))]
    assert max(spread) < 128 / 3


def test_classes_that_do_not_stand_apart_leave_no_batch_but_one_unfilled():
    config = BatchConfig(batch_size=32, batch_tokens=32 * 128, bins=7)
    apart, together = (plan_epoch(LENGTHS, config, 1, 0, apart=each) for each in (True, False))
    assert together.order.tobytes() == apart.order.tobytes()
    assert len(together) == -(-5_000 // 32) < len(apart)
    assert sorted(np.diff(together.borders))[:2] == [5_000 % 32, 32]


def test_orders_depend_on_seed_and_epoch_alone():
    orders = {
        plan_epoch(LENGTHS, BatchConfig(), seed, epoch).order.tobytes()
        for seed in (1, 2)
        for epoch in (0, 1)
    }
    assert len(orders) == 4
    other = plan_epoch(LENGTHS, BatchConfig(batch_size=7), 2, 1).order
    assert other.tobytes() in orders


def test_mask_keys_are_children_by_shard_and_row():
    keys = mask_keys(1, 2, np.array([[3, 4], [4, 3]]))
    assert keys.tolist() == [stream_key(1, "mask", 2, 3, 4), stream_key(1, "mask", 2, 4, 3)]
