"""The command that is launched: which engine it names, and whether it suits so many processes."""

from collections.abc import Sequence
from dataclasses import dataclass

from tokpipe.engines.launch.config import SizeConfig
from tokpipe.foundation.errors import ConfigError
from tokpipe.training.config import TrainingConfig

ENGINES = {  # the commands that each has
    "dask": ("count-words", "train-vocab", "encode", "build-shards"),
    "mpi": ("pretrain", "finetune", "embed", "evaluate"),
}
_TRAINED = ("pretrain", "finetune")
_OWN = ("--scheduler", "--workers")  # what a script says itself


@dataclass(frozen=True)
class Launched:
    """A command of tokpipe, and by which engine it runs."""

    engine: str
    words: tuple[str, ...]  # what follows ``tokpipe``


def launched(words: Sequence[str], size: SizeConfig, processes: int) -> Launched:
    """Check a command, and add what every process of it is to know.

    Parameters
    ----------
    words
        What follows ``tokpipe``, or all of it.
    processes
        How many there will be, on all machines.

    Raises
    ------
    ConfigError
        If it names no engine, what the script says itself, or shares its work in fewer parts.
    """
    words = list(words[1:] if words[0] == "tokpipe" else words) or ["tokpipe"]
    engine = _value(words, "--engine")
    if engine not in ENGINES:
        found = f"--engine {engine}" if engine else "no --engine"
        raise ConfigError(
            f"{words[0]}: {found}; what is launched on many machines has --engine dask or mpi"
        )
    if words[0] not in ENGINES[engine]:
        known = ", ".join(ENGINES[engine])
        raise ConfigError(f"{words[0]} has no --engine {engine}", hint=f"It is there for {known}.")
    for name in _OWN:
        if _value(words, name) is not None:
            raise ConfigError(f"{name} is said by the script itself", hint="Leave it out.")
    if engine == "mpi" and words[0] in _TRAINED:
        _check_shares(words, processes)
    if engine == "mpi" and _value(words, "--threads") is None:
        words += ["--threads", str(size.cpus)]
    return Launched(engine, tuple(words))


def _check_shares(words: Sequence[str], ranks: int) -> None:
    default = TrainingConfig().gradient_shards
    given = _value(words, "--gradient-shards") or str(default)
    if not given.isdecimal() or int(given) % ranks:
        raise ConfigError(
            f"--gradient-shards {given} cannot be shared by {ranks} ranks",
            hint=f"Give --gradient-shards {ranks}, or a multiple of it: the weights depend on it, "
            "as they do not on the ranks.",
        )


def _value(words: Sequence[str], name: str) -> str | None:
    """Return what an option is given as, or None."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == name:
            return following
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None
