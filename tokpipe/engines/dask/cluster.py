"""A cluster of Dask: a scheduler that is there, or workers started on this machine for a while.

Workers run whatever reaches their port, so those that are started here listen on the loopback
address alone; who names a scheduler has chosen its network, and may hand TLS files through.
"""

import logging
import os
import signal
import tempfile
import threading
import warnings
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tokpipe.engines.config import EngineConfig
from tokpipe.engines.dask.crew import Crew
from tokpipe.engines.extras import require_extra
from tokpipe.engines.facts import own_facts, require_same_facts
from tokpipe.foundation.errors import ClusterError
from tokpipe.foundation.threads import usable_cpus

if TYPE_CHECKING:
    from distributed import LocalCluster, Security

_CONNECT_SECONDS = 5.0  # a scheduler that is there answers in a hundredth of it
_WORKER_SECONDS = 30.0  # until the workers that were asked for are there
_ANSWER_SECONDS = 30.0  # of every worker, what it has to import first included
_CLOSE_SECONDS = 1.0  # for saying goodbye: what is not said by then, nobody needs
_ALONE_SECONDS = 60.0  # without any worker, until the work is given up
_NOISY = (  # loggers that speak to the terminal; Dask gives each of them a level of its own
    *("distributed", "distributed.client", "distributed.gc"),
    *("tornado", "tornado.application", "asyncio", "bokeh"),
)
_SETTINGS = {
    "distributed.worker.profile.enabled": False,  # it looks at our threads a hundred times a second
    "distributed.diagnostics.nvml": False,
    "distributed.worker.daemon": True,
    "distributed.logging": dict.fromkeys(_NOISY, "critical"),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Cluster:
    """A connection to a scheduler, and what is known of its workers."""

    client: Any  # a `distributed.Client`: all that it returns is typed as a coroutine as well
    address: str
    crew: Crew = field(default_factory=Crew)

    def check(self) -> None:
        """Raise a `ClusterError` if the scheduler is lost, or all workers are, for a minute."""
        if self.client.status != "running":
            raise lost(self.address)
        if self.crew.alone > _ALONE_SECONDS:
            raise ClusterError(
                f"the scheduler {self.address} has had no worker for {_ALONE_SECONDS:.0f} s",
                hint="Start workers, and run the same command again: it goes on.",
            )

    def on_each(self, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """Call a function of a module once on every worker; return what it returns, by address.

        An exception is returned like a result, and nothing of a worker that is lost meanwhile.

        Raises
        ------
        ClusterError
            If the scheduler or a worker does not answer.
        """
        from distributed.comm.core import CommClosedError

        with answered(self.address):
            try:
                found = _in_time(
                    lambda: self.client.run(function, *arguments, on_error="return"),
                    _ANSWER_SECONDS,
                )
            except _TooLate:
                raise ClusterError(
                    f"not every worker of {self.address} answers within {_ANSWER_SECONDS:.0f} s",
                    hint="Stop those that hang or whose machines are gone, and start them again.",
                ) from None
        return {
            worker: said
            for worker, said in sorted(found.items())
            if not isinstance(said, CommClosedError)
        }


class _TooLate(Exception):  # noqa: N818 - what it says, and no more
    """Something has not come to its end in time."""


def _in_time(call: Callable[[], Any], seconds: float) -> Any:
    """Return what a call returns; it goes on in a thread of its own when that takes too long.

    Dask's own limits end before what another program at a port, or a worker that hangs, does not
    say.
    """
    result: Future[Any] = Future()

    def run() -> None:
        try:
            result.set_result(call())
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    wait([result], seconds)
    if not result.done():
        raise _TooLate
    return result.result()


def lost(address: str) -> ClusterError:
    """Make the error for a scheduler that does not answer any more."""
    return ClusterError(
        f"the scheduler {address} is lost",
        hint="Start it, and run the same command again: it goes on from what is finished.",
    )


@contextmanager
def answered(address: str) -> Generator[None, None, None]:
    """Turn what Dask raises for a scheduler that has gone into a `ClusterError`."""
    from distributed.comm.core import CommClosedError

    try:
        yield
    except (CommClosedError, TimeoutError, ConnectionError) as error:
        raise lost(address) from error


@contextmanager
def open_cluster(
    config: EngineConfig, crew: Crew | None = None, *, any_version: bool = False
) -> Generator[Cluster, None, None]:
    """Connect to the scheduler that is named, or start workers here until the block ends.

    `crew` is told of workers and items from then on. With `any_version`, workers are there to be
    looked at, and none is refused.

    Raises
    ------
    ConfigError
        If Dask is not installed.
    ClusterError
        If the scheduler cannot be reached, or has too few workers, or some of another version.
    """
    require_extra("dask", "--engine dask", "dask", "distributed")
    with ExitStack() as stack:
        stack.enter_context(_quiet())
        import dask.config

        stack.enter_context(dask.config.set(_SETTINGS))
        security = _security(config)
        if config.address is None:
            local = stack.enter_context(_started(config, security))
            address, count = local.scheduler_address, len(local.workers)
        else:
            address, count = config.address, config.workers or 1
        client = stack.enter_context(_connected(address, security))
        cluster = Cluster(client=client, address=address, crew=crew or Crew())
        _meet(cluster, count)
        if not any_version:
            _require_same_versions(cluster)
        yield cluster


@contextmanager
def _quiet() -> Generator[None, None, None]:
    """Keep Dask's own lines from the terminal: what matters of them is said as an error of ours."""
    import distributed  # noqa: F401 - it sets their levels then

    loggers = [logging.getLogger(name) for name in _NOISY]
    before = [(logger, logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="distributed")
            yield
    finally:
        for logger, level, propagate in before:
            logger.setLevel(level)
            logger.propagate = propagate


def _security(config: EngineConfig) -> "Security":
    """Return the TLS files that were given, or what Dask's own configuration says."""
    from distributed import Security

    if not config.tls_ca:
        return Security()
    roles = ("client", "scheduler", "worker")
    files = {f"tls_{role}_cert": config.tls_cert for role in roles}
    files |= {f"tls_{role}_key": config.tls_key for role in roles}
    return Security(require_encryption=True, tls_ca_file=config.tls_ca, **files)


@contextmanager
def _started(config: EngineConfig, security: "Security") -> "Generator[LocalCluster, None, None]":
    """Start a scheduler and workers of one thread each, on the loopback address."""
    from distributed import LocalCluster

    with ExitStack() as stack:
        folder = tempfile.TemporaryDirectory(prefix="tokpipe-dask-", ignore_cleanup_errors=True)
        try:
            local = LocalCluster(
                n_workers=config.workers or usable_cpus(),
                threads_per_worker=1,
                host="127.0.0.1",
                protocol="tls://" if security.require_encryption else "tcp://",
                security=security,
                dashboard_address="127.0.0.1:0",  # else on every network, at a port of others
                worker_dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                memory_limit=0,
                silence_logs=logging.CRITICAL + 1,
                local_directory=stack.enter_context(folder),
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise ClusterError(f"no workers can be started on this machine: {error}") from error
        stack.callback(_end, local)
        yield local


def _end(local: "LocalCluster") -> None:
    """End the workers at once: whatever they hold is on the disk, or is made again."""
    for worker in local.workers.values():
        worker.auto_restart = False
        if worker.process is not None and worker.process.pid:
            with suppress(ProcessLookupError):
                os.kill(worker.process.pid, signal.SIGKILL)
    with suppress(Exception):  # it was asked to end; its own troubles with that are not ours
        local.close(timeout=_CLOSE_SECONDS)


@contextmanager
def _connected(address: str, security: "Security") -> Generator[Any, None, None]:
    from distributed import Client

    def connect() -> Client:
        return Client(address, security=security, timeout=_CONNECT_SECONDS, set_as_default=False)

    try:
        client = _in_time(connect, 2 * _CONNECT_SECONDS)
    except (
        Exception
    ) as error:  # of the system, of TLS, of tornado, or of what answered in its place
        raise ClusterError(
            f"no Dask scheduler can be reached at {address}: {_reason(error)}",
            hint="Is it running, and are address and TLS files right?",
        ) from error
    try:
        yield client
    finally:
        with suppress(Exception):
            client.close(timeout=_CLOSE_SECONDS)


def _reason(error: BaseException) -> str:
    """Return what the system said: the innermost cause, in one line."""
    causes = [error]
    while (inner := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(inner)
    if isinstance(error, _TooLate):
        return "what is there does not answer as one"
    for cause in reversed(causes):
        if isinstance(cause, OSError) and cause.errno and cause.strerror:
            return cause.strerror.split("\n")[0].lower()
    told = [str(cause).split("\n")[0] for cause in reversed(causes) if str(cause)]
    return told[0] if told else type(error).__name__


def _meet(cluster: Cluster, count: int) -> None:
    """Wait for the workers."""
    client, crew = cluster.client, cluster.crew
    client.subscribe_topic("all", crew.told)
    with answered(cluster.address), suppress(TimeoutError):
        client.wait_for_workers(count, timeout=_WORKER_SECONDS)
    with answered(cluster.address):
        crew.met(client.nthreads())
    if len(crew.workers) < count:
        raise ClusterError(
            f"the scheduler {cluster.address} has {len(crew.workers)} of {count} workers"
            f" after {_WORKER_SECONDS:.0f} s",
            hint="Start workers: dask worker ADDRESS --nthreads 1.",
        )


def _require_same_versions(cluster: Cluster) -> None:
    """Refuse workers whose results may differ from ours."""
    for worker, found in cluster.on_each(own_facts).items():
        if isinstance(found, BaseException):
            raise ClusterError(
                f"worker {worker} cannot run this tokpipe: {type(found).__name__}: {found}",
                hint="Install the same tokpipe on all machines.",
            )
        require_same_facts(own_facts(), found, worker)
