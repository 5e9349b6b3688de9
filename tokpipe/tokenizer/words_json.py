"""The normalizer and pre-tokenizer of a `tokenizer.json`, from and to our settings of words."""

from dataclasses import replace
from typing import Any

from tokpipe.tokenizer.node import MOST_PARTS, Node
from tokpipe.words.config import WordsConfig

_FORMS = {"NFC": "nfc", "NFD": "nfd", "NFKC": "nfkc", "NFKD": "nfkd"}
_PLAIN = WordsConfig(normalizer="none", lowercase=False, pre_tokenizer="none")
_SPLITTERS = {
    "BertPreTokenizer": "bert",
    "Whitespace": "whitespace",
    "WhitespaceSplit": "whitespace-split",
}


def words_from_json(normalizer: Node, pre_tokenizer: Node) -> WordsConfig | None:
    """Return the settings that mean the same, or None where ours cannot say it."""
    words = _read_normalizer(normalizer)
    return None if words is None else _read_pre_tokenizer(pre_tokenizer, words)


def _read_normalizer(node: Node) -> WordsConfig | None:
    if node.absent:
        return _PLAIN
    if node.text("type") == "BertNormalizer":
        lowercase = node.flag("lowercase", True)
        strips = node.child("strip_accents")  # null follows `lowercase`, as in Google's BERT
        return replace(
            _PLAIN,
            normalizer="bert",
            clean_text=node.flag("clean_text", True),
            handle_chinese_chars=node.flag("handle_chinese_chars", True),
            lowercase=lowercase,
            strip_accents=lowercase if strips.absent else node.flag("strip_accents"),
        )
    is_sequence = node.text("type") == "Sequence"
    parts = list(node.child("normalizers").items(MOST_PARTS)) if is_sequence else [node]
    return _read_steps([part.text("type") for part in parts])


def _read_steps(steps: list[str]) -> WordsConfig | None:
    """Read [form] [Lowercase] [StripAccents], each of which may be left out."""
    form = _FORMS[steps.pop(0)] if steps and steps[0] in _FORMS else "none"
    lowercase = bool(steps) and steps[0] == "Lowercase"
    rest = steps[lowercase:]
    strips = rest == ["StripAccents"] and form in ("nfd", "nfkd")
    if rest and not strips:
        return None
    return replace(_PLAIN, normalizer=form, lowercase=lowercase, strip_accents=strips)


def _read_pre_tokenizer(node: Node, words: WordsConfig) -> WordsConfig | None:
    if node.absent:
        return words
    kind = node.text("type")
    if kind in _SPLITTERS:
        return replace(words, pre_tokenizer=_SPLITTERS[kind])
    if kind == "ByteLevel" and node.flag("use_regex", True):
        prefix = node.flag("add_prefix_space", True)
        return replace(words, pre_tokenizer="gpt2", add_prefix_space=prefix)
    return None


def normalizer_to_json(words: WordsConfig) -> dict[str, Any] | None:
    """Write the normalizer as `tokenizers` does."""
    if words.normalizer == "bert":
        keys = ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase")
        return {"type": "BertNormalizer", **{key: getattr(words, key) for key in keys}}
    forms = {ours: theirs for theirs, ours in _FORMS.items()}
    steps = [forms[words.normalizer]] if words.normalizer in forms else []
    steps += ["Lowercase"] * words.lowercase + ["StripAccents"] * words.strip_accents
    parts = [{"type": step} for step in steps]
    if len(parts) < 2:
        return parts[0] if parts else None
    return {"type": "Sequence", "normalizers": parts}


def pre_tokenizer_to_json(words: WordsConfig) -> dict[str, Any] | None:
    """Write the pre-tokenizer as `tokenizers` does."""
    if words.pre_tokenizer == "gpt2":
        prefix = words.add_prefix_space
        return {
            "type": "ByteLevel",
            "add_prefix_space": prefix,
            "trim_offsets": True,
            "use_regex": True,
        }
    kinds = {ours: theirs for theirs, ours in _SPLITTERS.items()}
    return {"type": kinds[words.pre_tokenizer]} if words.pre_tokenizer in kinds else None
