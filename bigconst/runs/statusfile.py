"""A small file that says how far a run is, for `bigconst status` and the next process; no digit depends on it."""

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable

from bigconst.base.errors import InputOutputError
from bigconst.base.events import StageStarted
from bigconst.base.starting import start_thread
from bigconst.storage.durable import NO_FAILPOINTS, replace_file

STATUS_NAME = "bigconst.status"
STATUS_EVERY_S = 2.0


def read_status(directory: str) -> dict:
    """The fields that `Status` wrote last in a scratch directory; empty where there are none to read."""
    with contextlib.suppress(OSError, ValueError), open(os.path.join(directory, STATUS_NAME)) as file:
        return json.load(file)
    return {}


class Status:
    """A small file that says how far the run is, renewed every few seconds for `bigconst status`."""

    def __init__(self, directory: str, progress: Callable[[], dict]):
        """`progress` returns the fields that are not those of a stage."""
        self._progress, self._path = progress, os.path.join(directory, STATUS_NAME)
        self._began_s = time.perf_counter()
        self._stage, self._index, self._count = "starting", 0, 0
        self._ended = threading.Event()
        self._thread = start_thread(self._write_always, name="bigconst-status")

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
        return {"stage": self._stage, "index": self._index, "count": self._count, **self._progress()}

    def _write_always(self) -> None:
        while not self._ended.wait(STATUS_EVERY_S):
            self.write()

    def write(self) -> None:
        """Renew the file; errors are ignored, since no digit depends on it."""
        with contextlib.suppress(InputOutputError):
            replace_file(self._path, json.dumps(self.fields()).encode(), NO_FAILPOINTS, "", durable=False)

    def close(self) -> None:
        """Write the file a last time."""
        if not self._ended.is_set():
            self._ended.set()
            self._thread.join()
            self.write()
