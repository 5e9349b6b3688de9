"""A tokenizer's files for another folder: as they stand where it came from, or written anew."""

from pathlib import Path

from tokpipe.tokenizer.folder import TOKENIZER_FILES, folder_files, role_files
from tokpipe.tokenizer.guarded_json import read_bounded
from tokpipe.tokenizer.tokenizer import Tokenizer


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


def tokenizer_files(tokenizer: Tokenizer | None, source: Path | None) -> dict[str, bytes]:
    """Return name and content of the files; none where there is no tokenizer.

    Parameters
    ----------
    source
        A folder whose ``tokenizer.json`` and files beside it are copied as they stand.
    """
    if source is not None and (source / "tokenizer.json").exists():
        names = [name for name in TOKENIZER_FILES if (source / name).is_file()]
        return {name: read_bounded(source / name) for name in names}
    return {} if tokenizer is None else folder_files(tokenizer.spec)
