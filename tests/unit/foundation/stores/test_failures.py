"""What a store refuses is said in our words, with the object's name and without its keys."""

import fsspec
import pytest

from tokpipe.foundation.addresses import address_of
from tokpipe.foundation.errors import StoreError
from tokpipe.foundation.stores.backends import backend_of

SECRET = "wJalrXUtn/FEMI+K7MDENG"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(f"403 Forbidden for https://u:{SECRET}@host/k"), "refuses access"),
        (TimeoutError(f"https://host/k?sig={SECRET}: timed out"), "does not answer"),
        (ConnectionResetError(104, f"AccountKey={SECRET}"), "does not answer"),
        (PermissionError(f"secret_access_key: {SECRET}"), "secret_access_key: ***"),
        (RuntimeError(f"what? https://host/k?X-Amz-Signature={SECRET}"), "X-Amz-Signature=***"),
        (KeyError("name"), "name"),
    ],
)
@pytest.mark.parametrize("call", ["entry", "below", "read", "put", "remove"])
def test_errors_of_a_library_are_told_without_secrets(call, error, said, monkeypatch, tmp_path):
    files = fsspec.filesystem("memory")
    for name in ("info", "find", "put_file", "rm_file"):
        monkeypatch.setattr(type(files), name, lambda *a, **k: (_ for _ in ()).throw(error))
    address, store = address_of("memory://b/k"), backend_of("memory")
    given = {"read": ("", [(0, 1)]), "put": ()}.get(call, ())
    arguments = (tmp_path, address) if call == "put" else (address, *given)
    with pytest.raises(StoreError) as caught:
        getattr(store, call)(*arguments)
    assert str(caught.value).startswith("memory://b/k: ")
    assert said in str(caught.value)
    assert SECRET not in str(caught.value)


def test_the_package_that_a_scheme_needs_is_named():
    try:
        fsspec.get_filesystem_class("oci")
    except ImportError:
        with pytest.raises(StoreError, match="not installed: ocifs\npip install ocifs"):
            backend_of("oci").entry(address_of("oci://bucket/k"))
    else:
        pytest.skip("ocifs is installed")
