"""Which activations there are: a file ``act_NAME.py`` each, told by its name, without its import.

Settings and help know the names; numba, which the files import, takes half a second.
"""

from pathlib import Path

HIDDEN_ACTS = tuple(
    sorted(file.stem.removeprefix("act_") for file in Path(__file__).parent.glob("act_*.py"))
)
