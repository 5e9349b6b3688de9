"""Template, decoder, added tokens, truncation and padding, from and to `tokenizer.json`."""

from typing import Any

from tokpipe.tokenizer.node import MOST_ID, MOST_PARTS, MOST_TOKENS, Node, describe
from tokpipe.tokenizer.spec import (
    AddedToken,
    Decoder,
    DecoderKind,
    Padding,
    Piece,
    Template,
    Truncation,
)

_MOST_PADDING = 1 << 20  # ids of a text: more than any model takes
_STRATEGIES = {
    "LongestFirst": "longest_first",
    "OnlyFirst": "only_first",
    "OnlySecond": "only_second",
}


def bert_template(cls: tuple[str, int], sep: tuple[str, int], style: str = "template") -> Template:
    """Return ``[CLS] A [SEP]`` and ``[CLS] A [SEP] B [SEP]``, the second part of type 1."""
    first, end, end_b = _special(cls), _special(sep), _special(sep, 1)
    a, b = Piece("A", 0), Piece("B", 1)
    return Template((first, a, end), (first, a, end, b, end_b), style=style)


def roberta_template(
    cls: tuple[str, int], sep: tuple[str, int], trim: bool = True, trim_keeps_first: bool = True
) -> Template:
    """Return ``<s> A </s>`` and ``<s> A </s></s> B </s>``, all of type 0."""
    first, end, a, b = _special(cls), _special(sep), Piece("A", 0), Piece("B", 0)
    pair = (first, a, end, end, b, end)
    return Template((first, a, end), pair, trim, trim_keeps_first, style="roberta")


def _special(token: tuple[str, int], type_id: int = 0) -> Piece:
    return Piece("", type_id, (token[1],), (token[0],))


def template_from_json(node: Node, size: int = MOST_ID + 1) -> Template | None:
    """Return the post-processor as a template, or None where ours cannot say it.

    Raises
    ------
    FoundError
        If it is written wrongly, or names an id that a vocabulary of `size` tokens does not have.
    """
    if node.absent:
        return Template()
    kind = node.text("type")
    if kind == "BertProcessing":
        cls, sep = (_token(node.child(key), size) for key in ("cls", "sep"))
        return bert_template(cls, sep, "bert")
    if kind == "RobertaProcessing":
        trim, keeps = node.flag("trim_offsets", True), node.flag("add_prefix_space", True)
        cls, sep = (_token(node.child(key), size) for key in ("cls", "sep"))
        return roberta_template(cls, sep, trim, keeps)
    if kind == "ByteLevel":
        trim, keeps = node.flag("trim_offsets", True), node.flag("add_prefix_space", True)
        return Template(trim=trim, trim_keeps_first=keeps, style="byte-level")
    if kind == "TemplateProcessing":
        known = node.child("special_tokens")
        single = _pieces(node.child("single"), known, size, ["A"])
        pair = _pieces(node.child("pair"), known, size, ["A", "B"])
        return Template(single, pair, style="template")
    return None


def _token(node: Node, size: int) -> tuple[str, int]:
    if not isinstance(node.value, list) or len(node.value) != 2:
        raise node.error("a token and its id are needed")
    token, id = node.items(2)
    return token.text_value(), _id(id, size)


def _pieces(node: Node, known: Node, size: int, wanted: list[str]) -> tuple[Piece, ...]:
    pieces = []
    for item in node.items(MOST_PARTS):
        special = item.child("SpecialToken")
        part = item.child("Sequence") if special.absent else special
        type_id, name = part.count("type_id", most=1 << 16), part.text("id")
        if special.absent:
            pieces.append(Piece(name, type_id))
        else:
            pieces.append(Piece("", type_id, *_special_ids(known.child(name), size)))
    if sorted(piece.sequence for piece in pieces if piece.sequence) != wanted:
        raise node.error(f"the sequences must be {' and '.join(wanted)}, each once")
    return tuple(pieces)


def _special_ids(node: Node, size: int) -> tuple[tuple[int, ...], tuple[str, ...]]:
    ids = tuple(_id(id, size) for id in node.child("ids").items(MOST_PARTS))
    tokens = tuple(token.text_value() for token in node.child("tokens").items(MOST_PARTS))
    if len(ids) != len(tokens):
        raise node.error(f"{len(ids)} ids for {len(tokens)} tokens, as many are needed")
    return ids, tokens


def _id(node: Node, size: int) -> int:
    """Refuse an id that the vocabulary does not have: it would be written among those of texts."""
    if type(node.value) is not int or not 0 <= node.value < size:
        raise node.error(f"{describe(node.value)}, an id from 0 to {size - 1:,} is needed")
    return node.value


def template_to_json(template: Template) -> dict[str, Any] | None:
    """Write a template as the post-processor it came from."""
    trims = {"trim_offsets": template.trim, "add_prefix_space": template.trim_keeps_first}
    if template.style == "none":
        return None
    if template.style == "byte-level":
        first = trims.pop("add_prefix_space")
        return {"type": "ByteLevel", "add_prefix_space": first, **trims, "use_regex": True}
    if template.style in ("bert", "roberta"):
        first, last = template.single[0], template.single[-1]
        tokens = {"sep": [last.tokens[0], last.ids[0]], "cls": [first.tokens[0], first.ids[0]]}
        kind = {"bert": "BertProcessing", "roberta": "RobertaProcessing"}[template.style]
        return {"type": kind, **tokens, **(trims if template.style == "roberta" else {})}
    specials = [p for p in template.single + template.pair if not p.sequence]
    table = {
        p.tokens[0]: {"id": p.tokens[0], "ids": list(p.ids), "tokens": list(p.tokens)}
        for p in specials
    }
    return {
        "type": "TemplateProcessing",
        "single": [_piece_to_json(piece) for piece in template.single],
        "pair": [_piece_to_json(piece) for piece in template.pair],
        "special_tokens": {name: table[name] for name in sorted(table)},
    }


