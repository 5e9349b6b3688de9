"""`tokpipe pretrain --from`: what is taken of the model, and losses before and after."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from tokpipe.cli.command import Session

if TYPE_CHECKING:
    from tokpipe.tasks.evaluate import Evaluation
    from tokpipe.tasks.further import OnText
    from tokpipe.training.pretrain import Pretraining
    from tokpipe.training.start import Start

OF_START = ("hidden_dropout_prob", "attention_probs_dropout_prob")
_NEW = {
    "pieces": "the mean of their pieces",
    "mean": "the mean of all",
    "normal": "drawn with the covariance of all",
}


def refuse_shape(given: Mapping[str, Any], preset: str | None, settings: str | None) -> None:
    """Refuse options that a model which is there has decided, and settings for a new one."""
    if settings:
        raise click.UsageError(
            "--settings are for a model that begins from nothing; with --from, give the options of "
            "the training one by one"
        )
    for name in (*(["preset"] if preset else []), *given):
        if name not in OF_START:
            raise click.UsageError(
                f"--{name.replace('_', '-')} is the model's own, and --from takes it as it is; of "
                "its settings only the dropouts may be given"
            )


def say_start(session: Session, start: "Start", new_rows: str) -> None:
    """Say what of a model is new."""
    from tokpipe.bert.families.registry import family_of
    from tokpipe.bert.huggingface.stored import other_heads_note
    from tokpipe.bert.registry import entry_of

    note, rows = session.progress.note, start.rows
    if rows is not None:
        new, split = len(rows.new), sum(1 for pieces in rows.pieces.values() if pieces)
        left = start.source.config.vocab_size - (len(rows.same) - new)
        how = _NEW[new_rows if split else "mean" if new_rows == "pieces" else new_rows]
        if new_rows == "pieces" and 0 < split < new:
            how = f"{split:,} {how}, {new - split:,} the mean of all"
        note(
            f"another vocabulary than the model's: {len(rows.same) - new:,} tokens keep their "
            f"rows, {new:,} are new ({how}), {left:,} rows are left out"
        )
    for name in start.new_heads:
        note(f"the model has no {name.upper()} head: a new one for {entry_of(name).asked} is drawn")
    if reasons := start.reasons:
        kind, family = start.source.family, family_of(start.asked.model)
        said = f"{family.name}, not {kind.name} as the model is"
        note(f"the model's family will be {said}: {'; '.join(reasons)}")
    if start.source.left_out:
        note(f"{start.source.folder}: {other_heads_note(start.source.left_out)}")
    if start.grown:
        before, after = start.grown
        note(f"the position table grows from {before:,} to {after:,} places")


def say_data(session: Session, training: "Pretraining") -> None:
    """Say which masks a training draws, through which folders it goes, and what measures it."""
    share, held = training.config.masked_lm_prob, training.shards.masks.masked_lm_prob
    if share is not None and share != held:
        session.progress.note(
            f"training masks {share:.3g} of the tokens, evaluations {held:.3g} as the shards say: "
            "their losses do not compare"
        )
    if len(training.folders) == 1:
        return
    each = ", then ".join(
        f"{share:.4g} of it on {one.folder} (up to {one.examples.max_seq_length} tokens)"
        for share, one in zip(training.shares, training.folders, strict=True)
    )
    measured = training.shards.folder
    session.progress.note(f"a training in phases: {each}; measured on {measured} throughout")


def say_before(session: Session, texts: "Sequence[OnText]") -> None:
    """Say the losses before the first step."""
    for text in texts:
        loss, guessing = text.before.losses.total, _guessing(text.before)
        session.progress.note(
            f"{text.folder}: loss {loss:.4f} before the first step, guessing by frequency "
            f"{guessing:.4f} nats"
        )


def further_json(texts: "Sequence[OnText]") -> list[dict[str, Any]]:
    """Return the losses before and after as plain JSON types."""
    return [
        {
            "shards": str(text.folder),
            "before": text.before.to_dict(),
            "after": text.after.to_dict() if text.after else None,
        }
        for text in texts
    ]


def show_further(session: Session, texts: "Sequence[OnText]") -> None:
    """Show the losses before and after, on the new text and on the others."""
    rows = []
    for text in texts:
        assert text.after is not None
        before, after = (one.losses.total for one in (text.before, text.after))
        change = f"{after - before:+.4f}"
        rows.append(
            (
                str(text.folder),
                f"{before:.4f}",
                f"{after:.4f}",
                change,
                f"{_guessing(text.after):.4f}",
            )
        )
    session.console.out.line()
    header = ("loss on", "before", "after", "change", "by frequency")
    session.console.table("", rows, header)


def _guessing(found: "Evaluation") -> float:
    return sum(found.guessing[name] for name in found.losses if name in found.guessing)
