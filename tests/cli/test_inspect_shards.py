import pytest

from tests.unit.shards.folders import write_folder
from tokpipe.examples.config import MaskConfig


@pytest.fixture
def shards(tmp_path):
    return write_folder(tmp_path / "shards")


def test_shards_are_shown_with_examples_and_shares(tokpipe, shards):
    ran = tokpipe("inspect", "shards", shards)
    assert ran.code == 0 and "\x1b" not in ran.out
    assert "asked 80 %" in ran.out and "[CLS] [MASK]" in ran.out
    both = tokpipe("inspect", "shards", shards, "--split", "both", "--json", "--examples", 1)
    assert list(both.json["splits"]) == ["train", "validation"]
    assert len(both.json["splits"]["train"]["shown"]) == 1


def test_a_seed_decides_what_dynamic_masking_shows(tokpipe, tmp_path):
    folder = write_folder(tmp_path / "dynamic", MaskConfig())
    one, again, other = (
        tokpipe("inspect", "shards", folder, "--seed", seed).out for seed in (1, 1, 2)
    )
    assert one == again != other


def test_what_is_no_shard_folder_is_a_damaged_artifact(tokpipe, tmp_path):
    assert tokpipe("inspect", "shards", tmp_path).code == 4


@pytest.mark.parametrize("damage", ["flip", "remove", "cut"])
def test_check_exits_with_1_for_damaged_shards_and_0_for_sound_ones(tokpipe, shards, damage):
    assert tokpipe("check", shards).code == 0
    path = shards / "train/data-00000-of-00002.arrow"
    data = bytearray(path.read_bytes())
    data[700] ^= 4
    path.write_bytes(data if damage == "flip" else data[:900])
    if damage == "remove":
        path.unlink()
    ran = tokpipe("check", shards)
    assert ran.code == 1
    assert "error    train/data-00000-of-00002.arrow\n" in ran.out


def test_masking_is_shown_with_and_without_a_text(tokpipe, shards):
    assert "two share 100 %" in tokpipe("inspect", "masking", "--epochs", 3).out
    tokenizer = shards / "tokenizer.json"
    ran = tokpipe("inspect", "masking", "a b c a b c", "-t", tokenizer, "--json")
    assert ran.json["tokens"] == ["[CLS]", *"abcabc", "[SEP]"]
    assert tokpipe("inspect", "masking", "[SEP]").code == 2


def test_masking_is_explained(tokpipe, shards):
    ran = tokpipe("explain", "masking", "\x1b[31mred\x07 ships", "--whole-word", "--seed", 3)
    assert ran.code == 0 and not set(ran.out) & set("\x1b\x07")
    assert "1. What may be chosen: words" in ran.out
    tokenizer = shards / "tokenizer.json"
    ran = tokpipe("explain", "masking", "a bd c", "-t", tokenizer, "--json")
    assert ran.json["wanted"] == 1
