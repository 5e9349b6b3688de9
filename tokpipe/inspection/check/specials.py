"""Special tokens: there, known as special, with one id in all files that name them."""

from collections.abc import Iterator, Mapping
from typing import Any

from tokpipe.inspection.check.finding import ERROR, WARNING, Finding, quoted
from tokpipe.inspection.source import Source

ROLES = ("unk_token", "pad_token", "cls_token", "sep_token", "mask_token", "bos_token", "eos_token")
_BERT_ROLES = ROLES[:5]
_FILES = ("tokenizer_config.json", "special_tokens_map.json")


def check_specials(source: Source, files: Mapping[str, Any]) -> Iterator[Finding]:
    """Compare what the vocabulary and the JSON files beside it say of special tokens."""
    yield from _unknown_token(source)
    yield from _post_processor(source)
    yield from _padding(source)
    roles = {name: _roles(files[name]) for name in _FILES if name in files}
    for name, named in roles.items():
        yield from _check_roles(source, name, named)
    yield from _disagreement(roles)
    yield from _decoder_table(source, files.get("tokenizer_config.json"))
    if roles and source.model == "wordpiece":
        yield from _absent_roles(roles)


def _unknown_token(source: Source) -> Iterator[Finding]:
    token = source.unk_token
    if token and token not in source.ids and source.model in ("bpe", "byte-bpe"):
        yield Finding(
            ERROR,
            f"{source.path.name}: model.unk_token",
            f"{quoted(token)} is not in the vocabulary: the first unknown word raises an error",
            f"Add {quoted(token)} to the vocabulary, or name the token that stands for it.",
        )


def _post_processor(source: Source) -> Iterator[Finding]:
    for part in source.step_parts("post_processor"):
        for token, id in _placed(part):
            yield from _expect(source, f"{source.path.name}: post_processor", token, id)


def _placed(part: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield token and id of every special token that a post-processor places."""
    for name in ("sep", "cls"):
        pair = part.get(name)
        if isinstance(pair, list) and len(pair) == 2:
            yield pair[0], pair[1]
    table = part.get("special_tokens")
    for entry in table.values() if isinstance(table, dict) else ():
        if isinstance(entry, dict):
            tokens, ids = entry.get("tokens"), entry.get("ids")
            if isinstance(tokens, list) and isinstance(ids, list):
                yield from zip(tokens, ids, strict=False)


def _padding(source: Source) -> Iterator[Finding]:
    padding = source.steps.get("padding")
    if isinstance(padding, dict):
        token, id = padding.get("pad_token"), padding.get("pad_id")
        yield from _expect(source, f"{source.path.name}: padding", token, id)


def _expect(source: Source, place: str, token: Any, id: Any) -> Iterator[Finding]:
    if not isinstance(token, str) or token not in source.ids:
        yield Finding(ERROR, place, f"{quoted(str(token))} is not in the vocabulary")
    elif source.ids[token] != id:
        yield Finding(
            ERROR,
            place,
            f"{quoted(token)} has the id {id}, in the vocabulary it has {source.ids[token]}",
            "Correct the id; as it is, another token stands in its place.",
        )


def _roles(content: Any) -> dict[str, str]:
    """Return role to token; a token is written as a string or as an object with its content."""
    found: dict[str, str] = {}
    for role in ROLES:
        value = content.get(role) if isinstance(content, dict) else None
        value = value.get("content") if isinstance(value, dict) else value
        if isinstance(value, str):
            found[role] = value
    return found


def _check_roles(source: Source, name: str, roles: Mapping[str, str]) -> Iterator[Finding]:
    for role, token in roles.items():
        if token not in source.ids:
            yield Finding(
                ERROR,
                f"{name}: {role}",
                f"{quoted(token)} is not in the vocabulary",
                "transformers would add it with a new id that the model has no embedding for.",
            )
        elif token not in source.special_tokens:
            yield Finding(
                WARNING,
                f"{name}: {role}",
                f"{quoted(token)} is not special in {source.path.name}: it is cut like other text",
                "List it under added_tokens with special true.",
            )
        if role == "unk_token" and source.unk_token and token != source.unk_token:
            yield Finding(
                ERROR,
                f"{name}: {role}",
                f"{quoted(token)} here, {quoted(source.unk_token)} in {source.path.name}",
            )


def _disagreement(roles: Mapping[str, Mapping[str, str]]) -> Iterator[Finding]:
    first, second = (roles.get(name, {}) for name in _FILES)
    for role in ROLES:
        if role in first and role in second and first[role] != second[role]:
            yield Finding(
                ERROR,
                f"{_FILES[1]}: {role}",
                f"{quoted(second[role])} here, {quoted(first[role])} in {_FILES[0]}",
            )


def _decoder_table(source: Source, config: Any) -> Iterator[Finding]:
    table = config.get("added_tokens_decoder") if isinstance(config, dict) else None
    for key, entry in table.items() if isinstance(table, dict) else ():
        content = entry.get("content") if isinstance(entry, dict) else None
        id = int(key) if str(key).isdecimal() else -1
        place = "tokenizer_config.json: added_tokens_decoder"
        yield from _expect(source, place, content, id)


def _absent_roles(roles: Mapping[str, Mapping[str, str]]) -> Iterator[Finding]:
    named = {role for file in roles.values() for role in file}
    for role in _BERT_ROLES:
        if role not in named:
            yield Finding(
                WARNING,
                f"{next(iter(roles))}: {role}",
                "there is none",
                "BERT needs it; pretraining, padding and pairs fail without.",
            )
