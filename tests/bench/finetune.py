"""Fine-tuning and prediction beside transformers: speed and peak memory."""

import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import tokpipe
from tests.bench import corpus
from tests.bench.finetune_jobs import (
    JOBS,
    Limits,
    columns_of,
    model_folder,
    parts_of,
    settings_for,
    written,
)
from tests.bench.harness import Duel, Worker, alternate, in_turn
from tests.bench.report import Row
from tokpipe.finetuning.config import FinetuneConfig

SLICES = {"sst2": 2_048, "ewt": 1_024}  # rows: an epoch of the peer takes about a minute
TEXTS = {"texts": 10_000, "characters": 500}
_ANY, _GROUPED = "transformers eager, padded", "transformers eager, batches of like length"
_FLOORS = {_ANY: 3.0, _GROUPED: 1.5}
_PREDICTED, _MEMORY = 3.0, 0.6
_TAUGHT = 512  # rows that make the model which predicts


def rows(peers: str, rounds: int, limits: Limits) -> list[Row]:
    """Measure everything that the table of fine-tuning holds."""
    model, made = str(model_folder(peers, limits.layers)), []
    for name in SLICES:
        if not limits.tasks or name in limits.tasks:
            made += _training(peers, rounds, limits, name, model)
    if not limits.tasks or "predict" in limits.tasks:
        made += _prediction(peers, rounds, limits, model)
    return made


def _training(peers: str, rounds: int, limits: Limits, name: str, model: str) -> list[Row]:
    """Go through the same rows on three sides in turn, in as many steps of as many rows."""
    job, most = JOBS[name], min(SLICES[name], limits.rows or SLICES[name])
    parts = parts_of(name, most)
    settings = {
        "task": job.task,
        "model": model,
        "parts": written(name, parts, most),
        "settings": settings_for(job, len(parts["train"]), Path(model)),
        "tokens": job.tokens,
    }
    peer = partial(Worker, peers, "peers_finetune", "epochs", **settings)
    with ExitStack() as stack:
        sides = [
            stack.enter_context(Worker(sys.executable, "ours_finetune", "epochs", **settings)),
            *(stack.enter_context(peer(is_grouped=grouped)) for grouped in (False, True)),
        ]
        ours, *others = in_turn([side.run for side in sides], rounds)
    work = f"{job.title}, {most:,} rows, {settings['settings']['batch_size']} a step"
    duels = dict(zip(_FLOORS, (Duel(ours, other) for other in others), strict=True))
    speeds = [speed(f"fine-tune on {work}", duel, by, _FLOORS[by]) for by, duel in duels.items()]
    return [*speeds, memory(f"peak memory, fine-tune on {job.title}", duels[_ANY], _ANY)]


def _prediction(peers: str, rounds: int, limits: Limits, model: str) -> list[Row]:
    """Say the classes of the same texts, with a model that was fine-tuned here."""
    texts = min(TEXTS["texts"], limits.rows or TEXTS["texts"])
    settings = {
        "path": str(corpus.text_file()),
        "model": str(_taught(Path(model), limits.layers)),
        **TEXTS,
        "texts": texts,
    }
    with (
        Worker(sys.executable, "ours_finetune", "answer", **settings) as ours,
        Worker(peers, "peers_finetune", "answer", **settings) as theirs,
    ):
        duel = alternate(ours.run, theirs.run, rounds)
    name, work = "transformers pipeline(batch_size=32)", f"{texts:,} texts of mixed length"
    return [
        speed(f"predict the class of {work}", duel, name, _PREDICTED),
        memory(f"peak memory, predict {work}", duel, name),
    ]


def speed(work: str, duel: Duel, name: str, floor: float) -> Row:
    """Return the row of rows a second; both sides must have done the same."""
    mine, other = (
        side[0].result["rows"] / seconds
        for side, seconds in zip((duel.ours, duel.peer), duel.seconds, strict=True)
    )
    same = is_same(duel.ours[0].result, duel.peer[0].result)
    return Row(
        work,
        f"{mine:,.0f} rows/s",
        f"{name} {other:,.0f}",
        f"{duel.ratio:.2f}×{'' if same else ', OTHER RESULTS'}",
        f"{floor:g}×",
        duel.ratio >= floor and same,
    )


def memory(work: str, duel: Duel, name: str) -> Row:
    """Return the row of peak memory."""
    mine, other = duel.ours[-1].peak, duel.peer[-1].peak
    return Row(
        work,
        f"{mine / 1e6:,.0f} MB",
        f"{name} {other / 1e6:,.0f} MB",
        f"{mine / other:.2f}×",
        f"at most {_MEMORY:g}×",
        mine / other <= _MEMORY,
    )


def is_same(ours: dict, peer: dict) -> bool:
    """Return whether both sides had as many rows and steps, and the same probabilities."""
    if any(ours[name] != peer[name] for name in ("rows", "steps") if name in ours):
        return False
    pairs = zip(ours.get("first", []), peer.get("first", []), strict=True)
    return all(
        mine.keys() == other.keys() and all(abs(mine[k] - other[k]) < 1e-3 for k in mine)
        for mine, other in pairs
    )


def _taught(model: Path, layers: int | None) -> Path:
    """Make a model of the first rows of SST-2 that predicts; how well does not matter here."""
    out = corpus.folder() / f"taught-{layers or 'all'}"
    parts = parts_of("sst2", _TAUGHT)
    files = written("sst2", parts, _TAUGHT)
    tokpipe.finetune(
        "classification",
        model,
        files["train"],
        files["validation"],
        out=out,
        config=FinetuneConfig(epochs=1),
        columns=columns_of(parts),
        force=True,
    )
    return out
