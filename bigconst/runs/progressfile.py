"""A small file beside the save files of a test that says how far it is, for `bigconst status`; no result depends on
it."""

import contextlib
import json
import os
import time

from bigconst.base.errors import InputOutputError
from bigconst.mersenne.events import Advanced, PartBegun, PartDone
from bigconst.runs.statusfile import STATUS_EVERY_S
from bigconst.storage.durable import NO_FAILPOINTS, replace_file

ENDING = ".status"
"""Ending of the name of the file."""


class ProgressFile:
    """A listener that keeps the file of a test, STEM.status, when the test advances.

    Its fields are iteration, ms_per_iteration (None where that is not known yet), worker (None where the squarings are
    done by the process that has the save files), and time, in seconds since 1970.
    """

    def __init__(self, directory: str, stem: str):
        self._path = os.path.join(directory, f"{stem}{ENDING}")
        self._ms: float | None = None
        self._written_s = float("-inf")

    def __call__(self, event: object) -> None:
        match event:
            case Advanced() if time.monotonic() - self._written_s >= STATUS_EVERY_S:
                self._ms = event.ms_per_iteration
                self._write(event.iteration, None)
            case PartDone():
                self._ms = event.ms_per_iteration
                self._write(event.iteration, None)
            case PartBegun():
                self._write(event.iteration, event.worker)

    def _write(self, iteration: int, worker: str | None) -> None:
        self._written_s = time.monotonic()
        fields = {"iteration": iteration, "ms_per_iteration": self._ms, "worker": worker, "time": time.time()}
        with contextlib.suppress(InputOutputError):
            replace_file(self._path, json.dumps(fields).encode(), NO_FAILPOINTS, "", durable=False)

    def read(self) -> dict:
        """The fields that were written last; empty where there are none to read."""
        with contextlib.suppress(OSError, ValueError), open(self._path) as file:
            return json.load(file)
        return {}

    def remove(self) -> None:
        """Remove the file."""
        with contextlib.suppress(OSError):
            os.unlink(self._path)
