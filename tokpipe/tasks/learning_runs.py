"""A fine-tuned model trained again on parts of its data, for a learning curve."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokpipe.finetuning.config import FinetuneConfig, WindowConfig
from tokpipe.finetuning.preparing import Asked, prepare_on
from tokpipe.finetuning.registry import task_of
from tokpipe.finetuning.seeds import seeds_of
from tokpipe.finetuning.training import train_once
from tokpipe.foundation.errors import ArtifactError
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.progress import SILENT
from tokpipe.foundation.threads import thread_count
from tokpipe.metrics.scores import Scores
from tokpipe.tasks.learning import Reached, Train
from tokpipe.training.log import Nobody
from tokpipe.training.source_model import open_source
from tokpipe.training.state import KIND, writing


def finetuning_again(
    run: Path,
    models: Sequence[str | Path],
    parts: Mapping[str, Any],
    out: Path,
    *,
    seed: int = 0,
    threads: int | None = None,
) -> Train:
    """Return what fine-tunes as a run was, on other rows.

    Each training has a folder of its own, so that one that is stopped goes on, and one that is
    finished is not done again.

    Parameters
    ----------
    run
        Folder of the fine-tuned model, whose settings are taken.
    models
        Folders of pretrained models, among them the one that it was made from.
    parts
        "train", of which parts are taken, "validation" and "test".
    out
        Where the folders stand.
    seed
        By which the parts grow.

    Raises
    ------
    ArtifactError
        If the folder is none of a fine-tuned model, or none of the models is its.
    """
    settings = Manifest.read(run, KIND).settings
    if "finetuning" not in settings:
        raise ArtifactError(f"{run} is no model that was fine-tuned here")
    task = task_of(settings["task"])
    asked = Asked(
        task=task,
        model=_source_of(run, settings["inputs"]["model"], models),
        paths={},
        columns=None,
        config=FinetuneConfig.from_dict({**settings["finetuning"], "seeds": 1}),
        windows=WindowConfig.from_dict(settings["windows"]),
    )
    workers = thread_count(threads)

    def train(part: Any) -> tuple[str, Reached]:
        share = f"{len(part):,} of {len(parts['train']):,} rows by seed {seed}"
        data = {**parts, "train": part}
        prepared = prepare_on(asked, data, workers, SILENT, share=share)
        folder = out / f"{run.resolve().name}-{len(part)}"
        with writing(folder):
            seeds = seeds_of(asked.config.seed, 1)[0]
            made = train_once(prepared, folder, seeds, workers, Nobody())
        seconds = made.last.seconds if made.last and made.last.seconds else 0.0
        return reached(len(part), made.report.scores["test"], seconds)

    return train


def reached(rows: int, scores: Scores, seconds: float) -> tuple[str, Reached]:
    """Return the name of the first score, and what it came to."""
    name, value, low, high = scores.scores[0]
    return name, Reached(rows, value, low, high, seconds)


def _source_of(run: Path, digest: str, models: Sequence[str | Path]) -> str | Path:
    for model in models:
        if open_source(model).digest == digest:
            return model
    given = ", ".join(map(str, models)) or "none is given"
    raise ArtifactError(
        f"{run} was made from another pretrained model than those given ({given})",
        hint="Name its folder with --model.",
    )
