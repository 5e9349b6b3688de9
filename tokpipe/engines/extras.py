"""Libraries that are installed on request: asked for by name, before anything else is done."""

from importlib.util import find_spec

from tokpipe.foundation.errors import ConfigError


def require_extra(extra: str, asked: str, *modules: str) -> None:
    """Refuse what needs an extra that is not installed.

    Parameters
    ----------
    extra
        Its name in our own metadata.
    asked
        What needs it, as the user wrote it: ``--engine dask``.
    modules
        What it brings.

    Raises
    ------
    ConfigError
        Naming the modules that are missing, and the command that installs them.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise ConfigError(
            f"{asked} needs {' and '.join(missing)}, which {verb} not installed",
            hint=f"Install the extra: pip install 'tokpipe[{extra}]'.",
        )
