"""Texts on the peers' side: a class of each, or of each pair."""

import json
from typing import Any

INPUTS = ("input_ids", "token_type_ids", "attention_mask")


class Texts:
    """Rows of JSON lines: a text or two, and a label."""

    model, is_of_tokens = "AutoModelForSequenceClassification", False

    def __init__(self, tokenizer: Any, parts: dict, tokens: int, task: str) -> None:
        self.tokenizer, self.tokens, self.rows = tokenizer, tokens, {}
        for name, path in parts.items():
            with open(path, encoding="utf-8") as file:  # noqa: PTH123 - as in `peers`
                self.rows[name] = [json.loads(line) for line in file]
        self.names = sorted({row["label"] for row in self.rows["train"]})

    def features(self, part: str) -> list[dict]:
        """Return ids and label of each row; of a pair that is too long, the longer text is cut."""
        made = []
        for row in self.rows[part]:
            texts = [row[name] for name in ("text", "second") if name in row]
            found = dict(self.tokenizer(*texts, truncation=True, max_length=self.tokens))
            made.append({**found, "labels": self.names.index(row["label"])})
        return made

    def inputs(self, row: dict) -> list[str]:
        """Return what of a row is asked."""
        return [name for name in INPUTS if name in row]

    def padded(self, rows: list[dict]) -> dict:
        """Return a batch."""
        return dict(self.tokenizer.pad(rows, return_tensors="pt"))

    def logits(self, out: Any) -> list:
        """Return the logits of each row."""
        return list(out.logits.numpy())

    def said(self, part: str, rows: list[dict], logits: list) -> list[str]:
        """Return the label of each row."""
        return [self.names[int(one.argmax())] for one in logits]

    def score(self, part: str, said: list[str]) -> float:
        """Return the share that is right."""
        pairs = zip(said, self.rows[part], strict=True)
        return sum(label == row["label"] for label, row in pairs) / len(said)
