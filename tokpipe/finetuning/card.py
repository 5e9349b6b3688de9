"""The model card of a fine-tuned model."""

import json
from collections.abc import Mapping
from typing import Any

from tokpipe.bert.huggingface.jobs import AUTO_CLASSES, PIPELINES
from tokpipe.finetuning.preparing import Prepared
from tokpipe.finetuning.report import METRICS, PREDICTIONS, Report
from tokpipe.foundation.sizes import figure
from tokpipe.foundation.visible import visible
from tokpipe.metrics.scores import Scores

_MOST_LABELS = 50  # that a card names: some ten lines


def card(
    prepared: Prepared,
    report: Report,
    state: Mapping[str, Any],
    spreads: Mapping[str, Mapping[str, Mapping[str, float]]] | None = None,
) -> str:
    """Return the card.

    Parameters
    ----------
    state
        Of the checkpoint that was kept, as `State.to_dict` returns it.
    spreads
        Of several trainings the median, least and greatest of each score, by part.
    """
    asked, model = prepared.asked, prepared.model
    head = asked.task.head
    return f"""---
library_name: tokpipe
pipeline_tag: {PIPELINES[head]}
---

# {asked.task.name} with {model.num_hidden_layers} layers, {model.hidden_size} wide

{_made(report.method)} with tokpipe for {state["step"]:,} steps{_labels(model.labels)}.

## Scores

{_scores(report)}{_spread(spreads or {})}
## Data

{_data(report)}
## Use

```
tokpipe predict "this folder"
```

{_transformers(prepared)}
## Settings

```json
{json.dumps(asked.config.to_dict(), indent=2)}
```

`{METRICS}` holds the scores, `{PREDICTIONS}` what the model says of each row, `log.jsonl` the
losses, and `tokpipe.json` all settings and the hashes of model and data.

## Limits

The scores are of rows like those that it was trained on. What the model knows, it has from its
text and its labels, with all that is wrong or one-sided in them.
"""


def _made(method: str) -> str:
    return visible(method[:1].upper() + method[1:])


def _labels(names: tuple[str, ...]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _MOST_LABELS:,} more" if len(names) > _MOST_LABELS else ""
    return f"; its labels are {', '.join(f'`{visible(n)}`' for n in names[:_MOST_LABELS])}{more}"


def _scores(report: Report) -> str:
    lines = ["| part | score | value | 95 % interval |", "| --- | --- | --- | --- |"]
    for part, scores in report.scores.items():
        for score in scores.scores:
            value, low, high = (figure(number) for number in score[1:])
            lines.append(f"| {part} | {score.name} | {value} | {low} to {high} |")
    said = [_beside(part, scores) for part, scores in report.scores.items()]
    return "\n".join([*lines, "", *said, *(f"\n{note}." for note in report.notes), ""])


def _spread(spreads: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    lines = [
        f"| {part} | {name} | {figure(of['median'])} | {figure(of['least'])} | "
        f"{figure(of['greatest'])} |"
        for part, scores in spreads.items()
        for name, of in scores.items()
    ]
    if not lines:
        return ""
    head = "| part | score | median | least | greatest |\n| --- | --- | --- | --- | --- |"
    return "\n".join(["", "Over all seeds:", "", head, *lines, ""])


def _beside(part: str, scores: Scores) -> str:
    return (
        f"{part}: n = {scores.n:,}; always giving the most frequent answer has "
        f"{scores.scores[0].name} {figure(scores.majority)}."
    )


def _data(report: Report) -> str:
    said = {part: f"; {what}" for part, what in report.long_rows.items()}
    return "".join(
        f"- {part}: {rows:,} rows{said.get(part, '')}\n" for part, rows in report.rows.items()
    )


def _transformers(prepared: Prepared) -> str:
    if prepared.source.family.architectures is None:
        return "transformers has no such model; tokpipe opens it.\n"
    name = AUTO_CLASSES[prepared.asked.task.head]
    return f'```python\ntransformers.{name}.from_pretrained("this folder")\n```\n'
