"""The jobs that fine-tuning is measured on: real data as plain files that both sides read."""

import bz2
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.bench import corpus
from tests.bench.embed import minilm
from tests.conftest import SHARED
from tokpipe.finetuning.config import FinetuneConfig
from tokpipe.finetuning.parts import read_parts
from tokpipe.finetuning.registry import task_of
from tokpipe.finetuning.tasks.qa import gold_answers
from tokpipe.labelled.config import TextColumns
from tokpipe.labelled.records import Labelled, LabelledTexts, Questions, TaggedWords
from tokpipe.labelled.splits import growing

_TASKS = SHARED / "tasks"
SUFFIXES = {"texts": "jsonl", "words": "conll", "questions": "json"}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What is left out of a measurement to make it shorter.

    Attributes
    ----------
    rows
        Most rows of each part; None: all.
    tasks
        Names of jobs; empty: all.
    layers
        2 for a model of two layers and 8,192 tokens in place of MiniLM-L6.
    minutes
        Of the longest training, where time is what is given.
    ways
        Which ways of `recipe` to train; None: all.
    store
        Where trainings are kept; None: beside the bench.
    """

    rows: int | None = None
    tasks: tuple[str, ...] = ()
    layers: int | None = None
    minutes: float = 30.0
    ways: tuple[str, ...] | None = None
    store: Path | None = None

    @property
    def said(self) -> str:
        """What a table must say of it; nothing where nothing is left out."""
        parts = (
            f"at most {self.rows:,} rows of each part" if self.rows else "",
            f"only {', '.join(self.tasks)}" if self.tasks else "",
            f"{self.layers} layers of MiniLM-L6 and 8,192 of its tokens" if self.layers else "",
        )
        return "".join(f"; {part}" for part in parts if part)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job: its name in the table, its task, its files, how many tokens are read of a row.

    Where `validation` is None, a tenth of the training part is held out. `epochs` is how often
    both sides see the training part when their scores are compared: half a million to a million
    tokens (IMDb: 2.9). Our own defaults (18 to 20 epochs for MRPC, RTE and WNUT-17) would cost
    35 million tokens a seed and side, some nine hours of two cores, and tell the two apart no
    better.
    """

    title: str
    task: str
    train: str
    test: str
    epochs: int
    validation: str | None = None
    tokens: int = 128
    columns: TextColumns | None = None


_EWT, _SV = "ud-ewt/en_ewt-ud-{}.conllu.xz", "ud-swedish/sv_talbanken-ud-{}.conllu.xz"
JOBS = {
    "sst2": Job(
        title="SST-2",
        task="classification",
        train="sst2/train.tsv.xz",
        test="sst2/dev.tsv",
        epochs=1,
    ),
    "mrpc": Job(
        title="MRPC",
        task="classification",
        train="mrpc/train.tsv",
        test="mrpc/dev.tsv",
        epochs=4,
    ),
    "rte": Job(
        title="RTE",
        task="classification",
        train="rte/train.tsv",
        test="rte/dev.tsv",
        epochs=3,
        tokens=256,
    ),
    "snli": Job(
        title="SNLI, dev as training part",
        task="classification",
        train="snli/dev.tsv",
        test="snli/test.tsv",
        epochs=2,
        columns=TextColumns(text="1", second="2", label=("3",), header=False),
    ),
    "imdb": Job(
        title="IMDb",
        task="classification",
        train="imdb/train.jsonl.bz2",
        test="imdb/test-2000.jsonl.bz2",
        epochs=1,
    ),
    "wnut17": Job(
        title="WNUT-17",
        task="ner",
        train="wnut17/train.conll",
        validation="wnut17/dev.conll",
        test="wnut17/test.conll",
        epochs=5,
        tokens=512,
    ),
    "ewt": Job(
        title="EWT UPOS",
        task="pos",
        train=_EWT.format("train"),
        validation=_EWT.format("dev"),
        test=_EWT.format("test"),
        epochs=2,
        tokens=512,
    ),
    "talbanken": Job(
        title="Talbanken UPOS, test as training part, dev as test part",
        task="pos",
        train=_SV.format("test"),
        test=_SV.format("dev"),
        epochs=10,
        tokens=512,
    ),
    "squad": Job(
        title="SQuAD-4k on XQuAD-en",
        task="qa",
        train="squad/train-4k.json.xz",
        test="xquad/xquad.en.json",
        epochs=2,
        tokens=384,
    ),
}


