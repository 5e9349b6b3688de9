"""The families that are known, and which of them a model is written as."""

from tokpipe.bert.config import BertConfig
from tokpipe.bert.families.albert import ALBERT
from tokpipe.bert.families.bert import BERT
from tokpipe.bert.families.distilbert import DISTILBERT
from tokpipe.bert.families.electra import ELECTRA
from tokpipe.bert.families.family import Family, job_reasons
from tokpipe.bert.families.mpnet import MPNET
from tokpipe.bert.families.own import TOKPIPE
from tokpipe.bert.families.roberta import CAMEMBERT, DATA2VEC_TEXT, ROBERTA, XLM_ROBERTA
from tokpipe.bert.registry import entries_of

# In order of preference: what has no segments and no pooler is a DistilBERT as it stands, and a
# BERT only with a segment of zeros.
FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        *(DISTILBERT, BERT, ROBERTA, XLM_ROBERTA, CAMEMBERT, DATA2VEC_TEXT, ALBERT, ELECTRA),
        *(MPNET, TOKPIPE),
    )
}


def refusals(config: BertConfig, family: Family) -> list[str]:
    """Return the reasons why a family has no such model; none if it has."""
    known = {ours.split(".")[0] for ours in family.heads}
    if family.keys is None:
        return list(family.reasons(config))
    unknown = [e for e in entries_of(config) if e.name not in known]
    without = [f"{e.setting or f'{e.name} head'} (it has none)" for e in unknown]
    return [*family.reasons(config), *without, *job_reasons(config, family)]


def family_of(config: BertConfig, own: Family | None = None) -> Family:
    """Return the family that a model is written as: the first that can express it, else ours.

    Parameters
    ----------
    own
        What the model is called where it came from, which comes first.

    Examples
    --------
    >>> family_of(BertConfig(position_offset=1)).name
    'tokpipe'
    """
    return next((family for family in _theirs(own) if not refusals(config, family)), TOKPIPE)


def closest_family(config: BertConfig, own: Family | None = None) -> Family:
    """Return the family of transformers that has the fewest reasons against a model.

    Of those that tell places as the model does, where there are any: segments and heads can be
    done without, and places cannot.

    Parameters
    ----------
    own
        As `family_of` has it.

    Examples
    --------
    >>> closest_family(BertConfig(position="relative")).name
    'mpnet'
    """

    def distance(family: Family) -> tuple[bool, int]:
        return config.position not in family.positions, len(refusals(config, family))

    return min(_theirs(own), key=distance)


def _theirs(first: Family | None) -> list[Family]:
    return [one for one in (first, *FAMILIES.values()) if one is not None and one.architectures]
