"""The symbols that words start from: which characters are kept, and the ids of their marked forms.

A character is written as one of four symbols by where it stands in its word: bit 0 of `kind` is
set unless it is the first (it takes the continuing prefix), bit 1 if it is the last (it takes the
end-of-word suffix). Where the settings name no mark, kinds fall together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tokpipe.vocab.config import VocabConfig
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR

KINDS = 4  # two bits: inside a word or not, the last of it or not


@dataclass(frozen=True)
class Alphabet:
    """The tokens before the first merge, and how characters map to them."""

    tokens: list[str]  # special tokens, plain characters by code point, then the marked ones
    ids: dict[tuple[str, int], int]  # characters that are not in it fall out of their words


def keep_characters(counts: Mapping[str, int], config: VocabConfig) -> list[str]:
    """Return the characters of the alphabet, by code point.

    `limit_alphabet` keeps the commonest; among equals the lower code points stay (tokenizers leaves
    that to its hash map). `initial_alphabet` counts as the commonest.
    """
    if config.model == "byte-bpe":
        return sorted(BYTE_TO_CHAR)
    initial = set(config.initial_alphabet)
    ranked = sorted(initial | set(counts), key=lambda c: (c not in initial, -counts.get(c, 0), c))
    return sorted(ranked[: config.limit_alphabet])


def build_alphabet(
    counts: Mapping[str, int],
    seen: Iterable[tuple[str, int]],
    config: VocabConfig,
    marked_order: Sequence[str] | None = None,
) -> Alphabet:
    """Give ids to the special tokens, the kept characters and their marked forms.

    A marked form that no word has, as `seen` says by (character, kind), gets no id. The others are
    ordered by kind, then by code point, unless `marked_order` has them in the order of their ids:
    tokenizers takes them as its hash map yields the words, so that only a test that has its result
    knows its order.
    """
    tokens = list(config.specials)
    place = {token: i for i, token in enumerate(tokens)}

    def id_of(token: str) -> int:
        if token not in place:
            place[token] = len(tokens)
            tokens.append(token)
        return place[token]

    for character in keep_characters(counts, config):
        id_of(character)
    # As in tokenizers, a character that is a special token is known although the limit drops it.
    forms = sorted((kind, c) for c, kind in set(seen) if c in place)
    for token in marked_order or ():
        id_of(token)
    marks = config.prefix, config.end_of_word_suffix
    ids = {(c, kind): id_of(marked(c, kind, *marks)) for kind, c in forms}
    return Alphabet(tokens, ids)


def marked(character: str, kind: int, prefix: str, suffix: str) -> str:
    """Return the form of a character that stands so in its word.

    Examples
    --------
    >>> marked("a", 0, "##", ""), marked("a", 3, "##", "")
    ('a', '##a')
    """
    return (prefix if kind & 1 else "") + character + (suffix if kind & 2 else "")
