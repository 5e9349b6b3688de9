"""Arguments for the kernels of encoding."""

import numpy as np
from hypothesis import strategies as st

from tokpipe.foundation.arrays import Strings, padded
from tokpipe.tokenizer.added import TokenFinder
from tokpipe.tokenizer.kernels.bpe import NODE_BYTES
from tokpipe.tokenizer.kernels.encode import PROGRESS, WORK_BYTES, CacheArrays, Output, TextBatch
from tokpipe.tokenizer.kernels.long_words import long_symbols as symbols_of
from tokpipe.tokenizer.spec import AddedToken, ModelKind, Spec
from tokpipe.tokenizer.tables import model_tables
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR
from tokpipe.words.config import BERT_CASED, BERT_UNCASED, GPT2, WordsConfig
from tokpipe.words.pre_tokenizers import plain_split_tables, split_tables
from tokpipe.words.table import WordTable

LETTERS = "abcå日"
KINDS = (ModelKind.WORDPIECE, ModelKind.BPE, ModelKind.BYTE_BPE)
ROOM, WORK = np.zeros(NODE_BYTES * 500, np.uint8), np.zeros(WORK_BYTES, np.uint8)
TEXT = st.text(LETTERS + "AB .,'\n", max_size=60)


def random_merges(draw, tokens, prefix=""):
    """Merge random pairs of tokens that are there; the new tokens are appended."""
    ids, merges = {token: i for i, token in enumerate(tokens)}, []
    for _ in range(draw(st.integers(0, 12))):
        left = draw(st.sampled_from(tokens[1:]))
        right = draw(st.sampled_from([t for t in tokens[1:] if t.startswith(prefix)]))
        new = left + right.removeprefix(prefix)
        if new not in ids:
            ids[new] = len(tokens)
            tokens.append(new)
        if (ids[left], ids[right]) not in {(a, b) for a, b, _ in merges}:
            merges.append((ids[left], ids[right], ids[new]))
    return np.array(merges, np.int32).reshape(-1, 3)


@st.composite
def specs(draw):
    """Draw small vocabularies of all three kinds, in which few words are known."""
    kind, flags = draw(st.sampled_from(KINDS)), [draw(st.booleans()) for _ in range(3)]
    none = np.zeros((0, 3), np.int32)
    if kind is ModelKind.WORDPIECE:
        pieces = draw(st.sets(st.text(LETTERS, min_size=1, max_size=3), max_size=8))
        tokens = ["[UNK]", *sorted(pieces), *(f"##{p}" for p in sorted(pieces))]
        words = draw(st.sampled_from([BERT_UNCASED, BERT_CASED]))
        most = draw(st.sampled_from([2, 100]))
        return Spec(kind, tokens, none, words, "[UNK]", "##", max_input_chars_per_word=most)
    if kind is ModelKind.BYTE_BPE:
        tokens = ["<unk>", *BYTE_TO_CHAR]
        merges = random_merges(draw, tokens)
        return Spec(kind, tokens, merges, GPT2, ignore_merges=flags[0])
    prefix = draw(st.sampled_from(["", "##"]))
    tokens = ["<unk>", *LETTERS[1:], *(f"{prefix}{c}" for c in LETTERS if prefix)]
    merges = random_merges(draw, tokens, prefix)
    words = WordsConfig(normalizer="none", lowercase=False, pre_tokenizer="whitespace-split")
    return Spec(
        kind, tokens, merges, words, "<unk>" if flags[0] else None, prefix,
        fuse_unk=flags[1], ignore_merges=flags[2],
    )  # fmt: skip


@st.composite
def _long_word(draw):
    spec = draw(specs().filter(lambda spec: spec.model is not ModelKind.WORDPIECE))
    word = draw(st.text(LETTERS, max_size=99)).encode()
    edges, symbols = draw(st.integers(0, 3)), np.zeros(len(word) + 1, np.uint64)
    return padded(word), len(word), edges, model_tables(spec), symbols


@st.composite
def merge_long(draw):
    *word, model, symbols = draw(_long_word())
    count = symbols_of.reference(*word, model, symbols)
    links, heap = ROOM.ctypes.data, ROOM.ctypes.data + 8 * 500
    return symbols, count, links, heap, np.zeros(2, np.int64), model


@st.composite
def put_entries(draw):
    keys = draw(st.lists(st.integers(1, 2**64 - 1) | st.integers(1, 9), max_size=15))
    values = np.arange(len(keys), dtype=np.uint64)
    return np.array(keys, np.uint64), values, np.zeros(2 * 16, np.uint64)


@st.composite
def add_to_trie(draw):
    words = draw(st.lists(st.binary(min_size=1, max_size=5), max_size=6, unique=True))
    strings, ids = Strings.from_list(words), np.arange(len(words), dtype=np.int32)
    return strings.data, strings.offsets, ids, draw(st.integers(0, 1)), 2, np.zeros(128, np.uint64)


