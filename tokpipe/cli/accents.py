"""A look at how much of a corpus would lose its accents."""

from collections.abc import Sequence
from itertools import islice

from tokpipe.cli.console import Console
from tokpipe.corpus.config import ReadConfig

_PIECES, _PIECE_BYTES = 8, 1 << 20  # the sample: the beginning of the corpus


def warn_of_accents(console: Console, inputs: Sequence[str], read: ReadConfig) -> None:
    """Warn where stripping accents changes more of the letters than a few foreign names."""
    if "-" in inputs:
        return
    from tokpipe.corpus.reader import open_corpus
    from tokpipe.words.accents import WORTH_A_WARNING, stripped_share

    changed = total = 0.0
    for piece in islice(open_corpus(inputs, read).pieces(_PIECE_BYTES), _PIECES):
        texts = piece.load().texts
        changed += stripped_share(texts) * texts.nbytes
        total += texts.nbytes
    if changed > total * WORTH_A_WARNING:
        console.warn(
            f"--strip-accents changes {100 * changed / total:.1f} % of the letters; "
            "without it, accents are kept"
        )
