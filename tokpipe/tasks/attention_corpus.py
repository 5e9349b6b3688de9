"""What the heads of a model do over many texts: the means of what is measured of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.workspace import Workspace
from tokpipe.foundation.batch import Batch
from tokpipe.tasks.attention import batch_layouts, finite
from tokpipe.tasks.attention_measures import MEASURES, Kind, Shares, even, kind_of, measure
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.sequences import encode_texts, run_batches

_TOGETHER = 1024  # texts whose measures are held at once: 10 MB at 144 heads


@dataclass(frozen=True, eq=False)
class CorpusAttention:
    """The heads of a model over many texts.

    Attributes
    ----------
    measures : float64[L, A, 8]
        In the order of `attention_measures.MEASURES`: means over all tokens of all texts.
    even : float64[8]
        The same of attention that goes to all tokens alike.
    texts, tokens, cut : int
        How many there were; how many texts were longer than the model allows.
    """

    measures: Shares
    even: Shares
    texts: int
    tokens: int
    cut: int

    def kind(self, layer: int, head: int) -> Kind:
        """Name what a head does most; both numbers count from 1."""
        return kind_of(self.measures[layer - 1, head - 1], self.even)


def corpus_attention(
    model: BertModel, texts: Iterable[Sequence[str]], *, threads: int | None = None
) -> CorpusAttention:
    """Measure the heads of a model over texts, which come in parts.

    Results are the same for any number of threads.
    """
    config = model.config
    sums = np.zeros((config.num_hidden_layers, config.num_attention_heads, len(MEASURES)))
    alike, seen, tokens, cut = np.zeros(len(MEASURES)), 0, 0, 0
    for part in texts:
        for start in range(0, len(part), _TOGETHER):
            found = _measured(model, part[start : start + _TOGETHER], threads)
            sums += np.tensordot(found[2], found[0], 1)
            alike += found[2] @ found[1]
            seen, tokens, cut = seen + len(found[2]), tokens + int(found[2].sum()), cut + found[3]
    total = max(tokens, 1)
    return CorpusAttention(sums / total, alike / total, seen, tokens, cut)


def _measured(
    model: BertModel, texts: Sequence[str], threads: int | None
) -> tuple[Shares, Shares, NDArray[np.int64], int]:
    """Return measures of heads [B, L, A, 8] and of even attention [B, 8], lengths, and cut ones."""
    sequences = encode_texts(model.tokenizer, texts, model.config, threads=threads)
    layouts = batch_layouts(model, texts)
    config, count = model.config, len(texts)
    shape = (count, config.num_hidden_layers, config.num_attention_heads, len(MEASURES))
    out = np.empty(shape)

    def work(rows: NDArray[np.int64], packed: Batch, workspace: Workspace) -> None:
        for layer in map(finite, model.model.look(packed, workspace)):
            for sequence, row in enumerate(rows.tolist()):
                out[row, layer.number - 1] = measure(layer.weights(sequence), layouts[row])

    run_batches(model.model, sequences, work, threads=threads)
    alike = np.stack([even(layout) for layout in layouts])
    return out, alike, np.diff(sequences.offsets), sequences.cut
