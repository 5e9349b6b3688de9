"""How many machines, processors and bytes a command is to have, and where."""

import re
from dataclasses import dataclass

from tokpipe.foundation.config import Config, setting
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.sizes import parse_bytes
from tokpipe.training.config import seconds_of

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?")  # Kubernetes' own, with room for endings
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._@:-]{0,252}[A-Za-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class SizeConfig(Config):
    """What every way to launch asks for."""

    processes: int = setting(
        1, "Processes on each machine: workers of Dask, or ranks of MPI.", least=1
    )
    cpus: int = setting(1, "Processors of each process.", least=1)
    memory: str = setting("4GB", "Memory of each process.")

    def check(self) -> None:
        """Refuse a memory that is no size."""
        if self.mebibytes < 1:
            raise ConfigError(f"memory={self.memory!r} is less than a MiB")

    @property
    def mebibytes(self) -> int:
        """The memory of each process, rounded down."""
        return parse_bytes(self.memory) >> 20


@dataclass(frozen=True, kw_only=True)
class SlurmConfig(SizeConfig):
    """A batch script for Slurm."""

    nodes: int = setting(1, "Machines.", least=1)
    time: str = setting("12h", "Longest time of the job, such as 90m or 2d.")
    name: str = setting("tokpipe", "Name of the job.")
    partition: str | None = setting(None, "Partition.")
    account: str | None = setting(None, "Account that is charged.")
    environment: str | None = setting(
        None, "Virtual environment that all machines see; without one tokpipe is on the PATH."
    )

    def check(self) -> None:
        """Refuse names that would be more than one word of a script."""
        super().check()
        check_name("name", self.name)
        self.seconds  # noqa: B018 - refuses what is no time
        for what in ("partition", "account"):
            value = getattr(self, what)
            if value is not None and not re.fullmatch(r"[\w.+-]+", value, re.ASCII):
                raise ConfigError(f"{what}={value!r} is no name of Slurm's")

    @property
    def seconds(self) -> int:
        """The longest time of the job."""
        try:
            return int(seconds_of(self.time))
        except ConfigError as error:
            raise ConfigError(f"time={self.time!r} is no time", hint=error.hint) from None


@dataclass(frozen=True, kw_only=True)
class KubernetesConfig(SizeConfig):
    """A manifest for Kubernetes."""

    nodes: int = setting(1, "Pods with workers or ranks.", least=1)
    image: str = setting("", "Container image with tokpipe and the extra of the engine.")
    name: str = setting("tokpipe", "Name of the job and what belongs to it.")
    claim: str | None = setting(
        None, "PersistentVolumeClaim that all pods mount; without one, use stores (s3://…)."
    )
    mount: str = setting("/work", "Where the claim is mounted; the command runs there.")

    def check(self) -> None:
        """Refuse a manifest that no cluster would take."""
        super().check()
        check_name("name", self.name)
        if not self.image or not re.fullmatch(r"\S+", self.image):
            raise ConfigError(f"image={self.image!r} is no container image", hint="Give --image.")
        if self.claim is not None:
            check_name("claim", self.claim)
        if not self.mount.startswith("/"):
            raise ConfigError(f"mount={self.mount!r} is no absolute path")


@dataclass(frozen=True, kw_only=True)
class SshConfig(SizeConfig):
    """A script that starts the processes by ssh."""

    hosts: tuple[str, ...] = setting((), "Machines, between commas, as ssh knows them.")
    folder: str = setting(".", "Folder on all machines in which the command runs.")
    environment: str | None = setting(
        None, "Virtual environment that all machines see; without one tokpipe is on the PATH."
    )

    def check(self) -> None:
        """Refuse what is no host."""
        super().check()
        if not self.hosts:
            raise ConfigError("hosts: none is named", hint="Give --hosts a,b,c.")
        for host in self.hosts:
            if not _HOST.fullmatch(host):
                raise ConfigError(f"hosts: {host!r} is no name of a machine")

    @property
    def nodes(self) -> int:
        """How many machines there are."""
        return len(self.hosts)


def check_name(what: str, name: str) -> None:
    """Refuse what is no name in a manifest or a script.

    Raises
    ------
    ConfigError
        If it has others than small letters, digits and dashes between them, or more than 53.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{what}={name!r}: small letters, digits and dashes between them are allowed, 53 at "
            "most"
        )
