"""The text that comes with tokpipe, for first steps, the demo and the tests."""

from pathlib import Path

from tokpipe.foundation.errors import ArtifactError

_MARK = "world.txt"  # tells our folder from a stranger's that happens to be called `corpora`


def bundled_corpus() -> Path:
    """Return the folder of the bundled corpus; an `ArtifactError` if it is nowhere.

    A wheel carries it inside the package; a checkout or an editable install has it beside the
    package. Its text is in ``world.txt``, ``english/``, ``swedish/`` and ``languages/``; its README
    tells what each is.
    """
    return _first_with_text([Path(__file__).parents[1], Path(__file__).parents[2]])


def _first_with_text(homes: list[Path]) -> Path:
    for home in homes:
        folder = home / "corpora"
        if (folder / _MARK).is_file():
            return folder
    raise ArtifactError(
        f"no {_MARK} in {' or '.join(str(home / 'corpora') for home in homes)}",
        hint="Install tokpipe again; its wheel carries the bundled corpus.",
    )
