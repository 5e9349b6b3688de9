"""Our own check of a stranger's `tokenizer.json`, before any library sees it.

Elsewhere such a file can abort the process (deep nesting), fill the memory (padding to 2^31),
or hang it (exponential expressions, replacements that double the text forty times). Everything
that has a size is bounded here, every name must be known, and ids must be dense and unique.
"""

from collections.abc import Callable
from typing import Any

from tokpipe.foundation.errors import InputError
from tokpipe.tokenizer.node import Node, describe, short
from tokpipe.tokenizer.regex_safety import unsafe_reason

MOST_TOKENS = 1_000_000
MOST_MERGES = 1_000_000
MOST_PADDING = 1 << 20
MOST_NESTING = 4
MOST_PARTS = 64
MOST_GROWTH = 256  # how many times longer a normalizer may make a text

_PARTS = {  # part of the document: its known types, the key of its sequences
    "normalizer": (
        "BertNormalizer ByteLevel Lowercase NFC NFD NFKC NFKD Nmt Precompiled Prepend Replace"
        " Sequence Strip StripAccents",
        "normalizers",
    ),
    "pre_tokenizer": (
        "BertPreTokenizer ByteLevel CharDelimiterSplit Digits FixedLength Metaspace Punctuation"
        " Sequence Split UnicodeScripts Whitespace WhitespaceSplit",
        "pretokenizers",
    ),
    "post_processor": (
        "BertProcessing ByteLevel RobertaProcessing Sequence TemplateProcessing",
        "processors",
    ),
    "decoder": (
        "BPEDecoder ByteFallback ByteLevel CTC Fuse Metaspace Replace Sequence Strip WordPiece",
        "decoders",
    ),
}
_KEYS = {"version", "truncation", "padding", "added_tokens", "model", *_PARTS}


def check_document(document: Any, name: str) -> Node:
    """Check a parsed `tokenizer.json` and return it as a node.

    Raises
    ------
    InputError
        Naming the place, what was found and what is allowed.
    """
    root = Node(document, f"{name}:")
    if not isinstance(document, dict) or "model" not in document:
        raise root.error(f"{describe(document)} without a model, a tokenizer.json is needed")
    for key in document:
        if key not in _KEYS:
            raise root.error(f"unknown key {short(key)}")
    size = check_added_tokens(root.child("added_tokens"), check_model(root.child("model")))
    for part, (types, key) in _PARTS.items():
        _check_part(root.child(part), types.split(), key, size)
    _check_growth(root.child("normalizer"))
    _check_truncation(root.child("truncation"))
    _check_padding(root.child("padding"))
    return root


def check_vocab(node: Node) -> dict[str, int]:
    """Check that a mapping of tokens to ids holds each id from 0 once, and return it."""
    vocab = node.value
    if not isinstance(vocab, dict):
        raise node.error(f"{describe(vocab)}, an object of tokens and ids is needed")
    if not 0 < len(vocab) <= MOST_TOKENS:
        raise node.error(f"{len(vocab):,} tokens, allowed are 1 to {MOST_TOKENS:,}")
    seen = bytearray(len(vocab))
    for token, index in vocab.items():
        if type(index) is not int or not 0 <= index < len(vocab):
            raise node.error(
                f"the token {short(token)} has the id {short(index)}, "
                f"with {len(vocab):,} tokens 0 to {len(vocab) - 1:,} are allowed",
                "Ids must run from 0 without a gap.",
            )
        if seen[index]:
            raise node.error(f"two tokens have the id {index}, one is {short(token)}")
        seen[index] = 1
        if not token.isascii():
            Node(token, node.place).text_value()
    return vocab


def check_model(node: Node) -> set[str]:
    """Check the model and return its tokens."""
    kind = node.text("type", _guess_model(node.value))
    checks: dict[str, Callable[[Node], set[str]]] = {
        "WordPiece": _check_words_model,
        "WordLevel": _check_words_model,
        "BPE": _check_bpe,
        "Unigram": _check_unigram,
    }
    if kind not in checks:
        raise node.error(f"the model {short(kind)} is not one of {', '.join(checks)}")
    return checks[kind](node)


