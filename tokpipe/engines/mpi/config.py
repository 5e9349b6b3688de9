"""Whether one process works or several, and how they send gradients; light to read."""

from dataclasses import dataclass

from tokpipe.foundation.config import Config, setting


@dataclass(frozen=True, kw_only=True)
class RanksConfig(Config):
    """Who shares the work of a training."""

    engine: str = setting(
        "threads",
        "Who works: the threads of this process, or all processes that `mpiexec` or `tokpipe mpi` "
        "started. The result is the same.",
        choices=("threads", "mpi"),
    )
    mpi_dtype: str = setting(
        "float32",
        "How gradients travel between processes: as they are, or in half the bytes, rounded, and "
        "then the weights depend on how many processes there are.",
        choices=("float32", "bfloat16"),
    )
