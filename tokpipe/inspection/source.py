"""A vocabulary as its files write it: what `check` judges and views show, also where it is refused.

Repeated tokens, ids with holes and merges that lead nowhere are kept as they stand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from tokpipe.inspection.readable import TokenForm
from tokpipe.tokenizer.folder import verify_tokenizer
from tokpipe.tokenizer.guarded_json import JsonObject
from tokpipe.tokenizer.reading import read_tokenizer
from tokpipe.tokenizer.schema import guess_model
from tokpipe.tokenizer.vocab_files import METASPACE

_STEPS = ("normalizer", "pre_tokenizer", "post_processor", "decoder", "padding")


class Added(NamedTuple):
    """An entry of `added_tokens`."""

    content: str
    id: int
    special: bool


@dataclass(frozen=True)
class Source:
    """The parts of a tokenizer.json, or what a bare vocabulary file implies."""

    path: Path  # the file that was read
    model: str  # "wordpiece", "bpe", "byte-bpe", "unigram", "wordlevel", or what the file says
    # token and id, in the order of the file; repeated tokens stay repeated
    entries: tuple[tuple[str, int], ...]
    # pairs in the order of their rank; what is no pair stays as it is written
    merges: tuple[tuple[str, ...], ...]
    added: tuple[Added, ...]  # added tokens, special or not
    settings: Mapping[str, Any]  # the model's own settings, without vocabulary and merges
    # normalizer, pre_tokenizer, post_processor, decoder, padding: JSON objects or None
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
    """Read a tokenizer folder or file.

    Raises
    ------
    InputError
        If there is no such file, or it is not what its name says.
    ArtifactError
        If it is not as the manifest beside it says.
    """
    verify_tokenizer(path)
    file = read_tokenizer(path)
    return source_of(file.path, file.document)


def source_of(path: Path, document: Any) -> Source:
    """Return the parts of a `tokenizer.json`, of whatever types they are."""
    content = _object(document)
    model = _object(content.get("model"))
    steps = {name: content.get(name) for name in _STEPS}
    kind = _text(model.get("type") or guess_model(model)).lower()
    byte_level = any(
        part["type"] == "ByteLevel"
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


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _entries(vocab: Any) -> tuple[tuple[str, int], ...]:
    if isinstance(vocab, list):  # Unigram: [token, score], the id is the place
        firsts = [item[0] if isinstance(item, list) and item else item for item in vocab]
        return tuple((str(token), id) for id, token in enumerate(firsts))
    pairs = vocab.repeated if isinstance(vocab, JsonObject) else _object(vocab).items()
    return tuple((token, id) for token, id in pairs if type(id) is int)


def _merges(merges: Any) -> tuple[tuple[str, ...], ...]:
    if not isinstance(merges, list):
        return ()
    return tuple(
        tuple(merge.split(" ")) if isinstance(merge, str) else tuple(map(str, merge))
        for merge in merges
        if isinstance(merge, str | list)
    )


def _added(added: Any) -> tuple[Added, ...]:
    items = [_object(item) for item in added] if isinstance(added, list) else []
    return tuple(
        Added(item["content"], item["id"], item.get("special") is True)
        for item in items
        if isinstance(item.get("content"), str) and type(item.get("id")) is int
    )


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
