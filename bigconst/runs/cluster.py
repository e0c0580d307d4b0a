"""The seam to dask.distributed: functions with small arguments are submitted, and what becomes of them is collected.

This is the only module that knows the engine.  What it computes must be written down elsewhere: its scheduler forgets
everything when it dies, and may run a function twice.
"""

import asyncio
import contextlib
import ipaddress
import logging
import queue
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any

from bigconst.base.errors import InputOutputError, UsageError
from bigconst.base.hardware import default_threads

CONNECT_S = 10
"""Seconds to wait for a scheduler."""
LOST_S = 60
"""Seconds after which a scheduler that does not answer is given up."""
LOCAL = "local"
LABEL = "test"
"""The resource of a worker whose owner says how many functions it may run at once, 0 or more: --resources test=K."""
LOOK_EVERY_S = 1.0
"""Seconds between two questions about the workers."""


@dataclass(frozen=True)
class ClusterRequest:
    """Which cluster to use."""

    address: str
    """LOCAL, or the address of a scheduler"""
    workers: int
    """processes of a local one"""
    threads: int | None
    """threads of each function; None to choose them by its size"""
    tls: tuple[str | None, str | None, str | None]
    """files of a certificate authority, of a certificate, and of its key"""
    insecure: bool
    """whether a scheduler on another machine may be used without TLS"""

    def check(self) -> None:
        """Raise UsageError for an address that cannot be used, or not safely."""
        match = re.fullmatch(r"(tcp|tls)://(.+):[0-9]+", self.address)
        if self.address != LOCAL and match is None:
            #: `--cluster local` begins workers on this machine; others have a scheduler with such an address.
            raise UsageError(f"{self.address[:80]!r} is no cluster", "name local, tcp://HOST:PORT or tls://HOST:PORT")
        is_tls = match is not None and match[1] == "tls"
        if is_tls != any(self.tls) or is_tls != all(self.tls):
            #: All three files are needed for tls://, and for nothing else.
            raise UsageError("tls:// needs certificates, and they need tls://",
                             "name --tls-ca, --tls-cert and --tls-key with a tls:// address")
        if match is not None and not is_tls and not self.insecure and not _is_loopback(match[2]):
            #: Whoever can reach a scheduler without TLS can run what he likes on all workers.
            raise UsageError("a cluster runs whatever it is sent, and without TLS anybody on the network can send it "
                             "something", "use tls:// with certificates, or say --insecure")


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return host == "localhost"


@dataclass(frozen=True)
class ClusterWorker:
    """A process that runs functions."""

    address: str
    name: str
    threads: int
    tests: int | None
    """functions that it may run at once, where its owner has said so"""


class LostWithScheduler(Exception):
    """What becomes of a function when the scheduler has gone."""


class Cluster:
    """A connection to a scheduler; `submit` and `collect` are called by one thread."""

    def __init__(self, begin: Callable[[], Any]):
        """`begin` gives a client of the scheduler, or raises InputOutputError."""
        self._begin = begin
        self._client = begin()
        self._answers = True
        self._futures: dict[str, Any] = {}
        self._done: queue.SimpleQueue = queue.SimpleQueue()
        self._is_silent = False
        self._workers: list[ClusterWorker] = []
        self._looked_s = -LOOK_EVERY_S

    def workers(self) -> list[ClusterWorker]:
        """The workers that may be used, a second ago at most; those known last while the scheduler does not answer."""
        if time.monotonic() - self._looked_s >= LOOK_EVERY_S:
            self._is_silent = True
            with contextlib.suppress(Exception):
                identity = self._client.sync(self._client.scheduler.identity, n_workers=-1, callback_timeout=CONNECT_S)
                found = [_worker(address, each) for address, each in identity["workers"].items()]
                self._workers, self._is_silent = [each for each in found if each.tests != 0], False
            self._looked_s = time.monotonic()
        return self._workers

    def is_connected(self) -> bool:
        """Whether the scheduler answers; one that was begun anew at the same address is made ready."""
        if self._client.status == "closed":
            with contextlib.suppress(InputOutputError):
                self._client, self._answers = self._begin(), True
        elif self._client.status == "running" and not self._answers:
            with contextlib.suppress(InputOutputError):
                make_ready(self._client)
                self._answers = True
        else:
            self._answers = self._client.status == "running"
        return self._answers and not self._is_silent

    def submit(self, key: str, function: Callable, *arguments, worker: ClusterWorker) -> None:
        """Have function(*arguments) run on a worker.  Nothing becomes of it where that goes."""
        claims = None if worker.tests is None else {LABEL: 1}
        future = self._client.submit(function, *arguments, key=key, pure=False, retries=0, workers=[worker.address],
                                     resources=claims)
        self._futures[key] = future
        future.add_done_callback(lambda each: self._done.put((key, each)))

    def collect(self, timeout_s: float) -> list[tuple[str, Any]]:
        """(key, result or exception) of what has ended, after at most `timeout_s` seconds; each is forgotten then."""
        found = []
        with contextlib.suppress(queue.Empty):
            key, future = self._done.get(timeout=timeout_s)
            while True:
                if self._futures.get(key) is future:    # else it was given up
                    del self._futures[key]
                    try:
                        found.append((key, future.result(timeout=CONNECT_S)))
                    except CancelledError:
                        found.append((key, LostWithScheduler()))
                    except Exception as error:
                        found.append((key, error))
                key, future = self._done.get_nowait()
        return found

    def give_up(self, key: str) -> None:
        """Take no notice of what becomes of this one."""
        future = self._futures.pop(key, None)
        if future is not None:
            with contextlib.suppress(Exception):
                future.cancel()

    def on_workers(self, function: Callable, *arguments) -> None:
        """Have every worker call a short function, beside what it computes; nothing is waited for."""
        with contextlib.suppress(Exception):        # Client.run would wait for a scheduler that hangs
            self._client.sync(self._client._run, function, *arguments, wait=False, callback_timeout=CONNECT_S)


