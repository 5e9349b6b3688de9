"""Benchmarks beside the peers, in one run: ``python -m tests.bench TABLE``, see `TABLES`
and `LIMITED`, which --rows, --tasks, --layers, --minutes and --ways make shorter.

The peers want an environment of their own (``pip install '.[peers]'`` into it), since gigatoken
brings a library that slows every first numba call; name its interpreter with --peers or in
TOKPIPE_PEERS_PYTHON.
"""

import argparse
import os
import sys
from pathlib import Path

from tests.bench import (
    before,
    cluster,
    embed,
    encode,
    finetune,
    finetune_quality,
    learning,
    precision,
    products,
    ranks,
    recipe,
    sentences,
    shards,
    start,
    train,
    vocab,
)
from tests.bench.finetune_jobs import JOBS, Limits
from tests.bench.report import machine, markdown, write
from tests.bench.ways import NAMES

TABLES = {
    "vocab": vocab.rows,
    "encode": encode.rows,
    "embed": embed.rows,
    "sentences": sentences.rows,
    "shards": shards.rows,
    "products": products.rows,
    "train": train.rows,
    "learning": learning.rows,
    "precision": precision.rows,
    "start": start.rows,
    "ranks": ranks.rows,
    "cluster": cluster.rows,
}
LIMITED = {
    "finetune": finetune.rows,
    "finetune-quality": finetune_quality.rows,
    "recipe": recipe.rows,
}

# of which no time is a figure: trainings, as many side by side as there are processors
SEEDED = ("precision", "finetune-quality", "recipe")


def main() -> int:
    """Measure one table, print it, and say by the exit code whether every floor was passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("table", choices=[*TABLES, *LIMITED, "before"])
    parser.add_argument("--rounds", type=int, default=3, help="of a measurement, or seeds")
    parser.add_argument("--peers", default=os.environ.get("TOKPIPE_PEERS_PYTHON", sys.executable))
    parser.add_argument("--write", action="store_true", help="renew RESULTS.md and the README")
    parser.add_argument("--rev", default="HEAD", help="what `before` compares this tree with")
    parser.add_argument("--rows", type=int, help="of fine-tuning: most rows of each part")
    parser.add_argument(
        "--tasks", nargs="+", choices=[*JOBS, "predict", *recipe.PRESETS], default=[]
    )
    parser.add_argument("--layers", type=int, choices=[2], help="of fine-tuning: a short model")
    parser.add_argument("--minutes", type=float, default=30.0, help="of `recipe`: of a training")
    parser.add_argument(
        "--ways", nargs="*", choices=NAMES, help="of `recipe`: what is trained; none: nothing"
    )
    parser.add_argument("--store", type=Path, help="where trainings are kept, not beside the bench")
    options = parser.parse_args()
    limits = Limits(
        rows=options.rows,
        tasks=tuple(options.tasks),
        layers=options.layers,
        minutes=options.minutes,
        ways=None if options.ways is None else tuple(options.ways),
        store=options.store,
    )
    if options.table == "before":
        rows = before.rows(options.peers, options.rounds, options.rev)
    elif options.table in LIMITED:
        rows = LIMITED[options.table](options.peers, options.rounds, limits)
    else:
        rows = TABLES[options.table](options.peers, options.rounds)
    how = _how(options.table, options.rounds)
    text = f"{markdown(rows)}\n\nMeasured on {machine()}; {how}{limits.said}."
    print(text)
    if options.write and options.table != "before":
        write(options.table, text)
    return 0 if all(row.passed for row in rows) else 1


def _how(table: str, rounds: int) -> str:
    if table in SEEDED:
        seeds = "one seed" if rounds == 1 else f"{rounds} seeds"
        return f"{seeds} of each, one thread each"
    times = f"medians of {rounds} rounds" if rounds > 1 else "one round"
    return f"{times}, both sides in turn, kernels compiled before"


if __name__ == "__main__":
    raise SystemExit(main())
