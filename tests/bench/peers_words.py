"""Words on the peers' side: the first piece of a word carries its tag."""

from collections import Counter
from typing import Any

from tests.bench.peers_texts import INPUTS

IGNORED = -100


class Words:
    """Sentences in two columns, a word and its tag."""

    model, is_of_tokens = "AutoModelForTokenClassification", True

    def __init__(self, tokenizer: Any, parts: dict, tokens: int, task: str) -> None:
        self.tokenizer, self.tokens, self.task = tokenizer, tokens, task
        self.rows = {name: sentences_in(path) for name, path in parts.items()}
        counts = Counter(tag for _, tags in self.rows["train"] for tag in tags)
        self.names, self.usual = sorted(counts), counts.most_common(1)[0][0]

    def features(self, part: str) -> list[dict]:
        """Return ids and tags of each sentence; all pieces but first ones have none."""
        made = []
        for words, tags in self.rows[part]:
            found = self.tokenizer(words, is_split_into_words=True)
            if len(found["input_ids"]) > self.tokens:
                raise SystemExit(f"a sentence of {len(found['input_ids'])} tokens would be cut")
            of = found.word_ids()
            is_first = [
                w is not None and w != last for w, last in zip(of, [None, *of], strict=False)
            ]
            labels = [
                self.names.index(tags[word]) if first else IGNORED
                for word, first in zip(of, is_first, strict=True)
            ]
            firsts = [(place, of[place]) for place, first in enumerate(is_first) if first]
            made.append({**dict(found), "labels": labels, "firsts": firsts})
        return made

    def inputs(self, row: dict) -> list[str]:
        """Return what of a sentence is asked."""
        return [name for name in INPUTS if name in row]

    def padded(self, rows: list[dict]) -> dict:
        """Return a batch."""
        import torch

        batch = self.tokenizer.pad(
            [{name: row[name] for name in self.inputs(row)} for row in rows], return_tensors="pt"
        )
        if "labels" not in rows[0]:
            return dict(batch)
        width = batch["input_ids"].shape[1]
        labels = [row["labels"] + [IGNORED] * (width - len(row["labels"])) for row in rows]
        return {**batch, "labels": torch.tensor(labels)}

    def logits(self, out: Any) -> list:
        """Return the logits of each sentence."""
        return list(out.logits.numpy())

    def said(self, part: str, rows: list[dict], logits: list) -> list[str]:
        """Return a tag of each word; one without a piece gets the most frequent."""
        found = []
        for (words, _), row, one in zip(self.rows[part], rows, logits, strict=True):
            tags = [self.usual] * len(words)
            for place, word in row["firsts"]:
                tags[word] = self.names[int(one[place].argmax())]
            found += tags
        return found

    def score(self, part: str, said: list[str]) -> float:
        """Return F1 of entities, or the share of words that are right."""
        gold = [tag for _, tags in self.rows[part] for tag in tags]
        if self.task == "pos":
            return sum(a == b for a, b in zip(said, gold, strict=True)) / len(gold)
        from seqeval.metrics import f1_score

        sides: list[list[list[str]]] = [[], []]
        start = 0
        for _, tags in self.rows[part]:
            for side, flat in zip(sides, (gold, said), strict=True):
                side.append(flat[start : start + len(tags)])
            start += len(tags)
        return float(f1_score(*sides))


def sentences_in(path: str) -> list[tuple[list[str], list[str]]]:
    """Return words and tags of each sentence of a file."""
    with open(path, encoding="utf-8", newline="\n") as file:  # noqa: PTH123 - as in `peers`
        blocks = file.read().removesuffix("\n").split("\n\n")
    made = []
    for block in blocks:
        pairs = [line.split("\t") for line in block.split("\n")]
        made.append(([word for word, _ in pairs], [tag for _, tag in pairs]))
    return made
