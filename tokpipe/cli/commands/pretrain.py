"""`tokpipe pretrain`: shards to a trained model."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokpipe.bert.config import NO_JOB, ON_POOLER, PRESETS, BertConfig
from tokpipe.cli.command import Session, command
from tokpipe.cli.console import typed
from tokpipe.cli.options import MODEL, config_options
from tokpipe.cli.plan import Plan, pretraining_plan, show_plan
from tokpipe.cli.progress import duration
from tokpipe.cli.ranks import SEVERAL, ranks_of
from tokpipe.cli.starting import (
    OF_START,
    further_json,
    refuse_shape,
    say_before,
    say_data,
    say_start,
    show_further,
)
from tokpipe.engines.mpi.config import RanksConfig
from tokpipe.foundation.folders import MANIFEST
from tokpipe.foundation.stores.publishing import run_place
from tokpipe.foundation.visible import visible
from tokpipe.training.config import TrainingConfig
from tokpipe.training.schedule import WAYS
from tokpipe.training.settings import (
    OURS,
    SETTINGS,
    model_settings,
    training_settings,
    unnamed_fields,
)
from tokpipe.training.start_config import StartConfig

if TYPE_CHECKING:
    from tokpipe.tasks.further import OnText
    from tokpipe.training.pretrain import Pretrained, Pretraining
    from tokpipe.training.ranks import Ranks
    from tokpipe.training.start import Start

_MODEL = "Model (by default as --preset and --settings have it)"
_TRAINING = "Training (by default as --settings has it)"
_FROM_SHARDS = ("vocab_size", "pad_token_id", "nsp_head", "mlm_head")
_NO_OPTIONS = (*_FROM_SHARDS, *NO_JOB)  # a job is learned later, by fine-tuning


@dataclass(frozen=True, kw_only=True)
class _Asked:
    shards: tuple[str, ...]
    output: str
    settings: str
    model: BertConfig
    given: dict[str, Any]
    training: TrainingConfig
    resume: str | None
    source: str | None
    start: StartConfig
    also: tuple[str, ...]
    then: str


@command(
    examples=[
        "tokpipe pretrain out/shards --preset mini --steps 200 -o out/run",
        "tokpipe pretrain out/shards --preset small --budget 30m -o out/run",
        "tokpipe pretrain out/shards --preset tiny --position rope --norm-position pre -o out/run",
        "tokpipe pretrain out/shards --from MODEL --epochs 3 -o out/adapted",
        "tokpipe pretrain out/shards-128 out/shards-512 --steps 100k -o out/run",
        "mpiexec -n 4 tokpipe pretrain out/shards --gradient-shards 4 -o out/run --engine mpi",
    ],
    plans=True,
)
@click.argument("shards", metavar="SHARDS...", nargs=-1, required=True)
@click.option("-o", "--output", required=True, metavar="FOLDER", help="The run folder.")
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    help="Size of the model; options of the model change it.  [default: tiny]",
)
@click.option(
    "--settings",
    type=click.Choice(list(SETTINGS)),
    help="What other options do not set: what learns most a minute on two processors, or what a "
    f"paper has, made for far larger machines.  [default: {OURS}]",
)
@click.option(
    "--from",
    "source",
    metavar="MODEL",
    type=MODEL,
    help="Go out from the weights of this model: a run, or any folder of Hugging Face's layout. "
    "Shape and heads are then the model's.",
)
@click.option(
    "--also",
    multiple=True,
    metavar="SHARDS",
    help="With --from: measure the loss on these, too, before and after; again for more.",
)
@click.option(
    "--resume",
    metavar="CHECKPOINT",
    help="Go on from this checkpoint of the run, not the latest; later ones are removed.",
)
@click.option(
    "--then",
    type=click.Choice(WAYS),
    default=WAYS[0],
    show_default=True,
    help="Learning rate of a finished run that goes on, with more --steps, --epochs or --budget: "
    "it rises and falls again, or stays at the greatest.",
)
@config_options(RanksConfig, "ranks", heading=SEVERAL)
@config_options(
    TrainingConfig,
    "training",
    heading=_TRAINING,
    leave_out=("seed",),
    given_only=unnamed_fields(),
)
@config_options(StartConfig, "start", heading="Going out from a model (--from)", leave_out=OF_START)
@config_options(BertConfig, "model", heading=_MODEL, leave_out=_NO_OPTIONS, given_only=())
def pretrain(
    session: Session,
    shards: tuple[str, ...],
    output: str,
    preset: str | None,
    settings: str | None,
    source: str | None,
    also: tuple[str, ...],
    resume: str | None,
    then: str,
    ranks: RanksConfig,
    training: dict[str, Any],
    start: StartConfig,
    model: dict[str, Any],
) -> None:
    """Train a BERT on SHARDS, a folder that build-shards made; of RoBERTa's recipe, a RoBERTa.

    When it is done, tokpipe opens FOLDER, and transformers opens FOLDER/encoder with AutoModel and
    FOLDER/masked-lm with a fill-mask pipeline; each checkpoint opens at any time. Stop it whenever
    you like: the same command goes on, to the same weights; with more --steps, a finished run, too.
    Of several SHARDS, such as short sequences and then long ones, each has its share of the steps.
    """
    if source:
        refuse_shape(model, preset, settings)
        start = replace(start, **model)
        model = {}
    elif also or start != StartConfig():
        raise click.UsageError("--also, --new-rows and --grow-positions belong to --from")
    if model.get("pooler") is False:
        model |= dict.fromkeys(ON_POOLER, False)
    settings, training = settings or OURS, {**training, "seed": session.seed}
    shape = BertConfig.preset(preset or "tiny", **model_settings(settings, model))
    asked = _Asked(
        shards=shards,
        output=output,
        settings=settings,
        model=shape,
        given=model,
        training=TrainingConfig(**training)
        if source
        else training_settings(settings, shape, training),
        resume=resume,
        source=source,
        start=start,
        also=also,
        then=then,
    )
    if session.dry_run:
        show_plan(session, _plan(session, asked))
        return
    begin = time.monotonic()
    with ranks_of(ranks, output) as workers:
        _begin(session, asked, workers)
        made, texts = (
            _train_from(session, asked, workers)
            if source
            else (_train(session, asked, workers), ())
        )
    if workers.rank == 0:  # the others may be where there is no such folder
        _show(session, asked, made, texts, time.monotonic() - begin)


def _begin(session: Session, asked: _Asked, ranks: "Ranks") -> None:
    session.begin_kernels(keeps=lambda: _kept(run_place(asked.output)))
    from tokpipe.foundation.threads import thread_count
    from tokpipe.training.ranks import leaves_of

    parts = len(leaves_of(ranks, asked.training.gradient_shards))
    cores = thread_count(session.threads)
    if cores > parts:
        session.progress.note(
            f"{parts} of {cores} threads have work: --gradient-shards {cores * ranks.size} gives "
            "it to all, and other weights"
        )


def _train_from(
    session: Session, asked: _Asked, ranks: "Ranks"
) -> "tuple[Pretrained, tuple[OnText, ...]]":
    from tokpipe.cli.training_display import training_display
    from tokpipe.tasks.further import pretrain_from

    def begins(start: "Start", texts: "tuple[OnText, ...]") -> None:
        say_start(session, start, asked.start.new_rows)
        say_data(session, start.asked)
        say_before(session, texts)

    assert asked.source is not None
    with training_display(session.progress, _longer(session, asked)) as watch:
        found = pretrain_from(
            asked.source,
            asked.shards,
            asked.output,
            config=asked.start,
            training=asked.training,
            also=asked.also,
            then=asked.then,
            threads=session.threads,
            force=session.force,
            resume=asked.resume,
            begins=begins,
            watch=watch,
            progress=session.progress,
            ranks=ranks,
        )
    return found.pretrained, found.texts


def _train(session: Session, asked: _Asked, ranks: "Ranks") -> "Pretrained":
    from tokpipe.cli.training_display import training_display
    from tokpipe.training.pretrain import pretrain as train
    from tokpipe.training.recipe import kind_note

    training = _fitted(asked)
    training.check()  # nothing is said of a training that is refused
    note = kind_note(training.model, training.shards)
    if note:
        session.progress.note(note)
    say_data(session, training)
    with training_display(session.progress, _longer(session, asked)) as watch:
        return train(
            asked.shards,
            asked.model,
            training.config,
            asked.output,
            threads=session.threads,
            force=session.force,
            resume=asked.resume,
            watch=watch,
            then=asked.then,
            ranks=ranks,
        )


def _longer(session: Session, asked: _Asked) -> str:
    """Say what becomes of the learning rate, where a finished run goes on."""
    if session.force or not (run_place(asked.output) / MANIFEST).is_file():
        return ""
    ways = {
        "rewarm": "the learning rate rises and falls again",
        "flat": "at the greatest learning rate to the end",
    }
    return f", longer than the finished run was to be: {ways[asked.then]}"


def _kept(run: Path) -> str:
    """Say what a stopped run leaves: the weights of a large model take longer than is allowed."""
    found = max(
        run.glob("checkpoint-*"), key=lambda path: (len(path.name), path.name), default=None
    )
    return f"{found} is kept" if found else "no checkpoint was finished"


def _fitted(asked: _Asked) -> "Pretraining":
    """Open the shards, and return what they make of the settings asked for."""
    from tokpipe.training.fitting import fitted, fitted_training
    from tokpipe.training.phases import longest_of, open_phases
    from tokpipe.training.pretrain import Pretraining
    from tokpipe.training.recipe import refuse_contradictions

    folders = open_phases(asked.shards)
    model = fitted(asked.model, longest_of(folders))
    refuse_contradictions(asked.given, model)
    training = fitted_training(asked.settings, asked.training, folders)
    return Pretraining(folders, model, training)


def _plan(session: Session, asked: _Asked) -> Plan:
    from tokpipe.foundation.threads import thread_count
    from tokpipe.shards.reader import open_shards
    from tokpipe.training.phases import open_phases
    from tokpipe.training.start import prepare_start

    if asked.source:
        folders = open_phases(asked.shards)
        for one in asked.also:
            open_shards(one)
        training = prepare_start(asked.source, folders, asked.start, asked.training).asked
    else:
        training = _fitted(asked)
    training.check()
    return pretraining_plan(training, thread_count(session.threads), asked.output)


def _show(
    session: Session,
    asked: _Asked,
    made: "Pretrained",
    texts: "tuple[OnText, ...]",
    seconds: float,
) -> None:
    from tokpipe.bert.registry import entry_of
    from tokpipe.training.log import guessing_total

    last, measured, state = made.last, made.evaluation, made.state
    guessing = guessing_total(last.heads if last else (), state.guessing)
    if session.json:
        session.console.json(
            {
                "output": asked.output,
                "step": state.step,
                "tokens": state.tokens,
                "loss": last.loss if last else None,
                "validation_loss": measured.loss if measured else None,
                "guessing_by_frequency": guessing,
                "best_step": state.best_step,
                "seconds": round(seconds, 3),
                **({"texts": further_json(texts)} if texts else {}),
            }
        )
        return
    rows = [("steps", f"{state.step:,}"), ("tokens", f"{state.tokens:,}")]
    if last:
        rows.append(("loss", f"{last.loss:.4f}"))
    if measured:
        rows.append(("validation loss", f"{measured.loss:.4f}"))
    if guessing is not None:
        rows.append(("guessing by frequency", f"{guessing:.4f} nats"))
    for head, figures in (measured.heads if measured else {}).items():
        if figures.accuracy is not None:
            rows.append((f"{entry_of(head).counted} right", f"{100 * figures.accuracy:.1f} %"))
    if state.best_step and state.best_step != state.step:
        rows.append(("best checkpoint", f"step {state.best_step:,}"))
    rows.append(("time", duration(seconds)))
    session.console.table(f"A model in {asked.output}", rows)
    if texts:
        show_further(session, texts)
    from tokpipe.tokenizer.tokenizer import Tokenizer

    mask, run = visible(Tokenizer.load(made.folder).roles["mask_token"]), typed(asked.output)
    session.console.out.line()
    session.console.go_on_with(
        f'tokpipe fill-mask {run} "any text with a {mask} in it"',
        f"tokpipe inspect run {run}",
    )
