"""What other implementations write, read back by ours."""

import datasets
import pytest

from tests.unit.corpus.reference import texts_of
from tokpipe.corpus.reader import open_corpus

TEXTS = ["one\n", "zwei Wörter", "", "東京", "x" * 5000] * 500


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    whole = datasets.Dataset.from_dict({"n": range(len(TEXTS)), "text": TEXTS})
    whole.save_to_disk(folder / "one", num_shards=3)
    whole.filter(lambda row: row["n"] % 2 == 0).save_to_disk(folder / "half")
    datasets.DatasetDict(train=whole, test=whole.select([3])).save_to_disk(folder / "both")
    whole.to_parquet(folder / "a.parquet")
    whole.to_csv(folder / "a.csv")
    whole.to_json(folder / "a.jsonl")
    return folder


@pytest.mark.parametrize("name", ["one", "a.parquet", "a.csv", "a.jsonl"])
def test_what_datasets_writes_is_read_in_order(saved, name):
    assert texts_of(p.load() for p in open_corpus([saved / name]).pieces()) == [
        text.encode() for text in TEXTS
    ]


def test_filtered_datasets_and_dictionaries_of_splits_are_read(saved):
    half = texts_of(p.load() for p in open_corpus([saved / "half"]).pieces())
    assert half == [text.encode() for text in TEXTS[::2]]
    both = texts_of(p.load() for p in open_corpus([saved / "both"]).pieces())
    assert both == [text.encode() for text in [*TEXTS, TEXTS[3]]]
