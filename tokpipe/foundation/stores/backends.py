"""The two ways to a store: pyarrow's file systems, and those of fsspec where it has none.

Credentials and endpoints come from where the stores' own tools look for them: the environment and
their files. None is ever taken from an address or a setting.
"""

import configparser
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tokpipe.foundation.addresses import ARROW, Address
from tokpipe.foundation.errors import StoreError
from tokpipe.foundation.stores.failures import ChangedError, missing, no_bucket, store_errors

_ATTEMPTS = 5  # of a request, with longer and longer waiting in between: about ten seconds
_SECONDS = 15.0  # without an answer, until a request is given up
_VERSIONS = (  # what stores call the version of an object, in the order of what tells most
    *("etag", "ETag", "VersionId", "blob_id", "xet_hash", "oid", "sha", "md5Hash", "content_md5"),
    *("generation", "mtime", "LastModified", "last_modified", "updated", "created"),
)


Parts = list[tuple[int, int]]
Content = bytes | bytearray


class Entry(NamedTuple):
    """An object, or what looks like a folder."""

    name: str  # below the address that was asked about; "" for itself
    size: int = 0
    version: str = ""  # changes whenever the content does; "" where only `entry` would tell
    is_folder: bool = False


class Backend(Protocol):
    """What is done with a store; every error but of a missing object is a `StoreError`."""

    def entry(self, address: Address) -> Entry | None:
        """Return what is at an address, its version included, or None."""
        ...

    def below(self, address: Address) -> list[Entry]:
        """Return all objects below an address, at any depth, in no order."""
        ...

    def read(self, address: Address, version: str, parts: Parts) -> list[Content]:
        """Read ranges of the version of an object: each an offset and a length.

        Where a store answers with too little, either the length tells, or what is behind it differs
        from range to range.
        """
        ...

    def put(self, source: Path, address: Address) -> None:
        """Store a file: the object is whole or not there."""
        ...

    def copy(self, source: Address, target: Address) -> None:
        """Copy an object to another name in the same store, without its content coming here."""
        ...

    def remove(self, address: Address) -> None:
        """Remove an object, if it is there."""
        ...

    def remove_folder(self, address: Address) -> None:
        """Remove what stands for a folder without objects, where there is such a thing."""
        ...


@cache
def backend_of(scheme: str) -> Backend:
    """Return the way to the stores of a scheme."""
    return _Arrow() if scheme in ARROW else _Fsspec()


class _Arrow:
    """pyarrow's own file systems."""

    def entry(self, address: Address) -> Entry | None:
        with store_errors(address):
            files, key = _file_system(address)
            found = files.get_file_info(key)
            if not found.type:
                return None
            if found.type == 3:
                return Entry("", is_folder=True)
            try:
                version = _version_of(files.open_input_file(key), found)
            except FileNotFoundError:
                return None
            return Entry("", found.size, version)

    def below(self, address: Address) -> list[Entry]:
        from pyarrow.fs import FileSelector

        with store_errors(address):
            files, key = _file_system(address)
            key = key.rstrip("/")
            selector = FileSelector(key, recursive=True, allow_not_found=True)
            return [
                Entry(info.path[len(key) + 1 :], info.size)
                for info in files.get_file_info(selector)
                if info.type == 2
            ]

    def read(self, address: Address, version: str, parts: Parts) -> list[Content]:
        with store_errors(address):
            files, key = _file_system(address)
            with files.open_input_file(key) as file:
                if _version_of(file, None) not in (version, ""):
                    raise ChangedError
                return [_range(file, number, *part) for number, part in enumerate(parts)]

    def put(self, source: Path, address: Address) -> None:
        import pyarrow as pa

        with store_errors(address), _bucket_needed(address):
            files, key = _file_system(address)
            with files.open_output_stream(key) as out:
                # In one call: an object that lacks a part is never completed.
                out.write(pa.memory_map(str(source)).read_buffer() if _size(source) else b"")

    def copy(self, source: Address, target: Address) -> None:
        with store_errors(target):
            files, key = _file_system(source)
            files.copy_file(key, _file_system(target)[1])

    def remove(self, address: Address) -> None:
        with store_errors(address), suppress(FileNotFoundError):
            files, key = _file_system(address)
            files.delete_file(key)  # pyarrow leaves an empty object KEY/ for the folder

    def remove_folder(self, address: Address) -> None:
        with store_errors(address), suppress(FileNotFoundError):
            files, key = _file_system(address)
            files.delete_dir(key.rstrip("/"))


class _Fsspec:
    """Any file system of fsspec."""

    def entry(self, address: Address) -> Entry | None:
        with store_errors(address):
            files, key = self._opened(address)
            files.invalidate_cache()
            try:
                info = files.info(key)
            except FileNotFoundError:
                return None
            if info["type"] == "directory":
                return Entry("", is_folder=True)
            return Entry("", info["size"], _told_version(info))

    def below(self, address: Address) -> list[Entry]:
        with store_errors(address):
            files, key = self._opened(address)
            files.invalidate_cache()
            found = files.find(key, detail=True)
            return [
                Entry(path[len(key.rstrip("/")) + 1 :], info["size"])
                for path, info in found.items()
                if path != key
            ]

    def read(self, address: Address, version: str, parts: Parts) -> list[Content]:
        with store_errors(address):
            files, key = self._opened(address)
            if _told_version(files.info(key)) != version:
                raise ChangedError
            return [files.cat_file(key, start=at, end=at + length) for at, length in parts]

    def put(self, source: Path, address: Address) -> None:
        with store_errors(address), _bucket_needed(address):
            files, key = self._opened(address)
            files.put_file(str(source), key)

    def copy(self, source: Address, target: Address) -> None:
        with store_errors(target):
            files, key = self._opened(source)
            files.cp_file(key, self._opened(target)[1])

    def remove(self, address: Address) -> None:
        with store_errors(address), suppress(FileNotFoundError):
            files, key = self._opened(address)
            files.rm_file(key)

    def remove_folder(self, address: Address) -> None:
        with store_errors(address):
            files, key = self._opened(address)
            files.invalidate_cache()
            if files.isdir(key):
                files.rm(key, recursive=True)

    @staticmethod
    def _opened(address: Address) -> tuple[Any, str]:
        import fsspec

        files, key = fsspec.url_to_fs(address.url)
        return files, str(key)


