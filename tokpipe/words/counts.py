"""Word counts as a whole: in memory, in a folder, and summed over folders.

A counts folder holds ``counts.arrow`` (columns ``word``: large_binary, sorted by bytes, and
``count``: int64), ``held-out.arrow`` of the same form where texts were held out, and the manifest
``tokpipe.json``. Words are the bytes that the pre-tokenizer left, UTF-8, without any alphabet of a
file format.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.doors import paths_of, require
from tokpipe.foundation.errors import ArtifactError, ConfigError, InputError
from tokpipe.foundation.files import atomic_write
from tokpipe.foundation.folders import MANIFEST, build_folder
from tokpipe.foundation.manifest import Manifest, require_equal
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.foundation.stores.copies import here
from tokpipe.words.budget import Budget
from tokpipe.words.collect import collect, release
from tokpipe.words.config import WordsConfig
from tokpipe.words.merging import merge_files
from tokpipe.words.run_files import read_run, write_run
from tokpipe.words.runs import Run

KIND = "counts"
_COUNTS, _HELD_OUT = "counts.arrow", "held-out.arrow"
_WRITTEN_AT_ONCE = 1 << 16  # words of a batch, unless they are long
_BATCH_BYTES = 1 << 20  # of words in a batch: `budget` reckons with two of them a run in merging
MOST_WEIGHT = 2**63 - 1  # bytes: sums of counts and of weights are int64 wherever they are used


@dataclass(frozen=True, eq=False, kw_only=True)
class WordCounts:
    """How often each word occurs.

    Attributes
    ----------
    words : Strings
        W words, sorted by bytes, all different.
    counts : int64[W]
        At least 1 each.
    config
        What made words of the texts.
    settings
        The other settings that the counts follow from.
    facts
        "texts", "bytes" and "words" that were counted, and what was mended or left out.
    held_out
        Counts of the texts that were held out, if any were to be.
    digest
        Returns the sha256 of each input by its name; called when the counts are saved.

    Raises
    ------
    ConfigError
        If words or counts are of another kind, or not as many as the others.
    """

    words: Strings
    counts: NDArray[np.int64]
    config: WordsConfig = field(default_factory=WordsConfig)
    settings: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, int] = field(default_factory=dict)
    held_out: "WordCounts | None" = None
    digest: Callable[[], Mapping[str, str]] = dict

    def __post_init__(self) -> None:
        require("words", self.words, Strings, optional=False)
        require("counts", self.counts, np.ndarray, optional=False)
        require("config", self.config, WordsConfig, optional=False)
        found, shape = self.counts.dtype, self.counts.shape
        if found != np.int64 or shape != (len(self.words),):
            raise ConfigError(
                f"counts are {found}{list(shape)}; int64[{len(self.words)}] is needed, one a word"
            )

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def total(self) -> int:
        """How many words the texts had together, also past 63 bits."""
        return sum(batch.total for batch in self._batches())

    def save(self, folder: Path | str, *, force: bool = False) -> None:
        """Write a counts folder, atomically.

        Raises
        ------
        StorageError
            If it exists and `force` is not set, or the disk refuses.
        """
        with build_folder(Path(folder), force=force) as partial:
            self.write(partial)

    def write(self, folder: Path) -> None:
        """Write the files of a counts folder into an empty folder.

        Raises
        ------
        InputError
            If all words together, each as often as it is counted, have more than 2^63 - 1 bytes.
        """
        parts = {_COUNTS: self, _HELD_OUT: self.held_out}
        written = {name: part for name, part in parts.items() if part is not None}
        for name, part in written.items():
            weight = sum(batch.weight for batch in part._batches())
            if weight > MOST_WEIGHT:
                raise InputError(
                    f"the words have {weight:,} bytes, each as often as it is counted; "
                    "more than 2^63 - 1 cannot be added up",
                    hint="Merge fewer folders, or count a part of the corpus.",
                )
            with atomic_write(folder / name) as file:
                write_run(file, part._batches())
        manifest = Manifest(
            kind=KIND,
            settings={"words": self.config.to_dict(), **self.settings},
            inputs=self.digest(),
            facts={n: {**part.facts, "unique words": len(part)} for n, part in written.items()},
        )
        manifest.write(folder, written)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a counts folder whole, every byte checked against its manifest.

        Raises
        ------
        ArtifactError
            If it is something else, damaged, or not as its manifest says.
        """
        require("folder", folder, str, Path, optional=False)
        folder = here(folder)
        manifest = open_counts(folder)
        parts = {}
        for name in manifest.facts:
            run = collect(read_run(folder / name))
            facts = _known_facts(manifest, name, run, folder)
            parts[name] = cls(words=run.words, counts=run.counts, facts=facts, **_shared(manifest))
        return replace(parts[_COUNTS], held_out=parts.get(_HELD_OUT))

    def _batches(self) -> Iterator[Run]:
        """Yield slices of a bounded size; what is mapped from disk is let go behind them."""
        offsets, done = self.words.offsets, 0
        while done < len(self):
            last = np.searchsorted(offsets, offsets[done] + _BATCH_BYTES, "right") - 1
            end = min(max(int(last), done + 1), done + _WRITTEN_AT_ONCE)
            yield Run(Strings(self.words.data, offsets[done : end + 1]), self.counts[done:end])
            done = end
            release(Run(self.words, self.counts))


