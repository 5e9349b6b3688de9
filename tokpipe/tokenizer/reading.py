"""The one reader of tokenizers: any of their files to a whole `tokenizer.json`, and its faults.

`TokenizerFile.opened` raises the first fault that is unsafe or undecided; `check` prints all.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tokpipe.foundation.errors import InputError
from tokpipe.foundation.naming import hub_hint
from tokpipe.foundation.visible import visible
from tokpipe.tokenizer.classes import Named, named_kind, refuse_split_specials
from tokpipe.tokenizer.document import document_from_spec, spec_from_document, tokens_by_id
from tokpipe.tokenizer.findings import ERROR, WARNING, Finding, Findings, FoundError
from tokpipe.tokenizer.from_vocabulary import (
    guess_bert_words,
    spec_from_bert_vocab,
    spec_from_bpe_files,
)
from tokpipe.tokenizer.guarded_json import JsonObject, any_object, parse_json, read_bounded
from tokpipe.tokenizer.neighbours import Neighbours, read_neighbours
from tokpipe.tokenizer.node import MOST_ID, MOST_TOKENS, Node, short
from tokpipe.tokenizer.schema import added_token_findings, check_document
from tokpipe.tokenizer.spec import Spec
from tokpipe.tokenizer.vocab_files import (
    CONVERT_HINT,
    check_family,
    check_txt_family,
    find_merges,
    lines_of,
)
from tokpipe.words.config import BERT_UNCASED, WordsConfig

MAIN_FILES = ("tokenizer.json", "vocab.txt", "vocab.json")
_MOST_NAMED = 3  # folders inside of one that is no tokenizer
_NOT_OURS = {  # what a file is by its ending, and what to do with it
    ".model": (
        "a sentencepiece model, not a tokenizer.json, vocab.txt or vocab.json",
        CONVERT_HINT,
    ),
    ".vocab": (
        "pieces and scores of a sentencepiece model, not a tokenizer.json",
        CONVERT_HINT,
    ),
    ".tsv": ("a table, not a tokenizer", "Name a tokenizer folder."),
    ".csv": ("a table, not a tokenizer", "Name a tokenizer folder."),
    ".tiktoken": (
        "a tiktoken vocabulary, not a tokenizer.json, vocab.txt or vocab.json",
        CONVERT_HINT,
    ),
    ".codes": (
        "merges of fastBPE or subword-nmt, not a tokenizer.json, vocab.txt or vocab.json",
        CONVERT_HINT,
    ),
    ".spm": ("a sentencepiece model, not a tokenizer.json, vocab.txt or vocab.json", CONVERT_HINT),
    ".bpe": ("merges without their vocabulary", "Name the vocab.json beside it."),
    ".safetensors": ("weights, not a tokenizer", "Name the folder that holds the tokenizer.json."),
    ".toml": ("settings, not a tokenizer", "Name a tokenizer folder."),
}


_WITHOUT_VOCABULARY = (".model", ".spm", ".codes", ".vocab", ".tiktoken")


@dataclass(frozen=True)
class TokenizerFile:
    """What the files of a tokenizer say."""

    path: Path  # its main file
    written: dict[str, Any]  # a `tokenizer.json` as it stands, or what a bare vocabulary implies
    document: dict[str, Any]  # the same with what the files beside it add
    findings: Findings  # what is wrong with it; an error among them keeps it from being opened
    # what it means, or None where only the `tokenizers` library can run it, or nothing
    spec: Spec | None
    roles: dict[str, str]  # which token has which role, by the files beside it

    def opened(self) -> Spec | dict[str, Any]:
        """Return what it means, or its document where only the `tokenizers` library can run it.

        Raises
        ------
        FoundError
            The first error that was found.
        """
        refused = self.findings.refused
        if refused is not None:
            raise FoundError(refused)
        return self.spec or self.document


def read_tokenizer(path: Path, words: WordsConfig | None = None) -> TokenizerFile:
    """Read a tokenizer folder, a ``tokenizer.json``, a ``vocab.txt`` or a ``vocab.json``.

    Parameters
    ----------
    words
        How text is normalised and split, for bare vocabularies, which do not say it.

    Raises
    ------
    InputError
        If there is no such file, or it is not what its name says.
    """
    file, found = _main_file(path), Findings()
    is_text = file.suffix == ".txt"
    content = {} if is_text else parse_json(read_bounded(file), str(file), any_object)
    if is_text or (_is_vocab(content) and file.name != MAIN_FILES[0]):
        beside = read_neighbours(file.parent, found)
        named = named_kind(file, beside)
        read = _from_vocab_txt if is_text else _from_vocab_json
        written = read(file, content, words, (beside, named), found)
    else:
        beside = read_neighbours(path, found) if path.is_dir() else Neighbours()
        with found.collect():
            refuse_split_specials(beside.config)
        written = content
    found += _repeated_keys(written, str(file))
    found += check_document(written, str(file))
    document = written
    if found.refused is None:
        document = _with_added(written, beside, found)
    spec = None
    if found.refused is None:
        with found.collect():
            spec = spec_from_document(Node(document, f"{file}:"))
            if spec is None:
                _check_numbering(document, str(file))
    if spec is not None:
        spec = replace(spec, roles=beside.roles)
    return TokenizerFile(file, written, document, found, spec, beside.roles)


def _main_file(path: Path) -> Path:
    if path.is_dir():
        for name in MAIN_FILES:
            if (path / name).exists():
                return path / name
        raise nothing_in(path)
    if not path.exists():
        raise _no_such(path)
    if path.suffix in _NOT_OURS:
        problem, hint = _NOT_OURS[path.suffix]
        raise InputError(f"{path}: {problem}", hint=hint)
    return path


def nothing_in(folder: Path) -> InputError:
    """Return what is wrong with a folder that holds no tokenizer: what is in its place."""
    others = sorted(path.name for path in folder.iterdir() if path.suffix in _WITHOUT_VOCABULARY)
    if others:
        problem, hint = _NOT_OURS[Path(others[0]).suffix]
        return InputError(f"{folder}: {others[0]} is {problem}", hint=hint)
    inside = {path.parent.name for name in MAIN_FILES for path in folder.glob(f"*/{name}")}
    named = " or ".join(visible(str(folder / name)) for name in sorted(inside)[:_MOST_NAMED])
    made = "Put one there; tokpipe train-vocab makes a tokenizer folder."
    return InputError(
        f"{folder}: no tokenizer.json, vocab.txt or vocab.json in this folder",
        hint=f"Name one that is in it: {named}." if named else made,
    )


def _no_such(path: Path) -> InputError:
    is_file = path.suffix in (".txt", ".json")
    return InputError(f"{path}: no such file or folder", hint="" if is_file else hub_hint(path))


def _is_vocab(content: Any) -> bool:
    """Say whether this is a vocab.json: GPT-2's has the token "model", so keys say nothing."""
    return (
        isinstance(content, dict)
        and not isinstance(content.get("model"), dict)
        and any(type(value) is int for value in content.values())
    )


