"""`tokpipe build-shards`: texts to a folder of pretraining examples."""

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.console import typed
from tokpipe.cli.engines import HEADING, open_workers
from tokpipe.cli.options import Count, Optional, config_options, tokenizer_option
from tokpipe.cli.plan import Plan, show_plan
from tokpipe.cli.progress import duration
from tokpipe.corpus.config import ReadConfig, SentenceConfig
from tokpipe.engines.config import EngineConfig
from tokpipe.examples.config import ExampleConfig, MaskConfig
from tokpipe.foundation.folders import refuse_existing_folder
from tokpipe.foundation.sizes import format_bytes, plural
from tokpipe.shards.config import BuildConfig, ShardConfig

if TYPE_CHECKING:
    from tokpipe.shards.build import BuildReport


@command(
    examples=[
        "tokpipe build-shards corpus/ -t out/wp -o out/shards",
        "tokpipe build-shards wiki.txt.xz -t out/wp --masking static -o out/shards",
        "tokpipe build-shards corpus/ -t out/bb --recipe roberta -o out/shards",
    ],
    plans=True,
)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@tokenizer_option
@click.option("-o", "--output", required=True, metavar="FOLDER", help="The folder to make.")
@click.option(
    "--nsp/--no-nsp",
    "nsp",
    default=None,
    help="Pairs of segments with next-sentence labels, or none; by default what the recipe says.",
)
@click.option("--sop", is_flag=True, help="Pairs with sentence-order labels, as ALBERT has them.")
@click.option(
    "--workers",
    type=Optional(Count(least=1)),
    metavar="N",
    help="The same as --threads; with --engine dask, how many processes.",
)
@config_options(ExampleConfig, "examples", heading="Training examples", leave_out=("objective",))
@config_options(MaskConfig, "masks", heading="Masks")
@config_options(SentenceConfig, "sentences", heading="Sentences")
@config_options(ShardConfig, "shards", heading="Files", flags={"shard_bytes": "--shard-size"})
@config_options(ReadConfig, "read", heading="Reading")
@config_options(EngineConfig, "engine", heading=HEADING, leave_out=("workers",))
def build_shards(
    session: Session,
    inputs: tuple[str, ...],
    tokenizer: Path,
    output: str,
    nsp: bool | None,
    sop: bool,
    workers: int | None,
    examples: ExampleConfig,
    engine: EngineConfig,
    **stages: Any,
) -> None:
    """Make pretraining examples of INPUT: BERT's segment pairs or RoBERTa's full sentences.

    INPUT are files, folders, patterns, here or in a store (s3://, gs://, az://, hf://), or
    hub:owner/name; - is stdin. Wherever a folder is named it may be in a store, too. FOLDER is
    what `tokpipe pretrain` takes, and opens with datasets.load_from_disk. Stop it at any time:
    the same command goes on.
    """
    if sop and nsp is not None:
        raise click.UsageError("--sop and --nsp/--no-nsp exclude each other")
    objective = "sop" if sop else {None: "recipe", True: "nsp", False: "none"}[nsp]
    examples = replace(examples, objective=objective)
    if not session.dry_run:
        refuse_existing_folder(Path(output), force=session.force)
    session.begin_kernels(keeps="" if "-" in inputs else "finished shards are kept")
    from tokpipe.shards.build import build_shards as build
    from tokpipe.shards.spread import Spread

    config = BuildConfig(examples=examples, seed=session.seed, **stages)
    engine = replace(engine, workers=workers) if engine.engine == "dask" else engine
    threads = workers or session.threads
    if session.dry_run:
        show_plan(session, _plan(inputs, tokenizer, output, config, threads), engine)
        return
    start, how = time.monotonic(), {"force": session.force, "threads": threads}
    with open_workers(session, engine) as (others, progress):
        how |= {"engine": others and Spread(others), "progress": progress}
        report = build(inputs, tokenizer, output, config, **how)
    _show(session, config, output, report, time.monotonic() - start)


def _plan(
    inputs: tuple[str, ...],
    tokenizer: Path,
    output: str,
    config: BuildConfig,
    workers: int | None,
) -> Plan:
    from tokpipe.corpus.reader import open_corpus
    from tokpipe.foundation.threads import thread_count
    from tokpipe.shards.build import recipe_of
    from tokpipe.shards.estimate import estimate_build
    from tokpipe.shards.vocabulary import load_vocabulary

    corpus = open_corpus(inputs, config.read)
    recipe = recipe_of(load_vocabulary(tokenizer), config)
    threads = thread_count(workers)
    found = estimate_build(corpus, recipe, config, threads)
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
        output=output,
    )


def _show(
    session: Session, config: BuildConfig, output: str, report: "BuildReport", seconds: float
) -> None:
    tallies = report.tallies
    for warning in report.warnings:
        session.console.warn(warning)
    if session.json:
        session.console.json(
            {
                "output": output,
                "seconds": round(seconds, 3),
                "file_bytes": report.file_bytes,
                "splits": {
                    name: {
                        "shards": report.shards[name],
                        **{what.replace(" ", "_"): n for what, n in sorted(tally.items())},
                    }
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
    title = f"{config.examples.recipe} shards, {config.masks.masking} masks"
    rows = _rows(report, config.examples.task)
    session.console.table(f"{title}, in {output}", rows, header=("", *tallies))
    rate = tallies["train"]["text bytes"] + tallies["validation"]["text bytes"]
    session.console.out.line()
    session.console.table(
        "",
        [
            ("files", format_bytes(report.file_bytes)),
            ("time", f"{duration(seconds)}, {format_bytes(int(rate / seconds))}/s of text"),
            ("look at it", f"tokpipe inspect shards {typed(output)}"),
            ("go on", f"tokpipe pretrain {typed(output)} --preset mini -o run"),
        ],
    )


def _rows(report: "BuildReport", task: str) -> list[list[str]]:
    tallies = report.tallies.values()
    rows = [
        ["shards", *(f"{count:,}" for count in report.shards.values())],
        *_counts(tallies, ("documents", "sentences", "examples", "tokens")),
        ["tokens an example", *(_share(t, "tokens", "examples", "{:.1f}") for t in tallies)],
    ]
    if any("labels of 1" in tally for tally in tallies):
        shares = (_share(tally, "labels of 1", "examples") for tally in tallies)
        rows.append(["random next" if task == "nsp" else "segments swapped", *shares])
    if any("masked tokens" in tally for tally in tallies):
        shares = (_share(tally, "masked tokens", "tokens") for tally in tallies)
        rows.append(["tokens masked", *shares])
    shown = {"documents", "sentences", "examples", "tokens", "labels of 1", "masked tokens"}
    shown |= {"text bytes", "text tokens", "words", "targets asked", "targets found"}
    rest = sorted({what for tally in tallies for what, n in tally.items() if n} - shown)
    return rows + _counts(tallies, rest)


def _counts(tallies: Any, names: Any) -> list[list[str]]:
    return [[name, *(f"{tally[name]:,}" for tally in tallies)] for name in names]


def _share(tally: Any, part: str, whole: str, form: str = "{:.2%}") -> str:
    return form.format(tally[part] / tally[whole]).replace("%", " %") if tally[whole] else "–"
