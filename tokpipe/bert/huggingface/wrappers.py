"""What training put around a model, in the names of its tensors: found there, and taken off.

DataParallel and DDP put ``module.`` before all names, torch.compile ``_orig_mod.``, Lightning the
name of an attribute (``model.``, ``bert.``, ``encoder.``), sentence-transformers ``0.auto_model.``;
one around the other. So there is no list: the names of an encoder are known, and what stands before
them all was put around it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.family import Family
from tokpipe.bert.huggingface.foreign_files import named_briefly
from tokpipe.bert.huggingface.names import canonical, fillers, modern, their_tensors
from tokpipe.bert.registry import switches
from tokpipe.foundation.errors import InputError


class Unwrapped(NamedTuple):
    """The tensors of a model, and of what was saved with it."""

    names: Mapping[str, str]  # in the files, and as the family writes each today
    outside: tuple[str, ...]  # those that are beside the model, and no head of its


def unwrapped(names: Sequence[str], family: Family, config: BertConfig, folder: str) -> Unwrapped:
    """Take off what stands before all names of an encoder without being the family's.

    Heads may be inside of it, or beside it.

    Parameters
    ----------
    names
        Of all tensors in the files.
    family, config
        What ``config.json`` says of the model.
    folder
        Where it is, for messages.

    Raises
    ------
    InputError
        If it stands before some names of the encoder only, or of a head.

    Examples
    --------
    >>> from tokpipe.bert.families.bert import BERT
    >>> found = unwrapped(["net.pooler.dense.bias", "loss.weight"], BERT, BertConfig(), "m")
    >>> found.names, found.outside
    ({'net.pooler.dense.bias': 'bert.pooler.dense.bias'}, ('loss.weight',))
    """
    before = dict(_wrapped(names, family, config))
    wrapper = max(before.values(), key=len, default="")
    bare = {name: name.removeprefix(wrapper) for name in names if name.startswith(wrapper)}
    beside = [name for name in names if name not in bare]
    parts = {name.split(".")[0] for name in bare.values()}
    if split := [name for name in beside if name in before or name.split(".")[0] in parts]:
        raise InputError(
            f"{folder}: {len(bare):,} of {len(names):,} tensors have names that begin with "
            f"{wrapper!r}, but not {named_briefly(split)}",
            hint="Something that training put around the model is left in the names; save the "
            "model inside of it, or take it off everywhere.",
        )
    bare |= {name: name for name in beside if _is_head(name, family)}
    outside = tuple(name for name in names if name not in bare)
    return Unwrapped({name: canonical(found, family) for name, found in bare.items()}, outside)


def _wrapped(names: Sequence[str], family: Family, config: BertConfig) -> Iterator[tuple[str, str]]:
    """Yield each tensor of an encoder, and what stands before its name in the family."""
    may_pool = family.keys is None or "pooler" in family.rows
    encoder = replace(config, pooler=may_pool, **switches())
    theirs = (*their_tensors(encoder, family), *fillers(encoder, family))
    known = {name.removeprefix(family.prefix) for name in theirs}
    for name in names:
        parts = modern(name).split(".")
        starts = (i for i in range(len(parts)) if ".".join(parts[i:]) in known)
        first = next(starts, None)
        if first is not None:
            before = "".join(f"{part}." for part in parts[:first])
            is_theirs = f".{before}".endswith(f".{family.prefix}")
            yield name, before.removesuffix(family.prefix) if is_theirs else before


def _is_head(name: str, family: Family) -> bool:
    rows = [row for row in (*family.heads.values(), *family.copies) if isinstance(row, str)]
    return name.startswith(family.other_heads) or any(f"{name}.".startswith(f"{r}.") for r in rows)
