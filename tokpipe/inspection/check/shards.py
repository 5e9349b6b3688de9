"""What is wrong with a shard folder: files first, then what stands in them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokpipe.examples.masking import mask_examples, wanted_targets
from tokpipe.foundation.errors import TokpipeError
from tokpipe.foundation.folders import MANIFEST
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.sizes import plural
from tokpipe.inspection.check.finding import ERROR, NOTE, WARNING, Finding, warning_of
from tokpipe.inspection.intervals import share
from tokpipe.shards.parts import Part
from tokpipe.shards.quality import (
    FEW_TARGETS,
    SKEWED,
    mask_cause,
    pair_cause,
    target_shortage,
    word_counts,
)
from tokpipe.shards.reader import KIND, Shards, Split, open_shards
from tokpipe.tokenizer.quality import longest_word, unknown_warning

_SURE = 5.0  # deviations: a rate this far off is no chance (one in two million)
_SAMPLED_PARTS, _SAMPLED_ROWS = 16, 256  # that are masked to see how many targets they get
_FEW_TOKENS = 0.2  # of max_seq_length: a trainer that pads would waste four fifths


@dataclass
class Counts:
    """What the rows of a split were found to hold; `first_*` are rows, -1 for none."""

    tokens: int = 0
    out_of_range: int = 0
    words: int = 0
    unknown: int = 0
    pads: int = 0
    mask_tokens: int = 0
    unframed: int = 0
    empty: int = 0
    targets: int = 0
    wrong_targets: int = 0
    special_targets: int = 0
    to_mask: int = 0
    to_same: int = 0
    ones: int = 0


def check_shards(folder: Path) -> tuple[str, list[Finding]]:
    """Check a shard folder; return what it is, and what was found."""
    try:
        manifest = Manifest.read(folder, KIND)
    except TokpipeError as error:
        return "shards", [_finding(error, folder)]
    findings = [*_check_files(folder, manifest), *_strays(folder, manifest)]
    if any(finding.level == ERROR for finding in findings):
        return "shards", findings
    try:
        shards = open_shards(folder, hashes=False)  # they were compared above
    except TokpipeError as error:
        return "shards", [*findings, _finding(error, folder)]
    for split in shards.splits:
        findings += check_split(shards, split)
    rows = sum(split.rows for split in shards.splits)
    return f"shards, {rows:,} examples, {shards.facts.vocab_size:,} tokens", findings


def _finding(error: TokpipeError, folder: Path) -> Finding:
    problem = error.problem.removeprefix(f"{folder}/").removeprefix(f"{folder}: ")
    place, found, rest = problem.partition(": ")
    if not found or " " in place:
        place, rest = MANIFEST if found else folder.name, problem
    return Finding(ERROR, place, rest, error.hint)


def _check_files(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    for name, facts in manifest.files.items():
        try:
            replace(manifest, files={name: facts}).check_files(folder)
        except TokpipeError as error:
            yield _finding(error, folder)


def _strays(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    present = {path.relative_to(folder).as_posix() for path in folder.glob("*/*.arrow")}
    for name in sorted(present - set(manifest.files)):
        yield Finding(
            WARNING,
            name,
            "not in the manifest: ours does not read it, a glob in `datasets` would",
            "Remove it if it is left from another run.",
        )


def check_split(shards: Shards, split: Split) -> Iterator[Finding]:
    """Check the rows of a split against the settings and the vocabulary."""
    if not split.rows:
        level = ERROR if split.name == "train" else NOTE
        yield Finding(level, split.name, "there is no example in it")
        return
    counts = Counts()
    for part in split.parts:
        _count_rows(part, shards, counts)
        if part.labels is not None:
            counts.ones += int(np.count_nonzero(part.labels == 1))
        if part.masked_positions is not None:
            _count_targets(part, shards, counts)
    yield from _check_ids(shards, split, counts)
    yield from _check_labels(shards, split, counts)
    if counts.targets or shards.masks.masking == "static":
        yield from _check_masks(shards, split, counts)
    elif not counts.out_of_range:
        yield from _check_number(shards, split, *_sampled_targets(shards, split))


def _count_rows(part: Part, shards: Shards, counts: Counts) -> None:
    ids, offsets = part.input_ids
    facts, lengths = shards.facts, np.diff(offsets)
    counts.tokens += len(ids)
    counts.out_of_range += int(np.count_nonzero((ids >= facts.vocab_size) | (ids < 0)))
    words = word_counts(ids, facts)
    counts.words += words["words"]
    counts.unknown += words["unknown words"]
    counts.pads += int(np.count_nonzero(ids == facts.pad_id))
    counts.mask_tokens += int(np.count_nonzero(ids == facts.mask_id))
    counts.empty += int(np.count_nonzero(lengths < 3))  # nothing between its special tokens
    whole = lengths > 0
    first, last = ids[offsets[:-1][whole]], ids[offsets[1:][whole] - 1]
    framed = np.isin(first, [facts.cls_id, facts.mask_id]) & (last == facts.sep_id)
    counts.unframed += int(np.count_nonzero(~framed))


def _count_targets(part: Part, shards: Shards, counts: Counts) -> None:
    assert part.masked_positions is not None and part.masked_ids is not None
    positions, targets = part.masked_positions.values, part.masked_ids.values
    per_row = np.diff(part.masked_positions.offsets)
    lengths = np.repeat(np.diff(part.input_ids.offsets), per_row)
    wrong = (positions >= lengths) | (targets >= shards.facts.vocab_size)
    wrong |= _not_ascending(positions, part.masked_positions.offsets)
    counts.targets += len(targets)
    counts.wrong_targets += int(np.count_nonzero(wrong))
    starts = np.repeat(part.input_ids.offsets[:-1].astype(np.int64), per_row)
    now = part.input_ids.values[(starts + positions)[~wrong]]
    was = targets[~wrong]
    counts.special_targets += int(np.count_nonzero(_never(shards)[was]))
    counts.to_mask += int(np.count_nonzero(now == shards.facts.mask_id))
    counts.to_same += int(np.count_nonzero(now == was))


def _never(shards: Shards) -> NDArray[np.uint8]:
    """Return uint8[V]: 1 for tokens that must never be a target."""
    never = shards.facts.is_special.copy()
    if shards.masks.compat == "google" and shards.facts.unk_id >= 0:
        never[shards.facts.unk_id] = 0  # BERT's own script leaves out [CLS] and [SEP] only
    return never


def _not_ascending(positions: NDArray[np.uint16], offsets: NDArray[np.int32]) -> NDArray[np.bool_]:
    wrong = np.zeros(len(positions), np.bool_)
    wrong[1:] = positions[1:] <= positions[:-1]
    firsts = offsets[:-1][np.diff(offsets) > 0]
    wrong[firsts] = False
    return wrong


def _check_ids(shards: Shards, split: Split, counts: Counts) -> Iterator[Finding]:
    size = shards.facts.vocab_size
    if counts.out_of_range:
        problem = f"{plural(counts.out_of_range, 'id')} beyond the vocabulary of {size:,} tokens"
        hint = "These shards were made with another vocabulary; build them again."
        yield Finding(ERROR, split.name, problem, hint)
    if counts.unframed:
        problem = plural(counts.unframed, "example", ("does", "do"))
        yield Finding(ERROR, split.name, f"{problem} not begin and end with special tokens")
    if counts.empty:
        problem = plural(counts.empty, "example", ("has", "have"))
        yield Finding(ERROR, split.name, f"{problem} no text")
    if counts.pads:
        problem = f"{plural(counts.pads, 'padding token')} stored"
        yield Finding(WARNING, split.name, problem, "Shards need no padding; a trainer pads.")
    yield from _check_text(shards, split, counts)


def _check_text(shards: Shards, split: Split, counts: Counts) -> Iterator[Finding]:
    if shards.masks.masking == "dynamic" and counts.mask_tokens:
        problem = f"{plural(counts.mask_tokens, 'mask token')} in text that is masked at load only"
        hint = "Does the corpus hold the mask token as text?"
        yield Finding(WARNING, split.name, problem, hint)
    longest = longest_word(shards.tokenizer.spec)
    if warning := unknown_warning(counts.words, counts.unknown, longest=longest):
        yield warning_of(warning, split.name)
    filled = counts.tokens / (split.rows * shards.examples.max_seq_length)
    if filled < _FEW_TOKENS:
        problem = f"examples are {100 * filled:.0f} % as long as max_seq_length allows"
        hint = "Short documents? Packing, or a lower --max-seq-length, costs a padded trainer less."
        yield Finding(NOTE, split.name, problem, hint)


def _check_labels(shards: Shards, split: Split, counts: Counts) -> Iterator[Finding]:
    if not shards.examples.pairs:
        return
    observed = share(counts.ones, split.rows, _SURE)
    low, high = SKEWED
    if observed.low > high or observed.high < low:
        what = "random next" if shards.examples.task == "nsp" else "swapped"
        problem = f"{100 * observed.value:.1f} % of the pairs are {what}: the labels are skewed"
        cause = pair_cause(counts.ones, split.rows, shards.examples)
        yield Finding(WARNING, split.name, problem, f"{cause[:1].upper()}{cause[1:]}.")


def _sampled_targets(shards: Shards, split: Split) -> tuple[int, int]:
    """Mask some rows as a loader would; return how many targets they get, and should have."""
    targets = expected = 0
    for part in split.parts[:_SAMPLED_PARTS]:
        offsets = part.input_ids.offsets[: _SAMPLED_ROWS + 1].astype(np.int64)
        ids = part.input_ids.values[: offsets[-1]].astype(np.int32)
        keys = np.arange(len(offsets) - 1, dtype=np.uint64)
        targets += len(mask_examples(ids, offsets, keys, shards.facts, shards.masks).positions)
        expected += wanted_targets(np.diff(offsets), shards.masks)
    return targets, expected


def _check_number(shards: Shards, split: Split, targets: int, expected: int) -> Iterator[Finding]:
    if targets < FEW_TARGETS * expected:
        problem = target_shortage(targets, expected, 100 * shards.masks.masked_lm_prob)
        cause = mask_cause(shards.masks)
        level = WARNING if targets else ERROR
        yield Finding(level, split.name, problem, f"{cause[:1].upper()}{cause[1:]}")


def _check_masks(shards: Shards, split: Split, counts: Counts) -> Iterator[Finding]:
    masks = shards.masks
    if counts.wrong_targets:
        problem = plural(counts.wrong_targets, "target", ("has", "have"))
        problem += " a place outside of its example, out of order, or an id beyond the vocabulary"
        yield Finding(ERROR, split.name, problem)
        return
    if counts.special_targets:
        problem = plural(counts.special_targets, "target", ("is", "are"))
        yield Finding(ERROR, split.name, f"{problem} special: nothing can be learnt from them")
    if not counts.targets:
        yield Finding(ERROR, split.name, "there is no masked token in it")
        return
    yield from _check_number(shards, split, counts.targets, wanted_targets(split.lengths, masks))
    if masks.span != "none":
        return  # the tokens of a span share their fate: their number is no number of draws
    unchanged = 1 - masks.mask_replace_prob - masks.random_replace_prob
    for what, count, expected in (
        ("replaced by the mask token", counts.to_mask, masks.mask_replace_prob),
        ("left as they were", counts.to_same, unchanged),
    ):
        observed = share(count, counts.targets, _SURE)
        slack = masks.random_replace_prob / max(len(shards.facts.ordinary), 1)  # drew itself
        if not observed.low - slack <= expected <= observed.high:
            problem = f"{100 * observed.value:.2f} % of the targets are {what}, asked "
            yield Finding(WARNING, split.name, f"{problem}{100 * expected:g} %")
