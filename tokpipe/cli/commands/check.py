"""`tokpipe check`: what is wrong with a folder, before it wastes hours."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokpipe.cli.column_options import (
    HEADING,
    refuse_other_columns,
    tag_column_options,
    text_column_options,
)
from tokpipe.cli.command import Session, command
from tokpipe.cli.options import MODEL, GroupedOption, config_options
from tokpipe.cli.settings import read_settings, wrong_values
from tokpipe.corpus.config import ReadConfig
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.told import named
from tokpipe.labelled.config import TASKS, TagColumns, TextColumns

if TYPE_CHECKING:
    from tokpipe.inspection.check.finding import Checked
    from tokpipe.inspection.check.labelled import CheckedPart

_DATA = {"ner": "words", "pos": "words", "qa": "questions"}  # of the other tasks: texts


@command(
    examples=[
        "tokpipe check out/wp",
        "tokpipe check out/wp --corpus corpus.txt",
        "tokpipe check out/shards",
        "tokpipe check out/run",
        "tokpipe check vocab.txt",
        "tokpipe check tokpipe.toml",
        "tokpipe check train.tsv dev.tsv --task classification --model out/run",
    ]
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=MODEL)
@click.option(
    "--corpus",
    multiple=True,
    metavar="INPUT",
    help="File, folder or glob: look for characters in it that the vocabulary has no token for.",
)
@click.option(
    "--task",
    cls=GroupedOption,
    heading=HEADING,
    type=click.Choice(TASKS),
    help="PATH is labelled data: the training part, then a validation and a test part.",
)
@click.option(
    "--model",
    cls=GroupedOption,
    heading=HEADING,
    type=MODEL,
    metavar="FOLDER",
    help="Model that is to read the labelled data: which texts are too long for it?",
)
@text_column_options()
@tag_column_options()
@config_options(ReadConfig, "read", heading="Reading files", leave_out=("text_column",))
def check(session: Session, paths: Sequence[Path], **options: Any) -> int:
    """Look for faults in a tokenizer, counts, shards, a model, a tokpipe.toml, or labelled data.

    Ids that repeat or leave gaps, special tokens that are missing or differ between files, merges
    that lead nowhere, pieces that no text can reach, files that are not as their manifest says,
    masks, labels and ids of training data that cannot be right, tensors that are missing, misshapen
    or not finite, settings that nobody knows.

    Of labelled data (--task): rows a label, labels of one part alone, empty and repeated texts, one
    text with two labels, rows of one part in another, answers that are not where they are said to
    be, tags that contradict their scheme, texts longer than the model takes.

    Exits with 0 if there is no error and no warning, with 1 otherwise.
    """
    if options["task"] is not None:
        return _check_task(session, [str(path) for path in paths], **options)
    if len(paths) > 1:
        raise ConfigError(f"{len(paths)} paths; one is needed", hint="Parts of data? Pass --task.")
    read = replace(options["read"], text_column=options["text_columns"].text or "text")
    return _check_path(session, paths[0], options["corpus"], read)


def _check_path(session: Session, path: Path, corpus: Sequence[str], read: ReadConfig) -> int:
    from tokpipe.inspection.check.finding import problems

    if path.suffix == ".toml":
        found = [_check_settings(path)]
    else:
        from tokpipe.inspection.check.folder import check_path

        found = check_path(path)
    if corpus:
        from tokpipe.inspection.corpus_use import check_corpus

        found[-1].findings.extend(
            check_corpus(path, corpus, read, session.threads, session.progress)
        )
    if session.json:
        session.console.json([asdict(checked) for checked in found])
    else:
        from tokpipe.inspection.terminal.check import findings_renderable

        terminal = session.console.rich()
        for checked in found:
            terminal.print(
                findings_renderable(named(checked.name), checked.about, checked.findings)
            )
    return int(any(problems(checked.findings) for checked in found))


def _check_task(
    session: Session,
    paths: list[str],
    *,
    task: str,
    model: Path | None,
    text_columns: TextColumns,
    tag_columns: TagColumns,
    read: ReadConfig,
    corpus: Sequence[str],
) -> int:
    if corpus:
        raise ConfigError("--corpus is about a vocabulary; --task is about labelled data")
    if read.errors != "strict":
        raise ConfigError(f"--errors {read.errors}: labelled data is read strictly")
    refuse_other_columns(_DATA.get(task, "texts"), f"--task {task}")
    session.begin_kernels()
    from tokpipe.inspection.check.finding import problems
    from tokpipe.inspection.check.labelled import Reading, check_task

    reading = Reading(task=task, texts=text_columns, tags=tag_columns, read=read)
    parts, findings = check_task(paths, reading, model, session.threads)
    if session.json:
        found = [asdict(finding) for finding in findings]
        session.console.json({"parts": [_as_json(part) for part in parts], "findings": found})
    else:
        from tokpipe.inspection.terminal.check import findings_renderable
        from tokpipe.inspection.terminal.labelled import parts_renderable

        terminal = session.console.rich()
        terminal.print(parts_renderable(task, parts))
        terminal.print(findings_renderable("labelled data", task, findings))
    return int(problems(findings) > 0)


def _as_json(part: "CheckedPart") -> dict[str, Any]:
    counted = part.counted
    return {
        "part": part.name,
        "source": part.source,
        f"{counted.rows}s": counted.number,
        "labels": counted.labels,
    }


def _check_settings(path: Path) -> "Checked":
    from tokpipe.inspection.check.finding import ERROR, Checked, Finding

    findings = []
    try:
        context = click.get_current_context()
        for place, problem in wrong_values(read_settings(str(path), context), context):
            findings.append(Finding(ERROR, place, problem))
    except ConfigError as error:
        place, _, problem = error.problem.partition(": ")
        findings.append(Finding(ERROR, place, problem, error.hint))
    return Checked(str(path), "settings", findings)
