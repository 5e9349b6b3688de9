"""Print a renderable as a terminal of some width would show it."""

import io

from rich.console import Console


def shown(renderable: object, *, width: int = 80, encoding: str = "utf-8") -> str:
    class Stream(io.StringIO):
        pass

    file = Stream()
    Stream.encoding = encoding  # type: ignore[misc]
    console = Console(file=file, width=width, markup=False, highlight=False, emoji=False)
    console.print(renderable)
    return file.getvalue()


def colored(renderable: object, *, width: int = 80) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, markup=False, force_terminal=True, emoji=False)
    console.print(renderable)
    return file.getvalue()
