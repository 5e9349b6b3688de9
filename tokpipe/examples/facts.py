"""What examples and masks need to know of a vocabulary, as arrays."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

SPACE_MARKS = ("Ġ", "▁")  # how byte-level and SentencePiece vocabularies write a leading space
ROLES = ("cls", "sep", "mask", "pad", "unk")


class TokenFacts(NamedTuple):
    """Roles and kinds of the tokens of a vocabulary."""

    # `cls_id`, `sep_id`, `mask_id`, `pad_id`, `unk_id`: ids of the roles; -1 where the vocabulary
    # has none
    cls_id: int
    sep_id: int
    mask_id: int
    pad_id: int
    unk_id: int
    vocab_size: int  # how many ids there are, V
    # uint8[V]: 1 for tokens that stand for no text, and for ids that no token has: never chosen for
    # masking
    is_special: NDArray[np.uint8]
    # uint8[V]: 1 for tokens that go on inside a word: ``##`` pieces, or tokens without a space mark
    continues_word: NDArray[np.uint8]
    # int32[K]: the ids that a random word may be: those of tokens that are not special
    ordinary: NDArray[np.int32]

    @property
    def counts_as_word(self) -> NDArray[np.bool_]:
        """bool[V]: tokens of which each is counted as a word.

        Those that begin one, and the unknown token. Where a vocabulary marks neither begin nor
        inside (BPE without byte level), all that are not special.
        """
        ordinary = self.is_special == 0
        begins = ordinary & (self.continues_word == 0)
        counted = begins if begins.any() else ordinary
        if self.unk_id >= 0:
            counted[self.unk_id] = True
        return counted

    @classmethod
    def of_tokens(
        cls,
        tokens: Sequence[str],
        specials: Collection[str],
        roles: Mapping[str, int],
        continuing_prefix: str,
    ) -> Self:
        """Gather the facts from a vocabulary.

        Tokens are in the order of their ids, "" where none has the id; `specials` stand for no
        text. `roles` has the ids of "cls", "sep", "mask", "pad", "unk"; -1 for those left out.
        Tokens inside a word begin with `continuing_prefix`, such as ``##``; it is empty if words
        carry their space.

        Examples
        --------
        >>> facts = TokenFacts.of_tokens(["[CLS]", "a", "##b"], {"[CLS]"}, {"cls": 0}, "##")
        >>> facts.continues_word.tolist(), facts.ordinary.tolist(), facts.sep_id
        ([0, 0, 1], [1, 2], -1)
        """
        is_special = np.array([token in specials or not token for token in tokens], np.uint8)
        continues = np.array([_continues(token, continuing_prefix) for token in tokens], np.uint8)
        return cls(
            **{f"{role}_id": roles.get(role, -1) for role in ROLES},
            vocab_size=len(tokens),
            is_special=is_special,
            continues_word=continues & (1 - is_special),
            ordinary=np.flatnonzero(is_special == 0).astype(np.int32),
        )


def _continues(token: str, prefix: str) -> bool:
    if prefix:
        return token.startswith(prefix) and token != prefix
    return not token.startswith(SPACE_MARKS)
