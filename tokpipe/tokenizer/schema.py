"""Our own check of a stranger's `tokenizer.json`, before any library sees it.

Elsewhere such a file can abort the process (deep nesting), fill the memory (padding to 2^31),
or hang it (exponential expressions, replacements that double the text forty times). Everything
that has a size is bounded here, every name must be known, and no id may have two tokens. What is
only wasteful (ids with holes, tokens that stand twice) is a warning, and the file is opened.
"""

from collections import Counter
from typing import Any

from tokpipe.foundation.sizes import plural
from tokpipe.tokenizer.findings import Finding, Findings
from tokpipe.tokenizer.guarded_json import JsonObject
from tokpipe.tokenizer.node import MOST_ID, MOST_PARTS, MOST_TOKENS, Node, describe, short
from tokpipe.tokenizer.parts_json import (
    padding_from_json,
    template_from_json,
    truncation_from_json,
)
from tokpipe.tokenizer.regex_safety import unsafe_reason

MOST_MERGES = 1_000_000  # one a token
MOST_NESTING = 4  # sequences in sequences; files in use have 2
MOST_GROWTH = 256  # how many times longer a normalizer may make a text
_MOST_NAMED = 10  # faults of one kind that are named each

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


def check_document(document: Any, name: str) -> Findings:
    """Check a parsed `tokenizer.json`.

    Returns
    -------
    Findings
        Each with the place, what was found and what is allowed. Without an error among them,
        `document.spec_from_document` and the `tokenizers` library can read it.
    """
    root, found = Node(document, f"{name}:"), Findings()
    if not isinstance(document, dict) or "model" not in document:
        found.append(
            root.error(f"{describe(document)} without a model, a tokenizer.json is needed").finding
        )
        return found
    for key in document:
        if key not in _KEYS:
            found.append(root.error(f"unknown key {short(key)}").finding)
    ids: dict[str, int] = {}
    with found.collect():
        ids = check_model(root.child("model"), found)
    with found.collect():
        ids = check_added_tokens(root.child("added_tokens"), ids, found)
    found += _holes(root.child("model"), ids)
    size = 1 + max(ids.values(), default=-1)
    for part, (types, key) in _PARTS.items():
        with found.collect():
            _check_part(root.child(part), types.split(), key, size)
            if part == "normalizer":
                _check_growth(root.child(part))
    with found.collect():
        truncation_from_json(root.child("truncation"))
    with found.collect():
        padding_from_json(root.child("padding"), size)
    return found


def check_model(node: Node, found: Findings) -> dict[str, int]:
    """Check the model and return its tokens with their ids."""
    kind = node.text("type", guess_model(node.value))
    if kind == "Unigram":
        return _check_unigram(node)
    if kind not in ("WordPiece", "WordLevel", "BPE"):
        raise node.error(
            f"the model {short(kind)} is not one of WordPiece, WordLevel, BPE, Unigram"
        )
    ids = check_vocab(node.child("vocab"), found)
    with found.collect():
        if kind == "BPE":
            _check_bpe(node, ids, found)
        else:
            _check_words_model(node, ids, found)
    return ids


def check_vocab(node: Node, found: Findings) -> dict[str, int]:
    """Check a mapping of tokens to ids and return it, without what is wrong with it."""
    vocab = node.value
    if not isinstance(vocab, dict):
        raise node.error(f"{describe(vocab)}, an object of tokens and ids is needed")
    if len(vocab) > MOST_TOKENS:
        raise node.error(f"{len(vocab):,} tokens, at most {MOST_TOKENS:,} are allowed")
    wrong = [t for t, id in vocab.items() if type(id) is not int or not 0 <= id <= MOST_ID]
    ids = {t: id for t, id in vocab.items() if t not in set(wrong)} if wrong else vocab
    problems = [
        node.error(
            f"the token {short(token)} has the id {short(vocab[token])}, "
            f"whole numbers from 0 to {MOST_ID:,} are allowed"
        ).finding
        for token in wrong
    ]
    found += _first(problems, node)
    found += _first(_shared(ids, node), node)
    found += _first(_repeated(vocab, node), node)
    with found.collect():
        for token in ids:
            if not token.isascii():
                Node(token, node.place).text_value()
    return ids


def _first(problems: list[Finding], node: Node) -> list[Finding]:
    """Return the first of many problems of one kind, and how many more there are."""
    more = len(problems) - _MOST_NAMED
    if more <= 0:
        return problems
    rest = Finding(problems[0].level, node.place, f"{plural(more, 'more fault')} of this kind")
    return [*problems[:_MOST_NAMED], rest]


def _shared(ids: dict[str, int], node: Node) -> list[Finding]:
    if len(set(ids.values())) == len(ids):
        return []
    times = Counter(ids.values())
    tokens: dict[int, list[str]] = {}
    for token, id in ids.items():
        if times[id] > 1:
            tokens.setdefault(id, []).append(token)
    return [
        node.error(
            f"the id {id} belongs to {len(names)} tokens: {', '.join(map(short, names[:5]))}"
        ).finding
        for id, names in sorted(tokens.items())
    ]


def _repeated(vocab: dict[str, int], node: Node) -> list[Finding]:
    """Name the tokens that stand twice; readers take the last."""
    if not isinstance(vocab, JsonObject):
        return []
    ids: dict[str, list[Any]] = {}
    for token, id in vocab.repeated:
        ids.setdefault(token, []).append(id)
    return [
        node.warning(
            f"the token {short(token)} stands {len(found)} times, with the ids "
            f"{', '.join(map(short, found[:5]))}",
            "Readers keep the last; the other ids are never produced.",
        )
        for token, found in ids.items()
        if len(found) > 1
    ]


