"""A tokenizer opened to be looked at: how it writes tokens, what its words are, how it merges."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import InputError
from tokpipe.inspection.check.merges import merge_ranks
from tokpipe.inspection.readable import TokenForm
from tokpipe.inspection.source import Source, read_source
from tokpipe.inspection.tokens import TokenView, view_tokens
from tokpipe.inspection.toy import SENTENCE, toy_tokenizer
from tokpipe.inspection.trace import BpeRules, Pair, WordTrace, trace_bpe_word, trace_wordpiece
from tokpipe.tokenizer.node import Node
from tokpipe.tokenizer.reading import read_tokenizer
from tokpipe.tokenizer.spec import ModelKind, Spec
from tokpipe.tokenizer.texts import Inputs
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.tokenizer.words_json import words_from_json
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR
from tokpipe.words.config import WordsConfig
from tokpipe.words.normalizers import before_split
from tokpipe.words.pre_tokenizers import split_words

_AS_IT_IS = WordsConfig(normalizer="none", lowercase=False, pre_tokenizer="none")


@dataclass(frozen=True)
class Opened:
    """A tokenizer and where it came from."""

    path: Path
    tokenizer: Tokenizer

    @property
    def spec(self) -> Spec | None:
        """Its parts, if its model is ours; None if the `tokenizers` library runs it."""
        spec = self.tokenizer.spec
        return None if spec.model is ModelKind.FOREIGN else spec

    @cached_property
    def words(self) -> WordsConfig | None:
        """How it makes words of text, also where only its model is not ours; None: as we cannot."""
        if self.spec is not None:
            return self.spec.words
        root = Node(read_tokenizer(self.path).document, f"{self.path}:")
        return words_from_json(root.child("normalizer"), root.child("pre_tokenizer"))

    @cached_property
    def source(self) -> Source:
        """Its files as they are written."""
        return read_source(self.path)

    @cached_property
    def form(self) -> TokenForm:
        """How it writes tokens."""
        if self.spec is None:
            return self.source.form
        return TokenForm(
            byte_level=self.spec.model is ModelKind.BYTE_BPE,
            prefix=self.spec.continuing_subword_prefix,
            suffix=self.spec.end_of_word_suffix,
            special_tokens=frozenset(token.content for token in self.spec.added_tokens),
            unk_token=self.spec.unk_token,
        )

    @property
    def model(self) -> str:
        """The name of its model."""
        return self.spec.model.value if self.spec else self.source.model

    @property
    def about(self) -> str:
        """One phrase on it."""
        return f"{self.model}, {self.tokenizer.vocab_size:,} tokens"

    def view(self, text: str, pair: str | None, *, add_special_tokens: bool) -> TokenView:
        """Return what it makes of a text or a pair, without what would only fill it up."""
        encoding = self.tokenizer.encode(
            text, pair, add_special_tokens=add_special_tokens, padding=False
        )
        texts = [text] if pair is None else [text, pair]
        return view_tokens(str(self.path), self.about, encoding, texts, self.form)

    def trace(self, text: str) -> list[WordTrace]:
        """Follow each word of a text to its tokens, by WordPiece or BPE (else an `InputError`).

        A lone surrogate is an `InputError`, too.
        """
        Inputs([text]).utf8()
        words = self._words(text)
        if self.model == "wordpiece":
            return [self._trace_wordpiece(word) for word in words]
        if self.model in ("bpe", "byte-bpe"):
            how = self.tokenizer.ids, (self.form.prefix, self.form.suffix), self._rules
            return [trace_bpe_word(word, self._merges, *how) for word in words]
        raise InputError(
            f"{self.path}: no trace for a {self.model} model",
            hint="WordPiece and BPE take words apart step by step; others choose among all ways.",
        )

    def encode_words(
        self, words: Strings, threads: int | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Encode words that are normalised and split already; return int32[T] and int64[W + 1]."""
        tokenizer = self.tokenizer
        if self.spec is not None:
            tokenizer = Tokenizer(replace(self.spec, words=_AS_IT_IS, added_tokens=()))
        return tokenizer.encode_word_strings(words, threads)

    def _trace_wordpiece(self, word: str) -> WordTrace:
        if self.spec is None:
            longest = self.source.settings.get("max_input_chars_per_word", 100)
        else:
            longest = self.spec.max_input_chars_per_word
        return trace_wordpiece(
            word,
            self.tokenizer.ids,
            prefix=self.form.prefix,
            unk_token=self.form.unk_token or "",
            longest=longest,
        )

    @cached_property
    def _rules(self) -> BpeRules:
        if self.spec is not None:
            return BpeRules(self.spec.unk_token, self.spec.fuse_unk, False, self.spec.ignore_merges)
        said = self.source.settings
        flags = (said.get(name) is True for name in BpeRules._fields[1:])
        return BpeRules(self.source.unk_token, *flags)

    @cached_property
    def _merges(self) -> Mapping[Pair, tuple[int, str]]:
        if self.spec is None:
            return merge_ranks(self.source)
        tokens, merges = self.spec.tokens, self.spec.merges.tolist()
        return {(tokens[a], tokens[b]): (i, tokens[c]) for i, (a, b, c) in enumerate(merges)}

    def _words(self, text: str) -> list[str]:
        """Return the words of a text as they reach the model, in the form of the vocabulary."""
        if self.spec is None:
            return self._foreign_words(text)
        config = self.spec.words
        words, _ = split_words(before_split(Strings.from_list([text]), config), config)
        if self.spec.model is ModelKind.BYTE_BPE:
            return ["".join(BYTE_TO_CHAR[byte] for byte in word) for word in words.iter_bytes()]
        return [word.decode() for word in words.iter_bytes()]

    def _foreign_words(self, text: str) -> list[str]:
        from tokenizers import Tokenizer as Library  # only for models that are not ours

        library = Library.from_str(json.dumps(read_tokenizer(self.path).document))
        if library.normalizer is not None:
            text = library.normalizer.normalize_str(text)
        if library.pre_tokenizer is None:
            return [text] if text else []
        return [word for word, _ in library.pre_tokenizer.pre_tokenize_str(text)]


def open_tokenizer(path: Path) -> Opened:
    """Open a tokenizer folder or file; one that is missing or damaged is an `InputError`."""
    return Opened(path, Tokenizer.load(path))


def open_for_text(text: str | None, path: Path | None) -> tuple[str, Opened]:
    """Return a text to show something on and a tokenizer for it, made up where none is given."""
    text = SENTENCE if text is None else text
    return text, Opened(Path(), toy_tokenizer(text)) if path is None else open_tokenizer(path)
