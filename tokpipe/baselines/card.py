"""The card of a baseline."""

import json
from collections.abc import Mapping

from tokpipe.baselines.registry import entry_of
from tokpipe.finetuning.report import METRICS, PREDICTIONS, Report
from tokpipe.foundation.config import Config
from tokpipe.foundation.sizes import figure


def card(report: Report, config: Config, chosen: Mapping[str, float]) -> str:
    """Return the card.

    Parameters
    ----------
    report
        How good the method is.
    config
        Its settings.
    chosen
        What was chosen on the validation part.
    """
    rows = "".join(f"- {part}: {count:,} rows\n" for part, count in report.rows.items())
    said = "".join(f"- {name}: {value:g}\n" for name, value in chosen.items())
    return f"""# {report.task} with {report.method}: {entry_of(report.method).about}

Trained with tokpipe, to stand beside a fine-tuned model: the same data, scores and files.

## Scores

{_scores(report)}
## Data

{rows}
## Settings

Chosen by the validation part:

{said}
```json
{json.dumps(config.to_dict(), indent=2)}
```

`{METRICS}` holds the scores, `{PREDICTIONS}` what the method says of each row, and `tokpipe.json`
the hashes of all files.
"""


def _scores(report: Report) -> str:
    lines = ["| part | score | value | 95 % interval |", "| --- | --- | --- | --- |"]
    for part, scores in report.scores.items():
        for score in scores.scores:
            value, low, high = (figure(number) for number in score[1:])
            lines.append(f"| {part} | {score.name} | {value} | {low} to {high} |")
    for part, scores in report.scores.items():
        lines.append(
            f"\n{part}: n = {scores.n:,}; always giving the most frequent answer has "
            f"{scores.scores[0].name} {figure(scores.majority)}."
        )
    return "\n".join([*lines, *(f"\n{note}." for note in report.notes), ""])
