"""Texts with known sentence borders, rebuilt from the sentences of Universal Dependencies."""

import json
import lzma
import re
from pathlib import Path

from tests.bench import corpus
from tests.conftest import SHARED

TREEBANKS = {
    "English (UD EWT)": "tasks/ud-ewt/en_ewt-ud-test.conllu.xz",
    "Swedish (UD Talbanken)": "tasks/ud-swedish/sv_talbanken-ud-test.conllu.xz",
}


def paragraphs(path: Path) -> list[list[str]]:
    """Return the sentences of each paragraph, with the space behind each that has one."""
    found: list[list[str]] = []
    for block in lzma.decompress(path.read_bytes()).decode().strip().split("\n\n"):
        if not found or re.search("^# new(doc|par)", block, re.MULTILINE):
            found.append([])
        sentence = re.findall("^# text = (.*)$", block, re.MULTILINE)[0]
        words = [line.split("\t") for line in block.split("\n") if line[0].isdigit()]
        last = [word for word in words if "." not in word[0]][-1]
        joined = [word for word in words if word[0].endswith(f"-{last[0]}")]  # "can't": 1-2, 1, 2
        glued = "SpaceAfter=No" in (joined or [last])[0][9]
        found[-1].append(sentence + " " * (not glued))
    return found


def text_file(treebank: str) -> Path:
    """Write the paragraphs of a treebank's test part as JSON strings, once."""
    path = corpus.folder() / f"{Path(TREEBANKS[treebank]).name}.json"
    if not path.exists():
        texts = [
            "".join(sentences).strip() for sentences in paragraphs(SHARED / TREEBANKS[treebank])
        ]
        path.write_text(json.dumps(texts))
    return path


def true_borders(treebank: str) -> list[list[int]]:
    """Return for each paragraph the borders inside it, in characters that are no white space."""
    return [borders(sentences) for sentences in paragraphs(SHARED / TREEBANKS[treebank])]


def borders(sentences: list[str]) -> list[int]:
    """Return where the sentences of a paragraph end, but the last; white space does not count.

    Examples
    --------
    >>> borders(["It rained. ", "We stayed. ", "Good."])
    [9, 18]
    """
    ends, count = [], 0
    for sentence in sentences:
        count += len("".join(sentence.split()))
        ends.append(count)
    return ends[:-1]


def scores(found: list[list[int]], true: list[list[int]]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of the borders found."""
    pairs = [(set(ours), set(gold)) for ours, gold in zip(found, true, strict=True)]
    right = sum(len(ours & gold) for ours, gold in pairs)
    precision = right / sum(len(ours) for ours, _ in pairs)
    recall = right / sum(len(gold) for _, gold in pairs)
    return precision, recall, 2 * precision * recall / (precision + recall)
