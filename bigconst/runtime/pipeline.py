"""Passes over units of data that read ahead, compute, and write behind."""

import time
from collections.abc import Callable
from typing import Any

from bigconst.base.errors import Interrupted
from bigconst.runtime.recorder import Recorder, UnitLog

RING = 3
"""Buffers needed where a unit is read, computed and written in one; separate inputs and outputs need two each."""


class Pipeline:
    """Runs passes over units one after the other, and adds up how long it waited for transfers.

    `stop` is called between units: True ends the pass with Interrupted when all units begun are finished and recorded.
    `on_unit(i, count)` is called when unit i of `count` in a pass is written and recorded.
    """

    def __init__(self, stop: Callable[[], bool] = lambda: False):
        self.on_unit: Callable[[int, int], None] = lambda i, count: None
        self.wait_s = 0.0
        self.slowest_unit_s = 0.0
        self._stop = stop

    def run(self, count: int, read: Callable[[int], Any], compute: Callable[[int], None], write: Callable[[int], Any],
            step: UnitLog | None = None, keep: Callable[[int], tuple] = lambda i: ({}, {})) -> None:
        """Call read(i), compute(i), write(i) for all units that `step` has not done; compute(i) in order of i.

        `read` and `write` start a transfer and return it (wait()).  When read(i)
        is called, write(i - RING) has ended; when compute(i) is called, also write(i - 2).
        keep(i) returns the content of a unit's record (UnitLog.finished), and is called when write(i) has ended.
        Raises Interrupted when `stop` asks for it, and any error of the four functions and of transfers.
        """
        step = step or Recorder().step("")
        reads: dict[int, Any] = {}
        writes: dict[int, Any] = {}

        def finish(i: int) -> None:
            if i in writes:
                self._wait(writes, i)
                step.finished(i, *keep(i))
                self.on_unit(i, count)

        try:
            for i in range(step.done, count):
                began = time.perf_counter()
                finish(i - 2)
                if self._stop():
                    break
                for ahead in range(i, min(i + 2, count)):
                    if ahead not in reads:
                        reads[ahead] = read(ahead)
                self._wait(reads, i)
                compute(i)
                writes[i] = write(i)
                self.slowest_unit_s = max(self.slowest_unit_s, time.perf_counter() - began)
            for i in sorted(writes):
                finish(i)
        except BaseException:
            # The buffers belong to others as soon as this returns.
            for transfer in (*reads.values(), *writes.values()):
                _settle(transfer)
            step.settle()
            raise
        if step.done < count:
            for transfer in reads.values():
                _settle(transfer)
            step.flush()
            raise Interrupted(resumable=True)

    def _wait(self, transfers: dict[int, Any], i: int) -> None:
        began = time.perf_counter()
        transfers.pop(i).wait()
        self.wait_s += time.perf_counter() - began


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
        """Wait for all of them, then raise the first error."""
        failure = None
        for transfer in self._transfers:
            try:
                transfer.wait()
            except Exception as error:
                failure = failure or error
        if failure is not None:
            raise failure
