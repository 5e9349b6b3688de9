"""Addresses: ``s3://bucket/key`` and the like, told from plain paths without importing anything.

A `Path` makes ``s3:/bucket/key`` of them. That is the same address: nobody calls a folder of a
relative path ``s3:``. So whatever holds a path may hold an address, and the doors that read and
write find out.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.told import told

_FORM = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(/+)(.*)", re.DOTALL)
_LOCAL = ("file", "local")
_SAME = {"s3a": "s3", "s3n": "s3", "gcs": "gs", "abfss": "abfs"}  # other names of a scheme
ARROW = ("s3", "gs", "az", "abfs")  # schemes that pyarrow reaches


@dataclass(frozen=True, slots=True)
class Address:
    """Where something is in a store: a scheme, and bucket and key behind it."""

    scheme: str
    rest: str

    @property
    def url(self) -> str:
        """The whole address, as a store takes it; not for a message."""
        return f"{self.scheme}://{self.rest}"

    @property
    def name(self) -> str:
        """The last part of it."""
        return self.rest.rstrip("/").rpartition("/")[2]

    @property
    def is_root(self) -> bool:
        """Whether it is a bucket, and nothing in it."""
        return "/" not in self.rest.strip("/") and self.scheme != "memory"

    def __truediv__(self, name: str) -> "Address":
        return Address(self.scheme, f"{self.rest.rstrip('/')}/{name}" if self.rest else name)

    def __str__(self) -> str:
        return told(self.url)


def address_of(value: str | os.PathLike[str]) -> Address | None:
    """Return the address that a path is, or None for a path of this machine.

    Raises
    ------
    ConfigError
        If it holds a password, names no bucket, or its scheme is none that is known.

    Examples
    --------
    >>> address_of("s3://bucket/a.txt"), address_of(Path("s3://bucket/a.txt"))
    (Address(scheme='s3', rest='bucket/a.txt'), Address(scheme='s3', rest='bucket/a.txt'))
    >>> address_of("a/s3://b"), address_of("hub:owner/name"), address_of("C:/a")
    (None, None, None)
    """
    text = os.fspath(value)
    found = _FORM.fullmatch(text) if isinstance(text, str) and ":/" in text else None
    if found is None:
        return None
    scheme = _SAME.get(found[1].lower(), found[1].lower())
    if scheme in _LOCAL or not _is_known(scheme, text):
        return None
    _refuse_password(found[3], text)
    rest = found[3] if scheme != "memory" else found[3].lstrip("/")
    if not rest.strip("/"):
        raise ConfigError(f"{told(text)}: no bucket is named", hint=f"Write {scheme}://BUCKET/KEY.")
    return Address(scheme, rest)


def absolute(path: Path) -> Path:
    """Return a path as other processes know it: absolute, and an address as it is."""
    return path.absolute() if address_of(path) is None else path


def local_text(text: str) -> str:
    """Return a path as it is, and the path that a ``file://`` address names.

    Raises
    ------
    ConfigError
        If the address is of another machine, or its path is not absolute.

    Examples
    --------
    >>> local_text("file:///tmp/a%20b"), local_text("file:/tmp/a"), local_text("a/b")
    ('/tmp/a b', '/tmp/a', 'a/b')
    """
    found = _FORM.fullmatch(text) if ":/" in text else None
    if found is None or found[1].lower() not in _LOCAL:
        return text
    slashes, rest = found[2], found[3]
    if len(slashes) == 2:
        host, _, rest = rest.partition("/")
        if host not in ("", "localhost"):
            raise ConfigError(
                f"{told(text)}: a file of this machine is named by its whole path",
                hint=f"Write file:///{host}/…, or the path alone.",
            )
    return "/" + unquote(rest)


def local_path(value: str | os.PathLike[str]) -> Path:
    """Return a `Path` that may be an address, but for ``file://``, which is the path it names."""
    return Path(local_text(os.fspath(value)))


def _is_known(scheme: str, text: str) -> bool:
    """Say whether a scheme is one; complain of another, unless a folder is called so."""
    if scheme in ARROW or scheme == "hf":
        return True
    import fsspec  # 0.2 s, where something looks like an address only

    if scheme in fsspec.available_protocols():
        return True
    first = text.partition("/")[0]
    if os.path.lexists(first):
        return False
    raise ConfigError(
        f"{told(text)}: {scheme}:// is no store that is known, and {first} no folder",
        hint="There are s3://, gs://, az://, hf://, file:// and those of fsspec.",
    )


def _refuse_password(rest: str, text: str) -> None:
    host = re.match(r"[^/:@]*:(?!\d+(?:/|$))[^@]*@", rest)
    if host:
        raise ConfigError(
            f"{told(text)}: an address must not hold a password or a key",
            hint="Put it where the store's own tools look for it: the environment (AWS_…, "
            "AZURE_…, GOOGLE_…, HF_TOKEN) or their files.",
        )