def parts_of(name: str, rows: int | None) -> dict[str, Labelled]:
    """Read the parts of a job, and of each at most so many rows."""
    job = JOBS[name]
    given = {"train": job.train, "validation": job.validation, "test": job.test}
    paths = {part: _TASKS / file for part, file in given.items() if file}
    parts = read_parts(task_of(job.task), paths, job.columns, FinetuneConfig())
    return {part: growing(data, [rows], 0)[0] for part, data in parts.items()}  # type: ignore[type-var]


def written(name: str, parts: Mapping[str, Labelled], rows: int | None) -> dict[str, str]:
    """Write the parts of a job as plain files; return their paths.

    Texts become JSON lines, words two columns, questions SQuAD's JSON.
    """
    folder = corpus.folder() / "finetune" / f"{name}-{rows or 'all'}"
    folder.mkdir(parents=True, exist_ok=True)
    suffix = SUFFIXES[task_of(JOBS[name].task).data]
    paths = {part: folder / f"{part}.{suffix}" for part in parts}
    for part, path in paths.items():
        path.write_text(plain(parts[part]), encoding="utf-8")
    return {part: str(path) for part, path in paths.items()}


def plain(data: Labelled) -> str:
    """Return labelled data as the text of a file."""
    if isinstance(data, LabelledTexts):
        return _text_lines(data)
    return _word_lines(data) if isinstance(data, TaggedWords) else json.dumps(_squad(data))


def columns_of(parts: Mapping[str, Labelled]) -> TextColumns | None:
    """Return which columns of what `plain` wrote hold what."""
    train = parts["train"]
    if not isinstance(train, LabelledTexts):
        return None
    second = "second" if len(train.texts) == 2 else None
    return TextColumns(text="text", second=second, label=("label",))


def settings_for(job: Job, rows: int, model: Path) -> dict[str, Any]:
    """Return how both sides train: our defaults but for the epochs, for rows and a width."""
    config = FinetuneConfig()
    epochs = config.epochs_for(rows, task_of(job.task).most_epochs)  # which a batch's size is for
    width = json.loads((model / "config.json").read_text())["hidden_size"]
    same = ("warmup_proportion", "weight_decay", "adam_epsilon", "max_grad_norm")
    return {
        **{name: getattr(config, name) for name in (*same, "dropout")},
        "epochs": job.epochs,
        "batch_size": config.batch_for(rows, epochs),
        "learning_rate": config.rate_for(width),
    }


def model_folder(peers: str, layers: int | None) -> Path:
    """Return the model that is fine-tuned: MiniLM-L6, or two layers of it."""
    if layers is None:
        return minilm(peers)
    return _unpacked(SHARED / "checkpoints" / "minilm-2l-8k", corpus.folder() / "minilm-2l-8k")


def _unpacked(source: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for file in source.iterdir():
        if file.suffix == ".bz2":
            (folder / file.stem).write_bytes(bz2.decompress(file.read_bytes()))
        elif file.name != "expected.json":
            (folder / file.name).write_bytes(file.read_bytes())
    return folder


def _text_lines(data: LabelledTexts) -> str:
    names = ("text", "second")[: len(data.texts)]
    columns = [column.to_arrow().to_pylist() for column in data.texts]
    labels = [data.names[label] for label in data.labels.tolist()]
    rows = [
        {**dict(zip(names, texts, strict=True)), "label": label}
        for *texts, label in zip(*columns, labels, strict=True)
    ]
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


def _word_lines(data: TaggedWords) -> str:
    words, tags = data.words.to_arrow().to_pylist(), [data.names[tag] for tag in data.tags.tolist()]
    lines = [f"{word}\t{tag}" for word, tag in zip(words, tags, strict=True)]
    sentences = ["\n".join(lines[first:last]) for first, last in pairwise(data.borders.tolist())]
    return "\n\n".join(sentences) + "\n"


def _squad(data: Questions) -> dict[str, Any]:
    contexts = data.contexts.to_arrow().to_pylist()
    asked: list[list[dict[str, Any]]] = [[] for _ in contexts]
    borders, golds = data.answer_borders.tolist(), gold_answers(data)
    texts, ids = data.questions.to_arrow().to_pylist(), data.ids.to_arrow().to_pylist()
    for row, paragraph in enumerate(data.context_of.tolist()):
        starts = data.answer_starts[borders[row] : borders[row + 1]].tolist()
        raw = contexts[paragraph].encode()
        answers = [
            {"text": gold, "answer_start": len(raw[:start].decode())}
            for gold, start in zip(golds[row], starts, strict=True)
        ]
        asked[paragraph].append({"id": ids[row], "question": texts[row], "answers": answers})
    paragraphs = [{"context": c, "qas": q} for c, q in zip(contexts, asked, strict=True)]
    return {"version": "1.1", "data": [{"title": "", "paragraphs": paragraphs}]}
