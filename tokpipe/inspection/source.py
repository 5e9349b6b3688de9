"""A vocabulary as its files write it, read without judging: what `check` judges and views show.

Unlike `tokenizer.folder`, which refuses what it cannot run, this reads on: repeated tokens, ids
with gaps and merges that lead nowhere are kept as they stand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from tokpipe.foundation.errors import InputError
from tokpipe.foundation.visible import visible
from tokpipe.inspection.readable import TokenForm
from tokpipe.inspection.reading import read_json, read_lines
from tokpipe.vocab.config import BERT_SPECIAL_TOKENS

METASPACE = "▁"
_STEPS = ("normalizer", "pre_tokenizer", "post_processor", "decoder", "padding")


class Added(NamedTuple):
    """An entry of `added_tokens`."""

    content: str
    id: int
    special: bool


@dataclass(frozen=True)
class Source:
    """The parts of a tokenizer.json, or what a bare vocabulary file implies.

    Attributes
    ----------
    path
        The file that was read.
    model
        "wordpiece", "bpe", "byte-bpe", "unigram", "wordlevel", or what the file says.
    entries
        Token and id, in the order of the file; repeated tokens stay repeated.
    merges
        Pairs in the order of their rank; what is no pair stays as it is written.
    added
        Added tokens, special or not.
    settings
        The model's own settings, without vocabulary and merges.
    steps
        normalizer, pre_tokenizer, post_processor, decoder, padding: JSON objects or None.
    """

    path: Path
    model: str
    entries: tuple[tuple[str, int], ...]
    merges: tuple[tuple[str, ...], ...]
    added: tuple[Added, ...]
    settings: Mapping[str, Any]
    steps: Mapping[str, Any]

    @cached_property
    def ids(self) -> dict[str, int]:
        """Token to id, added tokens included."""
        return dict(self.entries) | {added.content: added.id for added in self.added}

    @cached_property
    def tokens(self) -> list[str]:
        """The tokens, by id."""
        return sorted(self.ids, key=self.ids.__getitem__)

    @cached_property
    def special_tokens(self) -> list[str]:
        """The special tokens, by id."""
        return sorted((a.content for a in self.added if a.special), key=self.ids.__getitem__)

    @cached_property
    def form(self) -> TokenForm:
        """How this vocabulary writes its tokens."""
        plain = frozenset(added.content for added in self.added)
        return TokenForm(
            byte_level=self.model == "byte-bpe",
            prefix=_text(self.settings.get("continuing_subword_prefix")),
            suffix=_text(self.settings.get("end_of_word_suffix")),
            space=METASPACE if "Metaspace" in self.step_types("pre_tokenizer", "decoder") else "",
            special_tokens=plain,
            unk_token=self.unk_token,
            unk_id=self.ids.get(self.unk_token or ""),
        )

    @cached_property
    def unk_token(self) -> str | None:
        """The token for unknown text, or None."""
        if self.model == "unigram":
            index = self.settings.get("unk_id")
            if isinstance(index, int) and 0 <= index < len(self.entries):
                return self.entries[index][0]
            return None
        return _text(self.settings.get("unk_token")) or None

    def step_types(self, *steps: str) -> list[str]:
        """Return the types that occur in the named steps, sequences opened."""
        return [part["type"] for step in steps for part in self.step_parts(step)]

    def step_parts(self, step: str) -> list[Mapping[str, Any]]:
        """Return the parts of one step, sequences opened."""
        return _opened(self.steps.get(step))


def read_source(path: Path) -> Source:
    """Read a tokenizer folder, a tokenizer.json, a vocab.txt, or a vocab.json beside merges.txt.

    Raises
    ------
    InputError
        If there is no such file, or it is not what its name says.
    """
    file = _find(path)
    if file.suffix == ".txt":
        return _from_vocab_txt(file)
    content = read_json(file)
    if not isinstance(content, dict):
        raise InputError(f"{visible(str(file))} holds no JSON object")
    whole = isinstance(content.get("model"), dict)  # in a vocab.json "model" is a token
    return _from_tokenizer_json(file, content) if whole else _bare(file, content)


def _find(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise InputError(f"{visible(str(path))}: no such file or folder")
    for name in ("tokenizer.json", "vocab.txt", "vocab.json"):
        if (path / name).is_file():
            return path / name
    raise InputError(
        f"{visible(str(path))} holds no tokenizer.json, vocab.txt or vocab.json",
        hint="Name a folder that train-vocab or a Hugging Face tokenizer wrote.",
    )


def _from_tokenizer_json(path: Path, content: Mapping[str, Any]) -> Source:
    model = content["model"]
    steps = {name: content.get(name) for name in _STEPS}
    kind = _text(model.get("type")).lower() or ("bpe" if "merges" in model else "wordpiece")
    byte_level = any(
        part.get("type") == "ByteLevel"
        for name in ("pre_tokenizer", "decoder")
        for part in _opened(steps[name])
    )
    return Source(
        path=path,
        model="byte-bpe" if kind == "bpe" and byte_level else kind,
        entries=_entries(model.get("vocab")),
        merges=_merges(model.get("merges")),
        added=_added(content.get("added_tokens")),
        settings={k: v for k, v in model.items() if k not in ("vocab", "merges")},
        steps=steps,
    )


def _from_vocab_txt(path: Path) -> Source:
    lines = read_lines(path)
    if 2 * sum(" " in line.strip() for line in lines) > len(lines):
        raise InputError(
            f"{visible(str(path))} holds text, not a token a line",
            hint="Name a vocab.txt; a corpus goes with --corpus.",
        )
    entries = tuple((line, id) for id, line in enumerate(lines))
    ids = dict(entries)
    added = tuple(Added(t, ids[t], True) for t in BERT_SPECIAL_TOKENS if t in ids)
    marks = {"unk_token": "[UNK]", "continuing_subword_prefix": "##"}
    settings = marks | {"max_input_chars_per_word": 100}
    return Source(path, "wordpiece", entries, (), added, settings, {})


def _bare(path: Path, content: Mapping[str, Any]) -> Source:
    """Read a vocab.json, with the merges.txt beside it: GPT-2's form."""
    merges = path.with_name("merges.txt")
    lines = read_lines(merges) if merges.is_file() else []
    pairs = tuple(tuple(line.split(" ")) for line in lines if line and line[:9] != "#version:")
    ids = dict(_entries(content))
    added = tuple(Added(t, ids[t], True) for t in ids if t.startswith("<") and t.endswith(">"))
    byte_level = {"type": "ByteLevel"}
    return Source(path, "byte-bpe", _entries(content), pairs, added, {}, {"decoder": byte_level})


