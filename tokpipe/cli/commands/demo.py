"""`tokpipe demo`: from text to a model that fills masks, on the bundled corpus, offline."""

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokpipe.bert.config import BertConfig
from tokpipe.cli.command import Session, command
from tokpipe.cli.console import typed
from tokpipe.cli.options import Count
from tokpipe.cli.progress import duration
from tokpipe.corpus.config import ReadConfig
from tokpipe.examples.config import ExampleConfig, MaskConfig
from tokpipe.foundation.addresses import address_of, local_path
from tokpipe.foundation.errors import ConfigError, StorageError
from tokpipe.foundation.folders import MANIFEST
from tokpipe.foundation.threads import thread_count
from tokpipe.training.config import TrainingConfig
from tokpipe.vocab.config import VocabConfig

if TYPE_CHECKING:
    from tokpipe.training.pretrain import Pretrained

_TEXT = "world.txt"
_PARTS = ("tokenizer", "shards", "model", "sentences")
_SIZE = 2600  # tokens: a few more than the corpus gives, which ends at 2,558
_STEPS = 800  # the whole demo then takes three quarters of a minute on two processors
_BATCH_TOKENS = 2048  # 32 full examples; half of training's default: more steps of the same text
_MEMORY, _DISK = 450 << 20, 40 << 20  # measured, rounded up
_SENTENCE = "Anna the baker sells a loaf for three coins."
_MASKED = (
    "Anna the [MASK] lives in Millbrook.",
    "The cat lives by the [MASK].",
    "Hugo the [MASK] forged a new horseshoe.",
)
# What lets a model this small learn in a minute: short examples of one document each, no pairs, no
# dropout (the text is seen a few times, not hundreds), heads that begin with their neighbours,
# twice as many masks as BERT has, and a high learning rate. Loss at BERT's 15 % of masks: after
# 2,500 steps from heads drawn at random 0.86; after 1,200 from local ones 1.46; with a learning
# rate of 6e-3 and beta2 of 0.98 in place of 3e-3 and 0.999 1.34 (1e-2 is far worse); with four
# heads in place of two 1.32; with 25 % of masks 0.90, and 40 % 0.79, but rare words are guessed
# less well. At its own 30 %, AdamW has 1.15 after 1,200 steps, Muon 0.83, and 1.04 after 800.
_EXAMPLES = ExampleConfig(objective="none", packing="doc-sentences", max_seq_length=64)
_HIDDEN = 0.3
_MODEL = BertConfig.preset(
    "tiny",
    num_attention_heads=4,
    max_position_embeddings=64,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
    pooler=False,  # nothing trains it without pairs
    nsp_head=False,
)


@command(examples=["tokpipe demo", "tokpipe demo -o somewhere-else"], plans=True)
@click.option(
    "-o",
    "--output",
    default="tokpipe-demo",
    metavar="FOLDER",
    help="Where all of it goes.  [default: tokpipe-demo]",
)
@click.option(
    "--steps",
    type=Count(least=1),
    default=_STEPS,
    metavar="N",
    help=f"Steps of training; fewer are faster, and learn less.  [default: {_STEPS}]",
)
def demo(session: Session, output: str, steps: int) -> None:
    """Go the whole way on the bundled corpus: a vocabulary, shards, a BERT that fills masks.

    Works offline, in about a minute on two processors; the first time kernels are compiled.
    Stop it at any time: the same command goes on, and what is finished is not done again.
    """
    from tokpipe.corpus.bundled import bundled_corpus

    folder, text = local_path(output), str(bundled_corpus() / _TEXT)
    if address_of(folder) is not None:
        raise ConfigError(
            f"{output}: the demo is made on this machine", hint="Name a folder of it."
        )
    if session.dry_run:
        _plan(session, text, steps, output)
        return
    _own(folder)
    session.begin_kernels(keeps="what is finished is kept")
    start = time.monotonic()
    _train_vocabulary(session, text, folder)
    _build_shards(session, text, folder)
    run = _pretrain(session, folder, steps)
    _write_sentences(session, folder / "sentences")
    seconds = time.monotonic() - start
    _show(session, folder, run, seconds)


def _plan(session: Session, text: str, steps: int, output: str) -> None:
    from tokpipe.cli.plan import counting_plan, show_plan, training_plan, training_seconds

    counting = counting_plan([text], ReadConfig(), session.threads, None, output)
    vocabulary = training_plan(counting, VocabConfig(vocab_size=(_SIZE,)), output)
    model, tokens = replace(_MODEL, vocab_size=_SIZE), steps * _BATCH_TOKENS
    cores = min(thread_count(session.threads), TrainingConfig().gradient_shards)
    training = training_seconds(model, _EXAMPLES.max_seq_length, tokens, cores)
    plan = replace(
        vocabulary,
        title="The demo",
        facts={**vocabulary.facts, "training steps": steps},
        memory=_MEMORY,
        disk=_DISK,
        seconds=vocabulary.seconds + training,
    )
    show_plan(session, plan)


def _own(folder: Path) -> None:
    """Make the folder, or check that nothing foreign is in it."""
    foreign = [
        path.name
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.name not in _PARTS and not path.name.startswith(".")
    ]
    if foreign or (folder.exists() and not folder.is_dir()):
        raise StorageError(
            f"{folder} holds something else than a demo: {foreign[0] if foreign else 'a file'}",
            hint="Choose another folder with -o.",
        )
    folder.mkdir(parents=True, exist_ok=True)


