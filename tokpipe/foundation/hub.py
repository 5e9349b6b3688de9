"""Models and tokenizers of the Hugging Face Hub, by the name ``hub:owner/name[@revision]``.

What was fetched once is in the cache that all of Hugging Face's libraries share (``HF_HOME``), and
is taken from there where there is no net. Nothing but settings, vocabularies and weights is
fetched, and no pickle where there are safetensors.
"""

import re
from pathlib import Path
from typing import Any

from tokpipe.foundation.addresses import address_of
from tokpipe.foundation.doors import path_of
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.stores.copies import here
from tokpipe.foundation.visible import visible

_PREFIX = "hub:"
_NAME = re.compile(r"([\w.-]+(?:/[\w.-]+)?)(?:@([\w./-]+))?", re.ASCII)
_SNAPSHOT = re.compile(r"models--([\w.-]+)/snapshots/([0-9a-f]{7})[0-9a-f]*", re.ASCII)
_FILES = ("*.json", "*.txt", "*.safetensors", "*.safetensors.index.json")
_PICKLES = ("pytorch_model*.bin", "pytorch_model.bin.index.json")


def model_path(name: str, value: Any) -> Path:
    """Return where a model or tokenizer is on this machine, wherever it is named to be.

    Parameters
    ----------
    name
        Of the argument, for messages.
    value
        A path, or the address of a folder in a store, or ``hub:owner/name[@revision]``: they are
        fetched unless the cache has them.

    Raises
    ------
    ConfigError
        If it is neither.
    InputError
        If the Hub has no such thing, does not give it, or cannot be reached.
    """
    path = path_of(name, value)
    text = str(value)
    return _fetched(text) if text.startswith(_PREFIX) else here(path)


def path_from_afar(path: Path) -> Path:
    """Return a path under which other processes find what `model_path` finds by it here."""
    return path if address_of(path) else model_path("path", path).absolute()


def shown_name(path: Path) -> str:
    """Return the name of a folder, or what it is called on the Hub if it is of the cache.

    Examples
    --------
    >>> shown_name(Path("hub/models--a--b-c/snapshots/0123456789abcdef"))
    'a/b-c@0123456'
    >>> shown_name(Path("some/model"))
    'model'
    """
    found = _SNAPSHOT.search(path.as_posix())
    return f"{found[1].replace('--', '/')}@{found[2]}" if found else path.resolve().name


def _fetched(text: str) -> Path:
    found = _NAME.fullmatch(text.removeprefix(_PREFIX))
    if found is None:
        raise InputError(
            f"{visible(text)} is no name of the Hub", hint="Write it hub:owner/name[@revision]."
        )
    # half a second of imports, for those alone who ask for it
    from huggingface_hub import errors, snapshot_download
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    repository, revision = found[1], found[2]
    try:
        folder = Path(snapshot_download(repository, revision=revision, allow_patterns=[*_FILES]))
        if not any(folder.glob("*.safetensors")):
            both = [*_FILES, *_PICKLES]
            folder = Path(snapshot_download(repository, revision=revision, allow_patterns=both))
    except errors.GatedRepoError:
        hint = f"Ask for it on https://huggingface.co/{repository}, then: hf auth login."
        raise InputError(f"{text}: its owner gives it on request only", hint=hint) from None
    except errors.RepositoryNotFoundError:
        hint = "Look at the spelling; for a private one: hf auth login."
        raise InputError(f"{text}: the Hub has no such repository", hint=hint) from None
    except errors.RevisionNotFoundError:
        raise InputError(f"{text}: the repository has no revision {revision!r}") from None
    except (errors.LocalEntryNotFoundError, errors.HfHubHTTPError, OSError) as error:
        hint = (
            f"Where there is a net: hf download {repository} --local-dir FOLDER, and name that "
            "folder."
        )
        problem = f"{text}: the Hub cannot be reached, and the cache does not have it"
        raise InputError(problem, hint=hint) from error
    except ValueError as error:  # of names that the library does not take
        raise InputError(f"{visible(text)}: {visible(str(error).splitlines()[0])}") from None
    return folder