def _worker(address: str, found: dict) -> ClusterWorker:
    tests = found.get("resources", {}).get(LABEL)
    name = found.get("name", address)
    return ClusterWorker(address, f"worker {name}" if isinstance(name, int) else name, found["nthreads"],
                         None if tests is None else int(tests))


@contextlib.contextmanager
def connected(request: ClusterRequest) -> Iterator[Cluster]:
    """A context that gives a cluster.  Raises UsageError, InputOutputError."""
    request.check()
    try:
        import dask
        import distributed
    except ImportError as error:
        #: The engine of clusters is an extra.
        raise UsageError("--cluster needs dask.distributed", "pip install 'bigconst[cluster]'") from error
    for name in ("distributed", "distributed.worker", "distributed.nanny", "tornado", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    dask.config.set({"distributed.comm.timeouts.connect": f"{CONNECT_S}s", "distributed.scheduler.allowed-failures": 10,
                     "distributed.worker.daemon": True, "distributed.admin.tick.limit": "1h"})
    with contextlib.ExitStack() as stack:
        if request.address == LOCAL:
            local = stack.enter_context(distributed.LocalCluster(
                n_workers=request.workers, processes=True, memory_limit=0, silence_logs=logging.CRITICAL,
                threads_per_worker=max(default_threads() // request.workers, request.threads or 1),
                host="127.0.0.1", dashboard_address="127.0.0.1:0"))     # any free port
            address, security = local, None
        elif all(request.tls):
            address, (ca, certificate, key) = request.address, request.tls
            security = distributed.security.Security(tls_ca_file=ca, tls_client_cert=certificate, tls_client_key=key,
                                                     require_encryption=True)
        else:
            address, security = request.address, None

        def begin():
            try:
                if request.address != LOCAL:
                    asyncio.run(_greeted(request.address, security))
                client = distributed.Client(address, timeout=CONNECT_S, security=security)
            except (OSError, ValueError) as error:      # those of TLS are OSErrors, too
                #: Is the scheduler begun, and reached from here? With TLS: is its certificate of the same authority?
                raise InputOutputError(f"cannot reach the scheduler {request.address}: {_short(error)}",
                                       "begin it with `dask scheduler`, and name its address") from error
            stack.callback(client.close)
            make_ready(client)
            return client

        yield Cluster(begin)


async def _greeted(address: str, security) -> None:
    """Raise OSError unless a scheduler answers: a client would wait for ever for a program that speaks otherwise."""
    from distributed.comm import connect

    arguments = {} if security is None else security.get_connection_args("client")
    try:
        comm = await asyncio.wait_for(connect(address, timeout=CONNECT_S, **arguments), 2 * CONNECT_S)
    except Exception as error:
        if isinstance(error, OSError) and str(error):
            raise
        # No time is left, or other bytes came: a number of bytes that no memory holds, or no message.
        raise OSError("nothing there answers as a scheduler does") from error
    await comm.close()


def make_ready(client) -> None:
    """Have the workers of a client's scheduler leave as they should, those that come later, too.

    Raises InputOutputError where workers have not the program.
    """
    from bigconst.runs.clusterworker import Leaving

    try:
        client.register_plugin(Leaving())
    except Exception as error:
        #: Scheduler and workers import the program, too, in the same version.
        raise InputOutputError(f"the cluster cannot use bigconst: {_short(error)}",
                               "install bigconst[cluster] where the scheduler and the workers run") from error


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
