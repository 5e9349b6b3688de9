"""What a file holds, by its name and its first bytes."""

from pathlib import PurePath

from tokpipe.foundation.errors import InputError

HEAD_BYTES = 512  # how much of a file is looked at

_FORMATS = {
    **dict.fromkeys((".txt", ".text", ".md", ".rst"), "txt"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "jsonl"),
    ".csv": "csv",
    **dict.fromkeys((".tsv", ".tab"), "tsv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), "arrow"),
}
_CODECS = {
    ".gz": "gzip",
    ".bz2": "bzip2",
    ".xz": "xz",
    ".zst": "zstd",
    ".zstd": "zstd",
    ".lz4": "lz4",
}
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
}
# With a byte more than the magic: a text may well begin with "PAR1".
_TABLES = {b"PAR1\x15": "parquet", b"ARROW1\0\0": "arrow"}
_ARROW_STREAM = b"\xff\xff\xff\xff"  # too short to overrule a name
_REFUSED = {
    b"PK\x03\x04": "a zip archive (or a document in one)",
    b"%PDF": "a PDF document",
    b"SQLite format 3": "an SQLite database",
    b"FEA1": "a Feather file of version 1",
    b"\x89PNG": "an image",
    b"\x7fELF": "a program",
}
COMPRESSIBLE = ("txt", "jsonl", "csv", "tsv")  # the others compress their columns themselves


def format_of_name(name: str) -> str | None:
    """Return the format that a file name tells, looking through a compression suffix.

    Examples
    --------
    >>> format_of_name("wiki.jsonl.zst"), format_of_name("notes")
    ('jsonl', None)
    """
    path = PurePath(name.lower())
    if path.suffix in _CODECS:
        path = PurePath(path.stem)
    return _FORMATS.get(path.suffix)


def left_out(name: str, asked: str) -> str | None:
    """Say why a file in a folder is not read as it was asked for, by its name; or None.

    Examples
    --------
    >>> left_out("a.png", "auto"), left_out("a.csv", "auto"), left_out("a.csv", "txt")
    ('.png', None, '.csv')
    """
    named, suffix = format_of_name(name), PurePath(name).suffix
    if asked in ("auto", "datasets"):
        return None if named else suffix or "no ending"
    return None if named in (None, asked) else suffix


def codec_of(name: str, head: bytes) -> str | None:
    """Return how a file is compressed, by its first bytes.

    Raises
    ------
    InputError
        If its name claims another compression than its bytes, or it is something to unpack first.
    """
    found = next((codec for magic, codec in _MAGIC.items() if head.startswith(magic)), None)
    if found == "bzip2" and not _is_bzip2(head):
        found = None  # a text may well begin with "BZh"
    claimed = _CODECS.get(PurePath(name.lower()).suffix)
    if claimed == "zstd" and _is_skippable_frame(head):
        found = "zstd"
    if claimed == "lz4" and _is_skippable_frame(head):
        found = "lz4"
    if claimed and found != claimed:
        what = "empty" if not head else f"{found} data" if found else f"not {claimed} data"
        raise InputError(f"{name}: the name says {claimed}, but the file is {what}")
    if head[257:262] == b"ustar" or PurePath(name.lower()).stem.endswith(".tar"):
        raise InputError(f"{name} is a tar archive", hint="Unpack it and name the files or folder.")
    for magic, what in _REFUSED.items():
        if head.startswith(magic):
            raise InputError(f"{name} is {what}", hint="Extract its text first.")
    return found


def format_of(name: str, head: bytes, codec: str | None, asked: str) -> str:
    """Return the format of a file, as it was asked for, as its bytes tell, or as its name does.

    Raises
    ------
    InputError
        If a file that is compressed as a whole holds a table that is compressed by columns.
    """
    by_content = next((kind for magic, kind in _TABLES.items() if head.startswith(magic)), None)
    named = format_of_name(name)
    if not named and head.startswith(_ARROW_STREAM):
        by_content = "arrow"
    chosen = asked if asked not in ("auto", "datasets") else by_content or named or "txt"
    if codec and chosen not in COMPRESSIBLE:
        raise InputError(
            f"{name}: {chosen} inside {codec} is not read", hint="Decompress it first."
        )
    return chosen


def _is_bzip2(head: bytes) -> bool:
    return head[3:4].isdigit() and head[4:10] in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")


def _is_skippable_frame(head: bytes) -> bool:
    return head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5
