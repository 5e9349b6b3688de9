"""Whether one text follows another, as the NSP head sees it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.workspace import Workspace
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.tasks.fill_mask import require_head
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.sequences import encode_pairs, run_batches
from tokpipe.tokenizer.texts import pairs_of


def judge_pairs(
    model: BertModel,
    pairs: Sequence[tuple[str, str]],
    *,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> NDArray[np.float64]:
    """Return the probability that the second text of each pair follows the first.

    Returns
    -------
    float64[B]

    Raises
    ------
    ConfigError
        If the model has no NSP head.
    InputError
        If one is no pair of texts.
    """
    require_head(model, "nsp_head", "judges pairs")
    sequences = encode_pairs(model.tokenizer, pairs_of(pairs), model.config, threads=threads)
    out = np.empty(sequences.rows)

    def work(rows: NDArray[np.int64], packed: Batch, workspace: Workspace) -> None:
        follows, random = model.model.logits("nsp", packed, workspace).astype(np.float64).T
        out[rows] = 1 / (1 + np.exp(np.clip(random - follows, -700, 700)))

    run_batches(model.model, sequences, work, threads=threads, progress=progress)
    return out
