"""Questions on the peers' side: windows, and answers of all windows that compete.

References
----------
google-research/bert, ``run_squad.py``: windows, targets, and how the best answer is found.
"""

import json
from typing import Any

from tests.bench.peers_texts import INPUTS

N_BEST, LONGEST, STRIDE = 20, 30, 128


class Answers:
    """Questions in SQuAD's JSON."""

    model, is_of_tokens, names = "AutoModelForQuestionAnswering", True, ()

    def __init__(self, tokenizer: Any, parts: dict, tokens: int, task: str) -> None:
        self.tokenizer, self.tokens = tokenizer, tokens
        self.rows = {name: questions_in(path) for name, path in parts.items()}

    def features(self, part: str) -> list[dict]:
        """Return the windows of all questions; a window's target is an answer it holds whole."""
        return [window for row in self.rows[part] for window in self._windows(row)]

    def _windows(self, row: dict) -> list[dict]:
        found = self.tokenizer(
            row["question"],
            row["context"],
            truncation="only_second",
            max_length=self.tokens,
            stride=STRIDE,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        made = []
        for number, offsets in enumerate(found["offset_mapping"]):
            sides = found.sequence_ids(number)
            places = [o if side == 1 else None for o, side in zip(offsets, sides, strict=True)]
            start, end = target(places, row["answers"][0])
            ids = {name: found[name][number] for name in INPUTS if name in found}
            window = {"places": places, "id": row["id"]}
            made.append({**ids, "start_positions": start, "end_positions": end, **window})
        return made

    def inputs(self, row: dict) -> list[str]:
        """Return what of a window is asked."""
        return [name for name in INPUTS if name in row]

    def padded(self, rows: list[dict]) -> dict:
        """Return a batch."""
        names = [*self.inputs(rows[0]), "start_positions", "end_positions"]
        chosen = [{name: row[name] for name in names if name in row} for row in rows]
        return dict(self.tokenizer.pad(chosen, return_tensors="pt"))

    def logits(self, out: Any) -> list:
        """Return start and end logits of each window."""
        import numpy as np

        return list(np.stack([out.start_logits.numpy(), out.end_logits.numpy()], axis=-1))

    def said(self, part: str, rows: list[dict], logits: list) -> list[str]:
        """Return the best answer to each question."""
        best: dict[str, tuple[float, tuple[int, int]]] = {}
        for window, one in zip(rows, logits, strict=True):
            found = best_answer(window["places"], one)
            if found and (window["id"] not in best or found[0] > best[window["id"]][0]):
                best[window["id"]] = found
        texts = []
        for row in self.rows[part]:
            start, end = best[row["id"]][1] if row["id"] in best else (0, 0)
            texts.append(row["context"][start:end])
        return texts

    def score(self, part: str, said: list[str]) -> float:
        """Return the share of exact answers."""
        from tokpipe.metrics.answers import exact_match

        golds = [[answer["text"] for answer in row["answers"]] for row in self.rows[part]]
        return sum(exact_match(text, gold) for text, gold in zip(said, golds, strict=True)) / len(
            said
        )


def target(places: list[tuple[int, int] | None], answer: dict) -> tuple[int, int]:
    """Return first and last token of an answer; 0, 0 ([CLS]) if it is not whole in the window."""
    begin, end = answer["answer_start"], answer["answer_start"] + len(answer["text"])
    held = [i for i, place in enumerate(places) if place and place[0] < end and place[1] > begin]
    if not held or places[held[0]][0] > begin or places[held[-1]][1] < end:  # type: ignore[index]
        return 0, 0
    return held[0], held[-1]


def best_answer(
    places: list[tuple[int, int] | None], logits: Any
) -> tuple[float, tuple[int, int]] | None:
    """Return score and characters of the best answer of a window, if it holds any."""
    import numpy as np

    firsts, lasts = (np.argsort(-logits[:, side])[:N_BEST].tolist() for side in (0, 1))
    found = [
        (float(logits[first, 0] + logits[last, 1]), (places[first][0], places[last][1]))  # type: ignore[index]
        for first in firsts
        for last in lasts
        if places[first] and places[last] and first <= last < first + LONGEST
    ]
    return max(found, default=None)


def questions_in(path: str) -> list[dict]:
    """Return the questions of a file, each with its paragraph."""
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - as in `peers`
        articles = json.load(file)["data"]
    return [
        {**asked, "context": paragraph["context"]}
        for article in articles
        for paragraph in article["paragraphs"]
        for asked in paragraph["qas"]
    ]
