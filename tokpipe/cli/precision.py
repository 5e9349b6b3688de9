"""`--precision` of commands that ask a model, and what rounding to 8 bits is told to cost."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from tokpipe.cli.command import Session
from tokpipe.foundation.processors import ASKED_PRECISIONS
from tokpipe.foundation.sizes import plural

if TYPE_CHECKING:
    from tokpipe.tasks.model import BertModel
    from tokpipe.tasks.predict import Job
    from tokpipe.tasks.rounding import Agreement
    from tokpipe.tasks.vector_settings import VectorSettings

precision_option = click.option(
    "--precision",
    type=click.Choice(ASKED_PRECISIONS),
    default="float32",
    help="Numbers that the model's linear maps multiply. auto is bfloat16 where the processor does "
    "it faster (AMD from Zen 4 on). int8 takes AVX512_VNNI; what it costs is measured and told.  "
    "[default: float32]",
)


def tell_cosines(
    session: Session, model: "BertModel", texts: Sequence[str], settings: "VectorSettings"
) -> None:
    """Say how near vectors in 8 bits are to those in float32, on some of the texts."""
    if model.precision != "int8" or not texts:
        return
    from tokpipe.tasks.rounding import cosines

    found = cosines(model, texts, settings, session.threads)
    session.progress.note(
        f"int8: cosine to float32 on {plural(len(found), 'text')} of these: "
        f"{found.min():.4f} at the least, {found.mean():.4f} in the mean"
    )


def tell_answers(session: Session, job: "Job", inputs: object) -> None:
    """Say how often answers in 8 bits are those in float32, on some of the inputs."""
    if job.model.precision != "int8" or not len(inputs):  # type: ignore[arg-type]
        return
    from tokpipe.tasks.rounding import answer_agreement

    found = answer_agreement(job, inputs, session.threads)
    if job.task.name == "regression":
        session.progress.note(
            f"int8: from float32 {plural(found.of, 'answer')} of these differ by "
            f"{found.difference:.4f} at the most"
        )
        return
    _tell_same(session, found, "answer", "probabilities")


def tell_masks(session: Session, model: "BertModel", texts: Sequence[str], found: Sequence) -> None:
    """Say at how many masks the likeliest token in 8 bits is that in float32."""
    if model.precision != "int8":
        return
    from tokpipe.tasks.rounding import mask_agreement

    _tell_same(
        session, mask_agreement(model, texts, found, session.threads), "likeliest token",
        "its probabilities",
    )  # fmt: skip


def tell_differences(
    session: Session, ours: Mapping[str, object], exact: Mapping[str, object]
) -> None:
    """Write a table of figures in float32 and in 8 bits, and their differences."""
    from tokpipe.tasks.rounding import differences

    rows = [
        (name.replace("_", " "), *(f"{one[side]:.4f}" for side in ("float32", "int8")),
         f"{one['difference']:+.4f}")
        for name, one in differences(ours, exact).items()
    ]  # fmt: skip
    session.console.table("What 8 bits cost", rows, ("", "float32", "int8", "difference"))


def _tell_same(session: Session, found: "Agreement", what: str, numbers: str) -> None:
    session.progress.note(
        f"int8: the same {what} as in float32 for {found.same:,} of {found.of:,} of these, "
        f"{numbers} differ by {found.difference:.4f} at the most"
    )
