"""Our own work before and after a change, in one run: ``python -m tests.bench before --rev REV``.

The tree of a revision is laid out beside this one for as long as it is measured, and both do the
same jobs in turn, each in a process of its own. What comes out must be the same on both sides.
"""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench import corpus
from tests.bench.batches import text_batches
from tests.bench.embed import SENTENCES, minilm
from tests.bench.encode import SHORT_TEXTS
from tests.bench.harness import TREE, Worker, alternate
from tests.bench.report import Row
from tests.bench.shards import BATCH_TOKENS, BATCHES, LENGTH
from tests.bench.train import SIZES
from tests.bench.vocab import BYTE_BPE, WORDPIECE

NOISE = 0.05  # two runs of one tree differ by up to 4 % on a machine that others use, too


class Job(NamedTuple):
    """One thing that both trees do: its name, the file and the function of our side, settings."""

    work: str
    side: str
    name: str
    settings: dict[str, Any]


def rows(peers: str, rounds: int, revision: str) -> list[Row]:
    """Measure all jobs in the tree of a revision and in this one."""
    with _tree_of(revision) as before, tempfile.TemporaryDirectory() as place:
        return [_row(job, before, rounds, revision) for job in _jobs(peers, place)]


def _jobs(peers: str, place: str) -> Iterator[Job]:
    text = str(corpus.text_file())
    bert, gpt2 = str(corpus.bert_tokenizer()), str(corpus.gpt2_tokenizer())
    for settings in (BYTE_BPE, WORDPIECE):
        yield Job(f"train {settings['model']}, 100 MB", "ours", "train", {"path": text, **settings})
    for name, tokenizer in (("WordPiece", bert), ("byte-level BPE", gpt2)):
        path = {"path": text, "tokenizer": tokenizer}
        yield Job(f"encode to Arrow, {name}", "ours", "encode", path)
        yield Job(f"encode_batch of short texts, {name}", "ours", "batch", path | SHORT_TEXTS)
    special = {"path": text, "tokenizer": str(corpus.bert_special_tokenizer())}
    for recipe, masking in (("bert", "dynamic"), ("bert", "static"), ("roberta", "dynamic")):
        chosen = {"out": place, "recipe": recipe, "masking": masking, "length": LENGTH}
        yield Job(f"{recipe} shards, {masking} masks", "ours_shards", "build", special | chosen)
    kept = f"{place}/kept"
    with Worker(sys.executable, "ours_shards", "keep", **special, out=kept) as keeper:
        keeper.run()
    packed = {"shards": kept, "batch_tokens": BATCH_TOKENS, "batches": BATCHES}
    yield Job("load packed batches", "ours_shards", "load", packed)
    for preset, size in SIZES.items():
        batches = {"batches": str(text_batches(size.tokens)), "preset": preset, "steps": size.steps}
        yield Job(f"pretrain {preset}", "ours_train", "step", batches)
    sentences = {"path": text, "model": str(minilm(peers)), **SENTENCES}
    yield Job("embed 1,000 sentences, MiniLM-L6-H384", "ours", "embed", sentences)


def _row(job: Job, before: Path, rounds: int, revision: str) -> Row:
    side = (sys.executable, job.side, job.name)
    with (
        Worker(*side, **job.settings) as now,
        Worker(*side, tree=before, **job.settings) as then,
    ):
        duel = alternate(now.run, then.run, rounds)
    same = [run.result for run in duel.ours] == [run.result for run in duel.peer]
    mine, other = (statistics.median(r.seconds for r in runs) for runs in (duel.ours, duel.peer))
    peak = duel.ours[-1].peak / duel.peer[-1].peak
    return Row(
        job.work,
        f"{mine:.3f} s",
        f"{revision} {other:.3f} s",
        f"{duel.ratio:.2f}×, memory {peak:.2f}{'' if same else ', OTHER RESULT'}",
        f"{1 - NOISE:g}×",
        duel.ratio >= 1 - NOISE and same,
    )


@contextmanager
def _tree_of(revision: str) -> Iterator[Path]:
    """Lay the tree of a revision out in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="tokpipe-before-") as place:
        git = ["git", "-C", str(TREE), "archive", revision]
        with subprocess.Popen(git, stdout=subprocess.PIPE) as archive:
            subprocess.run(["tar", "-x", "-C", place], stdin=archive.stdout, check=True)
        if archive.returncode:
            raise SystemExit(f"{revision}: no revision of this checkout")
        yield Path(place)
