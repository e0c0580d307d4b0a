"""A lane whose disk fails by a script: what the tests of everything above it are run on.

It is a real lane in a real directory; only its system calls are tampered with.
"""

import mmap
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bigconst.storage.lane import BLOCK_BYTES, Lane


@dataclass(frozen=True)
class Fault:
    """What goes wrong in system calls number `first` to `last` (from 0; None: for ever) of one operation."""

    operation: str
    """"read" or "write"; each is counted for itself."""
    first: int = 0
    last: int | None = None
    error: int = 0
    """The call fails with this errno: EIO is a bad sector, ENODEV a disk that vanished."""
    short: bool = False
    """At most the first half of the bytes is moved."""
    flip: bool = False
    """One bit of the first page is wrong: on the disk when written, in memory when read."""
    latency_s: float = 0.0
    """The call takes so much longer."""


class FaultyLane(Lane):
    """A lane that follows `faults`; `speed` (bytes/s read, written) is taken for measured.

    `FaultyLane(directory, note, faults)`; use functools.partial to make it the `lane` of a Volume.
    """

    def __init__(self, directory: str | os.PathLike, note=lambda line: None, faults: Sequence[Fault] = (),
                 speed: tuple[float, float] = (1e9, 1e9)):
        self._faults = tuple(faults)
        self._speed = speed
        self._calls = {"read": 0, "write": 0}
        self._calling = threading.Lock()
        super().__init__(directory, note)

    def measure(self, size_bytes: int) -> tuple[float, float]:
        """The speed given, without a system call: the script counts those of the volume alone."""
        return self._speed

    def _due(self, operation: str) -> list[Fault]:
        """The faults of this call, delays done and errors raised."""
        with self._calling:
            number = self._calls[operation]
            self._calls[operation] += 1
        due = [fault for fault in self._faults if fault.operation == operation
               and fault.first <= number and (fault.last is None or number <= fault.last)]
        for fault in due:
            if fault.latency_s:
                time.sleep(fault.latency_s)
            if fault.error:
                raise OSError(fault.error, os.strerror(fault.error))
        return due

    def _preadv(self, views: list[memoryview], offset: int) -> int:
        due = self._due("read")
        if any(fault.short for fault in due):
            views = self._half(views)
        count = super()._preadv(views, offset)
        if any(fault.flip for fault in due):
            views[0][0] ^= 1
        return count

    def _pwritev(self, views: list[memoryview], offset: int) -> int:
        due = self._due("write")
        if any(fault.short for fault in due):
            views = self._half(views)
        if any(fault.flip for fault in due):
            page = memoryview(mmap.mmap(-1, BLOCK_BYTES))
            page[:] = views[0][:BLOCK_BYTES]
            page[0] ^= 1
            # In a call of its own: the bytes after it follow as after any short transfer.
            views = [page]
        return super()._pwritev(views, offset)

    def _half(self, views: list[memoryview]) -> list[memoryview]:
        """The first half of the bytes, but something; past the page cache in whole pages."""
        unit = BLOCK_BYTES if self.direct else 1
        left = max(unit, sum(len(view) for view in views) // 2 // unit * unit)
        out = []
        for view in views:
            out.append(view[:left])
            left -= len(out[-1])
            if not left:
                break
        return out
