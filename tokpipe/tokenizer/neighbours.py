"""The files beside a vocabulary that change its ids, read as `transformers` reads them.

==========================  =====================================================================
file                        what of it counts
==========================  =====================================================================
``tokenizer_config.json``   ``added_tokens_decoder``, special tokens by role,
                            ``extra_special_tokens`` (once ``additional_special_tokens``); beside
                            bare vocabularies casing, accents, Chinese, the prefix space
``special_tokens_map.json`` special tokens by role, unless there is an ``added_tokens_decoder``
``added_tokens.json``       tokens and ids, unless there is an ``added_tokens_decoder``
==========================  =====================================================================

References
----------
transformers 5, `PreTrainedTokenizerBase._from_pretrained` and `TokenizersBackend.__init__`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tokpipe.foundation.errors import InputError
from tokpipe.tokenizer.findings import ERROR, Finding, Findings
from tokpipe.tokenizer.guarded_json import read_json
from tokpipe.tokenizer.node import MOST_ID, MOST_TOKENS, Node, describe, short
from tokpipe.tokenizer.spec import AddedToken
from tokpipe.words.config import WordsConfig

CONFIG, ROLES, ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
ROLE_NAMES = tuple(f"{r}_token" for r in ("bos", "eos", "unk", "sep", "pad", "cls", "mask"))
_MOST_BYTES = 8 << 20  # chat templates and 3,000 added tokens make 600 kB
_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")
_NO_ID = -1  # the file says none; an id is 0 or more


@dataclass(slots=True)
class Neighbours:
    """What stands beside a vocabulary."""

    # which token has which role; a file that is read later wins
    roles: dict[str, str] = field(default_factory=dict)
    # tokens to add, in order, each with the place where it is asked for; the id -1 is the next free
    # one
    tokens: dict[str, tuple[Node, AddedToken]] = field(default_factory=dict)
    # ``tokenizer_config.json``, or an empty object
    config: Node = field(default_factory=lambda: Node({}, CONFIG))

    def add(self, node: Node, token: AddedToken) -> None:
        """Take a token, unless it was asked for before."""
        if token.content and token.content not in self.tokens:
            self.tokens[token.content] = node, token

    def take_role(self, content: str, *, takes_space: bool) -> None:
        """Take a special token of a role; one that is described by an object stays as it is."""
        plain = AddedToken(_NO_ID, content, normalized=False, lstrip=takes_space)
        node, _ = self.tokens.get(content, (None, plain))
        if node is None or isinstance(node.value, str):
            self.tokens[content] = self.config, plain

    def words(self, words: WordsConfig) -> WordsConfig:
        """Return settings of words with what the configuration says of them.

        Raises
        ------
        FoundError
            If it says something else than true, false or null.
        """
        config, changed = self.config, words
        if words.pre_tokenizer == "gpt2":
            prefix = config.flag("add_prefix_space", words.add_prefix_space)
            return replace(words, add_prefix_space=prefix)
        if not config.child("do_lower_case").absent:
            lowercase = config.flag("do_lower_case")
            changed = replace(changed, lowercase=lowercase, strip_accents=lowercase)
        if not config.child("strip_accents").absent:
            changed = replace(changed, strip_accents=config.flag("strip_accents"))
        chinese = config.flag("tokenize_chinese_chars", words.handle_chinese_chars)
        return replace(changed, handle_chinese_chars=chinese)

    def described(self, entry: dict[str, Any], ids: Mapping[str, int]) -> dict[str, Any] | None:
        """Return an added token as an object beside it says; None: it says another id."""
        node, token = self.tokens.get(entry["content"], (Node(None, ""), None))
        if token is None or not isinstance(node.value, dict):
            return entry
        if token.id not in (_NO_ID, ids.get(token.content, token.id)):
            return None
        return entry | {flag: getattr(token, flag) for flag in _FLAGS}

    def added(self, ids: Mapping[str, int], is_added: Iterable[str]) -> list[dict[str, Any]]:
        """Return the tokens to add as entries of `added_tokens`.

        Parameters
        ----------
        ids
            Tokens and ids of the model and of the added tokens that there are.
        is_added
            Those that are added tokens already; here they are only compared.
        """
        added, entries = set(is_added), []
        free = 1 + max(
            [*ids.values(), *(token.id for _, token in self.tokens.values())], default=-1
        )
        for content, (_, token) in self.tokens.items():
            id = token.id if token.id != _NO_ID else ids.get(content, _NO_ID)
            if id == _NO_ID:
                id, free = free, free + 1
            if content not in added or ids[content] != id:
                flags = {flag: getattr(token, flag) for flag in _FLAGS}
                entries.append({"id": id, "content": content, **flags})
        return entries


def read_neighbours(folder: Path, found: Findings) -> Neighbours:
    """Read the files beside a vocabulary; what is wrong with them is found."""
    beside = Neighbours()
    files = {name: read_beside(folder / name, found) for name in (CONFIG, ROLES, ADDED)}
    beside.config = config = files[CONFIG]
    decoder = config.child("added_tokens_decoder")
    sources = [config] if not decoder.absent else [config, files[ROLES]]
    with found.collect():
        for source in sources:
            beside.roles |= {
                role: _token(source.child(role)).content
                for role in ROLE_NAMES
                if not source.child(role).absent
            }
        if decoder.absent:
            _take_added(files[ADDED], beside, _special_names(sources, beside))
        else:
            _take_decoder(decoder, beside)
        for role in ROLE_NAMES:
            for source in reversed(sources):
                node = source.child(role)
                if not node.absent:
                    beside.add(node, _token(node))
                    break
        for node in _extra_nodes(sources):
            beside.add(node, _token(node))
    return beside


def read_beside(path: Path, findings: Findings) -> Node:
    """Read a file that holds an object; an empty one where there is none. Faults are found."""
    node = Node({}, f"{path}:")
    if not path.is_file():
        return node
    try:
        content = read_json(path, _MOST_BYTES)
    except InputError as error:
        problem = error.problem.removeprefix(f"{path}: ")
        findings.append(Finding(ERROR, str(path), problem, error.hint))
        return node
    if not isinstance(content, dict):
        findings.append(node.error(f"{describe(content)}, an object is needed").finding)
        return node
    return Node(content, node.place)


def _token(node: Node, id: int = _NO_ID, *, special: bool = True) -> AddedToken:
    """Read a token that is written as a string, or as an object with its content."""
    if not isinstance(node.value, dict):
        return AddedToken(id, node.text_value(), special, normalized=not special)
    special = node.flag("special", special)
    flags = {flag: node.flag(flag, False) for flag in ("single_word", "lstrip", "rstrip")}
    normalized = node.flag("normalized", not special)
    return AddedToken(id, node.text("content"), special, normalized, **flags)


def _take_decoder(decoder: Node, beside: Neighbours) -> None:
    if not isinstance(decoder.value, dict):
        raise decoder.error(f"{describe(decoder.value)}, an object of ids and tokens is needed")
    tokens = []
    for key in decoder.value:
        node = decoder.child(key)
        if not (key.isascii() and key.isdecimal() and len(key) < 10 and int(key) <= MOST_ID):
            raise node.error(f"the key {short(key)} is no id from 0 to {MOST_ID:,}")
        tokens.append((int(key), node))
    for id, node in sorted(tokens, key=lambda item: item[0]):
        beside.add(node, _token(node, id, special=False))


def _take_added(added: Node, beside: Neighbours, special: set[str]) -> None:
    if len(added.value) > MOST_TOKENS:
        raise added.error(f"{len(added.value):,} tokens, at most {MOST_TOKENS:,} are allowed")
    ids = {content: added.count(content, most=MOST_ID) for content in added.value}
    for content, id in sorted(ids.items(), key=lambda item: item[1]):
        text = Node(content, f"{added.place} {short(content)}").text_value()
        is_special = text in special
        beside.add(added, AddedToken(id, text, is_special, normalized=not is_special))


def _extra_nodes(sources: Iterable[Node]) -> list[Node]:
    """Return the tokens without a role; the old name counts where the new one has no list."""
    named: list[Node] = []
    listed: list[Node] = []
    for source in sources:
        extra = source.child("extra_special_tokens")
        if isinstance(extra.value, dict):
            named += [extra.child(name) for name in extra.value]
        elif not extra.absent:
            listed += extra.items(MOST_TOKENS)
        additional = source.child("additional_special_tokens")
        listed = listed or ([] if additional.absent else [*additional.items(MOST_TOKENS)])
    return named + listed


def _special_names(sources: list[Node], beside: Neighbours) -> set[str]:
    return {*beside.roles.values(), *(_token(node).content for node in _extra_nodes(sources))}
