"""Nothing to learn is said before the first step; what guessing comes to is said beside losses."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.shards.folders import write_batches
from tests.unit.training.folders import MODEL, train, write_shards
from tokpipe.bert.head import Frequencies
from tokpipe.bert.registry import heads_of
from tokpipe.examples.build import Rows
from tokpipe.examples.config import MaskConfig
from tokpipe.examples.masking import Masks
from tokpipe.foundation.errors import ConfigError
from tokpipe.inspection.run_page import run_page
from tokpipe.inspection.runs import metrics_of, read_run
from tokpipe.shards.columns import record_batch
from tokpipe.training.frequencies import guesses
from tokpipe.training.progress import State

ONLY_MASKS = replace(MODEL, pooler=False, nsp_head=False)
WORDS, NO_WORDS = [2, 5, 6, 3, 7, 3], [2, 3, 3]  # [CLS] a b [SEP] c [SEP]


def shards_of(folder, rows, validation=(WORDS,), masking="dynamic"):
    """Write pairs, masks drawn at load or (static) none stored."""

    def batch(columns, rows):
        offsets = np.cumsum([0, *map(len, rows)])
        starts = np.array([row.index(3) + 1 for row in rows], np.int32)
        flat = Rows(np.concatenate(rows).astype(np.int32), offsets, starts)
        nothing = np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(len(rows) + 1, np.int32)
        return record_batch(columns, flat, np.zeros(len(rows), np.int8), Masks(*nothing))

    contents = {
        name: [[lambda columns, part=list(part): batch(columns, part)]]
        for name, part in (("train", rows), ("validation", validation))
    }
    return write_batches(folder, contents, MaskConfig(masking=masking))


@pytest.mark.parametrize(
    ("rows", "how", "settings", "message"),
    [
        ([NO_WORDS] * 4, {}, {}, "no mask and no pair: masked_lm_prob=0.15 finds no word"),
        ([WORDS] * 4, {"masking": "static"}, {}, "no mask and no pair: .* stored without masks"),
        ([WORDS, WORDS, NO_WORDS], {}, {"batch_size": 1}, "the batch of row 2 of shard 0"),
        ([WORDS] * 4, {"validation": [NO_WORDS]}, {}, "validation: .* no mask and no pair"),
    ],
    ids=["an epoch", "stored", "a batch", "validation"],
)
def test_nothing_to_find_is_refused_before_the_first_step(tmp_path, rows, how, settings, message):
    shards = shards_of(tmp_path / "s", rows, **how)
    with pytest.raises(ConfigError, match=message) as caught:
        train(shards, tmp_path / "run", model=ONLY_MASKS, **settings)
    assert caught.value.hint
    assert not (tmp_path / "run/log.jsonl").exists()


def test_pairs_alone_are_something_to_learn(tmp_path):
    shards = shards_of(tmp_path / "s", [NO_WORDS] * 4, [NO_WORDS])
    assert train(shards, tmp_path / "run", steps=2).last.heads.keys() == {"nsp"}


def test_a_model_without_heads_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no head that these shards train"):
        model = replace(ONLY_MASKS, mlm_head=False)
        train(write_shards(tmp_path / "s"), tmp_path / "run", model=model)


def test_guessing_by_frequency_is_an_entropy():
    found = Frequencies(np.array([6.0, 3.0, 3.0, 0.0]), np.array([7.0, 7.0]))
    assert guesses(heads_of(MODEL), found) == pytest.approx(
        {"mlm": 1.5 * np.log(2), "nsp": np.log(2)}, rel=1e-6
    )
    assert "nsp" not in guesses(heads_of(MODEL), found._replace(labels=None))


@pytest.mark.parametrize("size", [4, 30_522])
def test_tokens_that_never_stood_there_change_no_yardstick(size):
    counts = np.zeros(size)
    counts[:4] = 5, 5, 5, 5
    found = Frequencies(counts, None)
    assert guesses(heads_of(MODEL), found)["mlm"] == pytest.approx(np.log(4), rel=1e-6)
    views = {"mlm.bias": np.zeros(size, np.float32)}
    heads_of(MODEL)["mlm"].prime(views, found)
    assert np.isfinite(views["mlm.bias"]).all()


def test_a_run_says_what_guessing_comes_to(tmp_path):
    made = train(write_shards(tmp_path / "s"), tmp_path / "run")
    guessing = State.read(tmp_path / "run").guessing
    assert guessing == made.state.guessing
    assert guessing["mlm"] == pytest.approx(np.log(3), abs=0.1)  # of three words
    for place in ("run", "run/log.jsonl", "run/checkpoint-000012"):
        view = read_run(tmp_path / place)
        assert view.figures()["guessing_by_frequency"] == pytest.approx(sum(guessing.values()))
    title = f"loss of masked tokens (guessing by frequency: {guessing['mlm']:.3f} nats)"
    assert title in run_page([view], metrics_of([view]))


def test_a_run_without_the_yardstick_says_nothing(tmp_path):
    train(write_shards(tmp_path / "s"), tmp_path / "run")
    for state in (tmp_path / "run").glob("**/trainer_state.json"):
        state.unlink()
    view = read_run(tmp_path / "run")
    assert view.figures()["guessing_by_frequency"] is None
    assert "guessing" not in run_page([view], metrics_of([view]))
