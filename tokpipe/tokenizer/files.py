"""Files to ids: threads that read and encode at once, and one column in the order of the input."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.reader import Corpus, Piece, open_corpus
from tokpipe.foundation.progress import Progress
from tokpipe.foundation.threads import Feed, run_in_threads, usable_cpus
from tokpipe.tokenizer.columns import EncodesStrings, check_dtype, large_lists, with_template
from tokpipe.tokenizer.engine import Ids


def encode_files(
    tokenizer: EncodesStrings,
    inputs: Sequence[str | Path] | Corpus,
    read: ReadConfig | None,
    how: tuple[bool, str, int | None],
    progress: Progress,
) -> pa.LargeListArray:
    """Encode all texts of a corpus; see `Tokenizer.encode_files`.

    Parameters
    ----------
    how
        Whether to add special tokens, the type of the ids, and how many threads.
    """
    add_special_tokens, dtype, threads = how
    check_dtype(dtype, tokenizer.vocab_size)
    corpus = inputs if isinstance(inputs, Corpus) else open_corpus(inputs, read)
    template = tokenizer.spec.template.single if add_special_tokens else ()
    is_text = all(file.format == "txt" for file in corpus.files)

    def encode(feed: Feed[Piece]) -> list[tuple[int, list[Ids]]]:
        found = []
        for piece in feed:
            texts = piece.load().texts
            parts = tokenizer.encode_strings(texts, threads=1, line_ends=not is_text)
            found.append((piece.index, [with_template(*part, template) for part in parts]))
            advance(piece.stored_bytes)
        return found

    with progress.task("encoding", corpus.stored_bytes or None, "B") as advance:
        results = run_in_threads(encode, corpus.pieces(), threads or usable_cpus())
    ordered = sorted((item for result in results for item in result), key=lambda item: item[0])
    return large_lists([part for _, parts in ordered for part in parts], dtype, threads)
