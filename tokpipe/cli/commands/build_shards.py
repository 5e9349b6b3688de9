"""`tokpipe build-shards`: texts to a folder of pretraining examples."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.options import Count, Optional, config_options
from tokpipe.cli.plan import Plan, show_plan
from tokpipe.cli.progress import duration
from tokpipe.corpus.config import ReadConfig, SentenceConfig
from tokpipe.examples.config import ExampleConfig, MaskConfig
from tokpipe.foundation.folders import refuse_existing_folder
from tokpipe.foundation.sizes import format_bytes, plural
from tokpipe.shards.config import ShardConfig

if TYPE_CHECKING:
    from tokpipe.shards.build import BuildConfig, BuildReport


@dataclass(frozen=True, kw_only=True)
class _Asked:
    inputs: tuple[str, ...]
    tokenizer: str
    output: str
    threads: int | None
    config: "BuildConfig"


@command(
    examples=[
        "tokpipe build-shards corpus/ -t out/wp -o out/shards",
        "tokpipe build-shards wiki.txt.xz -t out/wp --masking static -o out/shards",
        "tokpipe build-shards corpus/ -t out/bb --recipe roberta -o out/shards",
    ],
    plans=True,
)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-t", "--tokenizer", required=True, metavar="PATH", help="Tokenizer folder or tokenizer.json."
)
@click.option("-o", "--output", required=True, metavar="FOLDER", help="The folder to make.")
@click.option(
    "--nsp/--no-nsp",
    "nsp",
    default=None,
    help="Pairs of segments with next-sentence labels, or none; by default what the recipe says.",
)
@click.option("--sop", is_flag=True, help="Pairs with sentence-order labels, as ALBERT has them.")
@click.option(
    "--workers", type=Optional(Count(least=1)), metavar="N", help="The same as --threads."
)
@config_options(ExampleConfig, "examples", heading="Training examples", leave_out=("objective",))
@config_options(MaskConfig, "masks", heading="Masks")
@config_options(SentenceConfig, "sentences", heading="Sentences")
@config_options(ShardConfig, "shards", heading="Files", flags={"shard_bytes": "--shard-size"})
@config_options(ReadConfig, "read", heading="Reading")
def build_shards(
    session: Session,
    nsp: bool | None,
    sop: bool,
    workers: int | None,
    examples: ExampleConfig,
    **given: Any,
) -> None:
    """Make pretraining examples of INPUT: BERT's segment pairs or RoBERTa's full sentences.

    INPUT are files, folders, patterns or hub:owner/name; - is stdin. FOLDER is what
    `tokpipe pretrain` takes, and opens with datasets.load_from_disk. Stop it at any time: the same
    command goes on.
    """
    if sop and nsp is not None:
        raise click.UsageError("--sop and --nsp/--no-nsp exclude each other")
    objective = "sop" if sop else {None: "recipe", True: "nsp", False: "none"}[nsp]
    asked = _asked(session, replace(examples, objective=objective), workers, given)
    if session.dry_run:
        show_plan(session, _plan(session, asked))
        return
    start = time.monotonic()
    report = _build(session, asked)
    _show(session, asked, report, time.monotonic() - start)


def _asked(
    session: Session, examples: ExampleConfig, workers: int | None, given: dict[str, Any]
) -> _Asked:
    if not session.dry_run:
        refuse_existing_folder(Path(given["output"]), force=session.force)
    session.begin_kernels(keeps="" if "-" in given["inputs"] else "finished shards are kept")
    from tokpipe.shards.build import BuildConfig

    own = {name: given.pop(name) for name in ("inputs", "tokenizer", "output")}
    config = BuildConfig(examples=examples, seed=session.seed, **given)
    return _Asked(threads=workers or session.threads, config=config, **own)


def _build(session: Session, asked: _Asked) -> "BuildReport":
    from tokpipe.shards.build import build_shards as build

    return build(
        asked.inputs,
        asked.tokenizer,
        asked.output,
        asked.config,
        force=session.force,
        threads=asked.threads,
        progress=session.progress,
    )


def _plan(session: Session, asked: _Asked) -> Plan:
    from tokpipe.corpus.reader import open_corpus
    from tokpipe.foundation.threads import thread_count
    from tokpipe.shards.build import recipe_of
    from tokpipe.shards.estimate import estimate_build
    from tokpipe.shards.vocabulary import load_vocabulary

    corpus = open_corpus(asked.inputs, asked.config.read)
    recipe = recipe_of(load_vocabulary(Path(asked.tokenizer)), asked.config)
    threads = thread_count(asked.threads)
    found = estimate_build(corpus, recipe, asked.config, threads)
    return Plan(
        title="Building shards",
        facts={
            "inputs": len(corpus.files),
            "stored bytes": corpus.stored_bytes,
            "threads": threads,
            "examples": found.tally["examples"],
            "tokens": found.tally["tokens"],
        },
        memory=found.memory,
        disk=found.file_bytes,
        seconds=found.seconds,
        output=asked.output,
    )


def _show(session: Session, asked: _Asked, report: "BuildReport", seconds: float) -> None:
    tallies = report.tallies
    for warning in report.warnings:
        session.console.warn(warning)
    if session.json:
        session.console.json(
            {
                "output": asked.output,
                "seconds": round(seconds, 3),
                "file_bytes": report.file_bytes,
                "splits": {
                    name: {"shards": report.shards[name], **_plain(tally)}
                    for name, tally in tallies.items()
                },
                "warnings": list(report.warnings),
            }
        )
        return
    if not tallies["validation"]["examples"]:
        held_back = tallies["validation"]["documents"]
        why = "no document was held back"
        if held_back:
            why = f"{plural(held_back, 'document')} held back gave no example"
        session.progress.note(f"{why}: the validation split is empty")
    title = f"{asked.config.examples.recipe} shards, {asked.config.masks.masking} masks"
    rows = _rows(report, asked.config.examples.task)
    session.console.table(f"{title}, in {asked.output}", rows, header=("", *tallies))
    rate = tallies["train"]["text bytes"] + tallies["validation"]["text bytes"]
    session.console.out.line()
    session.console.table(
        "",
        [
            ("files", format_bytes(report.file_bytes)),
            ("time", f"{duration(seconds)}, {format_bytes(int(rate / seconds))}/s of text"),
            ("look at it", f"tokpipe inspect shards {asked.output}"),
            ("go on", f"tokpipe pretrain {asked.output} --preset mini -o run"),
        ],
    )


def _plain(tally: Mapping[str, int]) -> dict[str, int]:
    return {what.replace(" ", "_"): count for what, count in sorted(tally.items())}


def _rows(report: "BuildReport", task: str) -> list[list[str]]:
    tallies = report.tallies.values()
    rows = [
        ["shards", *(f"{count:,}" for count in report.shards.values())],
        *_counts(tallies, ("documents", "sentences", "examples", "tokens")),
        ["tokens an example", *(_mean(tally, "tokens", "examples") for tally in tallies)],
    ]
    if any("labels of 1" in tally for tally in tallies):
        shares = (_percent(tally, "labels of 1", "examples") for tally in tallies)
        rows.append(["random next" if task == "nsp" else "segments swapped", *shares])
    if any("masked tokens" in tally for tally in tallies):
        shares = (_percent(tally, "masked tokens", "tokens") for tally in tallies)
        rows.append(["tokens masked", *shares])
    shown = {"documents", "sentences", "examples", "tokens", "labels of 1", "masked tokens"}
    shown |= {"text bytes", "text tokens", "words", "targets asked", "targets found"}
    rest = sorted({what for tally in tallies for what, n in tally.items() if n} - shown)
    return rows + _counts(tallies, rest)


def _counts(tallies: Any, names: Any) -> list[list[str]]:
    return [[name, *(f"{tally[name]:,}" for tally in tallies)] for name in names]


def _mean(tally: Any, part: str, whole: str) -> str:
    return f"{tally[part] / tally[whole]:.1f}" if tally[whole] else "–"


def _percent(tally: Any, part: str, whole: str) -> str:
    return f"{100 * tally[part] / tally[whole]:.2f} %" if tally[whole] else "–"
