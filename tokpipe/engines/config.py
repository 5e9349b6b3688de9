"""Which engine does the work, and where its workers are: settings without anything heavy."""

from dataclasses import dataclass, fields
from pathlib import Path

from tokpipe.foundation.config import Config, setting
from tokpipe.foundation.errors import ConfigError

_SCHEMES = ("tcp", "tls")
_TLS = ("tls_ca", "tls_cert", "tls_key")


@dataclass(frozen=True, kw_only=True)
class EngineConfig(Config):
    """Who does the work."""

    engine: str = setting(
        "threads",
        "Who does the work: threads of this process, or the workers of a Dask cluster. Never"
        " changes a result.",
        choices=("threads", "dask"),
    )
    scheduler: str | None = setting(
        None,
        "Address of the Dask scheduler, host:port, tcp://host:port or tls://host:port. Without one,"
        " workers are started on this machine.",
    )
    workers: int | None = setting(
        None,
        "How many processes to start, by default one a processor; with --scheduler, how many to"
        " wait for.",
        least=1,
    )
    tls_ca: str | None = setting(
        None, "File of the certificate authority; without it, what Dask's configuration says."
    )
    tls_cert: str | None = setting(None, "File of the own certificate.")
    tls_key: str | None = setting(None, "File of its key.")

    def check(self) -> None:
        """Refuse what belongs to another engine, half of what TLS needs, and what is no address."""
        given = [f.name for f in fields(self) if getattr(self, f.name) != f.default]
        if self.engine == "threads" and given:
            name = f"--{given[0].replace('_', '-')}"
            raise ConfigError(f"{name} belongs to --engine dask", hint="Give both, or neither.")
        tls = [getattr(self, name) for name in _TLS]
        if any(tls) and not all(tls):
            raise ConfigError("of --tls-ca, --tls-cert and --tls-key all are needed, or none")
        for name in filter(None, tls):
            if not Path(name).is_file():
                raise ConfigError(f"{name}: no such file", hint="TLS needs files of PEM.")
        if self.scheduler is not None:
            _check_address(self.scheduler, has_tls=all(tls))

    @property
    def address(self) -> str | None:
        """The address of the scheduler, as Dask wants it."""
        if self.scheduler is None or "://" in self.scheduler:
            return self.scheduler
        return f"{'tls' if self.tls_ca else 'tcp'}://{self.scheduler}"


def _check_address(address: str, *, has_tls: bool) -> None:
    scheme, _, place = address.rpartition("://")
    host, _, port = place.rpartition(":")
    is_plain = address.isascii() and address.isprintable() and " " not in address
    if not is_plain or scheme not in ("", *_SCHEMES) or not host or not _is_port(port):
        raise ConfigError(
            f"--scheduler {address!r} is no address of a scheduler",
            hint="Write host:port, tcp://host:port or tls://host:port.",
        )
    if has_tls and scheme == "tcp":
        raise ConfigError("--scheduler tcp://… with TLS files", hint="Write tls://host:port.")


def _is_port(text: str) -> bool:
    return text.isdecimal() and 0 < int(text[:6]) < 1 << 16
