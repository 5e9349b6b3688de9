"""A tokenizer's files for another folder: as they stand where it came from, or written anew."""

from pathlib import Path

from tokpipe.tokenizer.folder import TOKENIZER_FILES, folder_files, role_files
from tokpipe.tokenizer.guarded_json import read_bounded, read_json
from tokpipe.tokenizer.neighbours import CONFIG
from tokpipe.tokenizer.tokenizer import Tokenizer

_MOST_LENGTH = 1 << 24  # tokens: what says more than that sets no limit


def files_for_model(
    tokenizer: Tokenizer, source: Path, longest: int, *, segments: bool = True
) -> dict[str, bytes]:
    """Return name and content of the files for a model that takes so many tokens.

    Parameters
    ----------
    source
        A folder whose ``tokenizer.json`` is copied where it is not ours to write.
    longest
        Most tokens of a sequence.
    segments
        Whether the model tells two texts of a pair apart.
    """
    if tokenizer.is_native:
        files = folder_files(tokenizer.spec, longest, segments=segments)
        del files["README.md"]
        return files
    document = read_bounded(source / "tokenizer.json")
    return {"tokenizer.json": document, **role_files(tokenizer.spec, longest, segments=segments)}


def tokenizer_files(
    tokenizer: Tokenizer | None,
    source: Path | None,
    longest: int | None = None,
    *,
    segments: bool = True,
) -> dict[str, bytes]:
    """Return name and content of the files; none where there is no tokenizer.

    Parameters
    ----------
    source
        A folder whose ``tokenizer.json`` and files beside it are copied as they stand.
    longest, segments
        As `files_for_model` has them, where nothing is copied; None: nothing sets a limit.
    """
    if source is not None and (source / "tokenizer.json").exists():
        names = [name for name in TOKENIZER_FILES if (source / name).is_file()]
        return {name: read_bounded(source / name) for name in names}
    if tokenizer is None:
        return {}
    limits = [most for most in (longest, _said_length(source)) if most is not None]
    return folder_files(tokenizer.spec, *sorted(limits)[:1], segments=segments)


def _said_length(source: Path | None) -> int | None:
    """Return how many tokens a folder beside a bare vocabulary says that its model takes."""
    if source is None or not (source / CONFIG).is_file():
        return None
    said = read_json(source / CONFIG).get("model_max_length")
    return said if type(said) is int and 0 < said < _MOST_LENGTH else None