@contextmanager
def _bucket_needed(address: Address) -> Generator[None, None, None]:
    try:
        yield
    except FileNotFoundError:
        raise no_bucket(address) from None


def _range(file: Any, number: int, offset: int, length: int) -> Content:
    """Read a range; pyarrow says that it is whole also where it is not."""
    data = bytearray(bytes([255 - number]) * length)
    file.seek(offset)
    return data[: file.readinto(data)]


def _size(path: Path) -> int:
    return path.stat().st_size


def _version_of(file: Any, info: Any) -> str:
    """Return the version that the header of an object tells, or what a listing told of it."""
    found = {name: bytes(value).decode() for name, value in (file.metadata() or {}).items()}
    return _told_version(found) or (str(info.mtime_ns or "") if info else "")


def _told_version(found: Any) -> str:
    return next((str(found[name]).strip('"') for name in _VERSIONS if found.get(name)), "")


def _file_system(address: Address) -> tuple[Any, str]:
    """Return pyarrow's file system for an address, and the key in it."""
    if address.scheme == "abfs" and "@" in address.rest:
        container, _, behind = address.rest.partition("@")
        host, _, key = behind.partition("/")
        return _azure(host.partition(".")[0]), f"{container}/{key}"
    bucket = address.rest.partition("/")[0]
    return _s3(bucket) if address.scheme == "s3" else _MAKERS[address.scheme](), address.rest


def _s3(bucket: str) -> Any:
    attempts = os.environ.get("AWS_MAX_ATTEMPTS", "")
    endpoint = _aws_setting("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", key="endpoint_url")
    region = _aws_setting("AWS_REGION", "AWS_DEFAULT_REGION", key="region")
    if not region and not endpoint:
        region = _region_of(bucket)
    return _s3_of(endpoint, region, int(attempts) if attempts.isdigit() else _ATTEMPTS)


@cache
def _region_of(bucket: str) -> str | None:
    from pyarrow.fs import resolve_s3_region

    try:
        return resolve_s3_region(bucket)
    except OSError:  # not there, or not to be reached: the request itself will tell
        return None


@cache
def _s3_of(endpoint: str | None, region: str | None, attempts: int) -> Any:
    from pyarrow import fs

    return fs.S3FileSystem(
        endpoint_override=endpoint,
        region=region,
        connect_timeout=_SECONDS,
        request_timeout=_SECONDS,
        background_writes=False,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=attempts),
    )


@cache
def _gcs() -> Any:
    from pyarrow import fs

    endpoint = os.environ.get("STORAGE_EMULATOR_HOST", "")
    scheme, _, host = endpoint.rpartition("://")
    where = {"endpoint_override": host, "scheme": scheme or "http", "anonymous": True}
    return fs.GcsFileSystem(
        **(where if endpoint else {}), retry_time_limit=timedelta(seconds=_SECONDS)
    )


@cache
def _azure(account: str = "") -> Any:
    try:
        from pyarrow.fs import AzureFileSystem
    except ImportError:  # wheels of some systems come without
        raise StoreError("this pyarrow reaches no Azure", hint="pip install -U pyarrow") from None
    account = account or os.environ.get("AZURE_STORAGE_ACCOUNT_NAME", "")
    account = account or os.environ.get("AZURE_STORAGE_ACCOUNT", "")
    if not account:
        raise StoreError(
            "az://CONTAINER/KEY: no account is named", hint="Set AZURE_STORAGE_ACCOUNT_NAME."
        )
    key = os.environ.get("AZURE_STORAGE_ACCOUNT_KEY") or os.environ.get("AZURE_STORAGE_KEY")
    signature = None if key else os.environ.get("AZURE_STORAGE_SAS_TOKEN")
    endpoint = os.environ.get("AZURE_STORAGE_BLOB_AUTHORITY")  # HOST:PORT, of an emulator
    where = {
        "blob_storage_authority": endpoint,
        "dfs_storage_authority": endpoint,
        "blob_storage_scheme": "http",
        "dfs_storage_scheme": "http",
    }
    return AzureFileSystem(
        account, account_key=key, sas_token=signature, **(where if endpoint else {})
    )


_MAKERS = {"gs": _gcs, "az": _azure, "abfs": _azure}


def _aws_setting(*names: str, key: str) -> str | None:
    """Return a setting of AWS from the environment, or from the profile in its file."""
    found = next(filter(None, (os.environ.get(name) for name in names)), None)
    return found or next(filter(None, _in_profile(key)), None)


def _in_profile(key: str) -> Iterator[str | None]:
    profile = os.environ.get("AWS_PROFILE", "default")
    path = os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config"
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    with suppress(OSError, configparser.Error, UnicodeDecodeError):
        parser.read(Path(path).expanduser())
    for section in (f"profile {profile}", profile):
        yield parser.get(section, key, fallback=None)


def existing(address: Address) -> Entry:
    """Return what is at an address.

    Raises
    ------
    StoreError
        If nothing is there, or the store does not answer.
    """
    found = backend_of(address.scheme).entry(address)
    if found is None:
        raise missing(address)
    return found
