from pathlib import Path

import pytest

from tokpipe.engines.config import EngineConfig
from tokpipe.foundation.errors import ConfigError


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, None),
        ({"scheduler": "host:8786"}, "tcp://host:8786"),
        ({"scheduler": "tcp://10.0.0.1:1"}, "tcp://10.0.0.1:1"),
        ({"scheduler": "tls://[::1]:65535"}, "tls://[::1]:65535"),
    ],
)
def test_addresses_are_taken_as_people_write_them(given, address):
    assert EngineConfig(engine="dask", **given).address == address


@pytest.mark.parametrize(
    "address",
    ["", "host", "host:", ":8786", "host:0", "host:65536", "host:-1", "host:a", "tcp://host",
     "http://host:80", "ucx://host:80", "a b:80", "host:80\n", "höst:80", "tcp://", "1" * 9],
)  # fmt: skip
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ConfigError, match=r"no address of a scheduler"):
        EngineConfig(engine="dask", scheduler=address)


@pytest.mark.parametrize("given", [{"scheduler": "a:1"}, {"workers": 2}, {"tls_ca": "ca.pem"}])
def test_what_belongs_to_dask_is_refused_to_threads(given):
    (name,) = given
    with pytest.raises(ConfigError, match=f"--{name.replace('_', '-')} belongs to --engine dask"):
        EngineConfig(**given)


def test_tls_needs_all_of_its_files_and_no_other_scheme(tmp_path):
    files = {name: str(tmp_path / name) for name in ("tls_ca", "tls_cert", "tls_key")}
    with pytest.raises(ConfigError, match="all are needed, or none"):
        EngineConfig(engine="dask", tls_ca=files["tls_ca"])
    with pytest.raises(ConfigError, match="no such file"):
        EngineConfig(engine="dask", **files)
    for path in files.values():
        Path(path).touch()
    assert EngineConfig(engine="dask", scheduler="a:1", **files).address == "tls://a:1"
    with pytest.raises(ConfigError, match="tls://host:port"):
        EngineConfig(engine="dask", scheduler="tcp://a:1", **files)


def test_no_worker_is_too_few():
    with pytest.raises(ConfigError, match="workers"):
        EngineConfig(engine="dask", workers=0)
