"""The families that are known, and which of them a model is written as."""

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.albert import ALBERT
from tokpipe.bert.families.bert import BERT
from tokpipe.bert.families.distilbert import DISTILBERT
from tokpipe.bert.families.family import Family, job_reasons
from tokpipe.bert.families.own import TOKPIPE
from tokpipe.bert.families.roberta import ROBERTA
from tokpipe.bert.registry import entries_of

# In order of preference: what has no segments and no pooler is a DistilBERT as it stands, and a
# BERT only with a segment of zeros.
FAMILIES: dict[str, Family] = {
    family.name: family for family in (DISTILBERT, BERT, ROBERTA, ALBERT, TOKPIPE)
}


def refusals(config: BertConfig, family: Family) -> list[str]:
    """Return the reasons why a family has no such model; none if it has."""
    known = {ours.split(".")[0] for ours in family.heads}
    if family.keys is None:
        return list(family.reasons(config))
    unknown = [e for e in entries_of(config) if e.name not in known]
    without = [f"{e.setting or f'{e.name} head'} (it has none)" for e in unknown]
    return [*family.reasons(config), *without, *job_reasons(config, family)]


def family_of(config: BertConfig) -> Family:
    """Return the family that a model is written as: the first that can express it, else ours."""
    theirs = (family for family in FAMILIES.values() if family.architectures)
    return next((family for family in theirs if not refusals(config, family)), TOKPIPE)


def closest_family(config: BertConfig) -> Family:
    """Return the family of transformers that has the fewest reasons against a model."""
    theirs = [family for family in FAMILIES.values() if family.architectures]
    return min(theirs, key=lambda family: len(refusals(config, family)))
