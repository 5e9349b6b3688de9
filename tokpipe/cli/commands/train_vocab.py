"""`tokpipe train-vocab`: texts or word counts to a tokenizer folder."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.console import typed
from tokpipe.cli.engines import counter, engine_options
from tokpipe.cli.options import Bytes, config_options
from tokpipe.cli.plan import Plan, counting_plan, merging_plan, show_plan, training_plan
from tokpipe.cli.progress import duration
from tokpipe.cli.words_options import words_config, words_options
from tokpipe.corpus.config import ReadConfig
from tokpipe.engines.config import EngineConfig
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.folders import refuse_existing_folder
from tokpipe.foundation.sizes import format_bytes
from tokpipe.vocab.config import VocabConfig
from tokpipe.words.config import WordsConfig

if TYPE_CHECKING:
    from tokpipe.tokenizer.trained import Trained
    from tokpipe.words.counts import WordCounts


@dataclass(frozen=True, kw_only=True)
class _Asked:
    inputs: tuple[str, ...]
    from_counts: str | None
    output: str
    held_out: float
    memory: int | None
    vocab: VocabConfig
    words: WordsConfig
    read: ReadConfig
    engine: EngineConfig


@command(
    examples=[
        "tokpipe train-vocab corpus/ --model wordpiece --vocab-size 30522 -o out/wp",
        "tokpipe train-vocab wiki.txt.xz --model byte-bpe --vocab-size 8k,16k,32k -o out/bb",
        "tokpipe train-vocab --from-counts counts --model bpe --cased -o out/bpe",
    ],
    plans=True,
)
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@click.option("-o", "--output", required=True, metavar="FOLDER", help="The folder to make.")
@click.option("--from-counts", metavar="FOLDER", help="Word counts to train on, in place of INPUT.")
@click.option(
    "--memory", type=Bytes(), metavar="SIZE", help="Most memory to count in; more goes to disk."
)
@click.option(
    "--held-out",
    type=click.FLOAT,
    default=0.0,
    metavar="SHARE",
    help="Share of the texts to keep out of training and measure on; 0 measures on all.",
)
@config_options(VocabConfig, "vocab", heading="Vocabulary")
@words_options
@config_options(ReadConfig, "read", heading="Reading")
@engine_options
def train_vocab(session: Session, words: dict[str, Any], **given: Any) -> None:
    """Train a vocabulary on INPUT, and write a tokenizer folder.

    INPUT are files, folders, patterns, here or in a store (s3://, gs://, az://, hf://), or
    hub:owner/name; - is stdin. Wherever a folder is named it may be in a store, too. FOLDER
    opens with tokpipe, tokenizers.Tokenizer.from_file and transformers.AutoTokenizer; of
    several sizes, each gets a folder in it. Stop it at any time: the same command goes on.
    """
    asked = _Asked(words=words_config(given["vocab"].model, words), **given)
    _check(asked, words)
    if session.dry_run:
        show_plan(session, _plan(session, asked), asked.engine)
        return
    start = time.monotonic()
    trained = _train(session, asked)
    _warn(session, asked, trained)
    _show(session, asked, trained, time.monotonic() - start)


def _check(asked: _Asked, words: dict[str, Any]) -> None:
    if bool(asked.inputs) == bool(asked.from_counts):
        raise click.UsageError("give INPUT or --from-counts, one of them")
    if not asked.from_counts:
        return
    if asked.engine != EngineConfig():
        raise ConfigError(
            "--from-counts needs no --engine: the merges are made in one place",
            hint="Give --engine dask to count-words.",
        )
    if words or asked.held_out or asked.read != ReadConfig():
        raise ConfigError(
            "--from-counts takes no options of words, reading or --held-out",
            hint="Counts know their own; give these options to count-words.",
        )


def _plan(session: Session, asked: _Asked) -> Plan:
    if asked.from_counts:
        counting = merging_plan([asked.from_counts], asked.output)
    else:
        counting = counting_plan(
            asked.inputs,
            asked.read,
            asked.engine.workers or session.threads,
            asked.memory,
            asked.output,
        )
    return training_plan(counting, asked.vocab, asked.output)


def _train(session: Session, asked: _Asked) -> "list[Trained]":
    refuse_existing_folder(Path(asked.output), force=session.force)  # before the heavy imports
    session.begin_kernels(keeps="" if asked.from_counts else session.keeps_counts(asked.inputs))
    count, progress = counter(session, asked.engine)
    from tokpipe.tokenizer.build import train_vocabularies

    return train_vocabularies(
        _source(asked),
        asked.vocab,
        words=asked.words,
        read=asked.read,
        output=asked.output,
        force=session.force,
        held_out=asked.held_out,
        threads=session.threads,
        memory=asked.memory,
        progress=progress,
        counter=count,
    )


def _source(asked: _Asked) -> "Sequence[str] | WordCounts":
    if asked.from_counts is None:
        return asked.inputs
    from tokpipe.words.counts import WordCounts

    return WordCounts.load(asked.from_counts)


def _warn(session: Session, asked: _Asked, trained: "list[Trained]") -> None:
    from tokpipe.tokenizer.quality import unknown_warning

    if asked.words.strip_accents and asked.inputs and not session.quiet:
        from tokpipe.cli.accents import warn_of_accents

        warn_of_accents(session.console, asked.inputs, asked.read)
    quality, longest = trained[-1].quality, asked.vocab.max_input_chars_per_word
    warning = unknown_warning(100, quality.unknown_words, quality.too_long_words, longest=longest)
    if warning:
        session.console.warn(warning)


def _show(session: Session, asked: _Asked, trained: "list[Trained]", seconds: float) -> None:
    largest = trained[-1]
    if session.json:
        session.console.json(
            {
                "output": asked.output,
                "model": asked.vocab.model,
                "seconds": round(seconds, 3),
                "vocabularies": [
                    {
                        "asked": one.size,
                        "size": len(one.vocabulary),
                        "merges": len(one.vocabulary.merges),
                        "quality": one.quality.to_dict(),
                        "folder": _folder(asked, one, len(trained) > 1),
                    }
                    for one in trained
                ],
            }
        )
        return
    rows = [
        ["vocabulary", *(f"{len(one.vocabulary):,}" for one in trained)],
        ["merges", *(f"{len(one.vocabulary.merges):,}" for one in trained)],
        ["tokens a word", *(f"{one.quality.tokens_per_word:.3f}" for one in trained)],
        ["bytes a token", *(f"{one.quality.bytes_per_token:.3f}" for one in trained)],
        ["words in one piece", *(f"{one.quality.whole_words:.1f} %" for one in trained)],
        ["words unknown", *(f"{one.quality.unknown_words:.3f} %" for one in trained)],
    ]
    rate = f", {format_bytes(int(largest.text_bytes / seconds))}/s" if largest.text_bytes else ""
    folder = _folder(asked, largest, len(trained) > 1)
    others = [
        ["measured on", largest.quality.measured_on],
        ["time", f"{duration(seconds)}{rate}"],
        ["look at it", f'tokpipe inspect tokens -t {typed(folder)} "some text"'],
    ]
    title = f"A {asked.vocab.model} vocabulary in {asked.output}"
    if len(trained) == 1:
        session.console.table(title, [*rows, *others])
        return
    session.console.table(title, rows)
    session.console.out.line()
    session.console.table("", others)


def _folder(asked: _Asked, one: "Trained", several: bool) -> str:
    return f"{asked.output.rstrip('/')}/{one.size}" if several else asked.output
