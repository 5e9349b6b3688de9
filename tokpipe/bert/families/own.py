"""Our own family: whatever `BertConfig` can say, under our own names."""

from tokpipe.bert.families.family import Family

TOKPIPE = Family(
    name="tokpipe",
    title="tokpipe",
    rows={"pooler": "pooler"},
    heads={name: name for name in ("mlm.transform", "mlm.norm", "mlm.bias", "nsp")},
    keys=None,
    reasons=lambda config: iter(()),
    architectures=None,
)
