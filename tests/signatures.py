"""The kinds of arguments that commands call kernels with, listed for who compiles them ahead.

`python -m tests.signatures` runs the commands below on small texts and renews
`tokpipe/machine_code/signatures.tsv`, with each way to multiply; to be done after a change of what
kernels take, where the processor has AVX512_BF16 (elsewhere pairs are not multiplied).
"""

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from unittest.mock import patch

from tokpipe.bert.products import kinds as kinds_of_products
from tokpipe.cli.main import execute
from tokpipe.corpus.bundled import bundled_corpus
from tokpipe.foundation import processors
from tokpipe.foundation.compile_ahead import Signature, named, write_signatures
from tokpipe.foundation.jit import Compiled
from tokpipe.foundation.processors import WAYS

_LINES = 3000  # of the bundled text: as many words as make every kernel run
_ROWS = 60
_LABELS = ("good", "bad")
_GROUPS = ("finetune", "baseline")  # commands of commands


def commands(folder: Path) -> Iterator[list[str]]:
    """Yield command lines, each with what those before it made in the working folder."""
    text, rows, tags = (str(folder / name) for name in ("text.txt", "rows.tsv", "tags.conll"))
    yield ["demo", "--steps", "4", "-o", "demo"]
    for model in ("wordpiece", "bpe", "byte-bpe"):
        yield ["train-vocab", text, "--model", model, "--vocab-size", "900", "-o", model]
    likely = ["--score", "likelihood", "--vocab-size", "400", "--memory", "300MB"]
    yield ["train-vocab", text, *likely, "--held-out", "0.1", "-o", "likely"]
    for many in ("many.txt", "many.jsonl"):  # words, so that tables grow
        yield ["count-words", str(folder / many), "-o", f"counts-{many}"]
    yield ["train-vocab", str(folder / "many.txt"), "--model", "byte-bpe", "-o", "many"]
    yield ["count-words", text, "-o", "counts"]
    yield ["merge-counts", "counts", "counts", "-o", "both"]
    for model in ("wordpiece", "bpe", "byte-bpe"):
        for to in ("ids.arrow", "ids.jsonl"):
            yield ["encode", "-t", model, text, "-o", f"{model}-{to}"]
        yield ["encode", "-t", model, text, "--to", "jsonl", "--offsets", "-o", f"{model}-o.jsonl"]
        yield ["decode", "-t", model, f"{model}-ids.arrow", "-o", f"{model}.txt"]
    yield ["build-shards", text, "-t", "wordpiece", "-o", "shards"]
    yield ["build-shards", text, "-t", "wordpiece", "--masking", "static", "-o", "static"]
    yield ["build-shards", text, "-t", "byte-bpe", "--recipe", "roberta", "-o", "roberta"]
    yield ["pretrain", "shards", "--preset", "tiny", "--steps", "3", "-o", "run"]
    yield ["pretrain", "roberta", "--preset", "tiny", "--steps", "3", "-o", "run-roberta"]
    yield ["fill-mask", "run", "The baker has a [MASK]."]
    yield ["attention", "run", "The baker has a loaf."]
    yield ["embed", "run", text, "-o", "vectors.npy"]
    yield ["evaluate", "run", "shards"]
    learn = ["--epochs", "1", "--batch-size", "8"]
    yield ["finetune", "classification", "run", "--train", rows, *learn, "-o", "classes"]
    yield ["finetune", "ner", "run", "--train", tags, *learn, "-o", "tagger"]
    yield ["predict", "classes", text, "-o", "classes.jsonl"]
    yield ["predict", "tagger", text, "-o", "tags.jsonl"]
    for kind in ("bow", "vectors", "bilstm"):
        yield ["baseline", kind, "classification", "--train", rows, "-o", kind]


def found() -> list[Signature]:
    """Run the commands, and return what they call, in the order of first calls."""
    calls: dict[tuple[str, str], dict[str, dict[str, None]]] = {}
    make, command, way, met = Compiled._made, "", "", set[Compiled]()

    def watched(self, kinds, arguments):
        name = f"{self.py_func.__module__}.{self.py_func.__name__}"
        assert named(name) is self
        calls.setdefault((name, kinds), {}).setdefault(command, {})[way] = None
        met.add(self)
        return make(self, kinds, arguments)

    for way in WAYS:
        with (
            tempfile.TemporaryDirectory() as place,
            contextlib.chdir(place),
            _processor_with(way),
            patch.object(Compiled, "_made", watched),
        ):
            _write_inputs(Path(place))
            for arguments in commands(Path(place)):
                command = " ".join(arguments[: 1 + (arguments[0] in _GROUPS)])
                while met:
                    forget(met.pop())
                _run(arguments)
    return [
        Signature(tuple(_told(name, ways) for name, ways in commands.items()), *call)
        for call, commands in calls.items()
    ]


def _told(command: str, ways: Iterable[str]) -> str:
    return command if {*ways} == {*WAYS} else f"{command}@{'+'.join(ways)}"


@contextlib.contextmanager
def _processor_with(way: str) -> Iterator[None]:
    """Let linear maps multiply in one way where nobody asks for a precision."""
    has = {"pairs_pay": lambda: way == "pairs"}
    if way == "blas":
        has["multiplies"] = lambda kind: False
    with contextlib.ExitStack() as stack:
        for name, answer in has.items():
            for module in (processors, kinds_of_products):
                stack.enter_context(patch.object(module, name, answer))
        yield


def forget(compiled: Compiled) -> None:
    """Let a function be called as if for the first time."""
    compiled._calls.clear()
    compiled._made_for.clear()


def _run(arguments: list[str]) -> None:
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        code = execute([*arguments, "--seed", "1"])
    if code:
        raise SystemExit(f"{' '.join(arguments)}: {code}\n{told.getvalue()}")


def _write_inputs(folder: Path) -> None:
    texts = [path.read_text("utf-8") for path in sorted(bundled_corpus().rglob("*.txt"))]
    (folder / "many.txt").write_text("".join(texts), "utf-8")
    (folder / "many.jsonl").write_text("".join(f"{json.dumps({'text': t})}\n" for t in texts))
    lines = (bundled_corpus() / "world.txt").read_text("utf-8").splitlines(keepends=True)[:_LINES]
    (folder / "text.txt").write_text("".join(lines), "utf-8")
    sentences = [line.strip() for line in lines if line.strip()][:_ROWS]
    rows = [f"{line}\t{_LABELS[i % 2]}" for i, line in enumerate(sentences)]
    (folder / "rows.tsv").write_text("\n".join(["text\tlabel", *rows]) + "\n", "utf-8")
    words = [" ".join(line.split()[:6]).split() for line in sentences]
    tagged = [
        "\n".join(f"{word} {'B-X' if word.istitle() else 'O'}" for word in one) for one in words
    ]
    (folder / "tags.conll").write_text("\n\n".join(tagged) + "\n", "utf-8")


if __name__ == "__main__":
    os.environ.setdefault("COLUMNS", "80")
    write_signatures(found())
