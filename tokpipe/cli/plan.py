"""What a command would do, with estimates: the answer to ``--dry-run``.

The rates are those of an ordinary core, rounded down; they are for planning an evening, not for
comparing machines.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tokpipe.cli.command import Session
from tokpipe.cli.progress import clock
from tokpipe.corpus.config import ReadConfig
from tokpipe.foundation.folders import real_folder
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.sizes import format_bytes
from tokpipe.foundation.storage import free_bytes
from tokpipe.foundation.stores.copies import here
from tokpipe.foundation.threads import thread_count
from tokpipe.vocab.config import VocabConfig

if TYPE_CHECKING:
    from tokpipe.bert.config import BertConfig
    from tokpipe.corpus.reader import Corpus
    from tokpipe.engines.config import EngineConfig
    from tokpipe.finetuning.preparing import Prepared
    from tokpipe.tasks.model import BertModel
    from tokpipe.tasks.teacher import Questions
    from tokpipe.training.config import TrainingConfig
    from tokpipe.training.pretrain import Pretraining

_EXPANSION = 4  # bytes of text a stored byte of a compressed file
_COUNTING = 60 << 20  # bytes of text a second and core
_UNPACKING = 40 << 20  # bytes of text a second and file, of the slow codecs
_START_SECONDS = 2.0  # imports, and kernels from their cache: half a second, rounded up
_BYTES_A_WORD = 60  # of memory, of a table entry with its word
_SHARE_UNIQUE = 0.06  # bytes of new words a byte of text, at 100 MB; less beyond
_COUNTS_BYTES = 24  # on disk a unique word
_TOKEN_BYTES = 150  # on disk a token, in all files of a tokenizer
_MERGE_SECONDS = 2e-5  # of a merge
_MERGING = 100 << 20  # bytes of text a second: time follows unique words
_ENCODING = 80 << 20  # bytes of text a second and core
_OPERATIONS = 60e9  # a second and core, in training
_WORKER_BYTES = 75 << 20  # of memory, of a worker's process before it has anything to do
_PASSES = 3  # of training, of which one is forward
_BYTES_A_TOKEN = 4  # of text; and of an id in Arrow, or of its digits in a line


@dataclass(frozen=True)
class Plan:
    """What would be read, written and taken: estimates in bytes and seconds."""

    title: str
    facts: dict[str, object]
    memory: int
    disk: int
    seconds: float
    output: str


def show_plan(session: Session, plan: Plan, engine: "EngineConfig | None" = None) -> None:
    """Print a plan: a table, or JSON; the root of all folders is no place for an output."""
    if engine is not None and engine.engine == "dask":
        plan = _by_workers(plan, engine)
    real_folder(Path(plan.output))
    free = free_bytes(Path(plan.output))
    if session.json:
        estimates = {"memory_bytes": plan.memory, "disk_bytes": plan.disk, "seconds": plan.seconds}
        facts = {name.replace(" ", "_"): value for name, value in plan.facts.items()}
        session.console.json({**facts, "estimates": estimates, "output": plan.output})
        return
    rows = [(name, _shown(name, value)) for name, value in plan.facts.items()]
    disk, seconds = f"about {format_bytes(plan.disk)}", plan.seconds
    rows += [
        ("memory", f"about {format_bytes(plan.memory)}"),
        ("disk", disk if free is None else f"{disk}, {format_bytes(free)} free"),
        ("time", f"about {seconds:.0f} s" if seconds < 100 else f"about {clock(seconds)}"),
        ("output", plan.output),
    ]
    session.console.table(f"{plan.title} (nothing is done)", rows)


def _by_workers(plan: Plan, engine: "EngineConfig") -> Plan:
    """Return a plan for as many workers as it has threads: each is a process of its own."""
    facts = dict(plan.facts)
    count = facts.pop("threads")
    assert isinstance(count, int)
    is_known = engine.workers is not None or engine.address is None
    workers = count if is_known else f"those of {engine.address}, reckoned as {count}"
    return replace(
        plan, facts={**facts, "workers": workers}, memory=plan.memory + count * _WORKER_BYTES
    )


def counting_plan(
    inputs: Sequence[str],
    read: ReadConfig,
    threads: int | None,
    memory: int | None,
    output: str,
) -> Plan:
    """Estimate what counting words takes."""
    from tokpipe.corpus.reader import open_corpus

    facts, text, unpacking = _text_to_read(open_corpus(inputs, read))
    cores = thread_count(threads)
    seconds = text / _COUNTING / cores + unpacking
    unique = unique_bytes(text)
    tables = (150 << 20) + (4 << 20) * 4 * cores + unique * cores
    return Plan(
        title="Counting words",
        facts={**facts, "threads": cores},
        memory=min(memory or tables, tables),
        disk=int(unique * _COUNTS_BYTES / _BYTES_A_WORD) + (unique if memory else 0),
        seconds=_START_SECONDS + seconds,
        output=output,
    )


def encoding_plan(
    inputs: Sequence[str], read: ReadConfig, threads: int | None, output: str
) -> Plan:
    """Estimate what encoding texts takes; standard input is not looked at."""
    from tokpipe.corpus.reader import open_corpus

    cores = thread_count(threads)
    facts, text, unpacking = _text_to_read(open_corpus(inputs, read))
    return Plan(
        title="Encoding texts",
        facts={**facts, "threads": cores},
        memory=(200 << 20) + (32 << 20) * cores,
        disk=text // _BYTES_A_TOKEN * _BYTES_A_TOKEN,
        seconds=_START_SECONDS + text / _ENCODING / cores + unpacking,
        output=output,
    )


def training_plan(counting: Plan, vocab: VocabConfig, output: str) -> Plan:
    """Estimate what training takes, on top of the counting."""
    size = max(vocab.sizes)
    text = counting.facts.get("text bytes", 0)
    text = text if isinstance(text, int) else 0
    return Plan(
        title=f"Training a {vocab.model} vocabulary",
        facts={**counting.facts, "vocabulary size": vocab.sizes},
        memory=counting.memory + 2 * unique_bytes(text),
        disk=counting.disk + _TOKEN_BYTES * sum(vocab.sizes),
        seconds=counting.seconds + size * _MERGE_SECONDS + text / _MERGING,
        output=output,
    )


def _text_to_read(corpus: "Corpus") -> tuple[dict[str, object], int, float]:
    """Return what is known of a corpus, its bytes of text, and the seconds to unpack them."""
    stored = corpus.stored_bytes
    packed = sum(file.size for file in corpus.files if file.codec)
    text = stored - packed + packed * _EXPANSION
    facts: dict[str, object] = {
        "inputs": len(corpus.files),
        "stored bytes": stored,
        "text bytes": text,
    }
    return facts, text, packed * _EXPANSION / _UNPACKING


def unique_bytes(text: int) -> int:
    """Estimate the memory of the table of unique words (Heaps: about the 0.6th power)."""
    return int(_SHARE_UNIQUE * 10**8 * _BYTES_A_WORD / 10 * (max(text, 1) / 10**8) ** 0.6)


def merging_plan(folders: Sequence[str], output: str) -> Plan:
    """Estimate what adding up counts takes: their size on disk, once."""
    manifests = [Manifest.read(here(name), "counts") for name in folders]
    total = sum(file["bytes"] for manifest in manifests for file in manifest.files.values())
    return Plan(
        title="Adding up word counts",
        facts={"folders": len(folders), "stored bytes": total},
        memory=(150 << 20) + total,
        disk=total,
        seconds=_START_SECONDS + total / (50 << 20),
        output=output,
    )


def training_seconds(model: "BertConfig", sequence: int, tokens: int, threads: int) -> float:
    """Estimate how long a model trains."""
    from tokpipe.inspection.model import work_of

    return tokens * work_of(model, sequence).training / _OPERATIONS / threads


def pretraining_plan(asked: "Pretraining", threads: int, output: str) -> Plan:
    """Estimate what pretraining takes."""
    from tokpipe.bert.parameters import count_encoder_parameters
    from tokpipe.training.loading import masks_to_learn
    from tokpipe.training.memory import PROGRAM, disk_bytes

    model, folders, training, shares = asked.model, asked.folders, asked.config, asked.shares
    size, in_split = count_encoder_parameters(model), sum(one.train.tokens for one in folders)
    tokens, working = _tokens(training, in_split), min(threads, training.gradient_shards)
    lengths = [one.examples.max_seq_length for one in folders]
    each = list(zip(shares, lengths, strict=True))
    seconds = sum(
        training_seconds(model, length, int(share * (tokens or 0)), working)
        for share, length in each
    )
    phases = tuple(f"{share:.4g} on up to {length} tokens" for share, length in each)
    return Plan(
        title="Pretraining",
        facts={
            "shards": ", ".join(str(one.folder) for one in folders),
            **({"phases": phases} if len(folders) > 1 else {}),
            "training tokens": in_split,
            "parameters": size,
            "tokens to train on": tokens or f"as many as {training.budget} allow",
            "tokens a step": training.batch_tokens * training.gradient_accumulation_steps,
            "learning rate": training.learning_rate,
            "heads begin": training.attention_start,
            "share of masks": tuple(
                masks_to_learn(one, training).masked_lm_prob for one in folders
            ),
            "threads": threads,
        },
        memory=PROGRAM + sum(asked.stages(threads).values()),
        disk=disk_bytes(model, training),
        seconds=training.budget_seconds or seconds,
        output=output,
    )


def finetuning_plan(prepared: "Prepared", threads: int, output: str) -> Plan:
    """Estimate what fine-tuning takes."""
    from tokpipe.finetuning.training import loader_of, stages_of, training_config
    from tokpipe.training.memory import PROGRAM, disk_bytes

    asked, loader = prepared.asked, loader_of(prepared, 0)
    training, examples = training_config(prepared, loader), prepared.parts["train"].examples
    steps, tokens, seeds = training.steps, len(examples.input_ids), asked.config.seeds
    epochs = (
        0.0 if steps is None else steps * training.gradient_accumulation_steps / loader.count(0)
    )
    working = min(threads, training.gradient_shards)
    sequence = max(1, tokens // max(len(examples), 1))
    seconds = training_seconds(prepared.model, sequence, int(epochs * tokens), working)
    return Plan(
        title=f"Fine-tuning for {asked.task.name}",
        facts={
            "model": str(asked.model),
            "training windows": len(examples),
            "tokens an epoch": tokens,
            "steps": steps or f"as many as {training.budget} allow",
            "learning rate": training.learning_rate,
            "trainings": seeds,
            "threads": threads,
        },
        memory=PROGRAM + sum(stages_of(prepared, training, threads).values()),
        disk=disk_bytes(prepared.model, training) * seeds,
        seconds=seeds * (training.budget_seconds or seconds),
        output=output,
    )


def distilling_plan(training: Plan, asking: "Questions", teacher: "BertModel", kept: int) -> Plan:
    """Add to the plan of a student's training what asking its teacher takes.

    Parameters
    ----------
    kept
        Bytes of the teacher's answers.
    """
    from tokpipe.bert.parameters import count_encoder_parameters

    sequence = max(1, asking.tokens // max(asking.capacity.sequences * asking.steps, 1))
    threads = training.facts["threads"]
    assert isinstance(threads, int)
    asked = training_seconds(teacher.config, sequence, asking.tokens, threads) / _PASSES
    return replace(
        training,
        title=f"Distilling: {training.title[0].lower()}{training.title[1:]}",
        facts={
            **training.facts,
            "teacher parameters": count_encoder_parameters(teacher.config),
            "teacher asked about": asking.places,
            "teacher answers in bytes": kept,
        },
        memory=training.memory + 4 * teacher.parameters.count,
        disk=training.disk + kept,
        seconds=training.seconds + asked,
    )


def _tokens(training: "TrainingConfig", in_split: int) -> int | None:
    if training.epochs is not None:
        return int(training.epochs * in_split)
    if training.most_steps is None:
        return None
    return training.most_tokens(training.most_steps)


def _shown(name: str, value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(_shown(name, one) for one in value)
    if isinstance(value, int):
        return format_bytes(value) if name.endswith("bytes") else f"{value:,}"
    return str(value)