def check_added_tokens(node: Node, tokens: set[str]) -> int:
    """Check that added tokens are unique and get ids that leave no gap behind the model's.

    Returns
    -------
    int
        How many tokens there are, with those of the model.
    """
    if node.absent:
        return len(tokens)
    size, names, extra = len(tokens), set(), []
    for token in node.items(MOST_TOKENS):
        content, index = token.text("content"), token.count("id", most=2 * MOST_TOKENS)
        for flag in ("single_word", "lstrip", "rstrip", "normalized", "special"):
            token.flag(flag, False)
        if not content or content in names:
            raise token.error(f"the added token {short(content)} is empty or stands twice")
        names.add(content)
        if content not in tokens:
            extra.append(index)
    if sorted(extra) != list(range(size, size + len(extra))):
        raise node.error(
            f"{len(extra)} tokens outside the model have ids other than "
            f"{size:,} to {size + len(extra) - 1:,}"
        )
    return size + len(extra)


def _guess_model(value: Any) -> str | None:
    # files of before 2021 leave the type out
    if isinstance(value, dict) and "type" not in value:
        return "BPE" if "merges" in value else "WordPiece"
    return None


def _check_words_model(node: Node) -> set[str]:
    vocab = check_vocab(node.child("vocab"))
    node.text("continuing_subword_prefix", "")
    node.count("max_input_chars_per_word", 100, 1 << 20)
    unknown = node.text("unk_token", "")
    if unknown not in vocab:
        raise node.error(f"unk_token {short(unknown)} is not in the vocabulary")
    return set(vocab)


def _check_bpe(node: Node) -> set[str]:
    vocab = check_vocab(node.child("vocab"))
    for key in ("unk_token", "continuing_subword_prefix", "end_of_word_suffix"):
        node.text_or_none(key)
    for key in ("fuse_unk", "byte_fallback", "ignore_merges"):
        node.flag(key, False)
    if not node.child("dropout").absent and node.value["dropout"] != 0:
        raise node.child("dropout").error("ids must not be a matter of chance, null is allowed")
    read_merges(node, vocab)
    return set(vocab)


def read_merges(node: Node, vocab: dict[str, int]) -> list[tuple[int, int, int]]:
    """Return merges as (left, right, new) ids; every one must resolve."""
    prefix = len(node.text_or_none("continuing_subword_prefix") or "")
    rows = node.child("merges")
    rows.items(MOST_MERGES)  # a list of bounded length
    merges = []
    for i, row in enumerate(rows.value):
        try:
            left, right = row.split(" ") if isinstance(row, str) else row
            merges.append((vocab[left], vocab[right], vocab[left + right[prefix:]]))
        except (ValueError, TypeError, KeyError):
            raise _bad_merge(Node(row, f"{rows.place}[{i}]"), vocab, prefix) from None
    return merges


def _bad_merge(node: Node, vocab: dict[str, int], prefix: int) -> InputError:
    pair = node.value.split(" ") if isinstance(node.value, str) else node.value
    if not (isinstance(pair, list) and len(pair) == 2 and all(type(t) is str for t in pair)):
        return node.error(f"{short(node.value)}, two tokens are needed")
    tokens = (*pair, pair[0] + pair[1][prefix:])
    token = next(t for t in tokens if t not in vocab)
    return node.error(f"the token {short(token)} is not in the vocabulary")


def _check_unigram(node: Node) -> set[str]:
    tokens = set()
    for entry in node.child("vocab").items(MOST_TOKENS):
        if not (isinstance(entry.value, list) and len(entry.value) == 2):
            raise entry.error("a token and its score are needed")
        token, score = entry.value
        if not isinstance(score, int | float) or not abs(score) < 1e30:
            raise entry.error(f"the score {short(score)} is not a finite number")
        tokens.add(Node(token, entry.place).text_value())
    if len(tokens) != len(node.value["vocab"]) or not tokens:
        raise node.error("the vocabulary is empty or holds a token twice")
    if not node.child("unk_id").absent:
        node.count("unk_id", most=len(tokens) - 1)
    return tokens


def _check_part(
    node: Node, types: list[str], key: str, size: int, depth: int = MOST_NESTING
) -> None:
    """Check a part of the document; `size` is that of the vocabulary."""
    if node.absent:
        return
    if depth == 0:
        raise node.error(f"sequences nested more than {MOST_NESTING} deep")
    kind = node.text("type")
    if kind not in types:
        raise node.error(f"the type {short(kind)} is not one of {', '.join(types)}")
    if kind == "Sequence":
        for item in node.child(key).items(MOST_PARTS):
            _check_part(item, types, key, size, depth - 1)
    elif kind == "TemplateProcessing":
        _check_template(node, size)
    elif kind in ("BertProcessing", "RobertaProcessing"):
        for side in ("cls", "sep"):
            _check_named_id(node.child(side), size)
    else:
        _check_values(node)


