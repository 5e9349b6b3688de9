"""Outlines of pieces: how long their documents are, without the text.

From them `Documents` finds where blocks begin, as it does from the text itself: a hundredth of the
bytes, which other processes may have taken beforehand, each of pieces of its own.

An outline is a `TextBatch` whose buffer is empty. Its "texts" are the parts of the documents that
are cut at the size of a block, whole documents mostly. How a document that goes on from the piece
before is cut depends on what stands there: of the first one the texts are kept.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tokpipe.corpus.batch import TextBatch
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import ArtifactError
from tokpipe.foundation.shared_files import at_hand, written_whole
from tokpipe.foundation.storage import storage_errors
from tokpipe.shards.cutting import cut_documents, without_long_texts

_SCHEMA = pa.schema(
    [
        ("index", pa.int64()),
        ("stored_bytes", pa.int64()),
        ("sizes", pa.list_(pa.uint32())),
        ("documents", pa.list_(pa.uint32())),
        ("continues", pa.bool_()),
        ("is_lines", pa.bool_()),
        ("tally", pa.string()),
    ]
)


def outline(batch: TextBatch, block_bytes: int) -> TextBatch:
    r"""Return the outline of a piece, for blocks of a size.

    Examples
    --------
    >>> lines = Strings.from_list(["a\n", "bc\n", "d\n"])
    >>> found = outline(TextBatch(lines, np.array([0, 2, 3])), 1024)
    >>> found.texts.offsets.tolist(), found.documents.tolist()
    ([0, 5, 7], [0, 1, 2])
    """
    whole = without_long_texts(batch, block_bytes)
    offsets, documents = whole.texts.offsets, whole.documents
    borders, owners = cut_documents(offsets, documents, block_bytes)[:2]
    if whole.continues and len(documents) > 1:
        first, rest = np.arange(documents[1]), owners > 0
        borders = np.concatenate([first, borders[:-1][rest], borders[-1:]])
        owners = np.concatenate([np.zeros(len(first), np.int64), owners[rest]])
    kept = np.searchsorted(owners, np.arange(len(documents)))
    sizes = offsets[borders] - offsets[0]
    texts = Strings(np.zeros(0, np.uint8), sizes)
    return TextBatch(texts, kept, whole.continues, whole.is_lines, whole.tally)


def write_outlines(path: Path, outlines: Iterable[tuple[int, int, TextBatch]]) -> None:
    """Write outlines with index and stored bytes of their pieces; the file appears whole.

    Raises
    ------
    StorageError
        If the disk refuses.
    """
    options = pa.ipc.IpcWriteOptions(compression="zstd", use_threads=False)
    with (
        written_whole(path) as draft,
        storage_errors(draft),
        draft.open("wb") as file,
        pa.ipc.new_stream(file, _SCHEMA, options=options) as writer,
    ):
        for index, stored_bytes, batch in outlines:
            row = {
                "index": index,
                "stored_bytes": stored_bytes,
                "sizes": pa.array(np.diff(batch.texts.offsets), pa.uint32()),
                "documents": pa.array(np.diff(batch.documents), pa.uint32()),
                "continues": batch.continues,
                "is_lines": batch.is_lines,
                "tally": json.dumps(dict(batch.tally)),
            }
            writer.write_batch(pa.record_batch([_column(name, row[name]) for name in row], _SCHEMA))


def read_outlines(path: Path) -> Iterator[tuple[int, int, TextBatch]]:
    """Yield index, stored bytes and outline of each piece that a file holds.

    Raises
    ------
    ArtifactError
        If it is not as `write_outlines` left it.
    """
    try:
        with at_hand(path) as copy, copy.open("rb") as file, pa.ipc.open_stream(file) as reader:
            for batch in reader:
                yield _row(dict(zip(batch.schema.names, batch.columns, strict=True)))
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{path}: no outline of pieces", hint="Pass --force to start over."
        ) from error


def _column(name: str, value: Any) -> pa.Array:
    kind = _SCHEMA.field(name).type
    if not pa.types.is_list(kind):
        return pa.array([value], kind)
    return pa.ListArray.from_arrays(pa.array([0, len(value)], pa.int32()), value)


def _row(columns: dict[str, Any]) -> tuple[int, int, TextBatch]:
    sizes, documents = (
        np.concatenate([[0], np.cumsum(columns[name].values.to_numpy(), dtype=np.int64)])
        for name in ("sizes", "documents")
    )
    values = {name: columns[name][0].as_py() for name in ("index", "stored_bytes", "tally")}
    batch = TextBatch(
        Strings(np.zeros(0, np.uint8), sizes),
        documents,
        columns["continues"][0].as_py(),
        columns["is_lines"][0].as_py(),
        json.loads(values["tally"]),
    )
    return values["index"], values["stored_bytes"], batch
