"""`tokpipe doctor`: is this machine ready to work."""

from tokpipe.cli.command import Session, command


@command(examples=["tokpipe doctor", "tokpipe doctor --json"])
def doctor(session: Session) -> int:
    """Look at versions, threads, memory, disk, cache and terminal, and test the kernels."""
    return 0
