"""What `import` and `export` have in common: dtypes, the plan, what is said at the end."""

from pathlib import Path
from typing import TYPE_CHECKING

from tokpipe.cli.command import Session
from tokpipe.cli.plan import Plan, show_plan
from tokpipe.foundation.sizes import format_bytes

if TYPE_CHECKING:
    from tokpipe.tasks.model import BertModel

DTYPES = {"f32": "F32", "f16": "F16", "bf16": "BF16"}
_COPYING = 400 << 20  # bytes a second


def copy_plan(session: Session, source: Path, output: str, title: str) -> None:
    """Print what copying a model takes; its headers are checked."""
    from tokpipe.inspection.model import view_model

    view = view_model(source)
    size = 4 * view.parameters
    facts: dict[str, object] = {
        "family": view.family,
        "parameters": view.parameters,
        "stored as": ", ".join(view.stored),
    }
    seconds = 1.0 + 2 * size / _COPYING
    show_plan(session, Plan(title, facts, size + (150 << 20), size + (1 << 20), seconds, output))


def show_written(session: Session, model: "BertModel", output: str) -> None:
    """Say what was written."""
    sizes = {path.name: path.stat().st_size for path in sorted(Path(output).iterdir())}
    if session.json:
        session.console.json(
            {
                "output": output,
                "family": model.family.name,
                "parameters": model.parameters.count,
                "files": sizes,
            }
        )
        return
    rows = [(name, format_bytes(size)) for name, size in sizes.items()]
    title = f"{output}: {model.family.name}, {model.parameters.count:,} parameters"
    session.console.table(title, rows)
