"""What a tokenizer is, as plain data: the meaning of a `tokenizer.json`, free of its syntax."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tokpipe.words.config import WordsConfig


class ModelKind(StrEnum):
    """The three models that run on our kernels, and all others."""

    WORDPIECE = "wordpiece"
    BPE = "bpe"
    BYTE_BPE = "byte-bpe"
    FOREIGN = "foreign"  # run by the `tokenizers` library


class DecoderKind(StrEnum):
    """How tokens become text again."""

    WORDPIECE = "wordpiece"
    BYTE_LEVEL = "byte-level"
    BPE = "bpe"
    FUSE = "fuse"  # tokens end to end, no spaces
    NONE = "none"  # tokens with a space between


@dataclass(frozen=True, slots=True)
class AddedToken:
    """A token that is found in raw text before anything else is done to it."""

    id: int
    content: str
    special: bool = True
    normalized: bool = False  # looked for in the normalized text, not the raw one
    single_word: bool = False  # not inside a word
    lstrip: bool = False  # takes the white space to its left with it
    rstrip: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a template: a sequence ("A", "B") or a special token."""

    sequence: str  # "A", "B", or "" for a special token
    type_id: int
    ids: tuple[int, ...] = ()
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """What is put around one text and a pair; `trim` leaves spaces out of offsets.

    `trim_keeps_first` stands for Hugging Face's ``add_prefix_space`` of the post-processor: the
    first token's space was added by the tokenizer and so is no part of the text.
    """

    single: tuple[Piece, ...] = (Piece("A", 0),)
    pair: tuple[Piece, ...] = (Piece("A", 0), Piece("B", 1))
    trim: bool = False
    trim_keeps_first: bool = False
    style: str = "none"  # how it is written: none, template, bert, roberta, byte-level

    def added(self, is_pair: bool) -> int:
        """Return how many special tokens the template adds."""
        return sum(len(piece.ids) for piece in (self.pair if is_pair else self.single))


@dataclass(frozen=True, slots=True)
class Decoder:
    """How ids become text: the kind, and the prefix or suffix that marks word parts."""

    kind: DecoderKind = DecoderKind.NONE
    mark: str = ""  # "##" of WordPiece, "</w>" of BPE
    cleanup: bool = False  # " ." becomes "." and the like


@dataclass(frozen=True, slots=True)
class Truncation:
    """How long an encoding may be, and which side loses what is too much.

    With a `stride`, what is cut off is kept in windows that share so many tokens; of a pair, every
    window of one text is combined with every one of the other. None keeps nothing.
    """

    max_length: int
    strategy: str = "longest_first"  # or only_first, only_second
    stride: int | None = None
    direction: str = "right"


@dataclass(frozen=True, slots=True)
class Padding:
    """Fill encodings to one length: of the longest (None) or a fixed one."""

    length: int | None = None
    pad_id: int = 0
    pad_type_id: int = 0
    pad_token: str = "[PAD]"
    multiple_of: int | None = None
    direction: str = "right"


@dataclass(frozen=True, slots=True, eq=False)
class Spec:
    """Everything that decides which ids a text has."""

    model: ModelKind
    # the model's vocabulary in file form (``##`` prefixes, printable byte-level); index = id. ""
    # where no token of the model has the id
    tokens: list[str]
    # int32[M, 3]: left id, right id, new id, in rank order; empty for WordPiece
    merges: NDArray[np.int32]
    words: WordsConfig
    unk_token: str | None = None
    continuing_subword_prefix: str = ""
    end_of_word_suffix: str = ""
    max_input_chars_per_word: int = 100
    # `fuse_unk`, `ignore_merges`: as Hugging Face's BPE: neighbouring unknown characters become one
    # token; a word that is in the vocabulary is one token whatever the merges say
    fuse_unk: bool = False
    ignore_merges: bool = False
    added_tokens: tuple[AddedToken, ...] = ()
    template: Template = Template()
    decoder: Decoder = Decoder()
    truncation: Truncation | None = None
    padding: Padding | None = None
    # which token has which role, where files beside the vocabulary say it; others go by their names
    roles: Mapping[str, str] = field(default_factory=dict)

    @property
    def all_tokens(self) -> list[str]:
        """The vocabulary with the added tokens; "" where no token has the id."""
        size = max([len(self.tokens), *(token.id + 1 for token in self.added_tokens)])
        tokens = self.tokens + [""] * (size - len(self.tokens))
        for token in self.added_tokens:
            tokens[token.id] = token.content
        return tokens
