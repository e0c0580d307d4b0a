"""Runs whose machine loses power again and again: what was not safe is gone, torn or there, and the files are right."""

import numpy as np
import pytest
from disk_parts import PAGE_BYTES, WatchedVolume
from disk_runs import (
    BETWEEN,
    ONE_LEVEL,
    REGROUPED,
    ROOMY,
    TWO_LEVELS,
    Sink,
    engine,
    in_memory,
    plan_on_disk,
    same,
)

from bigconst.arithmetic.disk.passes import DiskTransform
from bigconst.base import failpoints
from bigconst.constants.golden import PHI
from bigconst.constants.sqrt import root_of
from bigconst.runtime import recorder as recorder_module
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
        pages = np.array(sorted(self._since), np.int64)
        pages = pages[pages < len(self.data) // PAGE_BYTES]
        self._safe.reshape(-1, PAGE_BYTES)[pages] = self.data.reshape(-1, PAGE_BYTES)[pages]
        self._since = {page for moved in self.under_way if moved.writes for page in moved.pages}

    def resize(self, size_bytes: int) -> None:
        super().resize(size_bytes)
        self._safe = np.concatenate([self._safe, self.data[len(self._safe):]])[:len(self.data)]

    def write(self, requests, sums):
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


def lives(plan, rng, most_writes: int, flips: bool = False) -> tuple[int, tuple[bytes, bytes]]:
    """Power losses until a run came to its end, and its files; with `flips` each one changes a bit on the disk."""
    disk, losses = Disk(plan.disk.scratch_bytes, rng, int(rng.integers(1, most_writes))), 0
    while True:
        text, certificate = Sink(plan.text_bytes), Sink(plan.certificate_bytes)
        try:
            engine.run(plan, text, lambda event: None, certificate, disk, disk.recorder())
            return losses, (bytes(text.data), bytes(certificate.data))
        except PowerLoss:
            losses += 1
            # Longer lives after many losses, so that there is an end.
            writes = int(rng.integers(1, most_writes)) * (1 + losses // 8)
            if flips:
                disk.after[0][rng.integers(len(disk.after[0]))] ^= 1 << int(rng.integers(8))
            disk = Disk(plan.disk.scratch_bytes, rng, writes, *disk.after)


@pytest.mark.parametrize("flush_s", [0.0, 1e9])
@pytest.mark.parametrize("constant,digits,base,seeds,most_writes", [
    (PHI, ONE_LEVEL, 10, 4, 50), (root_of(12345), TWO_LEVELS, 16, 3, 100),
    pytest.param(PHI, BETWEEN, 10, 2, 200, marks=pytest.mark.slow),
])
def test_the_files_are_right_in_the_end(constant, digits, base, seeds, most_writes, flush_s, monkeypatch):
    """Records are made safe as soon as they can be, or only when they must be."""
    monkeypatch.setattr(recorder_module, "FLUSH_S", flush_s)
    plan = plan_on_disk(constant, digits, base)
    expected, losses = in_memory(constant, digits, base), 0
    for seed in range(seeds):
        count, files = lives(plan, np.random.default_rng([seed, digits]), most_writes)
        assert same(files, expected), seed
        losses += count
    assert losses > 3, "power was hardly ever lost, the test is void"


@pytest.mark.slow
@pytest.mark.parametrize("constant,base", [(PHI, 10), (root_of(2), 16)])
def test_what_was_repeated_beyond_the_plan_is_found_again(constant, base, monkeypatch):
    """Every product fails on the planned words, and the scratch has grown when power is lost."""
    original = DiskTransform.inverse

    def inverse(self, *arguments):
        top, error, peak = original(self, *arguments)
        return top, error + (self.shape.digits == {10: 5, 16: 4}[base]), peak

    monkeypatch.setattr(DiskTransform, "inverse", inverse)
    plan, losses = plan_on_disk(constant, REGROUPED, base, ROOMY), 0
    for seed in range(2):
        count, files = lives(plan, np.random.default_rng(seed), 300)
        assert same(files, in_memory(constant, REGROUPED, base)), seed
        losses += count
    assert losses > 3, "power was hardly ever lost, the test is void"


def test_faults_and_power_losses_together():
    """Bits that flip on the disk, words that flip in memory: what was repeated, and how often, is found again."""
    rng, losses = np.random.default_rng(14), 0
    plan = plan_on_disk(PHI, TWO_LEVELS)
    slabs = np.cumsum(rng.integers(5, 35, 40))      # every twentieth
    with failpoints.active(", ".join(f"slab.words=spoil:{at}@{at}" for at in slabs)) as rules:
        for seed in range(4):
            count, files = lives(plan, np.random.default_rng([seed, 5]), 150, flips=True)
            assert same(files, in_memory(PHI, TWO_LEVELS)), seed
            losses += count
    spoilt = sum(at <= rules[0].calls for at in slabs)
    assert losses > 3 and spoilt > 3, "the test is void"
