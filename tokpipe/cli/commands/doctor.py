"""`tokpipe doctor`: is this machine ready to work."""

import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.engines import HEADING
from tokpipe.cli.machine import BAD, GOOD, ODD, Finding, findings, tried
from tokpipe.cli.options import config_options
from tokpipe.engines.config import EngineConfig
from tokpipe.foundation.sizes import format_bytes
from tokpipe.foundation.visible import visible

if TYPE_CHECKING:
    from tokpipe.engines.dask.workers import Worker

_TEXT = "Åsa's naïve café: 東京 😀, low lower lowest new newer newest.\n" * 50
_MARKS = {GOOD: ("✓", "green"), ODD: ("!", "yellow"), BAD: ("✗", "red")}


@command(
    examples=[
        "tokpipe doctor",
        "tokpipe doctor --json",
        "tokpipe doctor --scheduler host:8786 --folder /shared",
    ]
)
@click.option(
    "--folder",
    metavar="FOLDER",
    help="With --scheduler: the folder that all workers are to see; by default this one.",
)
@config_options(
    EngineConfig,
    "engine",
    heading=HEADING,
    leave_out=("engine", "workers"),
    given_only=(),
)
def doctor(session: Session, folder: str | None, engine: dict[str, Any]) -> int:
    """Look at versions, processors, memory, disk and terminal, and test the kernels.

    With --scheduler, look at the workers of a Dask cluster as well: versions, kernels, clocks, and
    whether they see a folder. Exits with 1 if something will fail, with 0 otherwise, also where
    something could be better.
    """
    own_version = getattr(click.get_current_context().find_root().command, "version", "")
    if "scheduler" not in engine and (engine or folder):
        raise click.UsageError("--folder and TLS files are for --scheduler, which is not given")
    cluster, workers = [], list["Worker"]()
    if engine:
        config = EngineConfig(engine="dask", **engine)
        finding, workers = _looked_at_cluster(config, Path(folder or "."))
        cluster = [finding]
    own = [*findings(session.console, own_version), tried("self-test", _self_test)]
    found = [*own, *cluster]
    if session.json:
        of_cluster = {"workers": [asdict(worker) for worker in workers]} if cluster else {}
        session.console.json({"findings": [asdict(finding) for finding in found], **of_cluster})
    else:
        _show_workers(session, workers)
        _show(session, found)
    return int(any(finding.state == BAD for finding in found))


def _looked_at_cluster(config: EngineConfig, folder: Path) -> "tuple[Finding, list[Worker]]":
    """Return what is to be said of a cluster as a whole, and each of its workers."""
    from tokpipe.engines.dask.cluster import open_cluster
    from tokpipe.engines.dask.workers import look_at_workers, scheduler_problems

    with open_cluster(config, any_version=True) as cluster:
        workers = look_at_workers(cluster, folder)
        problems = scheduler_problems(cluster)
    ill = sum(bool(worker.problems) for worker in workers)
    said = [f"{ill} of {len(workers)} workers differ"] if ill else [f"{len(workers)} workers"]
    if ill or problems:
        advice = "Install the same versions, share the folder and set the clocks on all machines."
        return Finding("cluster", "; ".join([*problems, *said]), BAD, advice), workers
    return Finding("cluster", f"{said[0]}, all as this process and with {folder}"), workers


def _show_workers(session: Session, workers: "list[Worker]") -> None:
    if not workers:
        return
    rows = [
        [
            worker.address,
            "-" if worker.skew is None else f"{worker.skew:+.2f} s",
            "-" if worker.free_memory is None else format_bytes(worker.free_memory),
            "; ".join(worker.problems) or "as here",
        ]
        for worker in workers
    ]
    session.console.table("Workers", rows, ["worker", "clock", "free memory", "state"])
    session.console.out.line()


def _show(session: Session, found: list[Finding]) -> None:
    out = session.console.out
    width = max(len(finding.name) for finding in found)
    for finding in found:
        mark, style = _MARKS[finding.state]
        first, *rest = _lines(finding.found, out.width - width - 4) or [""]
        out.line(f"{out.styled(out.glyph(mark), style)} {finding.name:{width}}  {first}")
        rest += [out.styled(line, style) for line in _lines(finding.advice, out.width - width - 4)]
        for line in rest:
            out.line(f"  {'':{width}}  {line}")
    out.line()
    bad = sum(finding.state == BAD for finding in found)
    odd = sum(finding.state == ODD for finding in found)
    if bad:
        out.line(out.styled(f"{bad} of {len(found)} will make work fail.", "red"))
    else:
        out.line(f"Ready to work{f'; {odd} could be better' if odd else ''}.")


def _lines(text: str, room: int) -> list[str]:
    """Cut a text between words into lines of so many columns; words stay whole."""
    return wrap(visible(text), max(room, 20), break_long_words=False, break_on_hyphens=False)


def _self_test() -> str:
    """Run the kernels of counting, training and encoding, and compare with plain Python."""
    from tokpipe.tokenizer.trained import train_sizes
    from tokpipe.vocab.config import VocabConfig
    from tokpipe.words.config import GPT2, WordsConfig
    from tokpipe.words.count import count_words

    start = time.perf_counter()
    with TemporaryDirectory(prefix="tokpipe-") as folder:
        path = Path(folder) / "text.txt"
        path.write_text(_TEXT, "utf-8")
        plain = WordsConfig(normalizer="none", lowercase=False, pre_tokenizer="whitespace-split")
        found = count_words([path], plain)
        counted = {
            w.decode(): int(n) for w, n in zip(found.words.iter_bytes(), found.counts, strict=True)
        }
        if counted != Counter(_TEXT.split()):
            raise ValueError("words are counted wrong")
        counts = count_words([path], GPT2)
    tokenizer = train_sizes(counts, VocabConfig(model="byte-bpe", vocab_size=(300,)))[0].tokenizer
    if tokenizer.decode(tokenizer.encode(_TEXT).ids) != _TEXT:
        raise ValueError("text does not come back from its ids")
    return f"passed in {time.perf_counter() - start:.1f} s"
