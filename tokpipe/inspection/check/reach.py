"""Pieces that no text can reach: the steps before the model never let them through.

A piece is tried in several contexts, through the normalizer and the pre-tokenizer as the
`tokenizers` library runs them; if in none of them its text stays inside one word, no text makes
it. What the model itself cannot make is found in `check.merges`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import product

from tokenizers import Tokenizer

from tokpipe.foundation.sizes import plural
from tokpipe.inspection.check.finding import NOTE, WARNING, Finding, examples
from tokpipe.inspection.check.merges import LONGEST, is_byte_token
from tokpipe.inspection.readable import TokenForm, body_of, is_placeholder
from tokpipe.inspection.source import Source

_BEFORE = ("", "a", "1", "!", " ", "\n", "я", "の")
_AFTER = ("", "a", "1", "!", " ", "\n", " a")
_LOSSY = "\N{REPLACEMENT CHARACTER}"
_FEW = 0.05  # of the vocabulary: published ones have up to 2 % that their own normalizer changes

NORMALIZED, SPACED, SPLIT, LONG = "normalized", "spaced", "split", "long"
_PROBLEMS = {
    NORMALIZED: (
        "the normalizer changes them",
        "The vocabulary was made with another normalizer (casing, accents, CJK spacing).",
    ),
    SPACED: ("the pre-tokenizer cuts them at white space", ""),
    SPLIT: ("the pre-tokenizer cuts them into several words", ""),
    LONG: (
        "they are longer than max_input_chars_per_word",
        "Raise max_input_chars_per_word, or train with max_token_length.",
    ),
}


def check_reach(source: Source, pipeline: Tokenizer) -> Iterator[Finding]:
    """Look for pieces that no text can reach in the `tokenizers` library.

    A few are worth knowing and no problem: bert-base-uncased has 337. Many mean that the vocabulary
    was made for another normalizer or pre-tokenizer than it stands with.
    """
    lost: defaultdict[str, list[str]] = defaultdict(list)
    placeholders: list[str] = []
    for token, _ in source.entries:
        special = token in source.form.special_tokens or token == source.unk_token
        if special or len(token) > LONGEST:
            continue
        why = reason_unreachable(token, source, pipeline)
        if why and is_placeholder(token):
            placeholders.append(token)
        elif why:
            lost[why].append(token)
    place = f"{source.path.name}: vocabulary"
    if placeholders:
        names = examples(placeholders, source.form)
        yield Finding(NOTE, place, f"{plural(len(placeholders), 'placeholder')}: {names}")
    level = NOTE if sum(map(len, lost.values())) < _FEW * len(source.entries) else WARNING
    for why in sorted(lost, key=lambda name: -len(lost[name])):
        because, hint = _PROBLEMS[why]
        count, shown = plural(len(lost[why]), "piece"), examples(lost[why], source.form)
        problem = f"{count} that no text can reach, because {because}: {shown}"
        yield Finding(level, place, problem, hint if level == WARNING else "")


def reason_unreachable(token: str, source: Source, pipeline: Tokenizer) -> str:
    """Return why no text gives a token, or an empty string.

    Pieces with bytes of cut characters, and those of single bytes, are taken for reachable.
    """
    form = source.form
    body = body_of(token, form)
    if not body or _LOSSY in body or (form.byte_level and len(token) == 1):
        return ""
    if is_byte_token(token, source):
        return ""
    longest = source.settings.get("max_input_chars_per_word", 100)
    if source.model == "wordpiece" and isinstance(longest, int) and len(body) > longest:
        return LONG
    inside = bool(form.prefix) and token != form.prefix and token.startswith(form.prefix)
    words = _words_of(pipeline)
    needle = _needle(token, form)
    contexts = ((b, a) for b, a in product(_BEFORE, _AFTER) if (b.strip() or not inside))
    if any(_holds(words(b + body + a), needle, inside, form) for b, a in contexts):
        return ""
    whole = "a" + body if inside else body.strip()
    if _normalized(pipeline, whole).strip() != whole:
        return NORMALIZED
    return SPACED if any(c.isspace() for c in body.strip()) else SPLIT


def _holds(words: list[str], needle: str, inside: bool, form: TokenForm) -> bool:
    """Say whether a word has the needle where the token may stand: at its start, or after it."""
    if inside:
        return any(needle in word[1:] for word in words)
    if form.prefix:
        return any(word.startswith(needle) for word in words)
    return any(needle in word for word in words)


def _needle(token: str, form: TokenForm) -> str:
    """Return a token as it would stand in a pre-tokenized word."""
    body = token.removeprefix(form.prefix) if token != form.prefix else token
    return body.removesuffix(form.suffix)


def _words_of(pipeline: Tokenizer) -> Callable[[str], list[str]]:
    def words(text: str) -> list[str]:
        text = _normalized(pipeline, text)
        if pipeline.pre_tokenizer is None:
            return [text]
        return [word for word, _ in pipeline.pre_tokenizer.pre_tokenize_str(text)]

    return words


def _normalized(pipeline: Tokenizer, text: str) -> str:
    return text if pipeline.normalizer is None else pipeline.normalizer.normalize_str(text)
