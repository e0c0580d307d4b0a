"""A small file that says how far a run is, for `bigconst status` and the next process; no digit depends on it."""

import contextlib
import json
import os
import threading
import time
from typing import Protocol

from bigconst.base.events import StageStarted

STATUS_NAME = "bigconst.status"
STATUS_EVERY_S = 2.0


def read_status(directory: str) -> dict:
    """The fields that `Status` wrote last in a scratch directory; empty where there are none to read."""
    with contextlib.suppress(OSError, ValueError), open(os.path.join(directory, STATUS_NAME)) as file:
        return json.load(file)
    return {}


class Progressing(Protocol):
    """The part of `bigconst.runs.scratch.RunScratch` that the status file needs."""

    directory: str
    fault_counts: dict[str, int]
    """repaired faults of all processes of the run, by kind"""
    elapsed_s: float
    """seconds of all processes of the run"""
    moved_bytes: int
    """scratch traffic of all processes of the run"""
    process_bytes: int
    """scratch traffic of this process"""

    def share_done(self) -> float:
        """The share of the planned traffic that was moved, from 0 to 1."""


class Status:
    """A small file that says how far the run is, renewed every few seconds for `bigconst status`."""

    def __init__(self, scratch: Progressing):
        self._scratch = scratch
        self._path = os.path.join(scratch.directory, STATUS_NAME)
        self._began_s = time.perf_counter()
        self._stage, self._index, self._count = "starting", 0, 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write_always, daemon=True)
        self._thread.start()

    @property
    def elapsed_s(self) -> float:
        """Seconds since this process began the run."""
        return time.perf_counter() - self._began_s

    def receive(self, event: object) -> None:
        """Receive an event of the engine."""
        match event:
            case StageStarted(name, index, count):
                self._stage, self._index, self._count = name, index, count

    def fields(self) -> dict:
        """The fields of the file."""
        scratch = self._scratch
        return {"stage": self._stage, "index": self._index, "count": self._count,
                "faults": sum(scratch.fault_counts.values()), "share": scratch.share_done(),
                "elapsed_s": scratch.elapsed_s, "moved_bytes": scratch.moved_bytes,
                "bytes_per_s": scratch.process_bytes / max(self.elapsed_s, 1e-9)}

    def _write_always(self) -> None:
        while not self._ended.wait(STATUS_EVERY_S):
            self.write()

    def write(self) -> None:
        """Renew the file; errors are ignored, since no digit depends on it."""
        with contextlib.suppress(OSError):
            with open(self._path + ".new", "w") as file:
                json.dump(self.fields(), file)
            os.replace(self._path + ".new", self._path)

    def close(self) -> None:
        """Write the file a last time."""
        if not self._ended.is_set():
            self._ended.set()
            self._thread.join()
            self.write()