def _check_values(node: Node) -> None:
    for key in node.value:
        child = node.child(key)
        value = child.value
        if key == "pattern" and isinstance(value, dict):
            if "Regex" in value and (reason := unsafe_reason(child.text("Regex"))):
                raise child.error(f"this regular expression is not allowed: {reason}")
        elif isinstance(value, str):
            child.text_value()
        elif isinstance(value, int) and not isinstance(value, bool):
            node.count(key)
        elif isinstance(value, dict):
            raise child.error("an object is not allowed here")
        elif isinstance(value, list) and len(value) > MOST_PARTS:
            raise child.error(f"{len(value):,} elements, at most {MOST_PARTS} are allowed")


def _check_template(node: Node, size: int) -> None:
    known = node.child("special_tokens")
    for shape, wanted in (("single", ["A"]), ("pair", ["A", "B"])):
        found = []
        for piece in node.child(shape).items(MOST_PARTS):
            special = piece.child("SpecialToken")
            part = piece.child("Sequence") if special.absent else special
            part.count("type_id", most=1 << 16)
            if special.absent:
                found.append(part.text("id"))
            else:
                _check_special(known.child(special.text("id")), size)
        if sorted(found) != wanted:
            names = " and ".join(wanted)
            raise node.child(shape).error(f"the sequences must be {names}, each once")


def _check_special(node: Node, size: int) -> None:
    ids = list(node.child("ids").items(MOST_PARTS))
    tokens = [t.text_value() for t in node.child("tokens").items(MOST_PARTS)]
    if len(ids) != len(tokens):
        raise node.error(f"{len(ids)} ids for {len(tokens)} tokens, as many are needed")
    for id in ids:
        _check_id(id, size)


def _check_named_id(node: Node, size: int) -> None:
    if not isinstance(node.value, list) or len(node.value) != 2:
        raise node.error("a token and its id are needed")
    token, id = node.items(2)
    token.text_value()
    _check_id(id, size)


def _check_id(node: Node, size: int) -> None:
    """Refuse an id that the vocabulary does not have: it would be written among those of texts."""
    if type(node.value) is not int or not 0 <= node.value < size:
        raise node.error(f"{describe(node.value)}, an id from 0 to {size - 1:,} is needed")


def _check_growth(node: Node) -> None:
    growth = _growth(node)
    if growth > MOST_GROWTH:
        raise node.error(
            f"makes a text up to {growth:.3g} times as long, {MOST_GROWTH} times are allowed"
        )


def _growth(node: Node) -> float:
    """Bound how many times longer a normalizer can make a text."""
    if node.absent:
        return 1.0
    product = 1.0
    if node.value["type"] == "Sequence":
        for item in node.child("normalizers").items(MOST_PARTS):
            product *= _growth(item)
    elif node.value["type"] == "Replace":
        # an expression may match the empty string between any two characters
        product = max(1, len(node.text("content")) + ("Regex" in str(node.value.get("pattern"))))
    elif node.value["type"] == "Prepend":
        product = 1 + len(node.text("prepend"))
    return product


def _check_truncation(node: Node) -> None:
    if node.absent:
        return
    length, stride = node.count("max_length"), node.count("stride", 0)
    _one_of(node, "strategy", "LongestFirst", "OnlyFirst", "OnlySecond")
    _one_of(node, "direction", "Right", "Left")
    if stride and stride >= length:
        raise node.error(f"stride {stride} must be below max_length {length}")


def _check_padding(node: Node) -> None:
    if node.absent:
        return
    strategy = node.child("strategy")
    if strategy.value != "BatchLongest":
        strategy.count("Fixed", most=MOST_PADDING)
    if not node.child("pad_to_multiple_of").absent:
        node.count("pad_to_multiple_of", most=MOST_PADDING)
    _one_of(node, "direction", "Right", "Left")
    node.count("pad_id", 0)
    node.count("pad_type_id", 0)
    node.text("pad_token", "[PAD]")


def _one_of(node: Node, key: str, *allowed: str) -> None:
    if node.text(key, allowed[0]) not in allowed:
        raise node.child(key).error(f"allowed are {', '.join(allowed)}")
