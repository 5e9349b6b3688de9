"""Text to shards to batches: speed beside `datasets`, transformers and BERT's own algorithm."""

import statistics
import sys
from pathlib import Path

from tests.bench import corpus
from tests.bench.harness import Duel, Worker, alternate, fresh_peak
from tests.bench.report import Row

LENGTH = 128
PEER_BYTES = 5_000_000  # of the text for sides that take seconds a megabyte: their rates stand
BATCH_TOKENS, BATCHES = 8_192, 1_500
COLLATED_ROWS = 8_192
MEMORY = 1e9


def rows(peers: str, rounds: int) -> list[Row]:
    """Measure everything that the table of shards holds."""
    return [
        pairs_row(peers, rounds),
        packed_row(peers, rounds),
        static_row(peers, rounds),
        loader_row(peers, rounds),
        peak_row(corpus.text_file()),
        peak_row(corpus.large_file()),
    ]


def pairs_row(peers: str, rounds: int) -> Row:
    """Measure BERT pairs with dynamic masks."""
    duel = _duel(peers, rounds, "bert", "dynamic", "run_mlm_map")
    ours, theirs, ratio = _rates(duel)
    return Row(
        "dynamic masks, BERT pairs",
        f"{ours:.0f} MB/s",
        f"datasets.map as in run_mlm {theirs:.1f} MB/s",
        f"{ratio:.0f}×",
        "40 MB/s",
        ours >= 40,
    )


def packed_row(peers: str, rounds: int) -> Row:
    """Measure RoBERTa's full sentences with dynamic masks."""
    duel = _duel(peers, rounds, "roberta", "dynamic", "run_mlm_map")
    return _ratio_row("dynamic masks, RoBERTa full sentences", duel, "the same", 30)


def static_row(peers: str, rounds: int) -> Row:
    """Measure five masked copies of BERT pairs."""
    duel = _duel(peers, rounds, "bert", "static", "google_script", dupe=5)
    return _ratio_row("static masks, dupe factor 5", duel, "Google's algorithm in Python", 40)


def _place() -> Path:
    place = corpus.folder() / "shards"
    place.mkdir(exist_ok=True)
    return place


def _duel(peers: str, rounds: int, recipe: str, masking: str, peer: str, **more: int) -> Duel:
    text, tokenizer = str(corpus.text_file()), str(corpus.bert_special_tokenizer())
    settings = {"path": text, "tokenizer": tokenizer, "length": LENGTH}
    chosen = {"out": str(_place()), "recipe": recipe, "masking": masking}
    with (
        Worker(sys.executable, "ours_shards", "build", **settings, **chosen) as ours,
        Worker(peers, "peers_shards", peer, size=PEER_BYTES, **settings, **more) as theirs,
    ):
        return alternate(ours.run, theirs.run, rounds)


def _rates(duel: Duel) -> tuple[float, float, float]:
    """Return MB/s of both sides, and the ratio: medians over the rounds."""
    ours, theirs = (
        [run.result["bytes"] / run.seconds / 1e6 for run in side] for side in (duel.ours, duel.peer)
    )
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    return statistics.median(ours), statistics.median(theirs), ratio


def _ratio_row(work: str, duel: Duel, peer: str, floor: float) -> Row:
    ours, theirs, ratio = _rates(duel)
    shown = f"{peer} {theirs:.1f} MB/s"
    return Row(work, f"{ours:.0f} MB/s", shown, f"{ratio:.0f}×", f"{floor:g}×", ratio >= floor)


def loader_row(peers: str, rounds: int) -> Row:
    """Measure loading, on shards that are made once."""
    tokenizer, shards = str(corpus.bert_special_tokenizer()), str(_place() / "kept")
    made = {"path": str(corpus.text_file()), "tokenizer": tokenizer, "out": shards}
    with Worker(sys.executable, "ours_shards", "keep", **made) as keeper:
        keeper.run()
    packed = {"batch_tokens": BATCH_TOKENS, "batches": BATCHES}
    collated = {"tokenizer": tokenizer, "rows": COLLATED_ROWS, "batch_size": 64}
    with (
        Worker(sys.executable, "ours_shards", "load", shards=shards, **packed) as ours,
        Worker(peers, "peers_shards", "collated_batches", shards=shards, **collated) as theirs,
    ):
        duel = alternate(ours.run, theirs.run, rounds)
    mine, other = (
        statistics.median(run.result["tokens"] / run.seconds / 1e6 for run in side)
        for side in (duel.ours, duel.peer)
    )
    return Row(
        f"loader: packed batches of {BATCH_TOKENS:,} tokens, masked anew",
        f"{mine:.0f} M tokens/s",
        f"DataLoader, transformers' collator {other:.2f} M tokens/s",
        f"{mine / other:.0f}×",
        "10 M tokens/s",
        mine >= 10,
    )


def peak_row(path: Path) -> Row:
    """Measure the most memory that a build takes."""
    settings = {"tokenizer": str(corpus.bert_special_tokenizer()), "out": str(_place())}
    settings |= {"recipe": "bert", "masking": "dynamic"}
    run = fresh_peak(
        sys.executable, "ours_shards", "build", path=str(path), length=LENGTH, **settings
    )
    return Row(
        f"peak memory, dynamic masks, {path.stat().st_size / 1e6:,.0f} MB of text",
        f"{run.peak / 1e6:.0f} MB",
        "Google's script holds all of it",
        "",
        f"{MEMORY / 1e6:,.0f} MB",
        run.peak < MEMORY,
    )
