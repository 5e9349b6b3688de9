"""What the recipe of shards makes of the model that is trained on them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.mpnet import MPNET
from tokpipe.bert.families.registry import closest_family, family_of, refusals
from tokpipe.bert.families.roberta import ROBERTA
from tokpipe.foundation.errors import ConfigError
from tokpipe.shards.reader import Shards

_DECIDED = ("position_offset", "type_vocab_size")


def config_for_recipe(model: BertConfig, shards: Shards) -> BertConfig:
    """Return the settings of a model with what the recipe of its shards decides filled in.

    RoBERTa's positions begin behind the padding's id, its table has as many rows more, and there
    is one kind of segment. A model with a bias by distance has none, as MPNet, where shards hold no
    pairs. Settings that are not at their defaults stay, and so does all of a model that RoBERTa
    cannot be: one for pairs, or with a vocabulary without padding.
    """
    pad = shards.facts.pad_id
    if shards.examples.pairs:
        return model
    if model.position in MPNET.positions:
        return _without_pairs(model, shards)
    if shards.examples.recipe != ROBERTA.name or pad < 0:
        return model
    if model.type_vocab_size == BertConfig().type_vocab_size:
        model = replace(model, type_vocab_size=1)
    if model.position != "learned" or model.position_offset:
        return model
    rows = model.max_position_embeddings + pad + 1
    return replace(model, position_offset=pad + 1, max_position_embeddings=rows)


def _without_pairs(model: BertConfig, shards: Shards) -> BertConfig:
    """Return a model with a bias by distance as MPNet has it, where it can be one."""
    rows = model.max_position_embeddings
    if model.type_vocab_size == BertConfig().type_vocab_size:
        model = replace(model, type_vocab_size=0)
    if not model.has_places:  # so many places as the shards need are there when it is exported
        longest = shards.examples.max_seq_length
        return replace(model, max_position_embeddings=max(rows, longest + model.position_offset))
    first = shards.facts.pad_id + 1
    if model.position_offset or first != MPNET.first_place:
        return model
    return replace(model, position_offset=first, max_position_embeddings=rows + first)


def refuse_contradictions(given: Mapping[str, Any], fitted: BertConfig) -> None:
    """Refuse settings that a person gave and the recipe makes other ones.

    Raises
    ------
    ConfigError
        Naming the first.
    """
    who = f"the recipe of the shards ({ROBERTA.name}) makes it"
    hint = (
        "Leave it out, or build shards with --no-nsp in place of the recipe: the same examples, "
        "for a BERT."
    )
    if fitted.position in MPNET.positions:
        who = f"position='{fitted.position}' on shards without pairs makes it"
        hint = "Leave it out: so the model is one that transformers has."
    for name in _DECIDED:
        wanted = getattr(fitted, name)
        if given.get(name, wanted) != wanted:
            raise ConfigError(f"{name}={given[name]}, and {who} {wanted}", hint=hint)


def kind_note(fitted: BertConfig, shards: Shards) -> str | None:
    """Say that a model will be of another kind than its shards or transformers lead to expect."""
    family = family_of(fitted)
    if shards.examples.recipe == ROBERTA.name and family is not ROBERTA:
        # what the recipe would have set itself is no reason
        offset = fitted.position_offset or fitted.pad_token_id + 1
        reasons = refusals(replace(fitted, position_offset=offset), ROBERTA)
        if shards.facts.pad_id < 0:
            reasons.insert(0, "the vocabulary has no padding token")
        families = f"{family.name}, not {ROBERTA.name} as in the recipe of the shards"
        return f"the model's family will be {families}: {'; '.join(reasons)}"
    if family.architectures is None:
        reasons = "; ".join(refusals(fitted, closest_family(fitted)))
        return f"transformers has no class for this model, so export will refuse it: {reasons}"
    return None
