"""Tokenizer folders for tests: sound ones, to be broken in one place each."""

import json
from pathlib import Path
from typing import Any

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES = ["a", "b", "h", "u", "g", "##a", "##b", "##u", "##g", "##s", "hug", "##ug", ".", "東"]
WORDPIECE = SPECIALS + PIECES

ROLES = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}


def added(tokens: list[str]) -> list[dict[str, Any]]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return [
        {"id": id, "content": token, **flags, "special": True} for id, token in enumerate(tokens)
    ]


def wordpiece(tokens: list[str] = WORDPIECE) -> dict[str, Any]:
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added(SPECIALS),
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": False,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {token: id for id, token in enumerate(tokens)},
        },
    }


def bpe() -> dict[str, Any]:
    tokens = ["<unk>", "a", "b", "c", "ab", "abc"]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added(["<unk>"]),
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: id for id, token in enumerate(tokens)},
            "merges": [["a", "b"], ["ab", "c"]],
        },
    }


def write(folder: Path, content: dict[str, Any], **files: Any) -> Path:
    """Write a tokenizer.json and other files: JSON for objects, text as it is."""
    folder.mkdir(exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(content))
    for name, value in files.items():
        text = value if isinstance(value, str) else json.dumps(value)
        ending = "txt" if isinstance(value, str) else "json"
        (folder / f"{name}.{ending}").write_text(text)
    return folder
