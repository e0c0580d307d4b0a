"""A thread pool for kernels that release the GIL.

Tasks of one batch are independent and their partition depends on the size of
the work alone, never on the number of threads, so that results are identical
for any `threads`.
"""

import itertools
import threading
from collections.abc import Callable, Iterable

import numpy as np

from bigconst.base.errors import DoesNotFit
from bigconst.base.starting import start_thread
from bigconst.runtime.arena import HUGE_PAGE_BYTES, Arena

_local = threading.local()


def thread_scratch(size: int) -> np.ndarray:
    """A buffer of `size` doubles for the calling thread, on huge pages of its own: parts of a buffer on scattered small
    pages could compete for the same sets of the second-level cache."""
    array = getattr(_local, "scratch", None)
    if array is None or len(array) < size:
        size = -(-8 * size // HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES // 8
        whole = Arena(8 * size + HUGE_PAGE_BYTES).take(size + HUGE_PAGE_BYTES // 8)
        skip = -whole.ctypes.data % HUGE_PAGE_BYTES // 8
        array = _local.scratch = whole[skip:skip + size]
    return array


class Pool:
    """A pool of `threads` - 1 sleeping workers and the calling thread."""

    def __init__(self, threads: int, *, fewer: bool = False):
        """Raises DoesNotFit where the system refuses a worker; with `fewer`, those that exist do the work."""
        self.threads = 1
        self._wake = threading.Semaphore(0)
        self._done = threading.Semaphore(0)
        self._batch: Callable[[], None] | None = None
        try:
            for _ in range(threads - 1):
                start_thread(self._work, name="bigconst-pool")
                self.threads += 1
        except DoesNotFit:
            if not fewer:
                self.close()
                raise

    def _work(self) -> None:
        while True:
            self._wake.acquire()
            batch = self._batch
            if batch is None:
                return
            batch()
            self._done.release()

    def run(self, function: Callable, tasks: Iterable[tuple], scratch_doubles: int = 0) -> None:
        """Call function(*task) for every task; the first exception is raised when all workers have stopped.

        With `scratch_doubles`, function(*task, scratch): an array of so many doubles of the thread that calls it.
        """
        tasks = list(tasks)
        if self.threads == 1 or len(tasks) == 1:
            scratch = (thread_scratch(scratch_doubles),) if scratch_doubles else ()
            for task in tasks:
                function(*task, *scratch)
            return
        counter = itertools.count()
        failures: list[BaseException] = []

        def batch() -> None:
            try:
                scratch = (thread_scratch(scratch_doubles),) if scratch_doubles else ()
                while not failures and (i := next(counter)) < len(tasks):
                    function(*tasks[i], *scratch)
            except BaseException as failure:  # re-raised in the calling thread
                failures.append(failure)

        helpers = max(0, min(self.threads, len(tasks)) - 1)
        self._batch = batch
        if helpers:
            self._wake.release(helpers)
        batch()
        for _ in range(helpers):
            self._done.acquire()
        if failures:
            raise failures[0]

    def close(self) -> None:
        """End the workers."""
        self._batch = None
        for _ in range(self.threads - 1):
            self._wake.release()

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *exc) -> None:
        self.close()


def split(length: int, parts: int, unit: int = 1) -> list[tuple[int, int]]:
    """At most `parts` ranges that cover 0..length-1, cut at multiples of `unit`."""
    units = -(-length // unit)
    parts = max(1, min(parts, units))
    cuts = [min(length, units * i // parts * unit) for i in range(parts + 1)]
    return [(a, b) for a, b in itertools.pairwise(cuts) if a < b]
