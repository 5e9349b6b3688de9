import json

import numpy as np
import pytest

from tests.unit.inspection.printing import colored, shown
from tests.unit.shards import folders
from tokpipe.examples.config import MaskConfig
from tokpipe.inspection.opening import Opened
from tokpipe.inspection.shards import histogram, shards_json, view_split
from tokpipe.inspection.terminal.masking import Vocabulary
from tokpipe.inspection.terminal.shards import shards_renderable
from tokpipe.shards.reader import open_shards


def opened(folder, masks=folders.STATIC):
    return open_shards(folders.write_folder(folder / "shards", masks))


def drawn(shards, views, printer=shown, **settings):
    form = Opened(shards.folder / "tokenizer.json", shards.tokenizer).form
    vocabulary = Vocabulary(shards.tokenizer.tokens, form)
    return printer(shards_renderable(shards, views, vocabulary), **settings)


def test_stored_masks_are_counted(tmp_path):
    shards = opened(tmp_path)
    view = view_split(shards, shards.train, 2, 0)
    measured = view.measured
    assert (measured.examples, measured.tokens) == (12, 72)
    assert (measured.masked.part, measured.masked.whole) == (12, 72)
    assert (measured.mask.part, measured.random.part, measured.kept.part) == (12, 0, 0)
    assert (measured.labels.part, measured.labels.whole) == (4, 12)
    assert view.padding == pytest.approx(1 - 72 / (12 * 128))
    assert view.padding_in_batches == pytest.approx(1 - 72 / (12 * 7))


def test_dynamic_masks_are_drawn_and_counted(tmp_path):
    shards = opened(tmp_path, MaskConfig(masked_lm_prob=0.5))
    measured = view_split(shards, shards.train, 0, 0).measured
    assert measured.masked.part == measured.mask.whole > 12
    assert measured.mask.part + measured.random.part + measured.kept.part == measured.masked.part


def test_an_example_has_what_stood_there(tmp_path):
    shards = opened(tmp_path)
    (example,) = view_split(shards, shards.train, 1, 0).examples
    assert example.masked[1] == 4 and example.ids[1] == 7 and example.positions.tolist() == [1]
    assert example.file.startswith("train/") and example.label in (0, 1)


def test_an_empty_split_is_said_to_be(tmp_path):
    shards = opened(tmp_path)
    view = view_split(shards, shards.validation, 3, 0)
    assert view.measured is None
    assert "validation\n  examples  0 in 1 file\n" in drawn(shards, [view])


def test_histogram_has_every_example_once():
    lengths = np.random.default_rng(1).integers(1, 513, 1000).astype(np.int32)
    rows = histogram(lengths, 512)
    assert len(rows) == 16 and rows[0][:2] == (1, 32) and rows[-1][:2] == (481, 512)
    assert sum(count for _, _, count in rows) == 1000
    assert sum(count for _, _, count in histogram(np.zeros(0, np.int32), 128)) == 0


def test_it_is_drawn_in_80_columns(tmp_path):
    shards = opened(tmp_path)
    text = drawn(shards, [view_split(shards, shards.train, 2, 0)])
    assert "  → mask       100.00 % (64.40–100.00 %), asked 80 %\n" in text
    assert "  random next  33.33 % (10.52–68.02 %)\n" in text
    assert "  [CLS] [MASK] " in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("width", [20, 40])
def test_it_fits_narrow_terminals_in_ascii(tmp_path, width):
    shards = opened(tmp_path)
    text = drawn(shards, [view_split(shards, shards.train, 2, 0)], width=width, encoding="ascii")
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= max(width, 34)


def test_hostile_tokens_are_shown_as_escapes(tmp_path, monkeypatch):
    hostile = [*folders.TOKENS[:-4], "\x1b]0;x\x07", "[bold]", "\u202e", "##d"]
    monkeypatch.setattr(folders, "TOKENS", hostile)
    shards = opened(tmp_path)
    text = drawn(shards, [view_split(shards, shards.train, 12, 0)])
    assert r"\x1b]0;x\x07" in text and "[bold]" in text
    assert not set(text) & set("\x1b\x07\u202e")
    painted = drawn(shards, [view_split(shards, shards.train, 12, 0)], colored)
    assert "\x1b]" not in painted


def test_json_is_plain(tmp_path):
    shards = opened(tmp_path)
    views = [view_split(shards, split, 2, 0) for split in shards.splits]
    content = json.loads(json.dumps(shards_json(shards, views)))
    train = content["splits"]["train"]
    assert train["measured"]["mask"]["share"] == 1
    assert train["shown"][0]["input_tokens"][1] == "[MASK]"
    assert content["splits"]["validation"]["measured"] is None
