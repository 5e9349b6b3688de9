"""Which tokens a model would put in place of a mask."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.workspace import Workspace
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.doors import require
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.tasks.model import BertModel
from tokpipe.tasks.sequences import Masked, encode_texts, run_batches
from tokpipe.tokenizer.texts import check_count, strings_of

_ROWS = 256  # of logits sorted at once, which takes four times their memory: 120 MB at BERT's size


class Candidate(NamedTuple):
    """A token for a mask: as the vocabulary writes it, its id, its text, and its probability."""

    token: str
    id: int
    text: str
    score: float


def fill_masks(
    model: BertModel,
    texts: Sequence[str],
    top: int = 5,
    *,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> list[list[list[Candidate]]]:
    """Return the likeliest tokens for each mask of each text, the likeliest first.

    Raises
    ------
    ConfigError
        If the model has no MLM head, or `top` is no number of tokens.
    InputError
        If a text is no string or has no mask, or it was cut off.
    """
    require_head(model, "mlm_head", "fills masks")
    check_count("top", top, least=1)
    texts = strings_of(texts)
    sequences = encode_texts(model.tokenizer, texts, model.config, threads=threads)
    masked = Masked.where(sequences, model.role_id("mask_token"))
    counts = np.diff(masked.borders)
    if not counts.all():
        _refuse_without_mask(model, texts[int(np.argmin(counts))], int(np.argmin(counts)))
    top = min(top, model.config.vocab_size)
    ids = np.empty((len(masked.places), top), np.int64)
    scores = np.empty((len(masked.places), top), np.float32)

    def work(rows: NDArray[np.int64], packed: Batch, workspace: Workspace) -> None:
        logits = model.model.logits("mlm", packed, workspace)
        places = np.concatenate([np.arange(*masked.borders[row : row + 2]) for row in rows])
        for start in range(0, len(places), _ROWS):
            part = places[start : start + _ROWS]
            ids[part], scores[part] = likeliest(logits[start : start + _ROWS], top)

    run_batches(model.model, sequences, work, masked=masked, threads=threads, progress=progress)
    found = [
        [_candidate(model, int(id), float(score)) for id, score in zip(*pair, strict=True)]
        for pair in zip(ids, scores, strict=True)
    ]
    return [found[a:b] for a, b in zip(masked.borders[:-1], masked.borders[1:], strict=True)]


def likeliest(
    logits: NDArray[np.floating], top: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return ids and probabilities of the greatest logits, greatest first; of equals the lower id.

    Parameters
    ----------
    logits : float32[M, V]
        Overwritten.

    Returns
    -------
    int64[M, top], float32[M, top]
    """
    logits -= logits.max(axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True, dtype=np.float64)
    ids = np.argpartition(-logits, min(top, logits.shape[1] - 1), axis=1)[:, :top]
    ids.sort(axis=1)
    scores = np.take_along_axis(logits, ids, axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")
    scores = np.take_along_axis(scores, order, axis=1)
    return np.take_along_axis(ids, order, axis=1), scores.astype(np.float32)


def require_head(model: BertModel, head: str, purpose: str) -> None:
    """Refuse a model without a head.

    Raises
    ------
    ConfigError
        Saying what the head is for.
    """
    require("model", model, BertModel, optional=False)
    if not getattr(model.config, head):
        raise ConfigError(
            f"{model.folder or 'the model'} has no head that {purpose}",
            hint="Its weights were saved without; take a model with all heads, as a run folder is.",
        )


def _candidate(model: BertModel, id: int, score: float) -> Candidate:
    tokenizer = model.tokenizer
    token = tokenizer.id_to_token(id)
    text = tokenizer.decode([id], skip_special_tokens=False) if token is not None else ""
    return Candidate(token if token is not None else f"id {id}", id, text, score)


def _refuse_without_mask(model: BertModel, text: str, number: int) -> None:
    mask = model.tokenizer.roles["mask_token"]
    if mask in text:
        raise InputError(
            f"text {number + 1}: its mask lies behind the {model.config.longest} tokens "
            "that the model takes",
            hint="Shorten the text.",
        )
    raise InputError(f"text {number + 1} has no mask", hint=f"This model's mask is {mask}.")
