"""How much memory and disk training takes, asked before it begins."""

from collections.abc import Mapping

from tokpipe.bert.config import BertConfig
from tokpipe.bert.head import Capacity
from tokpipe.bert.huggingface.parts import PARTS
from tokpipe.bert.parameters import Slot, parameter_table
from tokpipe.bert.workspace import workspace_bytes
from tokpipe.foundation.errors import MemoryLimitError
from tokpipe.foundation.memory import free_memory
from tokpipe.foundation.sizes import format_bytes
from tokpipe.training.config import TrainingConfig
from tokpipe.training.muon import scratch_bytes
from tokpipe.training.ranks import ALONE, Ranks, leaves_of
from tokpipe.training.tree import left_by

PROGRAM = 250 << 20  # Python, numba, Arrow, the compiled kernels, batches made ahead
_STATE = 3  # blocks of the size of the weights: themselves, two moments


def training_bytes(
    model: BertConfig,
    config: TrainingConfig,
    capacity: Capacity,
    threads: int,
    ranks: Ranks = ALONE,
) -> dict[str, int]:
    """Return what training takes in one of some processes, by stage.

    Weights and moments, gradients, activations. The first has whole moments, which it writes; each
    has room for its slice of what the others are left with.
    """
    table = parameter_table(model)
    block, parts = _block_bytes(table), len(leaves_of(ranks, config.gradient_shards))
    workers = min(threads, parts)
    moments = 2 * block if ranks.rank == 0 else 2 * block // ranks.size
    moving = threads * scratch_bytes(table) if config.optimizer == "muon" else 0
    sent = sum(left_by(config.gradient_shards, ranks.size)) if ranks.size > 1 else 0
    return {
        "weights": block + moments + moving,
        "gradients": parts * block + sent * block // ranks.size,
        "activations": workers * workspace_bytes(model, capacity),
    }


def disk_bytes(model: BertConfig, config: TrainingConfig) -> int:
    """Return what a run takes on the disk: checkpoints, and the parts of the model in the end.

    Of checkpoints there are those that are kept, the best, one that the clock asked for, and one
    that is being written; never more than the training comes to.
    """
    block = _block_bytes(parameter_table(model))
    kept = config.keep_checkpoints + 3
    if config.most_steps is not None:
        kept = min(kept, -(-config.most_steps // config.save_steps) + 1)
    return block * (_STATE * kept + len(PARTS))


def _block_bytes(table: Mapping[str, Slot]) -> int:
    return 4 * list(table.values())[-1].end


def free_for_training() -> int | None:
    """Return the bytes that are free for what `training_bytes` counts; None if nobody knows."""
    free = free_memory()
    return None if free is None else free - PROGRAM // 4  # most of it is loaded by now


def check_memory(
    stages: dict[str, int], free: int | None, hints: Mapping[str, str] | None = None
) -> None:
    """Refuse training for which there is no room.

    Parameters
    ----------
    stages
        As `training_bytes` returned them.
    free
        Bytes that there are, or None if nobody knows.
    hints
        For some stages what to do about them, where that is not as in pretraining.

    Raises
    ------
    MemoryLimitError
        Naming the largest stage, and the setting that makes it smaller.
    """
    needed = sum(stages.values())
    if free is None or needed <= free:
        return
    largest = max(stages, key=lambda name: stages[name])
    raise MemoryLimitError(
        f"training takes about {format_bytes(needed)}, of which {format_bytes(stages[largest])} "
        f"for {largest}; {format_bytes(free)} are free",
        hint={**_HINTS, **(hints or {})}[largest],
    )


_HINTS = {
    "weights": "Choose a smaller --preset.",
    "gradients": "Lower --gradient-shards to 1, or choose a smaller --preset.",
    "activations": "Lower --batch-tokens, and raise --gradient-accumulation-steps for it.",
}
