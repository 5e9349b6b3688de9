"""The textbook examples of BPE and WordPiece: what to train on, what to call the results."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.visible import visible
from tokpipe.inspection.trace import WordTrace, starting_symbols, trace_bpe, trace_wordpiece
from tokpipe.tokenizer.texts import Inputs
from tokpipe.vocab.config import DEFAULT_UNKNOWN, VocabConfig
from tokpipe.vocab.steps import MergeStep, PairRow, Trace, trace_merges

MOST_CHARACTERS = 20_000  # of different words; the explaining trainer is slow on purpose


@dataclass(frozen=True)
class Explanation:
    """A training run to be shown."""

    trace: Trace
    config: VocabConfig
    words: Mapping[str, int]
    # token to the letter that the textbook writes for it (Z, Y, X ...); empty unless the text is
    # one string of symbols
    names: Mapping[str, str]
    wanted: int  # how many steps were asked for
    encoded: WordTrace | None  # how the vocabulary encodes a further word, if one was given

    def name(self, token: str) -> str:
        """Return what a token is called here."""
        return self.names.get(token, token)


def explain(text: str, config: VocabConfig, steps: int, encode: str | None = None) -> Explanation:
    """Train on a small text, and keep every step.

    The text is one string of symbols (``aaabdaaabac``), words between spaces, or words with their
    counts (``hug:10,pug:5``). `vocab_size` is not looked at: `steps` merges are made, if there are
    so many. With the result the word `encode` is encoded.

    Raises
    ------
    ConfigError
        If there is no word, a count is no positive number, or the text is a corpus.
    InputError
        If the text holds a lone surrogate.
    """
    Inputs([text]).utf8()
    words = parse_words(text)
    if sum(map(len, words)) > MOST_CHARACTERS:
        raise ConfigError(
            f"explain takes at most {MOST_CHARACTERS:,} characters of different words",
            hint="Use train-vocab for a corpus, and inspect vocab to look at its merges.",
        )
    trace = trace_merges(words, config, steps)
    single = len(words) == 1 and set(words.values()) == {1} and config.model == "bpe"
    marks = config.prefix or config.end_of_word_suffix
    names = _letters(trace, set(text)) if single and not marks else {}
    encoded = _encode(encode, trace, config) if encode else None
    return Explanation(trace, config, words, names, steps, encoded)


def parse_words(text: str) -> dict[str, int]:
    """Read words and their counts, in the order in which they are seen.

    Examples
    --------
    >>> parse_words("hug:10,pug:5")
    {'hug': 10, 'pug': 5}
    >>> parse_words("low lower low")
    {'low': 2, 'lower': 1}
    """
    parts = [part.strip() for part in text.split(",")]
    counted = [re.fullmatch(r"(\S+):(-?\d+)", part) for part in parts]
    words: dict[str, int] = {}
    if any(counted):
        for part, match in zip(parts, counted, strict=True):
            if match is None or not 0 < int(match[2][:20]) < 1 << 62:
                raise ConfigError(
                    f"{visible(part)!r} is no word with its count",
                    hint="Write word:count,word:count with counts of at least 1.",
                )
            words[match[1]] = words.get(match[1], 0) + int(match[2])
        return words
    for word in text.split():
        words[word] = words.get(word, 0) + 1
    if not words:
        raise ConfigError(
            "There is no text to explain", hint="Give a word, or word:count,word:count."
        )
    return words


def reason(step: MergeStep, config: VocabConfig) -> str:
    """Say why the tie-break preferred the chosen pair to those that scored the same."""
    if config.tie_break == "lowest-id":
        return "has the lowest ids"
    length = _length(step.chosen, config)
    others = {_length(row, config) for row in step.ties}
    if min(others) > length:
        return f"is the shortest, {length} characters against {min(others)}"
    return "was seen first" if others == {length} else "was seen first among the shortest"


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON types."""
    trace, encoded = explanation.trace, explanation.encoded
    content: dict[str, Any] = {
        "words": dict(explanation.words),
        "model": explanation.config.model,
        "score": explanation.config.score,
        "tie_break": explanation.config.tie_break,
        "min_frequency": explanation.config.min_frequency,
        "alphabet": trace.alphabet,
        "steps": [_step_json(step, explanation) for step in trace.steps],
        "result": _words_json(trace.words),
        "tokens": trace.tokens,
    }
    if encoded is not None:
        content["encoded"] = {"word": encoded.word, "tokens": encoded.tokens, "ids": encoded.ids}
    return content


def _step_json(step: MergeStep, explanation: Explanation) -> dict[str, Any]:
    named = {"name": explanation.names[step.token]} if step.token in explanation.names else {}
    return {
        "pair": [step.left, step.right],
        "token": step.token,
        **named,
        "id": step.id,
        "count": step.chosen.count,
        "score": str(step.chosen.score),
        "ties": [[row.left, row.right] for row in step.ties],
        "reason": reason(step, explanation.config) if step.ties else "",
        "pairs": [
            {
                "pair": [row.left, row.right],
                "count": row.count,
                "left_count": row.left_count,
                "right_count": row.right_count,
                "score": str(row.score),
                "allowed": row.allowed,
            }
            for row in step.table
        ],
        "words_before": _words_json(step.words),
    }


def _words_json(words: Sequence[tuple[list[str], int]]) -> list[dict[str, Any]]:
    return [{"symbols": symbols, "count": count} for symbols, count in words]


def _letters(trace: Trace, taken: set[str]) -> dict[str, str]:
    free = [c for c in reversed(ascii_uppercase + ascii_lowercase) if c not in taken]
    letters = sorted(free, key=lambda c: c.islower())  # Z Y X ... A, then z y x ...
    tokens = [step.token for step in trace.steps]
    return dict(zip(tokens, letters, strict=False)) if len(tokens) <= len(letters) else {}


def _length(row: PairRow, config: VocabConfig) -> int:
    text = row.left.removeprefix(config.prefix) + row.right.removeprefix(config.prefix)
    return len(text.removesuffix(config.end_of_word_suffix))


def _encode(word: str, trace: Trace, config: VocabConfig) -> WordTrace:
    ids = {token: id for id, token in enumerate(trace.tokens)}
    if config.model == "wordpiece":
        unknown = DEFAULT_UNKNOWN[config.model]
        return trace_wordpiece(word, ids, prefix=config.prefix, unk_token=unknown)
    symbols = starting_symbols(word, config.prefix, config.end_of_word_suffix)
    merges = {(step.left, step.right): (rank, step.token) for rank, step in enumerate(trace.steps)}
    return replace(trace_bpe(symbols, merges, ids), word=word)
