"""Templates to scripts: each value is quoted for the shell or YAML where it is put."""

import json
import shlex
from functools import cache
from pathlib import Path
from typing import Any

from tokpipe.engines.launch.config import SizeConfig
from tokpipe.engines.launch.words import Launched

_TEMPLATES = Path(__file__).parent / "templates"
PORT = 8786  # of a Dask scheduler, as everywhere


def script(kind: str, launched: Launched, config: SizeConfig, processes: int) -> str:
    """Return the script or manifest that starts a command.

    Parameters
    ----------
    kind
        ``slurm``, ``kubernetes`` or ``ssh``.
    processes
        How many, on all machines.
    """
    ending = "yaml" if kind == "kubernetes" else "sh"
    template = _environment().get_template(f"{kind}-{launched.engine}.{ending}")
    return template.render(
        asked=config, words=["tokpipe", *launched.words], processes=processes, port=PORT
    )


def clock(seconds: int) -> str:
    """Return a time as Slurm writes it.

    Examples
    --------
    >>> clock(5_400), clock(172_800)
    ('01:30:00', '48:00:00')
    """
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


@cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "sh": shlex.quote,
        "line": shlex.join,
        "yaml": lambda value: json.dumps(value, ensure_ascii=False),
        "clock": clock,
    }
    return made
