import pytest

from tokpipe.finetuning.config import FinetuneConfig


@pytest.mark.parametrize("rows", [1, 60, 199, 200, 399, 400, 799, 800, 5_000, 60_000])
def test_a_batch_is_as_large_as_500_steps_allow_from_8_to_32(rows):
    config = FinetuneConfig()
    epochs = config.epochs_for(rows)
    size = config.batch_for(rows, epochs)
    assert size in (8, 16, 32)
    assert size == 8 or epochs * rows / size >= 500
    assert size == 32 or epochs * rows / (2 * size) < 500


def test_a_batch_that_was_asked_for_is_taken():
    assert FinetuneConfig(batch_size=3).batch_for(100_000, 3) == 3
