import numpy as np
import pytest

from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.reader import open_corpus
from tokpipe.foundation.errors import InputError
from tokpipe.tokenizer.files import encode_corpus
from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab
from tokpipe.tokenizer.tokenizer import Tokenizer

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b", "b", "c"]


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer(spec_from_bert_vocab(TOKENS))


def test_lines_come_in_order_for_any_number_of_threads(tokenizer, tmp_path):
    path = tmp_path / "text.txt"
    lines = [f"{'ab ' * (i % 7)}c" for i in range(400_000)]
    path.write_text("\n".join(lines) + "\n")
    expected = [[5, 6] * (i % 7) + [8] for i in range(5)]
    results = [tokenizer.encode_files([path], threads=threads) for threads in (1, 3)]
    assert results[0].slice(0, 5).to_pylist() == expected
    assert results[0].equals(results[1])
    assert len(results[0]) == len(lines)


def test_line_end_is_no_part_of_a_text_but_a_cell_keeps_its_own(tokenizer, tmp_path):
    (tmp_path / "a.txt").write_text("a\n\nb")
    (tmp_path / "b.jsonl").write_text('{"text": "a\\n"}\n')
    whole = Tokenizer(spec_from_bert_vocab(TOKENS))
    assert whole.encode_files([tmp_path / "a.txt"]).to_pylist() == [[5], [], [7]]
    assert whole.encode_files([tmp_path / "b.jsonl"]).to_pylist() == [[5]]


def test_special_tokens_and_narrow_ids(tokenizer, tmp_path):
    (tmp_path / "a.txt").write_text("ab\n")
    corpus = open_corpus([tmp_path / "a.txt"])
    (piece,) = encode_corpus(tokenizer, corpus, add_special_tokens=True, dtype="uint16")
    assert piece.columns[0].to_pylist() == [[2, 5, 6, 3]]
    assert np.asarray(piece.columns[0].values).dtype == np.uint16
    assert piece.stored_bytes == 3


def test_error_in_a_piece_reaches_the_caller(tokenizer, tmp_path):
    (tmp_path / "a.txt").write_bytes(b"a\n" * 9 + b"\xff\n")
    with pytest.raises(InputError, match=r"a\.txt:10"):
        tokenizer.encode_files([tmp_path / "a.txt"], ReadConfig())