def _holes(node: Node, ids: dict[str, int]) -> list[Finding]:
    used = set(ids.values())
    largest = max(used, default=-1)
    missing = largest + 1 - len(used)
    if not missing:
        return []
    first = next(id for id in range(largest + 1) if id not in used)
    return [
        node.warning(
            f"ids run to {largest:,} but {missing:,} of them belong to no token, the first is "
            f"{first:,}",
            "Embeddings need a row for each id up to the largest; number the tokens densely.",
        )
    ]


def check_added_tokens(node: Node, ids: dict[str, int], found: Findings) -> dict[str, int]:
    """Check that no added token contradicts the model's, or another one.

    Returns
    -------
    dict
        Tokens and ids of the model and of the added tokens.
    """
    whole = dict(ids)
    owners = {id: token for token, id in ids.items()}
    added: set[str] = set()
    for token in () if node.absent else node.items(MOST_TOKENS):
        with found.collect():
            content, id = token.text("content"), token.count("id", most=MOST_ID)
            for flag in ("single_word", "lstrip", "rstrip", "normalized", "special"):
                token.flag(flag, False)
            found += added_token_findings(token, (content, id), whole, owners, content in added)
            added.add(content)
    if not whole:
        raise Node(None, node.place.removesuffix(".added_tokens")).error(
            "0 tokens, a tokenizer needs at least one"
        )
    return whole


def added_token_findings(
    node: Node,
    token: tuple[str, int],
    ids: dict[str, int],
    owners: dict[int, str],
    again: bool = False,
) -> list[Finding]:
    """Hold an added token against those there are, to which it is added if it is none of them."""
    content, id = token
    if not content:
        return [node.warning("the added token is empty: nothing can be found as it")]
    if ids.setdefault(content, id) != id:
        other = "before" if again else "in the vocabulary"
        problem = f"{short(content)} has the id {id}, {other} it has {ids[content]}"
        return [node.error(problem, "Which of the two is meant? Correct the other.").finding]
    if owners.setdefault(id, content) != content:
        problem = f"{short(content)} has the id {id}, which is that of {short(owners[id])}"
        return [node.error(problem).finding]
    return [node.warning(f"the added token {short(content)} stands twice")] if again else []


def guess_model(value: Any) -> str | None:
    """Return the type of a model that does not say it: files of before 2021."""
    if isinstance(value, dict) and "type" not in value:
        return "BPE" if "merges" in value else "WordPiece"
    return None


def _check_words_model(node: Node, ids: dict[str, int], found: Findings) -> None:
    node.text("continuing_subword_prefix", "")
    node.count("max_input_chars_per_word", 100, 1 << 20)
    unknown = node.text("unk_token", "[UNK]")
    if unknown not in ids:
        found.append(
            node.warning(
                f"unk_token {short(unknown)} is not in the vocabulary: an unknown word is an error",
                f"Add {short(unknown)} to the vocabulary, or name the token that stands for it.",
            )
        )


def _check_bpe(node: Node, ids: dict[str, int], found: Findings) -> None:
    for key in ("unk_token", "continuing_subword_prefix", "end_of_word_suffix"):
        node.text_or_none(key)
    for key in ("fuse_unk", "byte_fallback", "ignore_merges"):
        node.flag(key, False)
    dropout = node.child("dropout")
    if not dropout.absent and dropout.value != 0:
        raise dropout.error("ids must not be a matter of chance, null is allowed")
    found += _first(read_merges(node, ids)[1], node)


Merge = tuple[int, int, int]  # left, right and new id


def read_merges(node: Node, ids: dict[str, int]) -> tuple[list[Merge], list[Finding]]:
    """Return the merges as ids, and those that lead nowhere as findings."""
    prefix = len(node.text_or_none("continuing_subword_prefix") or "")
    rows = node.child("merges")
    rows.items(MOST_MERGES)  # a list of bounded length
    merges: list[Merge] = []
    wrong: list[Finding] = []
    for i, row in enumerate(rows.value):
        try:
            left, right = row.split(" ") if isinstance(row, str) else row
            merges.append((ids[left], ids[right], ids[left + right[prefix:]]))
        except (ValueError, TypeError, KeyError):
            wrong.append(_bad_merge(Node(row, f"{rows.place}[{i}]"), ids, prefix))
    return merges, wrong


def _bad_merge(node: Node, ids: dict[str, int], prefix: int) -> Finding:
    pair = node.value.split(" ") if isinstance(node.value, str) else node.value
    if not (isinstance(pair, list) and len(pair) == 2 and all(type(t) is str for t in pair)):
        return node.error(f"{short(node.value)}, two tokens are needed").finding
    tokens = (*pair, pair[0] + pair[1][prefix:])
    token = next(t for t in tokens if t not in ids)
    return node.error(
        f"({short(pair[0])}, {short(pair[1])}): the token {short(token)} is not in the vocabulary"
    ).finding


def _check_unigram(node: Node) -> dict[str, int]:
    ids: dict[str, int] = {}
    for i, entry in enumerate(node.child("vocab").items(MOST_TOKENS)):
        if not (isinstance(entry.value, list) and len(entry.value) == 2):
            raise entry.error("a token and its score are needed")
        token, score = entry.value
        if type(score) not in (int, float) or not abs(score) < 1e30:
            raise entry.error(f"the score {short(score)} is not a finite number")
        ids[Node(token, entry.place).text_value()] = i
    if len(ids) != len(node.value["vocab"]) or not ids:
        raise node.error("the vocabulary is empty or holds a token twice")
    if not node.child("unk_id").absent:
        node.count("unk_id", most=len(ids) - 1)
    return ids


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
    elif kind.endswith("Processing"):
        template_from_json(node, size)
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
