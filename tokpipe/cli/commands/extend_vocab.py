"""`tokpipe extend-vocab`: a tokenizer or model with more tokens, the old ids as they were."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.console import typed
from tokpipe.cli.options import MODEL, Bytes, config_options
from tokpipe.cli.plan import counting_plan, show_plan, training_plan
from tokpipe.cli.progress import duration
from tokpipe.corpus.config import ReadConfig
from tokpipe.foundation.folders import refuse_existing_folder
from tokpipe.foundation.sizes import plural
from tokpipe.foundation.visible import visible
from tokpipe.tasks.extend_config import RowsConfig
from tokpipe.tokenizer.extend_config import ExtendConfig

if TYPE_CHECKING:
    from tokpipe.tasks.extend import Extended

_SHOWN = 8  # words that are named


@command(
    examples=[
        "tokpipe extend-vocab out/model novels.txt --add 2k -o out/wider",
        "tokpipe extend-vocab out/wp corpus/ --add 500 --fill-unused -o out/wp2",
        "tokpipe extend-vocab out/model --words terms.txt -o out/wider",
    ],
    plans=True,
)
@click.argument("source", metavar="MODEL|TOKENIZER", type=MODEL)
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@click.option("-o", "--output", required=True, metavar="FOLDER", help="The folder to make.")
@click.option(
    "--words",
    type=MODEL,
    metavar="FILE",
    help="Words to add as whole tokens, one a line, in place of --add.",
)
@click.option(
    "--memory", type=Bytes(), metavar="SIZE", help="Most memory to count in; more goes to disk."
)
@click.option(
    "--held-out",
    type=click.FLOAT,
    default=0.05,
    show_default=True,
    metavar="SHARE",
    help="Share of the texts to keep out of learning and measure on.",
)
@config_options(ExtendConfig, "tokens", heading="New tokens")
@config_options(RowsConfig, "rows", heading="Rows of a model")
@config_options(ReadConfig, "read", heading="Reading")
def extend_vocab(
    session: Session, source: Path, output: str, memory: int | None, **given: Any
) -> None:
    """Add tokens to a tokenizer or model: --add learned from INPUT, or --words.

    Old tokens keep their ids, which is proved at the end. Of a BPE, text gets the same pieces as
    before, some of them joined; WordPiece may cut words with a new token in another way. INPUT is
    measured on; with --words it may be left out. Letters that the vocabulary lacks become tokens
    first. All else that the folder says stays. Then build shards with it, and train on with
    pretrain --from, whose --also shows what is forgotten of older text.
    """
    if (given["tokens"].add is None) == (given["words"] is None):
        raise click.UsageError("give --add or --words, one of them")
    if not given["inputs"] and given["words"] is None:
        raise click.UsageError("--add needs an INPUT to learn from")
    if session.dry_run:
        _show_plan(session, source, output, memory, given)
        return
    refuse_existing_folder(Path(output), force=session.force)  # before the heavy imports
    session.begin_kernels(keeps=session.keeps_counts(given["inputs"]) if given["inputs"] else "")
    from tokpipe.tasks.extend import extend_vocab

    start = time.monotonic()
    done = extend_vocab(
        source,
        output,
        config=given.pop("tokens"),
        **given,
        seed=session.seed,
        force=session.force,
        threads=session.threads,
        memory=memory,
        progress=session.progress,
    )
    _say_words(session, done)
    _warn(session, done, learns=given["words"] is None)
    _show(session, done, output, time.monotonic() - start)


def _show_plan(
    session: Session, source: Path, output: str, memory: int | None, given: dict[str, Any]
) -> None:
    from dataclasses import replace

    from tokpipe.tokenizer.extend import check_extensible
    from tokpipe.tokenizer.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(source)
    check_extensible(tokenizer, str(source))
    spec = tokenizer.spec
    merging = given["tokens"].merging(
        spec.model.value, spec.continuing_subword_prefix, spec.end_of_word_suffix, len(spec.tokens)
    )
    counting = counting_plan(given["inputs"], given["read"], session.threads, memory, output)
    plan = training_plan(counting, merging, output)
    show_plan(session, replace(plan, title=f"Extending a {spec.model.value} vocabulary"))


def _say_words(session: Session, done: "Extended") -> None:
    note = session.progress.note
    for text in done.notes:
        note(text)
    if done.known:
        note(f"tokens already: {_some(done.known)}")
    if done.normalised:
        pairs = [f"{word} is {made}" for word, made in done.normalised.items()]
        note(f"added as the tokenizer has them: {_some(pairs)}")


def _warn(session: Session, done: "Extended", *, learns: bool) -> None:
    from tokpipe.tokenizer.quality import WORTH_A_WARNING, longest_word, unknown_warning

    if done.gain is None:
        return
    after, longest = done.gain.after, longest_word(done.extension.new.spec)
    if warning := unknown_warning(100, *[after.too_long_words] * 2, longest=longest):
        session.console.warn(warning)
    strange = after.unknown_words - after.too_long_words
    if strange > 100 * WORTH_A_WARNING:
        more = "a greater --add (they are half of it at most) or --limit-alphabet, or a lower "
        cure = f"give {more}--min-frequency" if learns else "--add learns them from the text"
        session.console.warn(
            f"{strange:.1f} % of the words stay unknown, for the vocabulary lacks characters of "
            f"them: {cure}"
        )


def _some(words: Sequence[str]) -> str:
    shown = ", ".join(visible(word) for word in words[:_SHOWN])
    return shown if len(words) <= _SHOWN else f"{shown} and {len(words) - _SHOWN:,} more"


def _show(session: Session, done: "Extended", output: str, seconds: float) -> None:
    extension, gain = done.extension, done.gain
    if session.json:
        session.console.json(_json(done, output, seconds))
        return
    before, after = extension.old.vocab_size, extension.new.vocab_size
    rows: list[list[str]] = [["tokens", f"{before:,}", f"{after:,}"]]
    if done.table:
        rows.append(["rows of the model", *(f"{count:,}" for count in done.table)])
    if gain:
        old, new = gain.before, gain.after
        rows += [
            ["tokens a word", f"{old.tokens_per_word:.3f}", f"{new.tokens_per_word:.3f}"],
            ["bytes a token", f"{old.bytes_per_token:.3f}", f"{new.bytes_per_token:.3f}"],
            ["words in one piece", f"{old.whole_words:.1f} %", f"{new.whole_words:.1f} %"],
            ["words unknown", f"{old.unknown_words:.3f} %", f"{new.unknown_words:.3f} %"],
        ]
    title = f"{output}: {plural(len(extension.added), 'new token')}"
    session.console.table(title, rows, header=["", "before", "after"])
    session.console.out.line()
    session.console.table("", _facts(done, seconds))
    if done.table:
        session.console.out.line()
        made = typed(output)
        session.console.go_on_with(
            f"tokpipe build-shards INPUT -t {made} -o SHARDS",
            f"tokpipe build-shards OLDER -t {made} -o OTHERS",
            f"tokpipe pretrain SHARDS --from {made} --also OTHERS -o RUN",
            title="Train the new rows, and see the losses on both texts before and after:",
        )


def _facts(done: "Extended", seconds: float) -> list[list[str]]:
    extension, gain = done.extension, done.gain
    facts = []
    if extension.filled:
        facts.append(["unused ids filled", f"{extension.filled:,}"])
    if characters := extension.characters:
        facts.append(["new characters", f"{len(characters):,}: {_some(characters)}"])
    if gain:
        top = ", ".join(f"{visible(word)} {share:.2f} %" for word, share in gain.commonest[:4])
        facts += [
            ["words gained", f"{gain.gained_words:,}, {gain.gained_share:.2f} % of the text"],
            *([["commonest of them", top]] if top else []),
            ["words with new tokens", f"{gain.changed_words:.2f} %"],
            ["measured on", gain.after.measured_on],
        ]
    facts.append(["old ids", f"{done.compared:,} tokens compared, none moved"])
    if done.words:
        same = "the same, some joined" if extension.is_exact else "the same"
        facts.append(
            ["old pieces", f"{done.words[0]:,} of {done.words[1]:,} words compared, {same}"]
        )
    return [*facts, ["time", duration(seconds)]]


def _json(done: "Extended", output: str, seconds: float) -> dict[str, Any]:
    from dataclasses import asdict

    extension = done.extension
    return {
        "output": output,
        "tokens": [extension.old.vocab_size, extension.new.vocab_size],
        "rows": list(done.table) if done.table else None,
        "added": len(extension.added),
        "characters": extension.characters,
        "filled": extension.filled,
        "compared": done.compared,
        "words": list(done.words) if done.words else None,
        "notes": list(done.notes),
        "known": list(done.known),
        "normalised": done.normalised,
        "gain": asdict(done.gain) if done.gain else None,
        "seconds": round(seconds, 3),
    }
