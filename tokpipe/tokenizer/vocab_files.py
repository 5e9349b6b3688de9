"""The plain vocabulary files: ``vocab.txt``, and ``vocab.json`` with ``merges.txt``."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.errors import InputError
from tokpipe.tokenizer.guarded_json import read_bounded, read_json
from tokpipe.tokenizer.node import Node, short
from tokpipe.tokenizer.schema import MOST_TOKENS, check_vocab, read_merges
from tokpipe.tokenizer.spec import ModelKind, Spec

_BREAKS = frozenset(" \n\r")  # what a line of merges.txt cannot hold inside a token


def read_vocab_txt(path: Path) -> list[str]:
    """Read one token a line; the line number is the id.

    Raises
    ------
    InputError
        If a token is empty or stands twice, naming the line.
    """
    lines = _lines(path)
    seen: dict[str, int] = {}
    for number, token in enumerate(lines, 1):
        if not token or token in seen:
            problem = f"the token stands in line {seen[token]} too" if token else "an empty line"
            raise InputError(f"{path}:{number}: {problem}", hint="One token a line, each once.")
        seen[token] = number
    if not 0 < len(lines) <= MOST_TOKENS:
        raise InputError(f"{path}: {len(lines):,} tokens, allowed are 1 to {MOST_TOKENS:,}")
    return lines


def read_bpe_files(vocab: Path, merges: Path) -> tuple[list[str], NDArray[np.int32]]:
    """Read tokens and merges (int32[M, 3]) of a byte-level BPE."""
    node = Node(read_json(vocab), f"{vocab}:")
    ids = check_vocab(node)
    lines = [line for line in _lines(merges) if not line.startswith("#version") and line.strip()]
    model = Node({"merges": lines}, f"{merges}:")
    rows = read_merges(model, ids)
    return sorted(ids, key=ids.__getitem__), np.array(rows, np.int32).reshape(-1, 3)


def _lines(path: Path) -> list[str]:
    data = read_bounded(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte at offset {error.start} is not UTF-8") from error
    lines = text.replace("\r\n", "\n").split("\n")  # not splitlines: U+2028 may be in a token
    return lines[:-1] if lines[-1] == "" else lines


def vocab_files(spec: Spec) -> dict[str, bytes]:
    """Return name and content of the plain files of a tokenizer, as Hugging Face writes them.

    A file that cannot say what it has to (a token with a line end in ``vocab.txt``, one with a
    space in ``merges.txt``) is left out; `tokenizer.json` says all.
    """
    if spec.model is ModelKind.WORDPIECE:
        fits = not any(set(token) & {"\n", "\r"} for token in spec.tokens)
        return {"vocab.txt": "".join(f"{t}\n" for t in spec.tokens).encode()} if fits else {}
    ids = {token: i for i, token in enumerate(spec.tokens)}
    files = {"vocab.json": (json.dumps(ids, ensure_ascii=False) + "\n").encode()}
    broken = {i for i, token in enumerate(spec.tokens) if not _BREAKS.isdisjoint(token)}
    if broken.isdisjoint(spec.merges[:, :2].ravel().tolist()):
        rows = [f"{spec.tokens[a]} {spec.tokens[b]}\n" for a, b, _ in spec.merges.tolist()]
        files["merges.txt"] = "".join(["#version: 0.2\n", *rows]).encode()
    return files


def find_merges(vocab: Path) -> Path:
    """Return the merges that belong to a ``vocab.json``: ``merges.txt``, or the one ``*.bpe``.

    Raises
    ------
    InputError
        If there is none.
    """
    plain = vocab.with_name("merges.txt")
    others = sorted(vocab.parent.glob("*.bpe"))
    if plain.exists() or len(others) != 1:
        if not plain.exists():
            raise InputError(f"{short(str(vocab))}: no merges.txt beside it")
        return plain
    return others[0]
