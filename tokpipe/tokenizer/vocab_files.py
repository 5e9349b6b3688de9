"""The plain vocabulary files: ``vocab.txt``, and ``vocab.json`` with ``merges.txt``."""

import re
from collections.abc import Iterable, Sequence
from json.encoder import encode_basestring
from pathlib import Path

from tokpipe.foundation.errors import InputError
from tokpipe.tokenizer.guarded_json import read_bounded
from tokpipe.tokenizer.node import MOST_TOKENS
from tokpipe.tokenizer.spec import ModelKind, Spec

METASPACE = "▁"
CONVERT_HINT = (
    "Name a folder with a tokenizer.json; transformers writes one: "
    "AutoTokenizer.from_pretrained(its folder).save_pretrained(a new folder)."
)
_NUMBER, _BETWEEN = r"-?\d+(\.\d*)?(e-?\d+)?", r"[\t ,;]+"
_COUNTED = re.compile(  # a token and its number, or as `uniq -c` writes them
    rf"\S{_BETWEEN}{_NUMBER}\s*$|\s*{_NUMBER}{_BETWEEN}\S+\s*$"
)
_FAMILIES = {  # what marks the tokens of a family
    "##": "a WordPiece, whose file is a vocab.txt",
    "Ġ": "a byte-level BPE, which needs a vocab.json and its merges",
    "</w>": "a BPE with ends of words (GPT, CLIP, XLM), not a byte-level one",
    "@@": "a BPE of subword-nmt, not a byte-level one",
    METASPACE: "a sentencepiece model",
}
_ENDINGS = frozenset(("</w>", "@@"))  # marks that stand behind tokens, and may be tokens
_BREAKS = frozenset(" \n\r")  # what a line of merges.txt cannot hold inside a token


def lines_of(path: Path) -> list[str]:
    """Read the lines of a vocabulary file, split at line feeds only: U+2028 may be in a token.

    Raises
    ------
    InputError
        If it is not UTF-8, or has too many lines.
    """
    data = read_bounded(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte at offset {error.start} is not UTF-8") from error
    lines = text.replace("\r\n", "\n").split("\n")
    lines = lines[:-1] if lines[-1] == "" else lines
    if len(lines) > MOST_TOKENS:
        raise InputError(f"{path}: {len(lines):,} lines, at most {MOST_TOKENS:,} are allowed")
    return lines


def check_txt_family(lines: Sequence[str], path: Path) -> None:
    """Refuse a file whose lines are something else than the tokens of a WordPiece.

    Raises
    ------
    InputError
        Saying what they are, and what to do.
    """
    most = len(lines) // 2
    if lines and lines[0].startswith("#version"):
        raise InputError(f"{path}: merges, not tokens", hint="Name the vocab.json beside it.")
    if sum(_COUNTED.search(line) is not None for line in lines) > most:
        if sum(line.startswith(METASPACE) for line in lines) > len(lines) // 10:
            raise InputError(
                f"{path}: pieces and scores of a sentencepiece model", hint=CONVERT_HINT
            )
        hint = "tokpipe train-vocab --from-counts makes a vocabulary of word counts."
        raise InputError(f"{path}: words and counts, not a token a line", hint=hint)
    if sum(" " in line.strip() for line in lines) > most:
        hint = "Name a vocab.txt; a corpus goes with --corpus."
        raise InputError(f"{path} holds text, not a token a line", hint=hint)
    check_family(lines, "##", path)


def check_family(tokens: Iterable[str], own: str, path: Path) -> None:
    """Refuse tokens of which more bear the mark of another family than that of their own.

    Raises
    ------
    InputError
        Saying what they are, and what to do.
    """
    tokens = [token for token in tokens if len(token) > 1 and token not in _ENDINGS]
    ours = sum(token.startswith(own) and token != own for token in tokens)
    for mark, family in _FAMILIES.items():
        if mark == own:
            continue
        ends = mark in _ENDINGS
        bear = sum(token.endswith(mark) if ends else token.startswith(mark) for token in tokens)
        if bear > max(ours, len(tokens) // 100):
            raise InputError(
                f"{path}: tokens are marked with '{mark}': {family}", hint=CONVERT_HINT
            )


def vocab_files(spec: Spec) -> dict[str, bytes]:
    """Return name and content of the plain files of a tokenizer, as Hugging Face writes them.

    A file that cannot say what it has to (a token with a line end in ``vocab.txt``, one with a
    space in ``merges.txt``) is left out; `tokenizer.json` says all.
    """
    if spec.model is ModelKind.WORDPIECE:  # an id without a token is an empty line
        fits = not any(set(token) & {"\n", "\r"} for token in spec.tokens)
        return {"vocab.txt": "".join(f"{t}\n" for t in spec.tokens).encode()} if fits else {}
    # by hand: `json.dumps` takes twice as long
    ids = [f"{encode_basestring(t)}: {i}" for i, t in enumerate(spec.tokens) if t]
    files = {"vocab.json": f"{{{', '.join(ids)}}}\n".encode()}
    sides = [list(map(spec.tokens.__getitem__, side.tolist())) for side in spec.merges.T[:2]]
    if not any(mark in "".join(side) for side in sides for mark in _BREAKS):
        rows = map(" ".join, zip(*sides, strict=True))
        files["merges.txt"] = "\n".join(["#version: 0.2", *rows, ""]).encode()
    return files


def find_merges(vocab: Path) -> Path | None:
    """Return the merges beside a ``vocab.json``: ``merges.txt``, or the one ``*.bpe``, if any."""
    plain = vocab.with_name("merges.txt")
    others = sorted(vocab.parent.glob("*.bpe"))
    return plain if plain.exists() else others[0] if len(others) == 1 else None
