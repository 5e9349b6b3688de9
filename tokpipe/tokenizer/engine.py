"""The fast way from texts to ids: kernels, a word cache for each thread, blocks of texts."""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings, distinct, padded
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.threads import Feed, map_ordered, run_in_threads, thread_count
from tokpipe.tokenizer.added import cut_out, one_finder
from tokpipe.tokenizer.blocks import BLOCK_BYTES, Ids, text_blocks, without_line_ends
from tokpipe.tokenizer.kernels import encode as kernels
from tokpipe.tokenizer.kernels.bpe import NODE_BYTES
from tokpipe.tokenizer.kernels.model import encode_words
from tokpipe.tokenizer.kernels.tables import UNKNOWN, ModelTables
from tokpipe.tokenizer.long_words import NothingInCommonError, Pieces, pieces_of, windows
from tokpipe.tokenizer.spec import ModelKind, Spec
from tokpipe.tokenizer.tables import model_tables
from tokpipe.tokenizer.texts import short
from tokpipe.words.normalizers import before_plain_split, before_split
from tokpipe.words.pre_tokenizers import (
    SplitTables,
    pre_tokenize,
    scratch_bytes,
    split_tables,
)
from tokpipe.words.table import WordTable

_MOST_SLOTS = 1 << 20  # of a cache: 25 MB of slots, some 20 MB of words
_CALL_BYTES = 4 << 20  # budget of one kernel call: about 40 ms
_FIRST_CALL_BYTES = 1 << 16  # while the cache is small: it grows between calls
_SPANS_A_CALL = 1 << 16  # words: threads get parts of a text, and a call's room is bounded
_LARGE_OUT = 1 << 23  # ids: 32 MB
_NO_MATCHES = np.zeros((0, 4), np.int64)  # as `TokenFinder.find` returns them


