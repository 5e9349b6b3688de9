"""What all tasks of texts say of a row, whatever is predicted."""

from collections.abc import Iterator

from tokpipe.finetuning.task import Row
from tokpipe.labelled.records import LabelledTexts


def about_rows(data: LabelledTexts) -> Iterator[Row]:
    """Yield number, line and (if the file has them) id of each row."""
    ids = None if data.ids is None else data.ids.to_arrow().to_pylist()
    for row, line in enumerate(data.lines.tolist()):
        yield {"row": row, "line": line, **({} if ids is None else {"id": ids[row]})}
