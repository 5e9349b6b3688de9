"""The vocabulary: tokens in the order of their ids, and the merges that made them.

Ids: special tokens first, then the alphabet, then one token a merge, in the order of creation.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.errors import ConfigError
from tokpipe.vocab.config import VocabConfig


def _printable_bytes() -> tuple[str, ...]:
    """Return GPT-2's character for each byte: itself where it prints, else one from U+0100 on."""
    plain = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return tuple(chr(byte if byte in plain else next(others)) for byte in range(256))


BYTE_TO_CHAR = _printable_bytes()
CHAR_TO_BYTE = {char: byte for byte, char in enumerate(BYTE_TO_CHAR)}


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Tokens, merges and the settings they were made with.

    Attributes
    ----------
    config : VocabConfig
        Names the model, the special tokens and the marks of word parts.
    tokens : tuple of str
        ``tokens[id]`` as the file formats write it: printable characters for bytes (byte-bpe),
        ``##`` in front of what goes on inside a word (wordpiece).
    steps : int32[E, 3]
        Every merge made, in order: (left id, right id, new id). Nearly always `merges`; but when
        two merges make one token string, a pair can come back and be merged again.
    base_size : int
        How many tokens stand before the first merge: special tokens and alphabet.
    """

    config: VocabConfig
    tokens: tuple[str, ...]
    steps: NDArray[np.int32]
    base_size: int

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def merges(self) -> NDArray[np.int32]:
        """int32[M, 3]: (left, right, new), the row is the rank; a repeated pair keeps its last."""
        pairs = (self.steps[:, 0].astype(np.int64) << 32) | self.steps[:, 1]
        last = len(pairs) - 1 - np.unique(pairs[::-1], return_index=True)[1]
        return self.steps[np.sort(last)]

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each token."""
        return {token: i for i, token in enumerate(self.tokens)}

    @property
    def special_tokens(self) -> tuple[str, ...]:
        """The special tokens; their ids are 0, 1, 2, ..."""
        return self.config.specials

    @property
    def alphabet(self) -> tuple[str, ...]:
        """The tokens of one character, marks included, before the first merge."""
        return self.tokens[len(self.special_tokens) : self.base_size]

    @property
    def missing(self) -> int:
        """How many tokens the corpus was too small to give, of the largest size asked for."""
        return max(0, self.config.sizes[-1] - len(self.tokens))

    def prefix(self, size: int) -> "Vocabulary":
        """Return the vocabulary that a run with ``vocab_size=size`` gives.

        A size that cannot hold the special tokens and the alphabet is a `ConfigError`.
        """
        if size < self.base_size:
            raise too_small(size, len(self.special_tokens), self.base_size)
        end = len(self.steps)
        if size <= len(self.tokens):  # a run stops with the merge that makes its last token
            makers = np.flatnonzero(self.steps[:, 2] == size - 1)
            end = int(makers[0]) + 1 if size > self.base_size else 0
        config = VocabConfig.from_dict({**self.config.to_dict(), "vocab_size": [size]})
        return Vocabulary(config, self.tokens[:size], self.steps[:end], self.base_size)

    def token_bytes(self, id: int) -> bytes:
        """Return the text of a token as bytes, without marks: for a byte-bpe piece, its bytes."""
        token, config = self.tokens[id], self.config
        if id < len(self.special_tokens):
            return token.encode()
        if config.model == "byte-bpe":
            return bytes(CHAR_TO_BYTE[char] for char in token)
        return token.removeprefix(config.prefix).removesuffix(config.end_of_word_suffix).encode()


def new_token(left: str, right: str, prefix: str) -> str:
    """Return the token that two tokens make: the mark of the right one goes."""
    return left + right.removeprefix(prefix)


def too_small(size: int, specials: int, base_size: int) -> ConfigError:
    """Make the error for a size that cannot hold what every vocabulary of this corpus holds."""
    return ConfigError(
        f"vocab_size={size} cannot hold {specials} special tokens and an alphabet of "
        f"{base_size - specials}: the least is {base_size}",
        hint="Ask for more, or set a lower limit_alphabet.",
    )