@st.composite
def encode_words(draw):
    spec = draw(specs())
    text = draw(st.lists(st.text(LETTERS, min_size=1, max_size=99), max_size=5))
    words, count = Strings.from_list(text), len(text)
    room = draw(st.integers(0, words.nbytes + count))
    ids, ends = np.zeros(room, np.int32), np.zeros(room, np.int32)
    first = draw(st.integers(0, count))
    counts, scratch = np.zeros(count, np.int32), ROOM.ctypes.data
    starts, stops = words.offsets[:-1], words.offsets[1:]
    model = model_tables(spec)
    return words.data, starts, stops, first, model, ids, ends, counts, scratch


@st.composite
def encode_texts(draw):
    spec = draw(specs())
    texts = Strings.from_list(draw(st.lists(TEXT, max_size=6)))
    cache = WordTable()
    cache.head[1] = 0  # no room: the twin has no cache
    out = np.zeros(texts.nbytes + 64, np.int32)
    borders, progress = np.zeros(len(texts) + 1, np.int64), np.zeros(1, PROGRESS)
    line_ends = draw(st.booleans())
    matches = draw(_matches(texts))
    return (
        TextBatch(texts.data, texts.offsets, matches, line_ends), progress, 1 << 40,
        split_tables(spec.words), model_tables(spec),
        CacheArrays(cache.head, cache.slots, cache.arena, np.zeros(99, np.int32)),
        Output(out, borders), ROOM.ctypes.data, WORK.ctypes.data,
    )  # fmt: skip


@st.composite
def _matches(draw, texts):
    """Mark a few whole characters as added tokens."""
    rows = []
    for t in range(len(texts)):
        start, end = texts.offsets[t : t + 2].tolist()
        plain = [i for i in range(start, end) if texts.data[i] < 128 and texts.data[i] != 10]
        chosen = draw(st.sets(st.sampled_from(plain), max_size=2)) if plain else []
        rows += [(i, i + 1, draw(st.integers(0, 9)), t) for i in sorted(chosen)]
    return np.array(rows, np.int64).reshape(-1, 4)


@st.composite
def find_tokens(draw):
    tokens = draw(st.lists(st.text("a[<å", min_size=1, max_size=4), max_size=5, unique=True))
    finder = TokenFinder([AddedToken(i, token) for i, token in enumerate(tokens)])
    texts = Strings.from_list(draw(st.lists(st.text("a[<å b", max_size=30), max_size=5)))
    rows, progress = np.zeros((texts.nbytes + 1, 4), np.int64), np.zeros(2, np.int64)
    return texts.data, texts.offsets, finder.starts, finder.trie, progress, rows


@st.composite
def word_spans(draw):
    text = Strings.from_list([draw(TEXT)])
    split = plain_split_tables(draw(st.sampled_from([BERT_CASED, GPT2])))
    first = draw(st.sampled_from([i for i in range(text.nbytes) if text.data[i] < 128] or [0]))
    room = draw(st.integers(0, 9))
    starts, ends = np.zeros(room, np.int64), np.zeros(room, np.int64)
    return text.data, first, text.nbytes, split, starts, ends


@st.composite
def copy_ranges(draw):
    source = draw(st.sampled_from([np.arange(1, 21, dtype=np.int32), np.arange(1, 21)]))
    cuts = sorted(draw(st.lists(st.integers(0, 20), max_size=8).filter(lambda c: len(c) % 2 == 0)))
    borders = np.array(cuts, np.int64).reshape(-1, 2)
    gaps = np.array(draw(st.lists(st.integers(0, 3), min_size=4, max_size=4)), np.int64)
    places = np.cumsum(gaps)[: len(borders)] + borders[:, 0]
    starts, ends = borders.T.copy()
    return source, starts, ends, np.zeros(40, source.dtype), places


JSON = st.text('[]{}",\\\\ a:1', max_size=60)


@st.composite
def json_shape(draw):
    data = np.frombuffer(draw(JSON).encode() + b" ", np.uint8)
    return data, draw(st.integers(0, len(data)))


CASES = {
    "tokpipe.tokenizer.kernels.shape.json_shape": json_shape(),
    "tokpipe.tokenizer.kernels.added.find_tokens": find_tokens(),
    "tokpipe.tokenizer.kernels.ranges.copy_ranges": copy_ranges(),
    "tokpipe.tokenizer.kernels.spans.word_spans": word_spans(),
    "tokpipe.tokenizer.kernels.tables.put_entries": put_entries(),
    "tokpipe.tokenizer.kernels.tables.add_to_trie": add_to_trie(),
    "tokpipe.tokenizer.kernels.model.encode_words": encode_words(),
    "tokpipe.tokenizer.kernels.long_words.long_symbols": _long_word(),
    "tokpipe.tokenizer.kernels.long_words.merge_long": merge_long(),
    "tokpipe.tokenizer.kernels.encode.encode_texts": encode_texts(),
}
