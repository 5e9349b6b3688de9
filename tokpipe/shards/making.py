"""A block of documents to record batches: the work that threads share."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tokpipe.corpus.config import SentenceConfig
from tokpipe.corpus.sentences import split_sentences
from tokpipe.examples.build import EncodedDocuments, Examples, Rows, assemble, build_examples
from tokpipe.examples.config import ExampleConfig, MaskConfig
from tokpipe.examples.facts import TokenFacts
from tokpipe.examples.masking import Masks, mask_examples, wanted_targets
from tokpipe.examples.template import RowTemplate
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import InputError
from tokpipe.shards.blocks import Block, ResumePoint
from tokpipe.shards.columns import record_batch
from tokpipe.shards.quality import word_counts
from tokpipe.shards.schema import Column
from tokpipe.tokenizer.blocks import join_ids
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.tokenizer.truncation import NO_LIMIT
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR

_SAMPLED = 256  # rows of a block that are masked for their number: a millisecond
_SHOWN = 60  # characters of a text in a message: a line of a terminal with what is said of it
COPIES = 8  # masked copies of a block that are made at once: memory is bounded for any dupe_factor


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that says what examples a block gives."""

    tokenizer: Tokenizer
    facts: TokenFacts
    template: RowTemplate
    sentences: SentenceConfig
    examples: ExampleConfig
    masks: MaskConfig
    columns: tuple[Column, ...]
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Some copies of a block: which of the examples' copies are to be made."""

    block: Block
    copies: range

    @property
    def resume_point(self) -> tuple[ResumePoint, int]:
        """What comes next when everything before this is done: a block, and a copy of it."""
        return self.block.resume_point, self.copies.start


@dataclass(frozen=True, slots=True, eq=False)
class JobResult:
    """What came of a job."""

    job: Job
    batches: list[pa.RecordBatch]  # one a copy
    tally: Counter[str]  # how many documents, sentences, examples, masked tokens …


def jobs_of(block: Block, copies: int, first: int = 0) -> Iterator[Job]:
    """Yield the jobs that make all copies of a block, from a copy on."""
    for start in range(first, copies, COPIES):
        yield Job(block, range(start, min(copies, start + COPIES)))


def make(job: Job, recipe: Recipe) -> JobResult:
    """Make the examples of a job: a pure function of its arguments."""
    documents, tally = _encoded(job.block, recipe)
    batches = []
    if job.copies.start:
        tally.clear()  # the text was counted with its first copies
    for copy in job.copies:
        examples = build_examples(documents, recipe.examples, recipe.template, recipe.seed, copy)
        rows = assemble(documents, examples, recipe.template)
        masks = None
        if recipe.masks.masking == "static":
            masks = mask_examples(
                rows.input_ids, rows.offsets, examples.keys, recipe.facts, recipe.masks
            )
        batches.append(record_batch(recipe.columns, rows, examples.labels, masks))
        tally.update(_tally(examples, rows, masks, copy))
        tally.update(_target_counts(rows, examples.keys, masks, recipe))
    return JobResult(job, batches, tally)


def wants_space(tokenizer: Tokenizer) -> bool:
    """Whether the words of a vocabulary carry the space before them: it is made of bytes."""
    if tokenizer.is_native:
        return tokenizer.spec.words.pre_tokenizer == "gpt2"
    return all(character in tokenizer.ids for character in BYTE_TO_CHAR)


def _encoded(block: Block, recipe: Recipe) -> tuple[EncodedDocuments, Counter[str]]:
    sentences = split_sentences(
        block.texts,
        block.documents,
        recipe.sentences,
        is_lines=block.is_lines,
        leading_space=wants_space(recipe.tokenizer),
    )
    ids, offsets = join_ids(recipe.tokenizer.encode_strings(sentences.texts, threads=1))
    _check_range(ids, offsets, sentences.texts, recipe.tokenizer)
    tally = Counter(
        {
            "text bytes": block.texts.nbytes,
            "sentences": len(sentences.texts),
            **word_counts(ids, recipe.facts),
            "parts of long documents": block.further_parts,
            **{f"texts {what}": count for what, count in block.repairs.items()},
        }
    )
    return EncodedDocuments(ids, offsets, sentences.documents, block.numbers), tally


def _check_range(
    ids: NDArray[np.int32], offsets: NDArray[np.int64], texts: Strings, tokenizer: Tokenizer
) -> None:
    """Refuse ids that no token has, which a column of uint16 would store as others."""
    strange = np.flatnonzero(ids.view(np.uint32) >= tokenizer.vocab_size)
    if not len(strange):
        return
    first = int(strange[0])
    number = int(np.searchsorted(offsets, first, side="right")) - 1
    text = texts.bytes_of(number).decode()
    encoding = tokenizer.encode(text, add_special_tokens=False, max_length=NO_LIMIT, padding=False)
    start, end = encoding.offsets[first - int(offsets[number])]
    raise InputError(
        f"{text[start:end]!r} in {text.strip()[:_SHOWN]!r} has the id {ids[first]}, outside of the "
        f"vocabulary of {tokenizer.vocab_size:,} tokens",
        hint="Its unknown token is missing: train a vocabulary with [UNK] among --special-tokens.",
    )


def _target_counts(
    rows: Rows, keys: NDArray[np.uint64], masks: Masks | None, recipe: Recipe
) -> dict[str, int]:
    """Count targets and how many were asked for; where they are drawn at load, of some rows."""
    offsets = rows.offsets
    if masks is None:
        offsets = offsets[: _SAMPLED + 1]
        ids = rows.input_ids[: offsets[-1]].copy()
        masks = mask_examples(ids, offsets, keys[:_SAMPLED], recipe.facts, recipe.masks)
    asked = wanted_targets(np.diff(offsets), recipe.masks)
    return {"targets asked": asked, "targets found": len(masks.positions)}


def _tally(examples: Examples, rows: Rows, masks: Masks | None, copy: int) -> dict[str, int]:
    counts = {"examples": len(examples), "tokens": len(rows.input_ids)}
    if examples.labels is not None:
        counts["labels of 1"] = int(np.count_nonzero(examples.labels))
    if masks is not None:
        counts["masked tokens"] = len(masks.positions)
    counts["tokens dropped from pairs"] = examples.tally.dropped_tokens
    if copy == 0:  # what holds of the text is the same in every copy
        counts |= {
            "documents": examples.tally.documents,
            "text tokens": examples.tally.tokens,
            "documents without text": examples.tally.empty_documents,
            "sentences cut": examples.tally.cut_sentences,
        }
    return counts
