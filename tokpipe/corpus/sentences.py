"""Documents to sentences: the unit that segment pairs are made of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokpipe.corpus.config import SentenceConfig
from tokpipe.corpus.kernels import sentences as kernels
from tokpipe.corpus.kernels.joining import join_sentences
from tokpipe.corpus.sentence_words import sentence_tables
from tokpipe.foundation.arrays import Strings

_SPLITTERS = {"none": kernels.NONE, "line": kernels.LINE, "rule": kernels.RULE}


@dataclass(frozen=True, slots=True, eq=False)
class Sentences:
    """The sentences of documents."""

    # n sentences, each without white space at its ends (but for the space that was asked for) and
    # none empty
    texts: Strings
    # int64[D + 1]: borders of the documents among them; a document may have no sentence
    documents: NDArray[np.int64]


def split_sentences(
    texts: Strings,
    documents: NDArray[np.int64],
    config: SentenceConfig,
    *,
    is_lines: bool,
    leading_space: bool = False,
) -> Sentences:
    r"""Cut whole documents into sentences.

    Nothing but white space is lost or changed: it goes at both ends of a sentence, and a line end
    inside one becomes a space with the blanks round it. The splitter "rule" joins the lines of
    hard-wrapped text; a line ends a sentence there only where a blank line follows, or where the
    next word would have fitted into it, as behind a heading.

    Documents are texts (valid UTF-8) between borders, int64[D + 1]. With `is_lines` they are lines
    that go on; else each ends a sentence. With `leading_space` a space comes before each sentence
    that is not the first of its document, as vocabularies want it whose words carry the space
    before them.

    Examples
    --------
    >>> lines = Strings.from_list(["Mr. Smith went\n", "home. He slept.\n"])
    >>> found = split_sentences(lines, np.array([0, 2]), SentenceConfig(), is_lines=True)
    >>> [text.decode() for text in found.texts.iter_bytes()]
    ['Mr. Smith went home.', 'He slept.']
    """
    units = texts.offsets[documents] if is_lines else texts.offsets
    splitter = _SPLITTERS[config.sentence_splitter]
    spans, borders = kernels.sentence_spans(texts.data, units, splitter, *sentence_tables())
    borders = borders if is_lines else borders[documents]
    data, offsets = join_sentences(texts.data, spans, borders, leading_space)
    return Sentences(Strings(data, offsets), borders)
