"""Files of strangers, read within bounds and without judging: what comes twice is kept."""

from pathlib import Path
from typing import Any

from tokpipe.foundation.errors import InputError
from tokpipe.foundation.strict_json import Pairs, parse_strictly
from tokpipe.foundation.visible import visible
from tokpipe.tokenizer.guarded_json import check_shape, read_bounded


def read_json(path: Path) -> Any:
    """Read JSON; an object with repeated keys has them all in its attribute `repeated`.

    Raises
    ------
    InputError
        If the file is too large, too deep, not UTF-8 or not JSON, naming line and column.
    """
    data, name = read_bounded(path), visible(str(path))
    check_shape(data, name)
    return parse_strictly(data, name, objects=_Object, encoding="utf-8-sig")


def read_lines(path: Path) -> list[str]:
    """Read the lines of a vocabulary file, split at line feeds only, as its readers do.

    Raises
    ------
    InputError
        If the file is not UTF-8.
    """
    try:
        text = read_bounded(path).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{visible(str(path))}: byte {error.start} is not UTF-8") from None
    lines = text.split("\n")
    return [line.removesuffix("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]


class _Object(dict[str, Any]):
    """A JSON object that remembers every pair when a key comes twice."""

    def __init__(self, pairs: Pairs) -> None:
        super().__init__(pairs)
        self.repeated = pairs if len(self) < len(pairs) else []
