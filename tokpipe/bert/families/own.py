"""Our own family: whatever `BertConfig` can say, under our own names."""

from tokpipe.bert.families.family import Family

TOKPIPE = Family(
    name="tokpipe",
    title="BERT variant",
    rows={},
    heads={},
    keys=None,
    reasons=lambda config: iter(()),
    architectures=None,
)
