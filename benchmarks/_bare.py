"""Bare system calls on the files of a volume: what its lanes could do at best."""

import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

import numpy as np

from bigconst.bench.measuredisks import MEMORY_BYTES, STRIPE_BYTES, Sweep
from bigconst.runtime.arena import Arena
from bigconst.storage.lane import DATA_NAME, THREADS
from bigconst.storage.volume import BlockRequest, Volume


class Bare:
    """The files of a volume, moved by system calls alone."""

    def __init__(self, volume: Volume, paths: list[Path], direct: bool):
        self.size_bytes, self._striping = volume.size_bytes, volume.striping
        self._files = [os.open(path, os.O_RDWR | (os.O_DIRECT if direct else 0)) for path in paths]
        self._queues = {call: [SimpleQueue() for _ in paths] for call in (os.preadv, os.pwritev)}
        for call, queues in self._queues.items():
            for fd, queue in zip(self._files, queues, strict=True):
                for _ in range(THREADS):
                    threading.Thread(target=self._work, args=(call, fd, queue), daemon=True).start()

    @staticmethod
    def _work(call: Callable, fd: int, queue: SimpleQueue) -> None:
        while (job := queue.get()) is not None:
            view, offset, done = job
            moved = call(fd, [view], offset)
            if moved != len(view):
                raise SystemExit(f"moved {moved} bytes of {len(view)}")
            done.release()

    def _move(self, call: Callable, requests: list[BlockRequest]) -> "Bare.Transfer":
        done, jobs = threading.Semaphore(0), 0
        for address, (array,), _ in requests:
            view, at = memoryview(array), 0
            for lane, offset, length in self._striping.split(address, len(view)):
                self._queues[call][lane].put((view[at:at + length], offset, done))
                at, jobs = at + length, jobs + 1
        return Bare.Transfer(done, jobs)

    def read(self, requests: list[BlockRequest]) -> "Bare.Transfer":
        """Read all blocks."""
        return self._move(os.preadv, requests)

    def write(self, requests: list[BlockRequest]) -> "Bare.Transfer":
        """Write all blocks."""
        return self._move(os.pwritev, requests)

    class Transfer(NamedTuple):
        """Jobs that are under way."""

        done: threading.Semaphore
        jobs: int

        def wait(self) -> None:
            """Return when all are done."""
            for _ in range(self.jobs):
                self.done.acquire()

    def close(self) -> None:
        """End the threads."""
        for queues in self._queues.values():
            for queue in queues:
                for _ in range(THREADS):
                    queue.put(None)
        for fd in self._files:
            os.close(fd)


def bare_speed(folder: str, size_bytes: int, block_bytes: int = 8 << 20) -> tuple[float, float, float]:
    """Bytes/s read, written, and written and made durable at the end, by bare system calls in a new file of so many
    bytes."""
    memory = Arena(MEMORY_BYTES).take(MEMORY_BYTES, np.uint8)
    memory[:] = np.frombuffer(os.urandom(1 << 20) * (MEMORY_BYTES >> 20), np.uint8)
    with tempfile.TemporaryDirectory(dir=folder) as place, Volume([place], size_bytes, STRIPE_BYTES) as volume:
        bare = Bare(volume, [Path(place, DATA_NAME)], True)
        sweep, rates = Sweep(bare, memory, block_bytes, 1), {}
        for operation in ("write", "write", "read"):    # the first sweep meets blocks never written
            began = time.perf_counter()
            moved = sweep.run(operation)
            rates[operation] = moved / (time.perf_counter() - began)
            volume.sync()
            if operation == "write":
                rates["durable"] = moved / (time.perf_counter() - began)
        bare.close()
    return rates["read"], rates["write"], rates["durable"]
