"""The stages of a run on disk: events for them and their units, and what each stage took beside what was planned."""

import contextlib
import time
from collections.abc import Callable, Iterator

from bigconst.arithmetic.disk.workspace import DiskWorkspace
from bigconst.base.events import StageDone, StageStarted, UnitDone
from bigconst.plans.accounts import Traffic
from bigconst.plans.diskplan import DiskPlan


class Stages:
    """Emits events for stages and their units, and records seconds, bytes and the wait for disks (and for records on
    them) of each stage."""

    def __init__(self, disk: DiskPlan, scratch: DiskWorkspace, emit: Callable):
        self.records: list[dict] = []
        self._scratch, self._emit = scratch, emit
        self._count = len(disk.stages)
        self._planned = {name: (index, traffic) for index, (name, traffic) in enumerate(disk.stages, 1)}
        self._stage, self._told_bytes = "", 0
        self._counted = self._counts()
        """what earlier stages have moved and waited; what is read between stages counts for the next one"""
        scratch.pipeline.on_unit = self._unit_done

    def _counts(self) -> tuple[int, int, float]:
        volume, recorder = self._scratch.volume, self._scratch.recorder
        return volume.read_bytes, volume.written_bytes, self._scratch.pipeline.wait_s + recorder.wait_s

    def _unit_done(self, i: int, count: int) -> None:
        volume = self._scratch.volume
        before, self._told_bytes = self._told_bytes, volume.read_bytes + volume.written_bytes
        self._emit(UnitDone(self._stage, i + 1, count, self._told_bytes - before))

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Context manager around the work of a stage; `name` is its name in the plan, which has none for what is in
        doubt."""
        index, planned = self._planned.get(name, (self._count, Traffic()))
        read, written, waited = self._counted
        self._stage, self._told_bytes = name, read + written
        self._emit(StageStarted(name, index, self._count))
        began = time.perf_counter()
        yield
        seconds = time.perf_counter() - began
        self._counted = now_read, now_written, now_waited = self._counts()
        self.records.append({
            "name": name, "seconds": seconds, "wait_seconds": now_waited - waited,
            "planned_read_bytes": planned.read_bytes, "read_bytes": now_read - read,
            "planned_written_bytes": planned.written_bytes, "written_bytes": now_written - written,
        })
        self._emit(StageDone(name, index, self._count, seconds))
