"""Measurements of scratch disks with the requests of passes: blocks at a stride, read, written, and both at once."""

import os
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np

from bigconst.arithmetic.words import Words
from bigconst.base.errors import DiskFull
from bigconst.base.formats import WORDS
from bigconst.base.hardware import default_threads
from bigconst.base.starting import executor
from bigconst.bench.turns import overlap_loss
from bigconst.estimates.speeds import AccessPattern, DiskSpeeds
from bigconst.runtime.arena import Arena
from bigconst.runtime.pipeline import RING, Pipeline
from bigconst.runtime.threads import Pool
from bigconst.storage.lane import Transfer
from bigconst.storage.volume import BlockRequest, Volume

REQUEST_BYTES = (136 << 10, 1 << 20, 8 << 20)
"""Sizes of requests, like those of packed runs and tiles on solid-state and on hard disks."""
STRIDE = 16
"""Blocks from one request of a sweep to the next."""
VOLUME_BYTES = 1 << 30
"""Most bytes of the volume that is measured."""
MEMORY_BYTES = 128 << 20
STRIPE_BYTES = 1 << 20
SWEEP_S = 0.6
"""Seconds after which a sweep is ended; what it moved until then counts."""
TURNS = 3
SYNCS = 8
UNITS = 24
"""Units of the pass that shows how well processors and disks work at the same time."""


