"""Raw text to a pretrained, inspectable BERT on an ordinary CPU, without PyTorch."""

from importlib import import_module
from typing import TYPE_CHECKING

from tokpipe.foundation.version import __version__ as __version__

if TYPE_CHECKING:
    from tokpipe.foundation.errors import TokpipeError as TokpipeError

_HOME = {  # public name -> module that defines it; imported on first use, so `--help` stays fast
    "TokpipeError": "tokpipe.foundation.errors",
}
__all__ = ["TokpipeError", "__version__"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'tokpipe' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