def _piece_to_json(piece: Piece) -> dict[str, Any]:
    if piece.sequence:
        return {"Sequence": {"id": piece.sequence, "type_id": piece.type_id}}
    return {"SpecialToken": {"id": piece.tokens[0], "type_id": piece.type_id}}


def decoder_from_json(node: Node) -> Decoder | None:
    """Return the decoder, or None where ours cannot say it."""
    if node.absent:
        return Decoder()
    kind = node.text("type")
    if kind == "WordPiece":
        cleanup = node.flag("cleanup", True)
        return Decoder(DecoderKind.WORDPIECE, node.text("prefix", "##"), cleanup)
    if kind == "BPEDecoder":
        return Decoder(DecoderKind.BPE, node.text("suffix", "</w>"))
    plain = {"ByteLevel": DecoderKind.BYTE_LEVEL, "Fuse": DecoderKind.FUSE}
    return Decoder(plain[kind]) if kind in plain else None


def decoder_to_json(decoder: Decoder) -> dict[str, Any] | None:
    """Write the decoder as `tokenizers` does."""
    level = {"add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    prefix = {"prefix": decoder.mark, "cleanup": decoder.cleanup}
    forms: dict[DecoderKind, dict[str, Any] | None] = {
        DecoderKind.WORDPIECE: {"type": "WordPiece", **prefix},
        DecoderKind.BYTE_LEVEL: {"type": "ByteLevel", **level},
        DecoderKind.BPE: {"type": "BPEDecoder", "suffix": decoder.mark},
        DecoderKind.FUSE: {"type": "Fuse"},
        DecoderKind.NONE: None,
    }
    return forms[decoder.kind]


def added_tokens_from_json(node: Node) -> tuple[AddedToken, ...]:
    """Return the added tokens in the order of the file, each once, without empty ones."""
    flags = ("special", "normalized", "single_word", "lstrip", "rstrip")
    found: dict[str, AddedToken] = {}
    for token in () if node.absent else node.items(MOST_TOKENS):
        content, set_flags = token.text("content"), {f: token.flag(f, False) for f in flags}
        if content:
            found.setdefault(content, AddedToken(token.count("id"), content, **set_flags))
    return tuple(found.values())


def added_token_to_json(token: AddedToken) -> dict[str, Any]:
    """Write an added token with its keys in the order that `tokenizers` uses."""
    keys = ("id", "content", "single_word", "lstrip", "rstrip", "normalized", "special")
    return {key: getattr(token, key) for key in keys}


def truncation_from_json(node: Node) -> Truncation | None:
    """Return the truncation that the file asks for, if any."""
    if node.absent:
        return None
    length, stride = node.count("max_length"), node.count("stride", 0)
    if stride and stride >= length:
        raise node.error(f"stride {stride} must be below max_length {length}")
    strategy = _STRATEGIES[node.choice("strategy", *_STRATEGIES)]
    return Truncation(length, strategy, stride or None, _direction(node))


def _direction(node: Node) -> str:
    return node.choice("direction", "Right", "Left").lower()


def truncation_to_json(truncation: Truncation | None) -> dict[str, Any] | None:
    """Write truncation as `tokenizers` does."""
    if truncation is None:
        return None
    strategy = next(k for k, v in _STRATEGIES.items() if v == truncation.strategy)
    return {
        "direction": truncation.direction.capitalize(),
        "max_length": truncation.max_length,
        "strategy": strategy,
        "stride": truncation.stride or 0,
    }


def padding_from_json(node: Node, size: int = MOST_ID + 1) -> Padding | None:
    """Return the padding that the file asks for, if any.

    Raises
    ------
    FoundError
        If it is written wrongly, or fills with an id that a vocabulary of `size` tokens has not.
    """
    if node.absent:
        return None
    strategy, multiple = node.child("strategy"), node.child("pad_to_multiple_of")
    is_longest = strategy.value == "BatchLongest"
    return Padding(
        None if is_longest else strategy.count("Fixed", most=_MOST_PADDING),
        node.count("pad_id", 0, size - 1),
        node.count("pad_type_id", 0),
        node.text("pad_token", "[PAD]"),
        None if multiple.absent else node.count("pad_to_multiple_of", most=_MOST_PADDING),
        _direction(node),
    )


def padding_to_json(padding: Padding | None) -> dict[str, Any] | None:
    """Write padding as `tokenizers` does."""
    if padding is None:
        return None
    return {
        "strategy": "BatchLongest" if padding.length is None else {"Fixed": padding.length},
        "direction": padding.direction.capitalize(),
        "pad_to_multiple_of": padding.multiple_of,
        "pad_id": padding.pad_id,
        "pad_type_id": padding.pad_type_id,
        "pad_token": padding.pad_token,
    }
