"""What `tokpipe predict` does itself: the class, the tags or the answers of a model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.model_folders import open_model
from tokpipe.cli.options import MODEL, config_options
from tokpipe.cli.precision import precision_option, tell_answers
from tokpipe.cli.sink import form_of, goes_to_terminal, opened_output
from tokpipe.corpus.config import ReadConfig
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.sizes import plural

_COLUMNS = (".conll", ".iob", ".iob2", ".bio")
_BY_ENDING = {".jsonl": "jsonl", ".tsv": "table", **dict.fromkeys(_COLUMNS, "conll")}


@command(
    name="predict",
    examples=[
        "tokpipe predict out/sst2 reviews.txt -o classes.jsonl",
        'tokpipe predict out/ner --text "Ada Lovelace wrote to London."',
        'tokpipe predict out/squad --question "Who wrote?" --context letter.txt',
        "tail -f log.txt | tokpipe predict out/sst2 --to table",
    ],
)
@click.argument("model", metavar="MODEL", type=MODEL)
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@click.option("--text", "texts", multiple=True, metavar="TEXT", help="A text itself; again: more.")
@click.option(
    "--question", "questions", multiple=True, metavar="TEXT", help="What to ask --context."
)
@click.option(
    "--context", metavar="FILE", help="The paragraph that answers; questions may come from stdin."
)
@click.option("--words", is_flag=True, help="Words are split already: by spaces, or one a line.")
@click.option("--pairs", is_flag=True, help="Each line is two texts with a tab between them.")
@click.option("--second-text-column", metavar="STR", help="Column of the second text, in tables.")
@click.option("-o", "--output", default="-", metavar="FILE", help="Write to FILE, not to stdout.")
@click.option(
    "--to",
    type=click.Choice(["view", "table", "jsonl", "conll"]),
    help="What to write; by default what the ending of FILE says, else drawings for a terminal "
    "and a table, a line each, for a pipe or file.",
)
@precision_option
@config_options(ReadConfig, "read", heading="Reading")
def predict_texts(
    session: Session,
    model: Path,
    output: str,
    to: str | None,
    precision: str,
    read: ReadConfig,
    **asked: Any,
) -> None:
    """Show what MODEL says of INPUT: classes, numbers, tags of words, or answers to questions.

    What a model is for stands in its folder. INPUT are files, folders, patterns or hub:owner/name,
    SQuAD's JSON for questions, CoNLL columns for words (.conll, or --words); without any, the lines
    of stdin, each of which is answered when it comes. A blank line is answered, too.

    tokpipe predict nsp MODEL A B says whether text B follows text A.
    """
    session.begin_kernels()
    from tokpipe.cli.answer_writers import AnswerLines, AnswerViews
    from tokpipe.cli.job_inputs import Asked, input_batches
    from tokpipe.tasks.predict import Job

    job = Job.of(open_model(session, model, precision=precision))
    kind = _kind(session, output, to, job.task.data)
    batches = input_batches(job, Asked(**asked, read=read))
    count = 0
    with opened_output(output, force=session.force, binary=False) as file:
        if kind == "view":
            writer = AnswerViews(session.console.rich(), job.model.config.labels)
        else:
            writer = AnswerLines(file, kind, visibly=goes_to_terminal(output))
        with _progress(session, asked).task("answering", None, "rows") as advance:
            for batch in batches:
                answers = job.answers(batch, threads=session.threads)
                writer.write(answers)
                if not count:
                    tell_answers(session, job, batch)
                count += len(answers)
                advance(len(answers))
    session.progress.note(plural(count, "answer"))


def _progress(session: Session, asked: Mapping[str, Any]) -> Progress:
    """Return what shows how far files are read; answers to what comes by itself show that."""
    return session.progress if {*asked["inputs"]} - {"-"} else SILENT


def _kind(session: Session, output: str, to: str | None, data: str) -> str:
    usual = "view" if goes_to_terminal(output) else "table"
    kind = form_of(output, to, _BY_ENDING, "jsonl" if session.json else usual)
    if kind == "conll" and data != "words":
        raise ConfigError("--to conll is for tags of words", hint="Use --to table or jsonl.")
    if kind == "view" and output != "-":
        raise ConfigError("--to view draws for a terminal", hint="Use --to table or jsonl.")
    return kind