class WordCache:
    """What one thread remembers: the ids of words met before, and its room to work in."""

    def __init__(self) -> None:
        self.words = WordTable()
        self.pieces = np.empty(1 << 16, np.int32)
        self.progress = np.zeros(1, kernels.PROGRESS)
        self.run = self.progress.view(np.recarray)[0]
        self.work = np.empty(kernels.WORK_BYTES, np.uint8)
        self.scratch = np.empty(1 << 12, np.uint8)
        self.out = np.empty(1 << 12, np.int32)

    def tidy(self) -> None:
        """Make room for more words, or forget all once memory reaches its limit."""
        used, limit, arena_used, arena_bytes = self.words.head.tolist()
        is_full = used > limit * 0.9 or arena_used > arena_bytes * 0.9
        if is_full and len(self.words.slots) >= 3 * _MOST_SLOTS:
            self.words.clear()
            self.run.pieces = 0
            return
        if used > limit * 0.9:
            self.words.head[0], kept = limit, used  # so that `make_room` takes it as full
            self.words.make_room()
            self.words.head[0] = kept
        if arena_used > arena_bytes * 0.9:
            self.words.make_room(len(self.words.arena) // 4)
        if self.run.pieces > len(self.pieces) * 0.9:
            self.pieces.resize(2 * len(self.pieces), refcheck=False)

    def take(self, count: int) -> NDArray[np.int32]:
        """Return the first ids of `out`: a copy, or where that would double much, `out` itself."""
        if count < _LARGE_OUT:
            ids = self.out[:count].copy()
            if len(self.out) > _LARGE_OUT:  # one long text must not hold on to its room
                self.out = np.empty(1 << 12, np.int32)
            return ids
        ids, self.out = self.out, np.empty(1 << 12, np.int32)
        ids.resize(count, refcheck=False)
        return ids

    @property
    def budget(self) -> int:
        """How many bytes the next call may take."""
        is_small = len(self.words.slots) < 3 << 16
        return _FIRST_CALL_BYTES if is_small else _CALL_BYTES


class Engine:
    """Encodes texts with the kernels; safe to use from several threads at once.

    Attributes
    ----------
    finds_all : bool
        Whether `encode` finds all added tokens; where some are looked for in raw text and some in
        normalised text, only `detail` does.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.model: ModelTables = model_tables(spec)
        self.split: SplitTables = split_tables(spec.words)
        words = spec.words
        self._finder = one_finder(spec)
        self.finds_all = self._finder is not None
        self._splits_raw = (words.normalizer == words.pre_tokenizer == "bert") or (
            words.normalizer == "none" and not words.lowercase and not words.add_prefix_space
        )
        # the kernel can leave a line end out, but not what was found or normalised with it
        self._skips_line_ends = self._splits_raw and not any(
            "\n" in token.content for token in spec.added_tokens
        )
        self._needs_all = (
            self.spec.model is ModelKind.WORDPIECE and self.model.settings[UNKNOWN] < 0
        )
        self._idle: list[WordCache] = []
        self._lock = threading.Lock()

    @contextmanager
    def cache(self) -> Iterator[WordCache]:
        """Lend a cache to a thread: the one that was used last, or a new one."""
        with self._lock:
            cache = self._idle.pop() if self._idle else WordCache()
        try:
            yield cache
        finally:
            with self._lock:
                self._idle.append(cache)

    def encode(
        self, texts: Strings, threads: int | None = None, *, line_ends: bool = True
    ) -> list[Ids]:
        """Encode texts in blocks, over threads.

        Parameters
        ----------
        texts
            Valid UTF-8.
        threads
            How many, or None for one a processor.
        line_ends
            Whether a line feed at the end of a text is part of it.

        Returns
        -------
        list of (int32[K], int64[t + 1])
            Ids and offsets of each block of texts, in order.
        """
        blocks, count = list(text_blocks(texts.offsets, BLOCK_BYTES)), thread_count(threads)
        done: list[Ids | None] = [None] * len(blocks)

        def work(feed: Feed[tuple[int, tuple[int, int]]]) -> None:
            with self.cache() as cache:
                for i, (first, last) in feed:
                    part = Strings(texts.data, texts.offsets[first : last + 1])
                    done[i] = self.encode_block(part, cache, line_ends)

        if len(blocks) <= 1 or count == 1:
            work(Feed(enumerate(blocks)))
        else:
            run_in_threads(work, enumerate(blocks), min(count, len(blocks)))
        return [ids for ids in done if ids is not None]

    def encode_block(self, part: Strings, cache: WordCache, line_ends: bool) -> Ids:
        """Encode some texts with one cache."""
        if not line_ends and not self._skips_line_ends:
            part, line_ends = without_line_ends(part), True
        matches = self._finder.find(part) if self._finder else _NO_MATCHES
        if self._splits_raw:
            found = self._run(part, matches, cache, line_ends)
        elif len(matches):
            found = self._encode_between(part, matches, cache)
        else:
            found = self._run(before_split(part, self.spec.words), matches, cache)
        if self._needs_all and (found[0] < 0).any():
            pieces = before_plain_split(cut_out(part, matches).pieces, self.spec.words).texts
            starts, ends, _ = pre_tokenize(pieces, self.spec.words)
            counts, ids, _ = self.encode_spans(pieces.data, starts, ends)
            self.check_known(pieces.data, starts, ends, counts, ids)
        return found

    def check_known(
        self,
        data: NDArray[np.uint8],
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        counts: NDArray[np.int32],
        ids: NDArray[np.int32],
    ) -> None:
        """Refuse words that `encode_spans` gave no id, where WordPiece has none for the unknown.

        Raises
        ------
        InputError
            Naming the first such word.
        """
        if self._needs_all and (ids < 0).any():
            word = np.searchsorted(np.cumsum(counts), np.argmax(ids < 0), side="right")
            text = data[starts[word] : ends[word]].tobytes().decode()
            raise InputError(
                f"the word {short(text)} is not in the vocabulary, which has no unknown token",
                hint="Add [UNK] to the vocabulary, or train one on such text.",
            )

    def _encode_between(self, texts: Strings, matches: NDArray[np.int64], cache: WordCache) -> Ids:
        """Normalise and encode what stands between added tokens, and put their ids in."""
        cut = cut_out(texts, matches)
        ids, borders = self._run(before_split(cut.pieces, self.spec.words), _NO_MATCHES, cache)
        ids = np.insert(ids, borders[cut.tokens], matches[:, 2].astype(np.int32))
        added = np.searchsorted(cut.tokens, cut.first)
        return ids, borders[cut.first] + added

    def _run(
        self,
        texts: Strings,
        matches: NDArray[np.int64],
        cache: WordCache,
        line_ends: bool = True,
    ) -> Ids:
        """Call the kernel until all texts are done."""
        offsets = texts.offsets
        start, end = int(offsets[0]), int(offsets[-1])
        borders = np.zeros(len(offsets), np.int64)
        longest = int(np.diff(offsets).max(initial=0))
        cache.scratch = _at_least(cache.scratch, scratch_bytes(longest, self.spec.words))
        cache.out = _at_least(cache.out, end - start + len(matches) + 64)
        run, progress = cache.run, cache.progress
        run.text = run.match = run.written = 0
        run.position = start
        batch = kernels.TextBatch(texts.data, offsets, matches, line_ends)
        scratch, work = cache.scratch.ctypes.data, cache.work.ctypes.data
        while True:
            cache.tidy()
            words = cache.words
            known = kernels.CacheArrays(words.head, words.slots, words.arena, cache.pieces)
            out = kernels.Output(cache.out, borders)
            status = kernels.encode_texts(
                batch,
                progress,
                cache.budget,
                self.split,
                self.model,
                known,
                out,
                scratch,
                work,
            )
            del known, out  # arrays that something refers to do not grow in place
            if status == kernels.DONE:
                return cache.take(int(run.written)), borders
            if status == kernels.ROOM:
                self._make_room(cache, int(run.word_size))
            elif status == kernels.LONG:
                self._append_long(texts, cache)

    def _append_long(self, texts: Strings, cache: WordCache) -> None:
        """Encode the long word at which a kernel stopped, and add its ids."""
        run, before = cache.run, cache.run.written
        source = cache.scratch if run.in_scratch else texts.data
        word = source[run.word : run.word + run.word_size]
        for window in windows(len(word)):
            run.written = before
            with suppress(NothingInCommonError):
                for ids, _ in self._long_pieces(word, bool(run.lower), window):
                    self._make_room(cache, len(ids))
                    cache.out[run.written : run.written + len(ids)] = ids
                    run.written += len(ids)
                return

    def _make_room(self, cache: WordCache, size: int) -> None:
        need = int(cache.run.written) + size + 64
        if need > len(cache.out):
            cache.out.resize(max(need, 2 * len(cache.out)), refcheck=False)

    def encode_spans(
        self,
        data: NDArray[np.uint8],
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        threads: int | None = 1,
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
        """Encode words that are marked in a text, without a cache.

        Parameters
        ----------
        data : uint8[N + PADDING]
        starts, ends : int64[W]
            Borders of the words, normalised already.
        threads
            How many, or None for one a processor.

        Returns
        -------
        counts : int32[W]
            How many pieces each word has.
        ids : int32[K], piece_ends : int64[K]
            The pieces, and where in `data` each ends.
        """
        is_long = (ends - starts > kernels.INLINE) & (self.spec.model is not ModelKind.WORDPIECE)
        far = np.arange(_SPANS_A_CALL, len(starts), _SPANS_A_CALL)
        cuts = np.concatenate([[0], np.flatnonzero(np.diff(is_long)) + 1, far, [len(starts)]])

        def encode(borders: tuple[int, int]) -> tuple[NDArray[Any], ...]:
            first, last = borders
            work = self._encode_long_spans if is_long[first] else self._encode_short_spans
            return work(data, starts[first:last], ends[first:last])

        ranges = list(pairwise(distinct(cuts).tolist()))
        workers = min(thread_count(threads), len(ranges))
        parts = list(map_ordered(encode, ranges, workers) if workers > 1 else map(encode, ranges))
        if not parts:
            return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int64)
        counts, ids, piece_ends = (np.concatenate(column) for column in zip(*parts, strict=True))
        return counts, ids, piece_ends

    def _encode_short_spans(self, data, starts, ends):
        sizes = ends - starts
        room = int(sizes.sum()) + len(starts) + 1
        ids, piece_ends = np.empty(room, np.int32), np.empty(room, np.int32)
        counts = np.empty(len(starts), np.int32)
        merged = 0 if self.spec.model is ModelKind.WORDPIECE else int(sizes.max())
        scratch = np.empty(NODE_BYTES * merged, np.uint8)
        base = int(starts[0])  # ends are int32 in the kernel, texts may be longer
        _, written = encode_words(
            data[base:], starts - base, ends - base, 0, self.model,
            ids, piece_ends, counts, scratch.ctypes.data,
        )  # fmt: skip
        return counts, ids[:written], piece_ends[:written].astype(np.int64) + base

    def _encode_long_spans(self, data, starts, ends):
        found = [self.encode_long(data[start:end]) for start, end in zip(starts, ends, strict=True)]
        counts = np.array([len(ids) for ids, _ in found], np.int32)
        piece_ends = [ends + start for (_, ends), start in zip(found, starts, strict=True)]
        return counts, np.concatenate([ids for ids, _ in found]), np.concatenate(piece_ends)

    def encode_long(self, word: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Encode one word of any length, in steps of bounded time.

        Returns
        -------
        ids : int32[k], ends : int64[k]
            The pieces, and the byte where each ends.

        Raises
        ------
        MemoryLimitError
            If there is no room for its merges.
        """
        for window in windows(len(word)):
            with suppress(NothingInCommonError):
                parts = list(self._long_pieces(word, False, window))
                ids, ends = zip(*parts, strict=True)
                return np.concatenate(ids), np.concatenate(ends)
        raise AssertionError("a window that holds the word needs nothing in common")

    def _long_pieces(self, word: NDArray[np.uint8], lower: bool, window: int) -> Iterator[Pieces]:
        longest = self._longest_token if self.spec.ignore_merges else 0
        if self.spec.model is ModelKind.WORDPIECE or len(word) <= longest:
            raw = word.tobytes()
            data, whole = padded(raw.lower() if lower else raw), np.array([0, len(raw)])
            yield self._encode_short_spans(data, whole[:1], whole[1:])[1:]
            return
        yield from pieces_of(word, lower, self.model, window if self._keeps_all else len(word))

    @functools.cached_property
    def _keeps_all(self) -> bool:
        """Whether every byte is in a piece: what is unknown and has no token leaves no trace."""
        has_bytes = self.spec.model is ModelKind.BYTE_BPE and int(self.model.bytes.min()) >= 0
        return has_bytes or self.spec.unk_token is not None

    @functools.cached_property
    def _longest_token(self) -> int:
        return max((len(token.encode()) for token in self.spec.tokens), default=0)


def _at_least(array: NDArray, size: int) -> NDArray:
    """Return the array, or a new one of the same type that is large enough; contents are lost."""
    return array if len(array) >= size else np.empty(size, array.dtype)
