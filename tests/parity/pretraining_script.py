"""BERT's way to make pretraining data, in plain Python: judge of the kernels, rival in benchmarks.

Written from the description in the paper (sec. 3.1, appendix A) and what is known of the script
that came with it: a list of tokens a sentence, a list of sentences a document, a generator with a
state. Standard library only, so that the peers' environment can run it.
"""

import random
from typing import NamedTuple

Document = list[list[str]]


class Instance(NamedTuple):
    """A masked pair, as the script would write it."""

    tokens: list[str]
    segment_ids: list[int]
    is_random_next: bool
    positions: list[int]
    labels: list[str]


class Settings(NamedTuple):
    """The script's flags."""

    max_seq_length: int = 128
    short_seq_prob: float = 0.1
    masked_lm_prob: float = 0.15
    max_predictions_per_seq: int = 20
    whole_word: bool = False


def make_instances(
    documents: list[Document], words: list[str], rng: random.Random, settings: Settings
) -> list[Instance]:
    """Make the instances of every document once."""
    documents = [document for document in documents if document]
    made: list[Instance] = []
    for index in range(len(documents)):
        for first, second, is_random in pairs_of(documents, index, rng, settings):
            tokens = ["[CLS]", *first, "[SEP]", *second, "[SEP]"]
            segments = [0] * (len(first) + 2) + [1] * (len(second) + 1)
            tokens, positions, labels = mask(tokens, words, rng, settings)
            made.append(Instance(tokens, segments, is_random, positions, labels))
    return made


def pairs_of(
    documents: list[Document], index: int, rng: random.Random, settings: Settings
) -> list[tuple[list[str], list[str], bool]]:
    """Cut one document into (segment A, segment B, whether B is random)."""
    document, room = documents[index], settings.max_seq_length - 3
    target = rng.randint(2, room) if rng.random() < settings.short_seq_prob else room
    pairs, chunk, size, at = [], [], 0, 0
    while at < len(document):
        chunk.append(document[at])
        size += len(document[at])
        at += 1
        if at < len(document) and size < target:
            continue
        split = rng.randint(1, len(chunk) - 1) if len(chunk) > 1 else 1
        first = [token for sentence in chunk[:split] for token in sentence]
        is_random = len(chunk) == 1 or rng.random() < 0.5
        if is_random:
            second = _random_run(documents, index, target - len(first), rng)
            at -= len(chunk) - split
        else:
            second = [token for sentence in chunk[split:] for token in sentence]
        _truncate(first, second, room, rng)
        pairs.append((first, second, is_random))
        chunk, size = [], 0
    return pairs


def _random_run(
    documents: list[Document], index: int, wanted: int, rng: random.Random
) -> list[str]:
    for _ in range(10):
        other = rng.randint(0, len(documents) - 1)
        if other != index:
            break
    start, run = rng.randint(0, len(documents[other]) - 1), []
    for sentence in documents[other][start:]:
        run.extend(sentence)
        if len(run) >= wanted:
            break
    return run


def _truncate(first: list[str], second: list[str], room: int, rng: random.Random) -> None:
    while len(first) + len(second) > room:
        longer = first if len(first) > len(second) else second
        if rng.random() < 0.5:
            del longer[0]
        else:
            longer.pop()


def mask(
    tokens: list[str], words: list[str], rng: random.Random, settings: Settings
) -> tuple[list[str], list[int], list[str]]:
    """Choose tokens and replace them; return the tokens, and what is to be predicted where."""
    groups: list[list[int]] = []
    for place, token in enumerate(tokens):
        if token in ("[CLS]", "[SEP]"):
            continue
        if settings.whole_word and groups and token.startswith("##"):
            groups[-1].append(place)
        else:
            groups.append([place])
    rng.shuffle(groups)
    wanted = max(1, round(len(tokens) * settings.masked_lm_prob))
    wanted, chosen, out = min(settings.max_predictions_per_seq, wanted), [], list(tokens)
    for group in groups:
        if len(chosen) >= wanted:
            break
        if len(chosen) + len(group) > wanted:
            continue
        for place in group:
            if rng.random() < 0.8:
                out[place] = "[MASK]"
            elif rng.random() >= 0.5:
                out[place] = words[rng.randint(0, len(words) - 1)]
            chosen.append(place)
    chosen.sort()
    return out, chosen, [tokens[place] for place in chosen]
