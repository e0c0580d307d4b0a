"""A volume and a journal in memory that lose power: what was not safe is gone, torn or there."""

from collections.abc import Callable

import numpy as np
from disk_parts import PAGE_BYTES, WatchedVolume

from bigconst.runtime.recorder import Recorder


class PowerLoss(BaseException):
    """Nothing that handles errors handles this."""


class Disk(WatchedVolume):
    """A volume, and the journal beside it, that lose power at the write of this number.

    `after` is then what was left: the data, and the records.
    """

    def __init__(self, size_bytes: int, rng, writes: int, data: np.ndarray | None = None, records=()):
        super().__init__(size_bytes, int(rng.integers(2**32)))
        self._rng, self._left = rng, writes
        if data is not None:
            self.data = np.concatenate([data, self.data[len(data):]])     # it may have grown, or been cut
        self._safe, self._since = self.data.copy(), set()
        self._records, self._safe_records = list(records), len(records)
        self.after: tuple | None = None

    def sync(self) -> None:
        """Whatever was written is safe; for speed, only what was since the last time is looked at."""
        with self.lock:
            pages = np.array(sorted(self._since), np.int64)
            pages = pages[pages < len(self.data) // PAGE_BYTES]
            self._safe.reshape(-1, PAGE_BYTES)[pages] = self.data.reshape(-1, PAGE_BYTES)[pages]
            self._since = {page for moved in self.under_way if moved.writes for page in moved.pages}

    def resize(self, size_bytes: int) -> None:
        super().resize(size_bytes)
        self._safe = np.concatenate([self._safe, self.data[len(self._safe):]])[:len(self.data)]

    def write(self, requests, sums=None):
        with self.lock:
            moved = super().write(requests, sums)
            self._since |= moved.pages
            self.lose_power()
        return moved

    def lose_power(self) -> None:
        """At the last write: every page is as it was when all was safe, or as anything written since left it."""
        self._left -= 1
        if self._left:
            return
        for moved in list(self.under_way):
            if moved.writes and self._rng.random() < 0.5:
                moved.perform()
        there, safe = (data.reshape(-1, PAGE_BYTES) for data in (self.data.copy(), self._safe))
        lost = self._rng.random(len(there)) < self._rng.choice([0.1, 0.5, 0.9])
        there[lost] = safe[lost]
        kept = self._rng.integers(self._safe_records, len(self._records) + 1)
        self.after = there.reshape(-1), self._records[:kept]
        raise PowerLoss

    # --- the journal, as the recorder sees it

    def append(self, fields: dict, arrays: dict) -> None:
        self._records.append((dict(fields), {name: np.array(array) for name, array in arrays.items()}))

    def rotate(self, records):
        self._records.clear()
        for record in records:
            self.append(*record)
        self._safe_records = len(self._records)
        return self._journal()

    def _journal(self):
        disk = self

        class Journal:
            append = staticmethod(disk.append)

            @staticmethod
            def sync():
                disk._safe_records = len(disk._records)

        return Journal()

    def recorder(self) -> Recorder:
        return Recorder(self._journal(), list(self._records), self.sync, self.rotate)


def lives(run: Callable, size_bytes: int, rng, most_writes: int, flips: bool = False) -> tuple[int, object]:
    """Power losses until run(disk) came to its end, and what it returned; with `flips` each one changes a bit on the
    disk."""
    disk, losses = Disk(size_bytes, rng, int(rng.integers(1, most_writes))), 0
    while True:
        try:
            return losses, run(disk)
        except PowerLoss:
            losses += 1
            # Longer lives after many losses, so that there is an end.
            writes = int(rng.integers(1, most_writes)) * (1 + losses // 8)
            if flips:
                disk.after[0][rng.integers(len(disk.after[0]))] ^= 1 << int(rng.integers(8))
            disk = Disk(size_bytes, rng, writes, *disk.after)