def _entries(vocab: Any) -> tuple[tuple[str, int], ...]:
    if isinstance(vocab, dict):
        pairs = getattr(vocab, "repeated", None) or vocab.items()
        return tuple((token, id) for token, id in pairs if isinstance(id, int))
    if isinstance(vocab, list):  # Unigram: [token, score], the id is the place
        firsts = [item[0] if isinstance(item, list) and item else item for item in vocab]
        return tuple((str(token), id) for id, token in enumerate(firsts))
    return ()


def _merges(merges: Any) -> tuple[tuple[str, ...], ...]:
    if not isinstance(merges, list):
        return ()
    return tuple(
        tuple(merge.split(" ")) if isinstance(merge, str) else tuple(map(str, merge))
        for merge in merges
        if isinstance(merge, str | list)
    )


def _added(added: Any) -> tuple[Added, ...]:
    found = []
    for item in added if isinstance(added, list) else ():
        fields = item if isinstance(item, dict) else {}
        content, id = fields.get("content"), fields.get("id")
        if isinstance(content, str) and isinstance(id, int):
            found.append(Added(content, id, fields.get("special") is True))
    return tuple(found)


def _opened(step: Any) -> list[Mapping[str, Any]]:
    """Open sequences, breadth first, without recursion: foreign files may nest them deep."""
    waiting, parts = [step], []
    while waiting:
        part = waiting.pop(0)
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            continue
        inner = [part.get(name) for name in ("normalizers", "pretokenizers", "processors")]
        inner += [part.get("decoders")]
        nested = [item for items in inner if isinstance(items, list) for item in items]
        waiting = nested + waiting
        if part["type"] != "Sequence":
            parts.append(part)
    return parts


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