def _is_there(session: Session, target: Path) -> bool:
    there = (target / MANIFEST).is_file() and not session.force
    if there:
        session.progress.note(f"{target}: there already")
    return there


def _train_vocabulary(session: Session, text: str, folder: Path) -> None:
    target = folder / "tokenizer"
    if _is_there(session, target):
        return
    from tokpipe.tokenizer.build import train_vocabularies

    session.progress.note(f"A vocabulary of {_SIZE:,} word pieces, as BERT has it:")
    train_vocabularies(
        [text],
        VocabConfig(model="wordpiece", vocab_size=(_SIZE,)),
        output=target,
        force=session.force,
        threads=session.threads,
        progress=session.progress,
    )


def _build_shards(session: Session, text: str, folder: Path) -> None:
    target = folder / "shards"
    if _is_there(session, target):
        return
    from tokpipe.shards.build import BuildConfig, build_shards

    session.progress.note("Shards of examples, sentences packed to 64 tokens:")
    build_shards(
        [text],
        folder / "tokenizer",
        target,
        BuildConfig(
            examples=_EXAMPLES, masks=MaskConfig(masked_lm_prob=_HIDDEN), seed=session.seed
        ),
        force=session.force,
        threads=session.threads,
        progress=session.progress,
    )


def _pretrain(session: Session, folder: Path, steps: int) -> "Pretrained | None":
    target = folder / "model"
    if _is_there(session, target):
        return None
    from tokpipe.cli.training_display import training_display
    from tokpipe.training.pretrain import pretrain

    layers, width = _MODEL.num_hidden_layers, _MODEL.hidden_size
    session.progress.note(f"A BERT of {layers} layers, {width} wide:")
    training = TrainingConfig(
        steps=steps,
        batch_tokens=_BATCH_TOKENS,
        optimizer="muon",
        learning_rate=6e-3,
        adam_beta2=0.98,
        attention_start="local",
        save_steps=250,
        eval_steps=500,
        keep_checkpoints=1,
        seed=session.seed,
    )
    with training_display(session.progress) as watch:
        how: dict[str, Any] = {"threads": session.threads, "force": session.force, "watch": watch}
        return pretrain(folder / "shards", _MODEL, training, target, **how)


def _write_sentences(session: Session, target: Path) -> None:
    """Write labelled sentences, on which the model can be fine-tuned."""
    if (target / "test.csv").is_file() and not session.force:
        return
    from tokpipe.labelled.bundled import write_letters_and_diaries

    write_letters_and_diaries(target)


def _show(session: Session, folder: Path, run: "Pretrained | None", seconds: float) -> None:
    from tokpipe.bert.head import entropy
    from tokpipe.shards.reader import open_shards
    from tokpipe.tasks.fill_mask import fill_masks
    from tokpipe.tasks.model import BertModel
    from tokpipe.training.frequencies import frequencies_of

    shards = open_shards(folder / "shards")
    guessing = entropy(frequencies_of(shards.train, shards.facts).tokens)
    loss = run.evaluation.loss if run and run.evaluation else _logged_loss(folder / "model")
    model = BertModel.load(folder / "model")
    filled = fill_masks(model, _MASKED, 3, threads=session.threads)
    if session.json:
        masks = {
            text: [candidate._asdict() for candidate in masks[0]]
            for text, masks in zip(_MASKED, filled, strict=True)
        }
        facts = {"folder": str(folder), "unigram_entropy": guessing, "validation_loss": loss}
        session.console.json({**facts, "seconds": round(seconds, 3), "masks": masks})
        return
    _look(session, folder)
    session.console.table(
        "What it learned",
        [
            ("knowing only how often each token comes (entropy)", f"{guessing:.3f} nats"),
            (f"this model, on new text, {_HIDDEN:.0%} of it hidden (loss)", f"{loss:.3f} nats"),
        ],
    )
    out = session.console.out
    out.line()
    for text, masks in zip(_MASKED, filled, strict=True):
        guesses = ", ".join(f"{c.text} {100 * c.score:.0f} %" for c in masks[0])
        out.line(f"{text}  {out.styled(out.glyph('→'), 'dim')} {guesses}")
    _farewell(session, folder, seconds)


def _logged_loss(model: Path) -> float:
    from tokpipe.training.log import LOG, read_log

    return next(line.loss for line in reversed(list(read_log(model / LOG))) if line.split)


def _look(session: Session, folder: Path) -> None:
    from tokpipe.cli.commands.inspect_tokens import print_tokens
    from tokpipe.inspection.opening import open_tokenizer

    opened = open_tokenizer(folder / "tokenizer")
    views = [opened.view(_SENTENCE, None, add_special_tokens=True)]
    print_tokens(session.console.rich(), [opened], views, legend=not session.quiet)
    session.console.out.line()


def _farewell(session: Session, folder: Path, seconds: float) -> None:
    session.console.out.line(
        f"\nIn {folder}: tokenizer, shards, model; all of it took {duration(seconds)}."
    )
    demo = typed(folder)
    session.console.go_on_with(
        f'tokpipe fill-mask {demo}/model "In [MASK] snow falls and the days are short."',
        f"tokpipe inspect run {demo}/model",
        f"tokpipe inspect shards {demo}/shards",
        f"tokpipe nearest {demo}/model baker",
        f"tokpipe finetune classification {demo}/model -o letter-or-diary \\\n"
        f"      --train {demo}/sentences/train.csv --test {demo}/sentences/test.csv",
        "tokpipe train-vocab your-texts/ --vocab-size 30000 -o tokenizer",
    )
