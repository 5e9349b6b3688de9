"""`tokpipe demo`: from text to tokens on the bundled corpus, offline."""

import time
from pathlib import Path

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.progress import duration
from tokpipe.cli.sink import opened_output
from tokpipe.corpus.config import ReadConfig
from tokpipe.foundation.errors import StorageError
from tokpipe.foundation.files import MANIFEST
from tokpipe.foundation.sizes import format_bytes
from tokpipe.vocab.config import VocabConfig

_PARTS = ("english", "swedish", "languages", "world.txt")
_SIZE = 6000
_MODELS = {"wordpiece": "as BERT has it", "byte-bpe": "as GPT-2 and RoBERTa have it"}
_SENTENCE = "Ångström's naïve café: 東京 😀 unbelievable, don't you think?"


@command(examples=["tokpipe demo", "tokpipe demo -o somewhere-else"])
@click.option(
    "-o",
    "--output",
    default="tokpipe-demo",
    metavar="FOLDER",
    help="Where all of it goes.  [default: tokpipe-demo]",
)
def demo(session: Session, output: str) -> None:
    """Go the whole way on the bundled corpus: vocabularies, encoding, a look.

    Works offline, in about a minute the first time (kernels are compiled), in seconds after that.
    Stop it at any time: the same command goes on, and what is finished is not done again.
    """
    from tokpipe.corpus.bundled import bundled_corpus

    folder, corpus = Path(output), bundled_corpus()
    inputs = [str(corpus / part) for part in _PARTS]
    if session.dry_run:
        _plan(session, inputs, output)
        return
    _own(folder)
    session.begin_kernels(keeps="what is finished is kept")
    start = time.monotonic()
    for model, what in _MODELS.items():
        _train(session, inputs, model, what, folder)
    _encode(session, corpus / "world.txt", folder)
    _look(session, folder)
    _farewell(session, folder, time.monotonic() - start)


def _plan(session: Session, inputs: list[str], output: str) -> None:
    from tokpipe.cli.plan import counting_plan, show_plan, training_plan

    counting = counting_plan(inputs, ReadConfig(), session.threads, None, output)
    sizes = (_SIZE, _SIZE + 1)  # of the two models, each made from the same text
    show_plan(session, training_plan(counting, VocabConfig(vocab_size=sizes), output))


def _own(folder: Path) -> None:
    """Make the folder, or check that nothing foreign is in it."""
    known = {*_MODELS, "world.arrow"}
    foreign = [
        path.name
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.name not in known and not path.name.startswith(".")
    ]
    if foreign or (folder.exists() and not folder.is_dir()):
        raise StorageError(
            f"{folder} holds something else than a demo: {foreign[0] if foreign else 'a file'}",
            hint="Choose another folder with -o.",
        )
    folder.mkdir(parents=True, exist_ok=True)


def _train(session: Session, inputs: list[str], model: str, what: str, folder: Path) -> None:
    target = folder / model
    if (target / MANIFEST).is_file() and not session.force:
        session.progress.note(f"{target}: there already")
        return
    from tokpipe.tokenizer.build import train_vocabularies

    session.progress.note(f"A {model} vocabulary of {_SIZE:,} tokens, {what}:")
    train_vocabularies(
        inputs,
        VocabConfig(model=model, vocab_size=(_SIZE,)),
        output=target,
        force=session.force,
        threads=session.threads,
        progress=session.progress,
    )


def _encode(session: Session, text: Path, folder: Path) -> None:
    target = folder / "world.arrow"
    if target.is_file() and not session.force:
        session.progress.note(f"{target}: there already")
        return
    from tokpipe.cli.commands.encode import encode_all
    from tokpipe.tokenizer.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(folder / "wordpiece")
    how = {"add_special_tokens": True, "offsets": False, "max_length": None}
    with opened_output(str(target), force=session.force, binary=True) as file:
        encode_all(session, tokenizer, ((str(text),), ReadConfig()), (file, "arrow"), how)


def _look(session: Session, folder: Path) -> None:
    if session.json:
        return
    from tokpipe.cli.commands.inspect_tokens import inspect_tokens

    assert inspect_tokens.callback is not None
    inspect_tokens.callback(
        session,
        text=_SENTENCE,
        tokenizer=[folder / model for model in _MODELS],
        pair=None,
        trace=None,
        special_tokens=True,
    )


def _farewell(session: Session, folder: Path, seconds: float) -> None:
    from tokpipe.foundation.manifest import Manifest

    quality = {
        model: Manifest.read(folder / model, "tokenizer").facts["quality"] for model in _MODELS
    }
    arrow = (folder / "world.arrow").stat().st_size
    if session.json:
        session.console.json({"folder": str(folder), "quality": quality, "arrow_bytes": arrow})
        return
    out = session.console.out
    out.line()
    rows = [
        (model, f"{found['tokens_per_word']:.3f}", f"{found['bytes_per_token']:.3f}")
        for model, found in quality.items()
    ]
    session.console.table("", rows, header=("vocabulary", "tokens a word", "bytes a token"))
    out.line(f"\nIn {folder}: two tokenizers, and world.arrow ({format_bytes(arrow)} of ids).")
    out.line(f"All of it took {duration(seconds)}. Go on with:\n")
    for line in (
        f'tokpipe inspect tokens -t {folder}/wordpiece "any text of yours"',
        f"tokpipe inspect vocab {folder}/byte-bpe",
        f"tokpipe decode -t {folder}/wordpiece {folder}/world.arrow | head",
        "tokpipe explain bpe aaabdaaabac --steps 3",
        "tokpipe train-vocab your-texts/ --vocab-size 30000 -o tokenizer",
    ):
        out.line(f"  {out.styled('$', 'dim')} {line}")
