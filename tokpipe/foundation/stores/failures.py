"""What a store refuses, as a `StoreError` that names the object and no key."""

import re
from collections.abc import Generator
from contextlib import contextmanager

from tokpipe.foundation.addresses import Address
from tokpipe.foundation.errors import StoreError, TokpipeError

_ACCESS = (
    "Check the credentials where the store's own tools look for them (the environment: AWS_…, "
    "AZURE_…, GOOGLE_…, HF_TOKEN; or their files), and what they allow."
)
_WAIT = (
    "Check the network and the endpoint (AWS_ENDPOINT_URL), then run the same command again: "
    "what was done is kept."
)
_MAKE = "Look at the spelling, or make the bucket first."
# What libraries say, what that is, and what to do; the first that is found counts.
_KINDS = (
    (r"flush response stream",
     "the store answers wrongly: more than the range that it was asked for",
     "Is there a proxy or cache in between that cannot answer ranges?"),
    (r"NO_SUCH_BUCKET|NoSuchBucket|ContainerNotFound|bucket does not exist",
     "there is no such bucket", _MAKE),
    (r"NO_SUCH_KEY|NoSuchKey", "the object is gone", ""),
    (r"RESOURCE_NOT_FOUND|\b404\b", "there is no such bucket or object", _MAKE),
    (r"ACCESS_DENIED|AccessDenied|INVALID_ACCESS_KEY|InvalidAccessKeyId|INVALID_SIGNATURE|"
     r"SIGNATURE_DOES_NOT_MATCH|SignatureDoesNotMatch|EXPIRED_TOKEN|ExpiredToken|"
     r"INVALID_CLIENT_TOKEN_ID|MISSING_AUTHENTICATION|UNRECOGNIZED_CLIENT|Forbidden|Unauthorized|"
     r"UNAUTHENTICATED|PERMISSION_DENIED|[Cc]redential|\b40[13]\b",
     "the store refuses access", _ACCESS),
    (r"QuotaExceeded|EntityTooLarge|StorageFull|XMinioStorageFull|\b507\b|\b413\b",
     "the store is full, or takes no more", "Free some space, or write elsewhere."),
    (r"NETWORK_CONNECTION|curlCode|SERVICE_UNAVAILABLE|SLOW_DOWN|SlowDown|THROTTLING|"
     r"INTERNAL_FAILURE|REQUEST_TIMEOUT|[Tt]imed? ?out|[Cc]onnect|[Uu]navailable|"
     r"\b(?:408|429|5\d\d)\b|resolve host",
     "the store does not answer", _WAIT),
)  # fmt: skip
_CODE = re.compile(r"AWS Error ([A-Z_]+(?: \(HTTP status \d+\))?)|curlCode: \d+, ([^;\n]{1,60})")
_MOST = 200  # characters of what a library says
_MISSING = re.compile(r"[Ii]nstall (\w+)|requires (?:\"(\w+)\"|the (\w+))")


class ChangedError(Exception):
    """An object is not what it was when it was found."""


@contextmanager
def store_errors(address: Address) -> Generator[None, None, None]:
    """Turn what a library of a store raises into a `StoreError` about an address.

    A `FileNotFoundError` or `ChangedError` passes: who asked knows what is missing.
    """
    try:
        yield
    except (TokpipeError, FileNotFoundError, ChangedError, MemoryError):
        raise
    except ImportError as error:
        raise _missing_package(address, error) from None
    except Exception as error:  # of pyarrow, fsspec, or an http library: they share no base
        raise store_error(address, error) from None


def store_error(address: Address, error: BaseException) -> StoreError:
    """Return what to tell the user of an error that came up at an address."""
    text = f"{type(error).__name__}: {error}"
    for pattern, problem, hint in _KINDS:
        if re.search(pattern, text):
            found = [next(filter(None, match)) for match in _CODE.findall(text)]
            said = f" ({', '.join(dict.fromkeys(found))})" if found else ""
            return StoreError(f"{address}: {problem}{said}", hint=hint)
    first = (str(error).splitlines() or [""])[0][:_MOST]
    return StoreError(f"{address}: {first or type(error).__name__}")


def missing(address: Address) -> StoreError:
    """Return the error of an object that is not there."""
    return StoreError(f"{address}: the store has no such object")


def no_bucket(address: Address) -> StoreError:
    """Return the error of an object that cannot be stored because its bucket is not there."""
    return StoreError(f"{address}: there is no such bucket", hint=_MAKE)


def _missing_package(address: Address, error: ImportError) -> StoreError:
    found = _MISSING.search(str(error))
    name = next(filter(None, found.groups()), "") if found else (error.name or "")
    return StoreError(
        f"{address}: {address.scheme}:// needs a package that is not installed: {name or error}",
        hint=f"pip install {name}" if name else "",
    )
