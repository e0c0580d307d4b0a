"""Threads and processes that the system may refuse to start: one error for all of them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from bigconst.base import failpoints
from bigconst.base.errors import DoesNotFit

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


@contextlib.contextmanager
def starting() -> Iterator[None]:
    """A context in which a thread or a process is started.  Raises DoesNotFit where the system refuses it."""
    try:
        if failpoints.ACTIVE:
            failpoints.hit("thread.start", "")
        yield
    except (RuntimeError, OSError) as error:
        #: A limit of the session (`ulimit -u`), of the container or the service (`pids.max`, `TasksMax`) or of memory
        #: (`ulimit -v`) is reached: the programs of one user count together. Raise it, stop other programs, or take
        #: fewer `--threads`. A run goes on from what it stored.
        raise DoesNotFit(f"the system refused one more thread or process: {getattr(error, 'strerror', None) or error}",
                         "raise `ulimit -u` or the limit of the container, or take fewer --threads") from error


def start_thread(target: Callable, *arguments: object, name: str) -> threading.Thread:
    """Start a thread that does not keep the process alive, and calls target(*arguments).  Raises DoesNotFit."""
    thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
    with starting():
        thread.start()
    return thread


def executor(threads: int) -> ThreadPoolExecutor:
    """An executor whose threads all exist: its tasks may wait for each other.  Raises DoesNotFit."""
    from concurrent.futures import ThreadPoolExecutor

    pool, together = ThreadPoolExecutor(threads), threading.Barrier(threads)
    try:
        for _ in range(threads):        # while all of these wait, each has a thread of its own
            with starting():
                pool.submit(together.wait)
    except BaseException:
        together.abort()
        pool.shutdown()
        raise
    return pool
