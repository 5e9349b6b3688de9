"""Encoding a corpus to Arrow: speed beside tokie, nanotoken, gigatoken and tokenizers."""

import statistics
import sys

from tests.bench import corpus
from tests.bench.harness import Worker, alternate, lacks
from tests.bench.report import Row, skipped

LINES_FOR_TOKENIZERS = 50_000  # about 12 MB: it takes 2 s, and its rate does not depend on more
SHORT_TEXTS = {"texts": 10_000, "characters": 100}


def rows(peers: str, rounds: int) -> list[Row]:
    """Measure everything that the table of encoding holds."""
    bert, gpt2 = str(corpus.bert_tokenizer()), str(corpus.gpt2_tokenizer())
    return [
        _row(peers, rounds, "WordPiece (bert-base-uncased)", bert, "tokie_encode", 2),
        _processor_row(peers, rounds, "WordPiece (bert-base-uncased)", bert, 1.3),
        _fast_row(peers, rounds, "WordPiece (bert-base-uncased)", bert, 40),
        _row(peers, rounds, "byte-level BPE (gpt2)", gpt2, "gigatoken_encode", 1),
        _row(peers, rounds, "byte-level BPE (gpt2)", gpt2, "tokie_encode", 1),
        _fast_row(peers, rounds, "byte-level BPE (gpt2)", gpt2, 1),
        _batch_row(peers, rounds, "WordPiece (bert-base-uncased)", bert),
        _batch_row(peers, rounds, "byte-level BPE (gpt2)", gpt2),
    ]


def _row(peers: str, rounds: int, name: str, tokenizer: str, peer: str, floor: float) -> Row:
    text = str(corpus.text_file())
    with (
        Worker(sys.executable, "ours", "encode", path=text, tokenizer=tokenizer) as ours,
        Worker(peers, "peers", peer, path=text, tokenizer=tokenizer) as theirs,
    ):
        duel = alternate(ours.run, theirs.run, rounds)
    mine, other = (corpus.SIZE / seconds / 1e6 for seconds in duel.seconds)
    same = duel.ours[0].result == duel.peer[0].result
    return Row(
        f"encode to Arrow, {name}",
        f"{mine:.0f} MB/s",
        f"{peer.removesuffix('_encode')} {other:.0f} MB/s",
        f"{duel.ratio:.2f}×{'' if same else ', OTHER IDS'}",
        f"{floor:g}×",
        duel.ratio >= floor and same,
    )


def _processor_row(peers: str, rounds: int, name: str, tokenizer: str, floor: float) -> Row:
    work = f"encode to Arrow, {name}, 100 MB, processor time"
    if lacks(peers, "nanotoken"):
        return skipped(work, "nanotoken", f"{floor:g}×")
    settings = {"path": str(corpus.text_file()), "tokenizer": tokenizer}
    with (
        Worker(sys.executable, "ours", "encode_ids", **settings) as ours,
        Worker(peers, "peers", "nanotoken_encode", **settings) as theirs,
    ):
        duel = alternate(ours.run, theirs.run, rounds)
    mine, other = duel.processor
    ratio, same = duel.processor_ratio, duel.ours[0].result == duel.peer[0].result
    return Row(
        work,
        f"{mine:.2f} s",
        f"nanotoken {other:.2f} s",
        f"{ratio:.2f}×{'' if same else ', OTHER IDS'}",
        f"{floor:g}×",
        ratio >= floor and same,
    )


def _batch_row(peers: str, rounds: int, name: str, tokenizer: str) -> Row:
    settings = {"path": str(corpus.text_file()), "tokenizer": tokenizer, **SHORT_TEXTS}
    with (
        Worker(sys.executable, "ours", "batch", **settings) as ours,
        Worker(peers, "peers", "tokenizers_batch", **settings) as theirs,
    ):
        duel = alternate(ours.run, theirs.run, rounds)
    mine, other = duel.seconds
    same = duel.ours[0].result == duel.peer[0].result
    return Row(
        f"encode_batch of 10,000 short texts with .ids, {name}",
        f"{1000 * mine:.0f} ms",
        f"encode_batch_fast {1000 * other:.0f} ms",
        f"{duel.ratio:.1f}×{'' if same else ', OTHER IDS'}",
        "1×",
        duel.ratio >= 1 and same,
    )


def _fast_row(peers: str, rounds: int, name: str, tokenizer: str, floor: float) -> Row:
    text = str(corpus.text_file())
    settings = {"path": text, "tokenizer": tokenizer}
    with (
        Worker(sys.executable, "ours", "encode", **settings) as ours,
        Worker(
            peers, "peers", "tokenizers_encode", texts=LINES_FOR_TOKENIZERS, **settings
        ) as theirs,
    ):
        duel = alternate(ours.run, theirs.run, rounds)
    mine = [corpus.SIZE / run.seconds / 1e6 for run in duel.ours]
    other = [run.result["bytes"] / run.seconds / 1e6 for run in duel.peer]
    ratio = statistics.median(a / b for a, b in zip(mine, other, strict=True))
    return Row(
        f"encode to Arrow, {name}",
        f"{statistics.median(mine):.0f} MB/s",
        f"encode_batch_fast with .ids {statistics.median(other):.1f} MB/s",
        f"{ratio:.0f}×",
        f"{floor:g}×",
        ratio >= floor,
    )
