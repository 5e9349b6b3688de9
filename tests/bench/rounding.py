"""What vectors in 8 bits lose: cosines of every sentence, pairs told apart, labels found.

STS-B is not among the data: pairs of MRPC and SNLI stand for it, by how well the cosine of a pair
tells those that mean the same from the others.
"""

import lzma
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tokpipe
from tests.bench import corpus
from tests.bench.report import Row

_TASKS = corpus.SHARED / "tasks"
_TRAINING = 4_000  # sentences of SST-2 by which its classes are learned
_LEAST = 0.995  # cosine of a sentence
_MOST_LOST = 0.01  # of a score
_RIDGE = 1.0


def rows(model: str) -> list[Row]:
    """Measure everything about one model."""
    exact = tokpipe.BertModel.load(model, "none")
    both = exact, exact.in_precision("int8")
    found, made = [], []
    for name, pairs, same in (_mrpc(), _snli()):
        vectors = [[tokpipe.embed_texts(one, side) for side in pairs] for one in both]
        found += [_cosines(*side) for side in zip(*vectors, strict=True)]
        scores = [_told_apart(_cosines(*sides), same) for sides in vectors]
        made.append(_row(f"{name}: same meaning by cosine, area under the curve", scores))
    training, labels = _sst2("train.tsv.xz", _TRAINING)
    asked, wanted = _sst2("dev.tsv", None)
    vectors = [[tokpipe.embed_texts(one, side) for side in (training, asked)] for one in both]
    found += [_cosines(*side) for side in zip(*vectors, strict=True)]
    scores = [_accuracy(seen, labels, new, wanted) for seen, new in vectors]
    made.append(_row(f"SST-2: accuracy by ridge regression on {_TRAINING:,} vectors", scores))
    return [_cosine_row(np.concatenate(found)), *made]


def _cosine_row(found: NDArray[np.float64]) -> Row:
    return Row(
        f"int8: cosine to float32, {len(found):,} sentences of MRPC, SNLI and SST-2",
        f"{found.min():.4f} at the least, {found.mean():.4f} in the mean",
        "own float32",
        f"{found.min():.4f}",
        f"{_LEAST}",
        bool(found.min() >= _LEAST),
    )


def _row(name: str, scores: list[float]) -> Row:
    exact, ours = scores
    return Row(
        f"int8, {name}",
        f"{ours:.4f}",
        f"own float32: {exact:.4f}",
        f"{ours - exact:+.4f}",
        f"-{_MOST_LOST}",
        ours - exact >= -_MOST_LOST,
    )


def _mrpc() -> tuple[str, tuple[list[str], list[str]], NDArray[np.bool_]]:
    lines = (_TASKS / "mrpc/train.tsv").read_text("utf-8-sig").splitlines()[1:]
    cells = [line.split("\t") for line in lines]
    pairs = [row[3] for row in cells], [row[4] for row in cells]
    return "MRPC", pairs, np.array([row[0] == "1" for row in cells])


def _snli() -> tuple[str, tuple[list[str], list[str]], NDArray[np.bool_]]:
    cells = [line.split("\t") for line in (_TASKS / "snli/test.tsv").read_text().splitlines()]
    pairs = [row[0] for row in cells], [row[1] for row in cells]
    return "SNLI", pairs, np.array([row[2] == "0" for row in cells])


def _sst2(name: str, most: int | None) -> tuple[list[str], NDArray[np.int64]]:
    path: Path = _TASKS / "sst2" / name
    opened: Any = lzma.open if path.suffix == ".xz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        cells = [line.rstrip("\n").split("\t") for line in file][1:][:most]
    return [row[0] for row in cells], np.array([int(row[1]) for row in cells])


def _cosines(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    one, other = one.astype(np.float64), other.astype(np.float64)
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return (one * other).sum(1) / lengths


def _told_apart(scores: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """Return how often the likelier of two is the right one: the area under the ROC curve."""
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores, kind="stable")] = np.arange(1, len(scores) + 1)
    positive = int(same.sum())
    above = ranks[same].sum() - positive * (positive + 1) / 2
    return float(above / (positive * (len(same) - positive)))


def _accuracy(
    seen: NDArray[np.float32],
    labels: NDArray[np.int64],
    new: NDArray[np.float32],
    wanted: NDArray[np.int64],
) -> float:
    design = np.column_stack([seen, np.ones(len(seen))]).astype(np.float64)
    normal = design.T @ design + _RIDGE * np.eye(design.shape[1])
    weights = np.linalg.solve(normal, design.T @ (2.0 * labels - 1))
    said = np.column_stack([new, np.ones(len(new))]) @ weights > 0
    return float((said == (wanted == 1)).mean())
