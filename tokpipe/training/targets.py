"""Whether there is something to learn, asked before the first step."""

from collections.abc import Collection, Iterator, Mapping

from tokpipe.batches.loader import Loader
from tokpipe.bert.head import Head, target_count
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.errors import ConfigError
from tokpipe.training.progress import Position

# Tokens of batches that are made to look for masks: 0.15 s on one core, and a small text whole
_LOOKED = 1 << 21
_START = Position()


def check_targets(
    train: Loader, validation: Loader | None, heads: Mapping[str, Head], position: Position
) -> None:
    """Refuse a training that would learn nothing, or a batch of it that has nothing to find.

    Looked at are the first batches to come, two million tokens of them, and the validation split
    until something is found.

    Raises
    ------
    ConfigError
        With cause and remedy.
    """
    if not heads:
        raise ConfigError(
            "the model has no head that these shards train: no masks are asked, and no pairs",
            hint="Give it mlm_head=True, or shards with pairs and a pooler.",
        )
    found = False
    for batch in _first(train, position):
        if not _has_target(batch, heads.values()):
            raise _nothing_in(train, f"the batch of {_place(batch)} holds")
        found = True
    if not found and train.split.rows:
        raise _nothing_in(train, "the train split holds")
    if validation is None or any(_has_target(b, heads.values()) for b in _first(validation)):
        return
    raise _nothing_in(validation, "the validation split holds")


def _first(loader: Loader, position: Position = _START) -> Iterator[Batch]:
    tokens = 0
    for batch in loader.batches(position.epoch, position.batch, threads=1):
        yield batch
        tokens += len(batch.input_ids)
        if tokens >= _LOOKED:
            return


def _has_target(batch: Batch, heads: Collection[Head]) -> bool:
    return any(target_count(head, batch) for head in heads)


def _place(batch: Batch) -> str:
    assert batch.rows is not None  # they are of shards
    shard, row = batch.rows[0].tolist()
    return f"row {row:,} of shard {shard}"


def _nothing_in(loader: Loader, what: str) -> ConfigError:
    how = loader.masks
    cause = (
        "its rows were stored without masks"
        if loader.is_static
        else f"masked_lm_prob={how.masked_lm_prob:g} finds no word in it that may be masked"
    )
    return ConfigError(
        f"{loader.split.name}: {what} no mask and no pair: {cause}",
        hint="Make batches larger (batch_tokens), or build shards of longer text, with a larger "
        "masked_lm_prob or without masking whole words and spans.",
    )
