"""Our own family: whatever `BertConfig` can say, under our own names."""

from tokpipe.bert.families.family import OTHER_HEADS, Family

TOKPIPE = Family(
    name="tokpipe",
    title="BERT variant",
    rows={},
    heads={},
    other_heads=(*OTHER_HEADS, "text.", "token.", "span."),
    keys=None,
    reasons=lambda config: iter(()),
    architectures=None,
)
