"""A tokenizer's model as the arrays that the kernels work on."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import InputError
from tokpipe.tokenizer.document import byte_form
from tokpipe.tokenizer.kernels.tables import (
    BYTE_BPE,
    CHAR_BPE,
    INNER_ROOT,
    WORD_ROOT,
    WORDPIECE,
    ModelTables,
    add_to_trie,
    put_entries,
)
from tokpipe.tokenizer.spec import ModelKind, Spec
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR

_MOST_NODES = 1 << 24  # a table of 512 MB; a million tokens of 16 bytes have as many
_KINDS = {ModelKind.WORDPIECE: WORDPIECE, ModelKind.BYTE_BPE: BYTE_BPE, ModelKind.BPE: CHAR_BPE}
_NO_TABLE = 1  # slots of a table that holds nothing


def model_tables(spec: Spec) -> ModelTables:
    """Lay a tokenizer's model out for the kernels."""
    ids = {token: i for i, token in enumerate(spec.tokens)}
    unknown = ids.get(spec.unk_token, -1) if spec.unk_token is not None else -1
    settings = np.zeros(6, np.int64)
    settings[:5] = (
        _KINDS[spec.model],
        unknown,
        spec.max_input_chars_per_word,
        spec.fuse_unk,
        spec.ignore_merges,
    )
    return ModelTables(settings, _trie(spec), _pairs(spec, ids), _bytes(spec, ids))


def _trie(spec: Spec) -> NDArray[np.uint64]:
    if spec.model is ModelKind.WORDPIECE:
        prefix = spec.continuing_subword_prefix
        words = {token.encode(): i for i, token in enumerate(spec.tokens)}
        inner = {
            token.removeprefix(prefix).encode(): i
            for i, token in enumerate(spec.tokens)
            if token.startswith(prefix)
        }
        return _trie_of(words, inner)
    if not spec.ignore_merges:
        return empty_table(_NO_TABLE)
    is_bytes = spec.model is ModelKind.BYTE_BPE
    forms = ((byte_form(token) if is_bytes else token.encode()) for token in spec.tokens)
    return _trie_of({form: i for i, form in enumerate(forms) if form is not None}, {})


def _trie_of(words: dict[bytes, int], inner: dict[bytes, int]) -> NDArray[np.uint64]:
    nodes = 2
    edges = sum(map(len, words)) + sum(map(len, inner))
    if edges >= _MOST_NODES:
        raise InputError(f"a vocabulary of {edges:,} bytes, at most {_MOST_NODES:,} are allowed")
    trie = empty_table(edges)
    for root, tokens in ((WORD_ROOT, words), (INNER_ROOT, inner)):
        texts = Strings.from_list(text for text in tokens if text)
        ids = np.array([i for text, i in tokens.items() if text], np.int32)
        nodes = add_to_trie(texts.data, texts.offsets, ids, root, nodes, trie)
    return trie


def _pairs(spec: Spec, ids: dict[str, int]) -> NDArray[np.uint64]:
    if spec.model is ModelKind.WORDPIECE:
        return empty_table(_NO_TABLE)
    merges = spec.merges.astype(np.uint64)
    keys = np.uint64(1 << 63) | merges[:, 0] << np.uint64(32) | merges[:, 1]
    values = np.arange(len(merges), dtype=np.uint64) << np.uint64(32) | merges[:, 2]
    chars = _characters(spec, ids) if spec.model is ModelKind.BPE else {}
    keys = np.concatenate([keys, np.fromiter(chars.keys(), np.uint64, len(chars))])
    values = np.concatenate([values, np.fromiter(chars.values(), np.uint64, len(chars))])
    table = empty_table(len(keys))
    put_entries(keys, values, table)
    return table


def _characters(spec: Spec, ids: dict[str, int]) -> dict[int, int]:
    """Return the id of each character at each place of a word, keyed as in `ModelTables.pairs`."""
    prefix, suffix = spec.continuing_subword_prefix, spec.end_of_word_suffix
    entries = {}
    for is_first, is_last in product((False, True), repeat=2):
        before, after = "" if is_first else prefix, suffix if is_last else ""
        place, length = is_first + 2 * is_last, len(before) + 1 + len(after)
        for token, i in ids.items():
            if len(token) == length and token.startswith(before) and token.endswith(after):
                entries[1 << 62 | place << 32 | ord(token[len(before)])] = i
    return entries


def _bytes(spec: Spec, ids: dict[str, int]) -> NDArray[np.int32]:
    is_bytes = spec.model is ModelKind.BYTE_BPE
    chars = BYTE_TO_CHAR if is_bytes else ()
    return np.array([ids.get(char, -1) for char in chars] or [-1] * 256, np.int32)


def empty_table(entries: int) -> NDArray[np.uint64]:
    """Return an empty open-addressing table, at most half full with so many entries."""
    return np.zeros(2 << (2 * entries).bit_length(), np.uint64)
