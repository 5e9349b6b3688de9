"""Whether the files of one folder say the same."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tokpipe.foundation.errors import InputError
from tokpipe.foundation.sizes import plural
from tokpipe.inspection.check.finding import ERROR, NOTE, WARNING, Finding, examples, quoted
from tokpipe.inspection.source import Source
from tokpipe.tokenizer.guarded_json import read_json
from tokpipe.tokenizer.neighbours import CONFIG, ROLES
from tokpipe.tokenizer.vocab_files import lines_of

_JSON_FILES = ("tokenizer_config.json", "special_tokens_map.json", "config.json", "vocab.json")
_LEAST_MULTIPLE = 8  # that a number of rows is padded to: less helps no processor
_SWITCHES = {  # tokenizer_config.json -> BertNormalizer
    "do_lower_case": "lowercase",
    "strip_accents": "strip_accents",
    "tokenize_chinese_chars": "handle_chinese_chars",
}


def read_beside(folder: Path) -> tuple[dict[str, Any], list[Finding]]:
    """Read the JSON files beside a vocabulary; what cannot be read is a finding."""
    files: dict[str, Any] = {}
    findings: list[Finding] = []
    for name in _JSON_FILES:
        if (folder / name).is_file():
            try:
                files[name] = read_json(folder / name)
            except InputError as error:
                if name not in (CONFIG, ROLES):  # the reader has found that
                    findings.append(Finding(ERROR, name, error.problem.removeprefix(f"{folder}/")))
    return files, findings


def check_agreement(source: Source, folder: Path, files: Mapping[str, Any]) -> Iterator[Finding]:
    """Compare the vocabulary with vocab.txt, vocab.json, merges.txt and the configurations."""
    if source.path.name != "vocab.txt" and (folder / "vocab.txt").is_file():
        yield from _vocab_txt(source, folder / "vocab.txt")
    if source.path.name != "vocab.json" and isinstance(files.get("vocab.json"), dict):
        yield from _vocab_json(source, files["vocab.json"])
    if source.path.name == "tokenizer.json" and (folder / "merges.txt").is_file():
        yield from _merges_txt(source, folder / "merges.txt")
    yield from _switches(source, files.get("tokenizer_config.json"))
    yield from _model_size(source, files.get("config.json"))


def _vocab_txt(source: Source, path: Path) -> Iterator[Finding]:
    try:
        lines = lines_of(path)
    except InputError as error:
        yield Finding(ERROR, path.name, error.problem)
        return
    own = dict(source.entries)
    inside = [token for token in source.tokens if token in own]
    if len(lines) != len(inside):
        yield Finding(
            ERROR,
            path.name,
            f"{plural(len(lines), 'line')}, but {source.path.name} has "
            f"{plural(len(inside), 'token')}",
            "One of the two is of another vocabulary.",
        )
    repeated = [line for line, times in Counter(lines).items() if times > 1]
    if repeated:
        yield Finding(ERROR, path.name, f"tokens that stand twice: {examples(repeated)}")
    for number, (line, token) in enumerate(zip(lines, inside, strict=False), 1):
        if line != token:
            yield Finding(
                ERROR,
                f"{path.name}:{number}",
                f"{quoted(line)}, but the id {number - 1} is {quoted(token)} in {source.path.name}",
                "All tokens after it may have other ids as well.",
            )
            return


def _vocab_json(source: Source, vocab: Mapping[str, Any]) -> Iterator[Finding]:
    inside = dict(source.entries)
    different = [token for token, id in vocab.items() if inside.get(token) != id]
    different += [token for token in inside if token not in vocab]
    if different:
        token = different[0]
        yield Finding(
            ERROR,
            "vocab.json",
            f"{plural(len(different), 'token', ('is', 'are'))} not as in {source.path.name}; "
            f"{quoted(token)} has the id {_id(vocab.get(token))}, there {_id(inside.get(token))}",
        )


def _merges_txt(source: Source, path: Path) -> Iterator[Finding]:
    lines = [line for line in lines_of(path) if line and not line.startswith("#version:")]
    written = [" ".join(merge) for merge in source.merges]
    for rank, (line, merge) in enumerate(zip(lines, written, strict=False)):
        if line != merge:
            yield Finding(
                ERROR,
                f"{path.name}: rank {rank}",
                f"{quoted(line)}, but {quoted(merge)} in {source.path.name}",
            )
            return
    if len(lines) != len(written):
        yield Finding(
            ERROR,
            path.name,
            f"{plural(len(lines), 'merge')}, but {len(written):,} in {source.path.name}",
        )


def _switches(source: Source, config: Any) -> Iterator[Finding]:
    """Compare the casing that transformers reads with the one that tokenizer.json has."""
    bert = [part for part in source.step_parts("normalizer") if part["type"] == "BertNormalizer"]
    if not bert or not isinstance(config, dict):
        return
    for ours, theirs in _SWITCHES.items():
        value, wanted = config.get(ours), bert[0].get(theirs)
        if isinstance(value, bool) and isinstance(wanted, bool) and value is not wanted:
            yield Finding(
                ERROR,
                f"tokenizer_config.json: {ours}",
                f"{value} here, but the normalizer of {source.path.name} has {theirs} {wanted}",
                "The slow and the fast tokenizer would give different ids.",
            )


def _model_size(source: Source, config: Any) -> Iterator[Finding]:
    size = config.get("vocab_size") if isinstance(config, dict) else None
    if not isinstance(size, int) or not source.ids:
        return
    needed = max(source.ids.values()) + 1
    if size < needed:
        yield Finding(
            ERROR,
            "config.json: vocab_size",
            f"{size:,}, but ids run to {needed - 1:,}: the embedding lacks rows",
        )
    elif size > needed:
        multiple = size & -size  # the greatest power of two that divides it
        is_padded = multiple >= _LEAST_MULTIPLE and size - needed < multiple
        why = f": padded to a multiple of {multiple}" if is_padded else ""
        kind = NOTE if is_padded else WARNING
        found = f"{size:,}, but only {needed:,} ids are in use{why}"
        yield Finding(kind, "config.json: vocab_size", found)


def _id(id: Any) -> str:
    return "none" if id is None else str(id)
