"""Documents to examples, and examples to rows of ids.

An example is a few spans of its documents' ids; nothing is copied before `assemble` puts them
between special tokens: ``[CLS] span [SEP]``, once for each span.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.examples.config import ExampleConfig
from tokpipe.examples.facts import TokenFacts
from tokpipe.examples.kernels.assemble import assemble_rows
from tokpipe.examples.kernels.packing import pack_units
from tokpipe.examples.kernels.pairs import build_pairs
from tokpipe.examples.kernels.units import cut_sentences
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.seeds import child_keys, stream_key


@dataclass(frozen=True, slots=True, eq=False)
class EncodedDocuments:
    """A block of documents: the unit from which examples are built.

    Attributes
    ----------
    ids : int32[T]
        The tokens of all documents, end to end, without special tokens.
    sentences : int64[S + 1]
        Ascending borders into `ids`; empty sentences are allowed.
    documents : int64[D + 1]
        Ascending borders into `sentences`; empty documents are allowed.
    numbers : int64[D]
        What the draws of a document depend on: its number in the corpus. No two documents, and
        no two parts of one that was cut, have the same.
    """

    ids: NDArray[np.int32]
    sentences: NDArray[np.int64]
    documents: NDArray[np.int64]
    numbers: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.documents) - 1


class Tally(NamedTuple):
    """What became of the text.

    Attributes
    ----------
    documents, tokens, examples
        How many there were, and were made.
    empty_documents
        Without a token.
    cut_sentences
        Longer than an example: cut into parts, each used like a sentence.
    dropped_tokens
        Cut off at the ends of pairs that were too long.
    """

    documents: int = 0
    tokens: int = 0
    examples: int = 0
    empty_documents: int = 0
    cut_sentences: int = 0
    dropped_tokens: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Examples as spans of ids.

    Attributes
    ----------
    spans : int64[P, 2]
        Begin and end in the documents' ids.
    borders : int64[E + 1]
        Which spans make an example.
    labels : int8[E] or None
        Of pairs: 1 for a random next (nsp) or swapped segments (sop).
    keys : uint64[E]
        Of each example's masks.
    tally
        What became of the text.
    """

    spans: NDArray[np.int64]
    borders: NDArray[np.int64]
    labels: NDArray[np.int8] | None
    keys: NDArray[np.uint64]
    tally: Tally

    def __len__(self) -> int:
        return len(self.borders) - 1


class Rows(NamedTuple):
    """Assembled examples.

    Attributes
    ----------
    input_ids : int32[N]
        End to end.
    offsets : int64[E + 1]
        Their borders.
    segment_b_start : int32[E]
        Tokens before segment B, [CLS] and [SEP] included; the row's length where there is no B.
    """

    input_ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    segment_b_start: NDArray[np.int32]


def build_examples(
    documents: EncodedDocuments, config: ExampleConfig, seed: int, copy: int = 0
) -> Examples:
    """Cut documents into examples: a pure function of its arguments.

    Parameters
    ----------
    documents
        A block; random next segments come from other documents of the same block.
    config, seed
    copy
        Which of several copies of the block: each has draws of its own.

    Examples
    --------
    >>> borders = np.array([0, 3, 6], np.int64)
    >>> block = EncodedDocuments(
    ...     np.arange(6, dtype=np.int32), borders, np.array([0, 2]), np.array([0])
    ... )
    >>> build_examples(block, ExampleConfig(recipe="roberta"), seed=1).spans.tolist()
    [[0, 6]]
    """
    # Parts of half a window, for pairs: two of them fill one, so that none is cut off again.
    longest = -(-config.window // 2) if config.pairs else config.window
    units, borders, cut = cut_sentences(
        documents.sentences, documents.documents, config.window, longest
    )
    stream = "pairs" if config.pairs else "packing"
    keys = _document_keys(seed, stream, documents.numbers, copy)
    if config.pairs:
        order, exact = config.task == "sop", config.nsp_balance == "exact"
        spans, labels, owners, dropped = build_pairs(
            units, borders, keys, config.window, config.short_share, order, exact
        )
        pieces, ordinals = np.arange(0, len(spans) + 1, 2), _ordinals(owners)
    else:
        room, crosses = config.max_seq_length - 1, config.packing == "full-sentences"
        spans, pieces, owners, ordinals = pack_units(
            units, borders, keys, room, config.short_share, crosses
        )
        labels, dropped = None, 0
    masks = child_keys(_document_keys(seed, "mask", documents.numbers, copy)[owners], ordinals)
    empty = int(np.count_nonzero(np.diff(borders) == 0))
    tokens = int(units[-1] - units[0])
    tally = Tally(len(documents), tokens, len(owners), empty, int(cut), int(dropped))
    return Examples(spans, pieces, labels, masks, tally)


def assemble(documents: EncodedDocuments, examples: Examples, facts: TokenFacts) -> Rows:
    """Copy examples out of their documents, with the special tokens around them.

    Raises
    ------
    ConfigError
        If the vocabulary has no token that begins a text, or none that ends it.
    """
    if facts.cls_id < 0 or facts.sep_id < 0:
        raise ConfigError(
            "the vocabulary has no token to begin or to end an example with",
            hint="Train it with [CLS] and [SEP], or <s> and </s>, among --special-tokens.",
        )
    ids, offsets = assemble_rows(
        documents.ids, examples.spans, examples.borders, facts.cls_id, facts.sep_id
    )
    if examples.labels is None:
        starts = np.diff(offsets)
    else:
        starts = 2 + examples.spans[::2, 1] - examples.spans[::2, 0]
    return Rows(ids, offsets, starts.astype(np.int32))


def _document_keys(
    seed: int, stream: str, numbers: NDArray[np.int64], copy: int
) -> NDArray[np.uint64]:
    """Return uint64[D]: the keys of one stream of draws, by copy and document."""
    return child_keys(np.full(len(numbers), stream_key(seed, stream, copy), np.uint64), numbers)


def _ordinals(owners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return int64[E]: the how manieth of its owner each is; owners stand together."""
    numbers = np.arange(len(owners))
    is_first = np.ones(len(owners), bool)
    is_first[1:] = owners[1:] != owners[:-1]
    return numbers - np.maximum.accumulate(np.where(is_first, numbers, 0))
