"""Sentences of words with tags to windows in which each word is asked at its first piece."""

import numpy as np

from tokpipe.finetuning.config import WindowConfig
from tokpipe.finetuning.encode_template import Column, pack, pieces_of
from tokpipe.finetuning.examples import Examples
from tokpipe.finetuning.windows import grid, room_beside, several
from tokpipe.foundation.arrays import range_items
from tokpipe.labelled.records import NO_LABEL, TaggedWords
from tokpipe.tokenizer.tokenizer import Tokenizer


def encode_tags(
    data: TaggedWords,
    tokenizer: Tokenizer,
    config: WindowConfig,
    longest: int | None,
    threads: int | None = None,
) -> Examples:
    """Encode sentences; a long one becomes windows, so that every word with a piece is in one.

    Windows are cut between pieces. One that holds no first piece, in the middle of a very long
    word or of a sentence without a piece, is left out: nothing is asked there.

    Parameters
    ----------
    data
        R sentences.
    tokenizer, config, longest, threads
        As in `encode_texts`.

    Raises
    ------
    ConfigError
        If the settings leave no room for text.
    """
    pieces = pieces_of(tokenizer.spec.template, 1)
    room = room_beside(pieces, config, longest)
    ids, word_borders = tokenizer.encode_word_strings(data.words, threads)
    borders = word_borders[data.borders]
    lengths = np.diff(borders)
    row, starts, ends = grid(lengths, np.full(len(lengths), room), config.stride)
    starts, ends = borders[row] + starts, borders[row] + ends

    words = np.flatnonzero(np.diff(word_borders))  # those that have a piece
    first_pieces = word_borders[words]
    begin, end = np.searchsorted(first_pieces, [starts, ends])
    asked = end > begin
    row, starts, ends = row[asked], starts[asked], ends[asked]
    counts = (end - begin)[asked]
    found = range_items(begin[asked], counts)
    places = first_pieces[found]

    packed = pack((Column(ids, starts, ends),), pieces)
    shift = packed.offsets[:-1] + packed.places[0] - starts
    tags = data.tags[words[found]]
    before, behind = places - np.repeat(starts, counts), np.repeat(ends, counts) - 1 - places
    return Examples(
        input_ids=packed.input_ids,
        offsets=packed.offsets,
        token_type_ids=packed.token_type_ids,
        row=row,
        rows=len(data),
        tag_positions=places + np.repeat(shift, counts),
        tags=None if len(data.tags) and (data.tags == NO_LABEL).all() else tags,
        word=words[found],
        context=np.minimum(before, behind),
        windowed=several(row),
    )
