"""Read ahead, compute, write behind."""

import time
from collections.abc import Callable
from typing import Any

RING = 3
"""Buffers of units that are read, computed and written in the same place; inputs apart from outputs take two each."""


class Pipeline:
    """Runs stages of units one after the other, and adds up how long it waited for transfers."""

    def __init__(self):
        self.wait_s = 0.0

    def run(self, count: int, read: Callable[[int], Any], compute: Callable[[int], None],
            write: Callable[[int], Any]) -> None:
        """read(i), compute(i), write(i) for i = 0 .. count-1, in this order for each i and computing in order of i.

        `read` and `write` start a transfer and return it (wait()).  When read(i)
        is called, write(i - RING) has ended; when compute(i) is called, also write(i - 2).
        """
        reads: dict[int, Any] = {}
        writes: dict[int, Any] = {}
        try:
            for i in range(count):
                self._wait(writes, i - 2)
                for ahead in range(i, min(i + 2, count)):
                    if ahead not in reads:
                        reads[ahead] = read(ahead)
                self._wait(reads, i)
                reads[i] = None
                compute(i)
                writes[i] = write(i)
            for i in sorted(writes):
                self._wait(writes, i)
        except BaseException:
            # The buffers belong to others as soon as this returns.
            for transfer in (*reads.values(), *writes.values()):
                if transfer is not None:
                    _settle(transfer)
            raise

    def _wait(self, transfers: dict[int, Any], i: int) -> None:
        transfer = transfers.get(i)
        if transfer is None:
            return
        began = time.perf_counter()
        transfer.wait()
        self.wait_s += time.perf_counter() - began
        transfers[i] = None


def _settle(transfer: Any) -> None:
    """Wait for a transfer whose outcome no longer matters."""
    try:
        transfer.wait()
    except Exception:
        pass


class Together:
    """Several transfers as one."""

    def __init__(self, transfers: list):
        self._transfers = transfers

    def wait(self) -> None:
        """All of them, then the first error."""
        failure = None
        for transfer in self._transfers:
            try:
                transfer.wait()
            except Exception as error:
                failure = failure or error
        if failure is not None:
            raise failure
