"""A thread pool for kernels that release the GIL.

Tasks of one batch are independent and their partition depends on the size of
the work alone, never on the number of threads, so that results are identical
for any `threads`.
"""

import itertools
import threading
from collections.abc import Callable, Iterable


class Pool:
    """`threads` - 1 sleeping workers beside the calling thread."""

    def __init__(self, threads: int):
        self.threads = threads
        self._wake = threading.Semaphore(0)
        self._done = threading.Semaphore(0)
        self._batch: Callable[[], None] | None = None
        for _ in range(threads - 1):
            threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            self._wake.acquire()
            batch = self._batch
            if batch is None:
                return
            batch()
            self._done.release()

    def run(self, function: Callable, tasks: Iterable[tuple]) -> None:
        """Call function(*task) for every task; the first exception is raised when all workers have stopped."""
        tasks = list(tasks)
        helpers = min(self.threads, len(tasks)) - 1
        if helpers <= 0:
            for task in tasks:
                function(*task)
            return
        counter = itertools.count()
        failures: list[BaseException] = []

        def batch() -> None:
            try:
                while not failures and (i := next(counter)) < len(tasks):
                    function(*tasks[i])
            except BaseException as failure:  # re-raised in the calling thread
                failures.append(failure)

        self._batch = batch
        self._wake.release(helpers)
        batch()
        for _ in range(helpers):
            self._done.acquire()
        if failures:
            raise failures[0]

    def close(self) -> None:
        """Let the workers end."""
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
