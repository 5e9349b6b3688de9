"""With what settings a run goes on: those it had, or, once it is over, as many steps more."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokpipe.foundation.folders import MANIFEST
from tokpipe.training.log import LOG, read_log
from tokpipe.training.progress import State
from tokpipe.training.result import CARD
from tokpipe.training.schedule import WAYS, Begun
from tokpipe.training.state import called_alike, check_settings, checkpoints, exists_already

# of `TrainingConfig`: they touch no weight, so any resume may have others
_FREE = ("save_steps", "eval_steps", "eval_batches", "keep_checkpoints")
_LENGTH = ("steps", "epochs", "budget")
_PHASES = "phases"  # key of the settings: where the run was over before


def settings_to_go_on(
    run: Path, state: State, wanted: Mapping[str, Any], then: str, seconds: float, *, over: bool
) -> dict[str, Any]:
    """Return the settings that a run goes on with.

    Parameters
    ----------
    state
        Of the checkpoint to go on from.
    wanted
        What is asked for now.
    then
        One of `WAYS`, for a run that is over.
    seconds
        That the run has taken.
    over
        Whether the checkpoint is the last one of the run, as long as that was to be.

    Raises
    ------
    ArtifactError
        If they differ in more than what touches no weight, and how long a run goes on that is over.
        Names key and both values.
    """
    found = state.settings
    asked: dict[str, Any] = json.loads(json.dumps(called_alike(found, wanted)))
    if _PHASES in found:
        asked[_PHASES] = found[_PHASES]
    left_out = (*_FREE, *_LENGTH) if over else _FREE
    hint = (
        f"Run the same command as before to go on, branch off with --from {run} and another -o, or "
        "pass --force to start over."
    )
    check_settings(run, _without(found, left_out), _without(asked, left_out), hint)
    if _without(found, _FREE) == _without(asked, _FREE):
        return asked
    used = seconds if asked["training"]["budget"] is not None else 0.0  # else no bits depend on it
    before = {name: found["training"][name] for name in _LENGTH}
    phase = {**Begun(state.step, used, then)._asdict(), "before": before}
    return {**asked, _PHASES: [*found.get(_PHASES, []), phase]}


def begun_with(settings: Mapping[str, Any]) -> Begun:
    """Return where a run's schedule begins: at its start, or where the run last went on."""
    phases = settings.get(_PHASES) or []
    return Begun(*(phases[-1][name] for name in Begun._fields)) if phases else Begun()


def refuse_finished(run: Path, wanted: Mapping[str, Any]) -> None:
    """Refuse a finished run, unless it is to go on longer.

    Raises
    ------
    ArtifactError
        If other settings are asked for.
    StorageError
        If it is as long as is asked for.
    """
    if not (run / MANIFEST).is_file():
        return
    found = checkpoints(run)
    state = State.read(found[max(found)]) if found else State()
    if not found or state.settings.get("training") == wanted["training"]:
        raise exists_already(run)
    going = settings_to_go_on(run, state, wanted, WAYS[0], 0.0, over=True)
    if going.get(_PHASES) == state.settings.get(_PHASES):
        raise exists_already(run)


def reopen(run: Path) -> None:
    """Make of a finished run one that is under way; a card would be another one's in the end."""
    (run / CARD).unlink(missing_ok=True)
    (run / MANIFEST).unlink(missing_ok=True)


def seconds_used(checkpoint: Path) -> float:
    """Return how long a run had taken at a checkpoint."""
    return max((line.seconds or 0.0 for line in read_log(checkpoint / LOG)), default=0.0)


def _without(settings: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    training = settings.get("training", {})
    return {**settings, "training": {k: v for k, v in training.items() if k not in names}}
