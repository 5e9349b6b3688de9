"""Documents to examples, and examples to rows of ids.

An example is a few spans of its documents' ids; nothing is copied before `assemble` puts them
between special tokens, as the tokenizer does with two texts or one.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.examples.config import ExampleConfig
from tokpipe.examples.kernels.assemble import assemble_rows
from tokpipe.examples.kernels.packing import pack_units
from tokpipe.examples.kernels.pairs import build_pairs
from tokpipe.examples.kernels.units import cut_sentences
from tokpipe.examples.template import RowTemplate
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.seeds import child_keys, stream_key


@dataclass(frozen=True, slots=True, eq=False)
class EncodedDocuments:
    """A block of documents: the unit from which examples are built."""

    # int32[T]: the tokens of all documents, end to end, without special tokens
    ids: NDArray[np.int32]
    # int64[S + 1]: ascending borders into `ids`; empty sentences are allowed
    sentences: NDArray[np.int64]
    # int64[D + 1]: ascending borders into `sentences`; empty documents are allowed
    documents: NDArray[np.int64]
    # int64[D]: what the draws of a document depend on: its number in the corpus. No two documents,
    # and no two parts of one that was cut, have the same
    numbers: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.documents) - 1


class Tally(NamedTuple):
    """What became of the text."""

    # `documents`, `tokens`, `examples`: how many there were, and were made
    documents: int = 0
    tokens: int = 0
    examples: int = 0
    empty_documents: int = 0  # without a token
    cut_sentences: int = 0  # longer than an example: cut into parts, each used like a sentence
    dropped_tokens: int = 0  # cut off at the ends of pairs that were too long


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Examples as spans of ids."""

    spans: NDArray[np.int64]  # int64[P, 2]: begin and end in the documents' ids
    borders: NDArray[np.int64]  # int64[E + 1]: which spans make an example
    # int8[E]: of pairs: 1 for a random next (nsp) or swapped segments (sop)
    labels: NDArray[np.int8] | None
    keys: NDArray[np.uint64]  # uint64[E]: of each example's masks
    tally: Tally  # what became of the text

    def __len__(self) -> int:
        return len(self.borders) - 1


class Rows(NamedTuple):
    """Assembled examples."""

    input_ids: NDArray[np.int32]  # int32[N]: end to end
    offsets: NDArray[np.int64]  # int64[E + 1]: their borders
    # int32[E]: tokens of type 0, which are those before segment B; the row's length where none has
    # type 1
    segment_b_start: NDArray[np.int32]


def build_examples(
    documents: EncodedDocuments,
    config: ExampleConfig,
    template: RowTemplate,
    seed: int,
    copy: int = 0,
) -> Examples:
    """Cut documents into examples: a pure function of its arguments.

    Random next segments come from other documents of the same block. What the template adds to the
    segments must fit as well. Each `copy` of a block has draws of its own.

    Raises
    ------
    ConfigError
        If ``max_seq_length`` leaves no room for text.

    Examples
    --------
    >>> borders = np.array([0, 3, 6], np.int64)
    >>> block = EncodedDocuments(
    ...     np.arange(6, dtype=np.int32), borders, np.array([0, 2]), np.array([0])
    ... )
    >>> template = RowTemplate(*np.array([[0], [1], [1]], np.int32))
    >>> build_examples(block, ExampleConfig(recipe="roberta"), template, seed=1).spans.tolist()
    [[0, 6]]
    """
    # Parts of half a window, for pairs: two of them fill one, so that none is cut off again.
    window = text_window(config, template)
    longest = -(-window // 2) if config.pairs else window
    units, borders, cut = cut_sentences(documents.sentences, documents.documents, window, longest)
    stream = "pairs" if config.pairs else "packing"
    keys = _document_keys(seed, stream, documents.numbers, copy)
    if config.pairs:
        order, exact = config.task == "sop", config.nsp_balance == "exact"
        spans, labels, owners, dropped = build_pairs(
            units, borders, keys, window, config.short_share, order, exact
        )
        pieces, ordinals = np.arange(0, len(spans) + 1, 2), _ordinals(owners)
    else:
        room = window + 1  # for the separator that each span but the last one costs
        crosses = config.packing == "full-sentences"
        spans, pieces, owners, ordinals = pack_units(
            units, borders, keys, room, config.short_share, crosses
        )
        labels, dropped = None, 0
    masks = child_keys(_document_keys(seed, "mask", documents.numbers, copy)[owners], ordinals)
    empty = int(np.count_nonzero(np.diff(borders) == 0))
    tokens = int(units[-1] - units[0])
    tally = Tally(len(documents), tokens, len(owners), empty, int(cut), int(dropped))
    return Examples(spans, pieces, labels, masks, tally)


def text_window(config: ExampleConfig, template: RowTemplate) -> int:
    """Return how many tokens of text an example may have; fewer than two are a `ConfigError`."""
    added = template.added(2 if config.pairs else 1)
    if config.max_seq_length < added + 2:
        raise ConfigError(
            f"max_seq_length={config.max_seq_length} leaves no room for text: the tokenizer puts "
            f"{added} special tokens around it",
            hint=f"Pass --max-seq-length {added + 2} or more.",
        )
    return config.max_seq_length - added


def assemble(documents: EncodedDocuments, examples: Examples, template: RowTemplate) -> Rows:
    """Copy examples out of their documents, with the special tokens around them."""
    ids, offsets = assemble_rows(documents.ids, examples.spans, examples.borders, *template[:3])
    if examples.labels is None or template.type_1_from is None:
        starts = np.diff(offsets)
    else:
        first = examples.spans[::2]
        starts = len(template.begin) + first[:, 1] - first[:, 0] + template.type_1_from
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