def _repeated_keys(document: Any, name: str) -> list[Finding]:
    """Refuse a key that stands twice outside of the vocabulary: nobody knows which is meant."""
    model = document.get("model") if isinstance(document, dict) else None
    vocab = model.get("vocab") if isinstance(model, dict) else None
    waiting, found = [document], []
    while waiting:
        value = waiting.pop()
        if isinstance(value, JsonObject):
            times = Counter(key for key, _ in value.repeated)
            key = next(key for key, count in times.items() if count > 1)
            problem = f"the key '{visible(key[:80])}' stands twice in one object"
            found.append(Finding(ERROR, name, problem))
        held: Iterable[Any] = ()
        if isinstance(value, dict):
            held = value.values()
        elif isinstance(value, list) and not (value and isinstance(value[0], str)):
            held = value
        waiting += [each for each in held if isinstance(each, dict | list) and each is not vocab]
    return found


def _with_added(written: dict[str, Any], beside: Neighbours, found: Findings) -> dict[str, Any]:
    """Return a document with the tokens that the files beside it add."""
    if not beside.tokens:
        return written
    ids, added = _ids_of(written)
    entries = beside.added(ids, added)
    if not entries:
        return written
    owners = {id: content for content, id in ids.items()}
    for entry in entries:
        node = beside.tokens[entry["content"]][0]
        found += added_token_findings(node, (entry["content"], entry["id"]), ids, owners)
    before = written.get("added_tokens") or []
    return {**written, "added_tokens": [*before, *entries]}


def _ids_of(document: Mapping[str, Any]) -> tuple[dict[str, int], list[str]]:
    """Return all tokens with their ids, and which of them are added ones."""
    vocab = document["model"]["vocab"]
    model = {token: i for i, (token, _) in enumerate(vocab)} if isinstance(vocab, list) else vocab
    added = document.get("added_tokens") or []
    return model | {t["content"]: t["id"] for t in added}, [t["content"] for t in added]


