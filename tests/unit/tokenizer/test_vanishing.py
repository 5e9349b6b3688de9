"""Text that is empty only after a step: no tokens of it, on every path, as the library has it."""

import json

import pyarrow as pa
import pytest
import tokenizers

from tests.unit.inspection.folders import bpe, wordpiece
from tests.unit.tokenizer.judge import assert_equal
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR

CLEANED = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
           "strip_accents": None, "lowercase": True}  # fmt: skip
STRIPPED = [{"type": "NFKC"}, {"type": "Strip", "strip_left": True, "strip_right": True}]
NORMALIZERS = {
    "BERT's": CLEANED,
    "stripping": {"type": "Sequence", "normalizers": STRIPPED},
    "replacing": {"type": "Replace", "pattern": {"String": "a"}, "content": ""},
    "marks": {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}]},
}
TEXTS = ["\u200b", "", " ", "\u0301", "\x00", "a", "a\u200b", "\u200ba", "\u200b \u200b", "\ufeff"]


def byte_level(prefix_space):
    parts = {"type": "ByteLevel", "add_prefix_space": prefix_space, "trim_offsets": True}
    content = bpe() | {"pre_tokenizer": parts, "decoder": parts, "post_processor": parts}
    content["added_tokens"] = []
    vocab = {char: id for id, char in enumerate(BYTE_TO_CHAR)}
    content["model"] |= {"vocab": vocab, "merges": [], "unk_token": None}
    return content


KINDS = {
    "wordpiece": wordpiece(),
    "bpe": bpe(),
    "bytes": byte_level(False),
    "bytes with a space in front": byte_level(True),
}


@pytest.mark.parametrize("normalizer", NORMALIZERS)
@pytest.mark.parametrize("kind", KINDS)
def test_text_that_vanishes_has_the_tokens_of_the_library(tmp_path, kind, normalizer):
    content = json.dumps(KINDS[kind] | {"normalizer": NORMALIZERS[normalizer]})
    (tmp_path / "tokenizer.json").write_text(content)
    tokenizer, library = Tokenizer.load(tmp_path), tokenizers.Tokenizer.from_str(content)
    for text in TEXTS:
        assert_equal(tokenizer.encode(text), library.encode(text))
        assert_equal(tokenizer.encode(text, text), library.encode(text, text))
        words = [text, "b", text]
        assert_equal(tokenizer.encode_words(words), library.encode(words, is_pretokenized=True))
    found = tokenizer.encode_arrow(pa.array(TEXTS), add_special_tokens=True)
    assert found.to_pylist() == [encoding.ids for encoding in library.encode_batch(TEXTS)]


def test_nothing_is_left_of_a_space_of_no_width_between_bytes(tmp_path):
    content = byte_level(True) | {"normalizer": CLEANED}
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    assert Tokenizer.load(tmp_path).encode("\u200b").ids == []
