"""Benchmarks beside the peers, in one run: ``python -m tests.bench TABLE``, see `TABLES`
and `LIMITED`, which --rows, --tasks and --layers make shorter.

The peers want an environment of their own (``pip install '.[peers]'`` into it), since gigatoken
brings a library that slows every first numba call; name its interpreter with --peers or in
TOKPIPE_PEERS_PYTHON.
"""

import argparse
import os
import sys

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


def main() -> int:
    """Measure one table, print it, and say by the exit code whether every floor was passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("table", choices=[*TABLES, *LIMITED, "before"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=os.environ.get("TOKPIPE_PEERS_PYTHON", sys.executable))
    parser.add_argument("--write", action="store_true", help="renew RESULTS.md and the README")
    parser.add_argument("--rev", default="HEAD", help="what `before` compares this tree with")
    parser.add_argument("--rows", type=int, help="of fine-tuning: most rows of each part")
    parser.add_argument(
        "--tasks", nargs="+", choices=[*JOBS, "predict", *recipe.PRESETS], default=[]
    )
    parser.add_argument("--layers", type=int, choices=[2], help="of fine-tuning: a short model")
    parser.add_argument("--minutes", type=float, default=30.0, help="of `recipe`: of a training")
    options = parser.parse_args()
    limits = Limits(
        rows=options.rows,
        tasks=tuple(options.tasks),
        layers=options.layers,
        minutes=options.minutes,
    )
    if options.table == "before":
        rows = before.rows(options.peers, options.rounds, options.rev)
    elif options.table in LIMITED:
        rows = LIMITED[options.table](options.peers, options.rounds, limits)
    else:
        rows = TABLES[options.table](options.peers, options.rounds)
    rounds = f"medians of {options.rounds} rounds" if options.rounds > 1 else "one round"
    text = f"{markdown(rows)}\n\nMeasured on {machine()}; {rounds}, both sides in turn, "
    text += f"kernels compiled before{limits.said}."
    print(text)
    if options.write and options.table != "before":
        write(options.table, text)
    return 0 if all(row.passed for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
