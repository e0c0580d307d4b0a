"""The stages of a run on disk: what each one took, beside what the plan says."""

import contextlib
import time
from collections.abc import Callable, Iterator

from bigconst.arithmetic.outofcore.passes import Scratch
from bigconst.diskplan import DiskPlan
from bigconst.events import StageDone, StageStarted


class Stages:
    """Announces stages and records seconds, bytes and the wait for disks of each."""

    def __init__(self, disk: DiskPlan, scratch: Scratch, emit: Callable):
        self.records: list[dict] = []
        self._scratch, self._emit = scratch, emit
        self._count = len(disk.stages)
        self._planned = {name: (index, traffic) for index, (name, traffic) in enumerate(disk.stages, 1)}

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """A stage that the plan knows by this name, around its work."""
        index, planned = self._planned[name]
        volume, pipeline = self._scratch.volume, self._scratch.pipeline
        read, written, waited = volume.read_bytes, volume.written_bytes, pipeline.wait_s
        self._emit(StageStarted(name, index, self._count))
        began = time.perf_counter()
        yield
        seconds = time.perf_counter() - began
        self.records.append({
            "name": name, "seconds": seconds, "wait_seconds": pipeline.wait_s - waited,
            "planned_read_bytes": planned.read_bytes, "read_bytes": volume.read_bytes - read,
            "planned_written_bytes": planned.written_bytes, "written_bytes": volume.written_bytes - written,
        })
        self._emit(StageDone(name, index, self._count, seconds))