def open_counts(folder: Path) -> Manifest:
    """Return the manifest of a counts folder whose files are as it says.

    Raises
    ------
    ArtifactError
        If it is something else than a counts folder, or damaged.
    """
    _refuse_other(folder)
    manifest = Manifest.read(folder, KIND)
    if _COUNTS not in manifest.facts or set(manifest.facts) != set(manifest.files):
        raise ArtifactError(f"{folder}: the manifest names no {_COUNTS}, or other files")
    for facts in manifest.facts.values():
        if not isinstance(facts, dict) or {type(number) for number in facts.values()} - {int}:
            raise ArtifactError(f"{folder}: the manifest holds something else than numbers")
    manifest.check_files(folder)
    return manifest


_OTHERS = {  # ending or name -> what it is
    ".tsv": "a table of words",
    ".csv": "a table of words",
    ".txt": "a text",
    ".model": "a SentencePiece model",
    ".tiktoken": "a tiktoken vocabulary",
    ".json": "a file of JSON",
    ".arrow": "a file of a folder",
}


def _refuse_other(path: Path) -> None:
    """Refuse what is no folder, or a counts folder nowhere, by what it is."""
    made = "Name a folder that `tokpipe count-words` made."
    if path.exists() and not path.is_dir():
        kind = _OTHERS.get(path.suffix.lower(), "a file")
        inside = path.name in (_COUNTS, _HELD_OUT, MANIFEST) and (path.parent / MANIFEST).is_file()
        hint = f"Name its folder: {path.parent}." if inside else made
        raise ArtifactError(f"{path} is {kind}, no folder of word counts", hint=hint)
    if not path.exists():
        raise ArtifactError(
            f"{path}: no such folder",
            hint="Counts are not fetched from the hub; count hub:owner/name with `count-words`."
            if len(path.parts) == 2 and not path.parent.exists()
            else made,
        )
    if not (path / MANIFEST).exists():
        raise ArtifactError(f"{path} is no folder of word counts: no {MANIFEST} in it", hint=made)


def merge_counts(
    folders: Sequence[Path | str],
    *,
    memory: int | None = None,
    workdir: Path | None = None,
    progress: Progress = SILENT,
) -> WordCounts:
    """Sum counts folders; memory holds a batch of each, and the result up to a limit.

    Parameters
    ----------
    memory
        How many bytes the whole process should take, as in `count_words`; a result that is too
        large is kept on disk and mapped.
    workdir
        Where that is; None: the system's place for temporary files.

    Raises
    ------
    ArtifactError
        If a folder is damaged, or was made with other settings than the first.
    InputError
        If a word occurs more than 2^63 - 1 times.
    """
    require("memory", memory, int)
    require("workdir", workdir, str, Path)
    paths = [here(folder) for folder in paths_of("folders", folders)]
    if not paths:
        raise InputError("no folders of word counts are given; one is needed at least")
    manifests = [open_counts(path) for path in paths]
    for path, manifest in zip(paths, manifests, strict=True):
        _require_like(manifests[0], manifest, paths[0], path)
    parts, budget = {}, Budget.of(memory, 1)
    for name in manifests[0].facts:
        files = [path / name for path in paths]
        run = merge_files(files, budget=budget, folder=workdir, progress=progress)
        facts = Counter[str]()
        for manifest in manifests:
            facts.update(manifest.facts[name])
        del facts["unique words"]
        parts[name] = WordCounts(
            words=run.words, counts=run.counts, facts=dict(facts), **_shared(manifests[0])
        )
    inputs = {name: digest for manifest in manifests for name, digest in manifest.inputs.items()}
    return replace(parts[_COUNTS], held_out=parts.get(_HELD_OUT), digest=lambda: inputs)


def _require_like(first: Manifest, other: Manifest, path: Path, other_path: Path) -> None:
    """Refuse counts that mean something else: the reading may differ, the words may not."""
    keys = ("words", "held_out")
    require_equal(
        {key: first.settings.get(key) for key in keys},
        {key: other.settings.get(key) for key in keys},
        what=f"{path} and {other_path} cannot be summed",
        hint="Count all of them with the same settings.",
    )


def _shared(manifest: Manifest) -> dict[str, Any]:
    settings, inputs = dict(manifest.settings), manifest.inputs
    try:
        config = WordsConfig.from_dict(settings.pop("words"))
    except (ConfigError, KeyError, TypeError) as error:
        raise ArtifactError(f"the manifest of counts holds no settings of words: {error}") from None
    return {
        "config": config,
        "settings": settings,
        "digest": lambda: inputs,
    }


def _known_facts(manifest: Manifest, name: str, run: Run, folder: Path) -> dict[str, int]:
    facts = dict(manifest.facts[name])
    if facts.pop("unique words", None) != len(run.counts):
        raise ArtifactError(f"{folder / name}: {len(run.counts)} words, its manifest says another")
    return facts
