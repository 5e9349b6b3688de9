"""Files that Git LFS left a pointer in place of: a clone without ``git lfs`` holds them."""

from tokpipe.foundation.errors import InputError

HEAD_BYTES = 64  # of a file that are enough to know one by
_BEGINNING = b"version https://git-lfs.github.com/spec/"


def refuse_pointer(head: bytes, name: str) -> None:
    """Refuse a pointer.

    Parameters
    ----------
    head
        The first bytes of the file.
    name
        Of the file, for the message.

    Raises
    ------
    InputError
        If it is one.

    Examples
    --------
    >>> refuse_pointer(b"version https://git-lfs.github.com/spec/v1", "m/vocab.txt")
    Traceback (most recent call last):
    tokpipe.foundation.errors.InputError: m/vocab.txt: a pointer of Git LFS, not the file itself
    Run `git lfs pull` in its folder, or download the file.
    """
    if head.startswith(_BEGINNING):
        raise InputError(
            f"{name}: a pointer of Git LFS, not the file itself",
            hint="Run `git lfs pull` in its folder, or download the file.",
        )