class Sweep:
    """A sweep over the blocks of a volume, column after column of a matrix with `stride` columns.

    It ends after `most_s` seconds even if some blocks are left.  Checksums are not made: passes take them while they
    compute.
    """

    def __init__(self, volume: Volume, memory: np.ndarray, block_bytes: int, stride: int, most_s: float = float("inf")):
        self._volume, self._memory, self._block_bytes, self._most_s = volume, memory, block_bytes, most_s
        half = volume.size_bytes // block_bytes // 2
        self._written: set[int] = set()
        # In either half of the volume, so that "both" finds the same pattern in each.
        self._halves = [[start + i for column in range(stride) for i in range(column, half, stride)]
                        for start in (0, half)]
        self.total_bytes = 2 * half * block_bytes

    def run(self, operation: str) -> int:
        """Move the blocks once and return the number of bytes moved.

        `operation` is "write" or "read" for all blocks, or "both": one half is read while the other is written.  Blocks
        that no call has written are not read.
        """
        halves = self._halves
        if operation == "write":
            return self._write(halves[0] + halves[1], self._memory)
        if operation == "read":
            return self._read(halves[0] + halves[1], self._memory)
        first, second = np.split(self._memory, 2)
        with executor(2) as pool:
            return sum(done.result() for done in [pool.submit(self._read, halves[0], first),
                                                  pool.submit(self._write, halves[1], second)])

    def _read(self, order: list[int], memory: np.ndarray) -> int:
        return self._stream(self._volume.read, [block for block in order if block in self._written], memory)

    def _write(self, order: list[int], memory: np.ndarray) -> int:
        moved = self._stream(self._volume.write, order, memory)
        self._written.update(order[:moved // self._block_bytes])
        return moved

    def _stream(self, call: Callable[[list[BlockRequest]], Transfer], order: list[int],
                memory: np.ndarray) -> int:
        """Move blocks in this order, by two transfers at a time, each in one half of the memory; the bytes moved."""
        size, began = self._block_bytes, time.perf_counter()
        slots = np.split(memory, 2)
        count = max(1, len(slots[0]) // size)
        under_way: list[Transfer] = []
        moved = 0
        for k, first in enumerate(range(0, len(order), count)):
            if k >= 2:
                under_way.pop(0).wait()
            if time.perf_counter() - began > self._most_s:
                break
            slot, blocks = slots[k % 2], order[first:first + count]
            under_way.append(call([BlockRequest(block * size, [slot[i * size:(i + 1) * size]], block)
                                   for i, block in enumerate(blocks)]))
            moved += len(blocks) * size
        for transfer in under_way:
            transfer.wait()
        return moved


def measure_disks(directories: Sequence[str], kind: str, *, short: bool = False,
                  note: Callable[[str], None] = lambda line: None) -> DiskSpeeds:
    """Speeds of a scratch volume on these directories, which are left as they were.

    `kind` is "hdd" or "ssd"; `note` receives a line on what is measured next.  Raises DiskFull when less than 256 MiB
    are free, and the errors of `Volume`.
    """
    size_bytes = min(VOLUME_BYTES, _free_bytes(directories) // 4 >> 23 << 23)
    if size_bytes < 64 << 20:
        #: Make room, or name another directory. What is written there is removed again.
        raise DiskFull(f"a benchmark needs 256 MiB free in {', '.join(directories)}")
    memory = Arena(MEMORY_BYTES).take(MEMORY_BYTES, np.uint8)
    memory[:] = np.frombuffer(os.urandom(1 << 20) * (MEMORY_BYTES >> 20), np.uint8)
    patterns, spreads = [], []
    with Volume(directories, size_bytes, STRIPE_BYTES, note) as volume:
        # Blocks that were never written are faster to read, and slower to write.
        Sweep(volume, memory, 8 << 20, 1).run("write")
        for request_bytes in REQUEST_BYTES:
            note(f"scratch in requests of {request_bytes >> 10} KiB")
            sweep = Sweep(volume, memory, request_bytes, STRIDE, SWEEP_S)
            rates: dict[str, list[float]] = {"write": [], "read": [], "both": []}
            moved = spent = 0.0
            for _ in range(1 if short else TURNS):
                for operation, found in rates.items():
                    began, cpu = time.perf_counter(), time.process_time()
                    count = sweep.run(operation)
                    if operation != "read":
                        # A pass makes durable what it has written; a disk, or the host of a virtual one, may take data
                        # faster than it keeps it.
                        volume.sync()
                    found.append(count / (time.perf_counter() - began))
                    moved, spent = moved + count, spent + time.process_time() - cpu
            middle = {name: statistics.median(found) for name, found in rates.items()}
            spreads += [statistics.median(abs(x - middle[name]) for x in found) / middle[name]
                        for name, found in rates.items()]
            rates_ = (middle[name] for name in ("read", "write", "both"))
            patterns.append(AccessPattern(request_bytes, *rates_, spent / moved))
        note("scratch while processors are busy")
        losses = [_overlap_loss(volume, memory) for _ in range(TURNS if short else 2 * TURNS + 1)]
        sync_s, lanes = _sync_s(volume, memory), tuple(volume.speeds)
    return DiskSpeeds(tuple(map(os.path.realpath, directories)), kind, lanes, tuple(patterns), sync_s,
                 statistics.median(losses), statistics.median(spreads))


def _free_bytes(directories: Sequence[str]) -> int:
    """Free bytes of all disks together."""
    return sum({os.stat(each).st_dev: os.statvfs(each).f_bavail * os.statvfs(each).f_frsize
                for each in directories}.values())


def _overlap_loss(volume: Volume, memory: np.ndarray) -> float:
    """The overlap loss of a pass that reads, computes and writes, from its time, that without computing, and that of
    computing alone."""
    count, size = UNITS, memory.size // RING >> 20 << 20
    buffers = [memory[i * size:(i + 1) * size].reshape(-1, 1 << 20) for i in range(RING)]
    blocks = size >> 20
    units = min(count, volume.size_bytes // size)

    def requests(unit: int) -> list[BlockRequest]:
        return [BlockRequest((unit * blocks + i) << 20, [buffers[unit % RING][i]], unit * blocks + i)
                for i in range(blocks)]

    def timed(compute: Callable[[int], None]) -> tuple[float, float]:
        began, cpu = time.perf_counter(), time.process_time()
        Pipeline().run(units, lambda i: volume.read(requests(i)), compute,
                       lambda i: volume.write(requests(i)))
        return time.perf_counter() - began, time.process_time() - cpu

    for unit in range(units):
        volume.write(requests(unit)).wait()
    threads = default_threads()
    with Pool(threads) as pool:
        words = Words(WORDS[10], pool)
        number = np.arange(1 << 20, dtype=np.int32) % 10**5
        words.residue(number)
        began = time.perf_counter()
        words.residue(number)
        once = time.perf_counter() - began
        moving_s, lanes_s = timed(lambda unit: None)
        turns = max(1, round(moving_s / units / once))

        def busy(_unit: int) -> None:
            for _ in range(turns):
                words.residue(number)

        began = time.perf_counter()
        for unit in range(units):
            busy(unit)
        computing_s = time.perf_counter() - began + lanes_s / threads
        both_s, _ = timed(busy)
    return overlap_loss(moving_s, computing_s, both_s)


def _sync_s(volume: Volume, memory: np.ndarray) -> float:
    """Seconds to make a block durable that was just written: the median of SYNCS."""
    times = []
    for i in range(SYNCS):
        volume.write([BlockRequest(i << 20, [memory[:1 << 20]], 0)]).wait()
        began = time.perf_counter()
        volume.sync()
        times.append(time.perf_counter() - began)
    return statistics.median(times)
