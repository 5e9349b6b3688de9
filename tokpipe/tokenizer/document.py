"""A whole `tokenizer.json`: checked document to `Spec`, and `Spec` to document."""

import json
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any

import numpy as np

from tokpipe.tokenizer.node import Node
from tokpipe.tokenizer.parts_json import (
    added_token_to_json,
    added_tokens_from_json,
    decoder_from_json,
    decoder_to_json,
    padding_from_json,
    padding_to_json,
    template_from_json,
    template_to_json,
    truncation_from_json,
    truncation_to_json,
)
from tokpipe.tokenizer.spec import ModelKind, Spec
from tokpipe.tokenizer.words_json import (
    normalizer_to_json,
    pre_tokenizer_to_json,
    words_from_json,
)
from tokpipe.vocab.vocabulary import CHAR_TO_BYTE


def spec_from_document(root: Node) -> Spec | None:
    """Return what a checked document means, or None where only its own library can run it."""
    words = words_from_json(root.child("normalizer"), root.child("pre_tokenizer"))
    template = template_from_json(root.child("post_processor"))
    decoder = decoder_from_json(root.child("decoder"))
    model = root.child("model")
    if words is None or template is None or decoder is None:
        return None
    fields = _model_fields(model, words.pre_tokenizer == "gpt2")
    if fields is None:
        return None
    return Spec(
        words=words,
        template=template,
        decoder=decoder,
        added_tokens=added_tokens_from_json(root.child("added_tokens")),
        truncation=truncation_from_json(root.child("truncation")),
        padding=padding_from_json(root.child("padding")),
        **fields,
    )


def _model_fields(model: Node, is_bytes: bool) -> dict[str, Any] | None:
    from tokpipe.tokenizer.schema import guess_model, read_merges  # which writing does without

    kind = model.text("type", guess_model(model.value))
    if kind == "WordPiece" and not is_bytes:
        return {
            "model": ModelKind.WORDPIECE,
            "tokens": tokens_by_id(model.value["vocab"]),
            "merges": np.zeros((0, 3), np.int32),
            "unk_token": model.text("unk_token", "[UNK]"),
            "continuing_subword_prefix": model.text("continuing_subword_prefix", "##"),
            "max_input_chars_per_word": model.count("max_input_chars_per_word", 100),
        }
    if kind != "BPE" or model.flag("byte_fallback", False):
        return None
    prefix = model.text_or_none("continuing_subword_prefix") or ""
    suffix = model.text_or_none("end_of_word_suffix") or ""
    unknown = model.text_or_none("unk_token")
    unknown_is_token = unknown is None or unknown in model.value["vocab"]
    if not unknown_is_token or (is_bytes and (prefix or suffix)):
        return None
    merges, _ = read_merges(model, model.value["vocab"])
    return {
        "model": ModelKind.BYTE_BPE if is_bytes else ModelKind.BPE,
        "tokens": tokens_by_id(model.value["vocab"]),
        "merges": np.array(merges, np.int32).reshape(-1, 3),
        "unk_token": unknown,
        "continuing_subword_prefix": prefix,
        "end_of_word_suffix": suffix,
        "fuse_unk": model.flag("fuse_unk", False),
        "ignore_merges": model.flag("ignore_merges", False),
    }


def tokens_by_id(ids: Mapping[str, int]) -> list[str]:
    """Return a list in which each token stands at its id, and "" where no token has the id.

    Examples
    --------
    >>> tokens_by_id({"b": 3, "a": 0})
    ['a', '', '', 'b']
    """
    tokens = [""] * (1 + max(ids.values(), default=-1))
    for token, id in ids.items():
        tokens[id] = token
    return tokens


def document_bytes(spec: Spec) -> bytes:
    """Write `tokenizer.json`, indented by two as `tokenizers` saves it.

    `json.dumps` is slow where it indents (0.5 s for GPT-2's), so the two long parts are written by
    hand and put into the places that it left empty; inside a string the quotes would be escaped.
    """
    text = json.dumps(document_from_spec(spec), indent=2, ensure_ascii=False)
    quoted = [encode_basestring(token) for token in spec.tokens]
    rows = [f"      {shown}: {i}" for i, shown in enumerate(quoted) if spec.tokens[i]]
    if rows:
        vocab = ",\n".join(rows)
        text = text.replace('"vocab": {}', f'"vocab": {{\n{vocab}\n    }}')
    if len(spec.merges):
        left, right = (map(quoted.__getitem__, side.tolist()) for side in spec.merges.T[:2])
        pairs = map(",\n        ".join, zip(left, right, strict=True))
        merges = "\n      ],\n      [\n        ".join(pairs)
        text = text.replace(
            '"merges": []', f'"merges": [\n      [\n        {merges}\n      ]\n    ]'
        )
    return f"{text}\n".encode()


def document_from_spec(spec: Spec) -> dict[str, Any]:
    """Return a tokenizer in the form, and the order of keys, of `tokenizers`.

    Vocabulary and merges are left empty: `document_bytes` writes them.
    """
    return {
        "version": "1.0",
        "truncation": truncation_to_json(spec.truncation),
        "padding": padding_to_json(spec.padding),
        "added_tokens": [
            added_token_to_json(token) for token in sorted(spec.added_tokens, key=lambda t: t.id)
        ],
        "normalizer": normalizer_to_json(spec.words),
        "pre_tokenizer": pre_tokenizer_to_json(spec.words),
        "post_processor": template_to_json(spec.template),
        "decoder": decoder_to_json(spec.decoder),
        "model": _model_to_json(spec),
    }


def _model_to_json(spec: Spec) -> dict[str, Any]:
    if spec.model is ModelKind.WORDPIECE:
        return {
            "type": "WordPiece",
            "unk_token": spec.unk_token,
            "continuing_subword_prefix": spec.continuing_subword_prefix,
            "max_input_chars_per_word": spec.max_input_chars_per_word,
            "vocab": {},
        }
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": spec.unk_token,
        "continuing_subword_prefix": spec.continuing_subword_prefix or None,
        "end_of_word_suffix": spec.end_of_word_suffix or None,
        "fuse_unk": spec.fuse_unk,
        "byte_fallback": False,
        "ignore_merges": spec.ignore_merges,
        "vocab": {},
        "merges": [],
    }


def byte_form(token: str) -> bytes | None:
    r"""Return the bytes that a printable byte-level token stands for, or None if it is none.

    Examples
    --------
    >>> byte_form("Ġå"), byte_form("日")
    (b' \xe5', None)
    """
    if any(char not in CHAR_TO_BYTE for char in token):
        return None
    return bytes(CHAR_TO_BYTE[char] for char in token)
