"""Training vocabularies: speed beside tokenizers, gigatoken and gigabpe, and peak memory."""

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.bench import corpus
from tests.bench.harness import Duel, Run, Worker, alternate, command_run, fresh_peak, lacks
from tests.bench.report import Row, skipped

BYTE_BPE = {"model": "byte-bpe", "vocab_size": 30_000, "min_frequency": 2}
WORDPIECE = {"model": "wordpiece", "vocab_size": 30_522, "min_frequency": 2}
PEER_SCRIPT = Path(__file__).with_name("train_with_tokenizers.py")


def rows(peers: str, rounds: int) -> list[Row]:
    """Measure everything that the table of vocabulary training holds."""
    text = str(corpus.text_file())
    return [
        _against_tokenizers(text, peers, rounds, BYTE_BPE, 15),
        _against_gigatoken(text, peers, rounds),
        _against_gigabpe(text, peers, rounds),
        _whole_command(text, peers, rounds),
        _against_tokenizers(text, peers, rounds, WORDPIECE, 15),
        _dna(peers, rounds),
        *(_peak(text, peers, settings) for settings in (BYTE_BPE, WORDPIECE)),
        _bounded_peak(text),
        _start(rounds),
    ]


def _duel_row(work: str, duel: Duel, peer: str, floor: float, remark: str = "") -> Row:
    ours, theirs = duel.seconds
    measured = f"{duel.ratio:.1f}×{remark}"
    passed = duel.ratio >= floor
    return Row(work, f"{ours:.2f} s", f"{peer} {theirs:.2f} s", measured, f"{floor:g}×", passed)


def _against_tokenizers(text: str, peers: str, rounds: int, settings: dict, floor: float) -> Row:
    with (
        Worker(sys.executable, "ours", "train", path=text, **settings) as ours,
        Worker(peers, "peers", "tokenizers_train", path=text, **settings) as peer,
    ):
        duel = alternate(ours.run, peer.run, rounds)
    remark = ""
    if settings["model"] == "byte-bpe":
        same = duel.ours[0].result == duel.peer[0].result
        remark = ", same merges" if same else ", OTHER MERGES"
    work = f"train {settings['model']} {settings['vocab_size']:,}, 100 MB, warm process"
    return _duel_row(work, duel, "tokenizers", floor, remark)


def _against_gigatoken(text: str, peers: str, rounds: int) -> Row:
    with (
        Worker(sys.executable, "ours", "train", path=text, **BYTE_BPE) as ours,
        Worker(peers, "peers", "gigatoken_train", path=text, vocab_size=30_000) as peer,
    ):
        duel = alternate(ours.run, peer.run, rounds)
    return _duel_row("the same", duel, "gigatoken", 3)


def _against_gigabpe(text: str, peers: str, rounds: int) -> Row:
    work, floor = "the same", 2
    if lacks(peers, "gigabpe"):
        return skipped(work, "gigabpe", f"{floor:g}×")
    settings = {"path": text, "vocab_size": 30_000, "min_frequency": 2}
    with (
        Worker(sys.executable, "ours", "train", model="byte-bpe", **settings) as ours,
        Worker(peers, "peers", "gigabpe_train", **settings) as peer,
    ):
        duel = alternate(ours.run, peer.run, rounds)
    same = duel.ours[0].result["merges"] == duel.peer[0].result["merges"]
    row = _duel_row(work, duel, "gigabpe", floor, ", same merges" if same else ", OTHER MERGES")
    return replace(row, passed=row.passed and same)


def _whole_command(text: str, peers: str, rounds: int) -> Row:
    with tempfile.TemporaryDirectory() as place:
        ours = [sys.executable, "-m", "tokpipe", "train-vocab", text, "--model", "byte-bpe"]
        ours += ["--vocab-size", "30000", "-o", f"{place}/ours"]
        peer = [peers, str(PEER_SCRIPT), text, f"{place}/peer.json"]

        def fresh() -> Run:
            shutil.rmtree(f"{place}/ours", ignore_errors=True)
            return command_run(ours)

        duel = alternate(fresh, lambda: command_run(peer), rounds)
    return _duel_row("the same as a whole command", duel, "Python script", 10)


def _dna(peers: str, rounds: int) -> Row:
    whole, prefix = corpus.dna_files()
    settings = {
        "model": "bpe", "vocab_size": 512, "special_tokens": [], "pre_tokenizer": "whitespace-split"
    }  # fmt: skip
    with Worker(sys.executable, "ours", "train", path=str(prefix), **settings) as ours:
        mine = ours.run().result
    with Worker(peers, "peers", "tokenizers_train_line", path=str(prefix), vocab_size=512) as peer:
        theirs = peer.run()
    with Worker(sys.executable, "ours", "train", path=str(whole), **settings) as ours:
        ours.run()
        seconds = sorted(ours.run().seconds for _ in range(rounds))[rounds // 2]
    same = "same merges on 100 kB" if mine == theirs.result else "OTHER MERGES on 100 kB"
    return Row(
        "train bpe 512, one line of DNA, 4.6 MB",
        f"{seconds:.2f} s",
        f"tokenizers, first 100 kB: {theirs.seconds:.2f} s",
        same,
        "1.5 s",
        seconds < 1.5 and mine == theirs.result,
    )


def _peak(text: str, peers: str, settings: dict) -> Row:
    ours = fresh_peak(sys.executable, "ours", "train", path=text, **settings).peak
    peer = fresh_peak(peers, "peers", "tokenizers_train", path=text, **settings).peak
    return Row(
        f"peak memory, {settings['model']}, 100 MB",
        f"{ours / 1e6:.0f} MB",
        f"tokenizers {peer / 1e6:.0f} MB",
        f"{ours / peer:.2f} of it",
        "below it",
        ours < peer and ours < 4 * corpus.SIZE,
    )


def _bounded_peak(text: str) -> Row:
    peak = fresh_peak(sys.executable, "ours", "train", path=text, memory="256MB", **BYTE_BPE).peak
    return Row(
        "peak memory under --memory 256MB", f"{peak / 1e6:.0f} MB", "–", "", "256 MB", peak < 256e6
    )


def _start(rounds: int) -> Row:
    vocabulary = str(corpus.bert_tokenizer())
    command = [sys.executable, "-m", "tokpipe", "inspect", "tokens", "-t", vocabulary, "a café"]
    command_run(command)
    seconds = sorted(command_run(command).seconds for _ in range(rounds))[rounds // 2]
    return Row("inspect tokens, whole command", f"{seconds:.2f} s", "–", "", "1.5 s", seconds < 1.5)