def _check_numbering(document: dict[str, Any], name: str) -> None:
    """Refuse added tokens that the `tokenizers` library, which is to run them, would renumber.

    It numbers those that are not in the model on from the number of the model's tokens, whatever
    the file says.
    """
    model, added = document["model"]["vocab"], document.get("added_tokens") or []
    known = {token for token, _ in model} if isinstance(model, list) else set(model)
    for node in Node(added, f"{name}: added_tokens").items(MOST_TOKENS):
        content, id = node.text("content"), node.count("id")
        if content and content not in known:
            if id != len(known):
                problem = f"{short(content)} has the id {id}, not {len(known)}, the next one"
                raise node.error(problem, "Number the added tokens on from the model's, in order.")
            known.add(content)


def _from_vocab_txt(
    file: Path,
    _: Any,
    words: WordsConfig | None,
    around: tuple[Neighbours, Named],
    found: Findings,
) -> dict[str, Any]:
    beside, named = around
    lines = lines_of(file)
    check_txt_family(lines, file)
    pairs = [(token, id) for id, token in enumerate(lines) if token]
    vocab = any_object(pairs)
    if len(pairs) < len(lines):
        number = lines.index("") + 1
        problem = f"an empty line: no token has the id {number - 1}"
        found.append(Finding(WARNING, f"{file}:{number}", problem, "One token a line, each once."))
    guessed = guess_bert_words(list(vocab))
    taken = replace(BERT_UNCASED, strip_accents=True) if named.kind else guessed
    template = named.kind.template if named.kind else "bert"
    tokens = _all_tokens(vocab, beside)
    spec = spec_from_bert_vocab(tokens, words or taken, beside.roles, template)
    if words is None and beside.config.child("do_lower_case").absent:
        found += _odd_guess(guessed, str(file), named.by)
    return _document(spec, vocab, [], words, beside, found)


def _odd_guess(words: WordsConfig, place: str, by: str) -> list[Finding]:
    """Say so where the tokens tell of other words than transformers makes if nothing is said."""
    if words.lowercase and words.strip_accents:
        return []
    strange = "letters are kept as they are" if not words.lowercase else "accents are kept"
    told = "capitals" if not words.lowercase else "accents"
    problem = f"nothing beside it says do_lower_case: by its tokens, {strange}; transformers"
    if by:
        problem = f"nothing beside it says do_lower_case, and its tokens have {told}; {by}"
    hint = 'Say it in a tokenizer_config.json: {"do_lower_case": false}.'
    if words.lowercase:
        hint = 'Say it in a tokenizer_config.json: {"do_lower_case": true, "strip_accents": false}.'
    return [Finding(WARNING, place, f"{problem} lowers letters and strips accents", hint)]


def _from_vocab_json(
    file: Path,
    vocab: Any,
    words: WordsConfig | None,
    around: tuple[Neighbours, Named],
    found: Findings,
) -> dict[str, Any]:
    beside, named = around
    merges = find_merges(file)
    lines = lines_of(merges) if merges else []
    rows = [line for line in lines if not line.startswith("#version") and line.strip()]
    check_family(vocab, "Ġ", file)
    if merges is None:
        problem = "no merges.txt beside it, so it is no byte-level BPE"
        found.append(Finding(ERROR, str(file), problem, CONVERT_HINT))
    ids = {t: id for t, id in vocab.items() if type(id) is int and 0 <= id <= MOST_ID}
    no_merges = np.zeros((0, 3), np.int32)  # they are read with the whole document
    roles = beside.roles if named.kind else None
    spec = spec_from_bpe_files(_all_tokens(ids, beside), no_merges, words, roles)
    return _document(spec, vocab, rows, words, beside, found)


def _all_tokens(vocab: Mapping[str, int], beside: Neighbours) -> list[str]:
    """Return the tokens by id, those that are added beside the vocabulary, too."""
    added = {entry["content"]: entry["id"] for entry in beside.added(vocab, ())}
    return tokens_by_id(dict(vocab) | added)


def _document(
    spec: Spec,
    vocab: Mapping[str, int],
    merges: Sequence[str],
    words: WordsConfig | None,
    beside: Neighbours,
    found: Findings,
) -> dict[str, Any]:
    """Return the whole `tokenizer.json` of a bare vocabulary."""
    with found.collect():
        spec = spec if words is not None else replace(spec, words=beside.words(spec.words))
    document = document_from_spec(spec)
    document["model"] |= {"vocab": vocab, **({"merges": merges} if merges else {})}
    described = (beside.described(entry, vocab) for entry in document["added_tokens"])
    document["added_tokens"] = [entry for entry in described if entry is not None]
    return document
