"""Addresses are told from paths, and hold no secrets."""

from pathlib import Path

import pytest

from tokpipe.foundation.addresses import Address, address_of, local_path
from tokpipe.foundation.errors import ConfigError, InputError
from tokpipe.foundation.told import told

SECRET = "wJalrXUtn/FEMI+K7MDENG"


@pytest.mark.parametrize("text", ["s3://b/a.txt", "gs://b/a", "az://c/a", "hf://datasets/o/n/a"])
def test_an_address_is_the_same_as_text_and_as_a_path(text):
    assert address_of(text) == address_of(Path(text))
    assert str(address_of(Path(text))) == text


@pytest.mark.parametrize(
    "text",
    ["a.txt", "/a/b", "./s3/b", "dir/s3://b", "hub:owner/name", "-", "C:/a", "a:b/c", "x:/y", "x:"],
)
def test_plain_paths_are_none(text):
    assert address_of(text) is None
    assert local_path(text) == Path(text)


@pytest.mark.parametrize("other", ["s3a", "S3", "s3n"])
def test_other_names_of_a_scheme_are_the_same(other):
    assert address_of(f"{other}://b/k") == Address("s3", "b/k")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s3://", "no bucket"),
        ("nosuch://b/k", "no store that is known"),
        (f"s3://AKIAIOSFODNN7EXAMPLE:{SECRET}@b/k", "must not hold a password"),
        (f"sftp://me:{SECRET}@host/k", "must not hold a password"),
        (f"https://me:{SECRET}@host/k", "must not hold a password"),
        (f"gs://:{SECRET}@b/k", "must not hold a password"),
    ],
)
def test_what_is_no_good_address_is_refused_without_its_secrets(text, said):
    for given in (text, Path(text)):
        if said == "no bucket" and isinstance(given, Path):
            continue
        with pytest.raises(ConfigError, match=said) as caught:
            address_of(given)
        assert SECRET not in str(caught.value)
        assert "AKIA" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        f"s3://KEY:{SECRET}@b/k",
        f"az://c/k?sv=2024&sig={SECRET}",
        f"https://h/k?X-Amz-Credential=a%2Fb&X-Amz-Signature={SECRET}&x=1",
        f"gs://b/k: GOOGLE_SECRET_KEY={SECRET}",
        f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={SECRET};EndpointSuffix=x",
        f"{{'secret_access_key': '{SECRET}'}}",
        f"hf://o/n?token={SECRET}",
    ],
)
def test_no_secret_is_told_by_any_error(text):
    found = InputError(f"{text}: refused", hint=text)
    assert SECRET not in str(found)
    assert "***" in found.problem
    assert found.problem.endswith(": refused") or text.startswith(("gs", "Def", "{"))


@pytest.mark.parametrize(
    "name", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "HF_TOKEN", "AZURE_STORAGE_ACCOUNT_KEY"]
)
def test_what_the_environment_holds_is_not_told(name, monkeypatch):
    monkeypatch.setenv(name, SECRET)
    assert told(f"the store said: {SECRET} is wrong") == "the store said: *** is wrong"


def test_harmless_text_stays():
    text = "a/hf_tokenizer/b.txt:12: ASIANLANGUAGES 3 tokens"
    text += ", key=value? http://host:8080/x s3://b/part-?.txt x@y.z"
    assert told(text) == text
