"""Files of labelled data that tests write, and what is read of them."""

from tokpipe.labelled.config import TextColumns
from tokpipe.labelled.texts import read_texts


def strings(column):
    return [item.decode() for item in column.iter_bytes()]


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(folder, name, content, kind="class", names=None, **columns):
    return read_texts(write(folder, name, content), TextColumns(**columns), kind, names)
