"""`tokpipe doctor`: is this machine ready to work."""

import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.machine import BAD, GOOD, ODD, Finding, findings, tried

_TEXT = "Åsa's naïve café: 東京 😀, low lower lowest new newer newest.\n" * 50
_MARKS = {GOOD: ("✓", "green"), ODD: ("!", "yellow"), BAD: ("✗", "red")}


@command(examples=["tokpipe doctor", "tokpipe doctor --json"])
def doctor(session: Session) -> int:
    """Look at versions, processors, memory, disk and terminal, and test the kernels.

    Exits with 1 if something will fail, with 0 otherwise, also where something could be better.
    """
    own_version = getattr(click.get_current_context().find_root().command, "version", "")
    found = [*findings(session.console, own_version), tried("self-test", _self_test)]
    if session.json:
        session.console.json({"findings": [asdict(finding) for finding in found]})
    else:
        _show(session, found)
    return int(any(finding.state == BAD for finding in found))


def _show(session: Session, found: list[Finding]) -> None:
    out = session.console.out
    width = max(len(finding.name) for finding in found)
    for finding in found:
        mark, style = _MARKS[finding.state]
        line = f"{out.styled(out.glyph(mark), style)} {finding.name:{width}}  {finding.found}"
        out.line(line)
        if finding.advice:
            out.line(f"  {'':{width}}  {out.styled(finding.advice, style)}")
    out.line()
    bad = sum(finding.state == BAD for finding in found)
    odd = sum(finding.state == ODD for finding in found)
    if bad:
        out.line(out.styled(f"{bad} of {len(found)} will make work fail.", "red"))
    else:
        out.line(f"Ready to work{f'; {odd} could be better' if odd else ''}.")


def _self_test() -> str:
    """Run the kernels of counting, training and encoding, and compare with plain Python."""
    from tokpipe.tokenizer.build import train_sizes
    from tokpipe.vocab.config import VocabConfig
    from tokpipe.words.config import GPT2, WordsConfig
    from tokpipe.words.count import count_words

    start = time.perf_counter()
    with TemporaryDirectory(prefix="tokpipe-") as folder:
        path = Path(folder) / "text.txt"
        path.write_text(_TEXT, "utf-8")
        plain = WordsConfig(normalizer="none", lowercase=False, pre_tokenizer="whitespace-split")
        found = count_words([path], plain)
        counted = {
            w.decode(): int(n) for w, n in zip(found.words.iter_bytes(), found.counts, strict=True)
        }
        if counted != Counter(_TEXT.split()):
            raise ValueError("words are counted wrong")
        counts = count_words([path], GPT2)
    tokenizer = train_sizes(counts, VocabConfig(model="byte-bpe", vocab_size=(300,)))[0].tokenizer
    if tokenizer.decode(tokenizer.encode(_TEXT).ids) != _TEXT:
        raise ValueError("text does not come back from its ids")
    return f"passed in {time.perf_counter() - start:.1f} s"
