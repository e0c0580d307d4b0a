"""The open volume of a run on disk, with its checkpoint."""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Self, TypeVar

from bigconst.base.errors import NO_ROOM, BigconstError, DiskFull, DoesNotFit
from bigconst.base.events import CheckpointMade, Fault, StageStarted
from bigconst.base.hardware import DISK_KINDS, available_memory_bytes
from bigconst.base.screen import note
from bigconst.base.units import format_bytes
from bigconst.plans.diskplan import DiskPlan
from bigconst.plans.mersenneplan import MersennePlan
from bigconst.runs import interrupted
from bigconst.runs.lanes import ScratchDisks
from bigconst.runs.levels import ForgivingLevelStore, LevelDirectory
from bigconst.runs.report import ScratchMeasured
from bigconst.runs.statusfile import Status, read_status
from bigconst.runs.workdone import computed_before, remaining_s
from bigconst.runtime.checkpoint import Checkpoint
from bigconst.runtime.drill import drill
from bigconst.runtime.recorder import Recorder
from bigconst.storage.manifest import remove_manifest, write_manifest
from bigconst.storage.striping import Zone
from bigconst.storage.volume import Layout, Volume

AnyEvent = TypeVar("AnyEvent")


class RunScratch:
    """The open volume of a run, with its checkpoint.

    `finish` removes everything; when the `with` block is left without it, everything stays, to be resumed.
    """

    def __init__(self, disks: ScratchDisks, plan: DiskPlan | MersennePlan, run: dict, memory_bytes: int,
                 resumed: dict | None = None, levels: LevelDirectory | None = None):
        """Open the volume, which is a new one unless `resumed` is the manifest of an interrupted run.

        `run` are the fields of the run in its manifest, `memory_bytes` is what its process needs; `levels` stores
        copies of levels.  Raises the errors of Volume, DoesNotFit where scratch in memory leaves too little of it, and
        FaultError or InputOutputError where a checkpoint could not be read again.
        """
        self._disks, self._levels = disks, levels
        self.volume = self.checkpoint = None
        self._planned_bytes = plan.traffic.read_bytes + plan.traffic.written_bytes
        self._computed_before, computed = computed_before(plan) if isinstance(plan, DiskPlan) else ({}, 0)
        self._planned_bytes += computed
        self._computed_bytes = 0
        """what has been computed in memory, as bytes that move in as much time"""
        self._waiting: list[str] | None = []
        self.directory = os.path.abspath(disks.directories[0])
        self.store = levels if levels is not None else ForgivingLevelStore(self.directory, outside=False)
        if resumed is not None:
            self._reopen(plan, run, resumed)
        else:
            self._begin(plan, run, memory_bytes)
        if levels is not None:
            levels.is_used = True
        # The traffic of the drill does not count as traffic of the run.
        self._idle_bytes = self.volume.read_bytes, self.volume.written_bytes
        nothing = {"moved_bytes": 0, "elapsed_s": 0.0}
        # A killed process has left its figures in the status file alone; only the manifest surely outlives a power cut.
        self._before = max(nothing | read_status(self.directory), self.checkpoint.fields.get("done", nothing),
                           key=lambda each: each["elapsed_s"])
        self._faults_before = self.checkpoint.fault_counts
        self._peak_bytes = self.volume.allocated_bytes
        self.status = Status(self.directory, self._progress)
        self.status.write()
        waiting, self._waiting = self._waiting, None
        for line in waiting:
            self._say(line)

    def _begin(self, plan: DiskPlan | MersennePlan, run: dict, memory_bytes: int) -> None:
        """Create a new volume; files that a killed run left are removed."""
        if self._disks.asked:
            other = next(kind for kind in DISK_KINDS if kind != self._disks.kind)
            self._say(f"scratch is planned for {DISK_KINDS[self._disks.kind]}: {self._disks.reason} "
                      f"(--disk {other} for {DISK_KINDS[other]})")
        for directory in self._disks.directories:
            interrupted.clear(directory)
        try:
            with _reserved(self.directory, plan.journal_bytes):
                self._mark_lanes(run)       # while there is room
                self.volume = Volume(self._disks.directories, plan.scratch_bytes, plan.stripe_bytes, self._say)
            _check_memory(self.volume, memory_bytes)
            self.checkpoint = Checkpoint.create(self.directory, {**run, "layout": self.volume.layout})
            drill(self.volume, self.checkpoint, self._levels.written_manifests if self._levels is not None else [])
        except BaseException:
            self._remove_all()
            raise

    def _reopen(self, plan: DiskPlan | MersennePlan, run: dict, resumed: dict) -> None:
        """Open the volume of an earlier process."""
        zones, speeds = resumed["layout"]
        self.volume = Volume(self._disks.directories, plan.scratch_bytes, plan.stripe_bytes, self._say,
                             kept=Layout(tuple(Zone(*zone) for zone in zones), tuple(map(tuple, speeds))))
        try:
            self.checkpoint = Checkpoint.load(self.directory)
            fields = {name: run[name] for name in ("request", "output", "lanes", "checkpoint", "parts")}
            if not read_status(self.directory):
                fields["earlier_lost"] = True
            self.checkpoint.update(**fields)
            self._mark_lanes(self.checkpoint.fields)
        except BaseException:
            self.volume.close(delete=False)
            raise

    def _mark_lanes(self, run: dict) -> None:
        """Write into each other directory which run it is a part of."""
        for index, directory in enumerate(self._disks.directories[1:], 1):
            write_manifest(directory, {"run_id": run["run_id"], "first": self.directory, "lane": index,
                                       "checkpoint": run["checkpoint"]})

    def _say(self, line: str) -> None:
        """Print a line for the user, but not before it is known that the run will not be refused."""
        if self._waiting is None:
            note(line)
        else:
            self._waiting.append(line)

    def watched(self, emit: Callable[[AnyEvent], None]) -> Callable[[AnyEvent], None]:
        """A listener that also measures the scratch, follows the stages and records faults."""

        def listener(event: AnyEvent) -> None:
            self._peak_bytes = max(self._peak_bytes, self.volume.allocated_bytes)
            self.status.receive(event)
            if isinstance(event, StageStarted):
                self._computed_bytes = self._computed_before.get(event.name, self._computed_bytes)
            if isinstance(event, Fault):
                self._record(event)
            emit(event)

        return listener

    def _record(self, fault: Fault) -> None:
        with contextlib.suppress(BigconstError, OSError):      # the fault is repaired whether this succeeds or not
            self.checkpoint.fault(fault.kind, fault.where, fault.message)
            if self._levels is not None:
                self._levels.update(**{name: self.checkpoint.fields[name] for name in ("faults", "fault_counts")})

    def update(self, **fields: object) -> None:
        """Change fields of the manifest."""
        self.checkpoint.update(**fields)

    def recorder(self, emit: Callable[[CheckpointMade], None]) -> Recorder:
        """The recorder for the engine; `emit` receives an event when records have become durable."""
        return self.checkpoint.recorder(self.volume.sync, lambda records: emit(CheckpointMade(records)))

    @property
    def _read_bytes(self) -> int:
        return self.volume.read_bytes - self._idle_bytes[0]

    @property
    def _written_bytes(self) -> int:
        return self.volume.written_bytes - self._idle_bytes[1]

    @property
    def process_bytes(self) -> int:
        """Scratch traffic of this process."""
        return self._read_bytes + self._written_bytes

    @property
    def moved_bytes(self) -> int:
        """Scratch traffic of all processes of this run."""
        return self._before["moved_bytes"] + self.process_bytes

    @property
    def elapsed_s(self) -> float:
        """Seconds of all processes of this run."""
        return self._before["elapsed_s"] + self.status.elapsed_s

    @property
    def remaining_s(self) -> float | None:
        """Seconds that are left, at the pace of all processes of this run; None where nothing is done yet."""
        return remaining_s(self.share_done(), self.elapsed_s)

    @property
    def earlier_s(self) -> float | None:
        """Seconds of earlier processes of this run; None where a part of them is not known."""
        return None if self.checkpoint.fields.get("earlier_lost") else self._before["elapsed_s"]

    def _progress(self) -> dict:
        """The fields of the status file that tell how far all processes of the run are."""
        return {"faults": sum(self.checkpoint.fault_counts.values()), "share": self.share_done(),
                "elapsed_s": self.elapsed_s, "moved_bytes": self.moved_bytes,
                "bytes_per_s": self.process_bytes / max(self.status.elapsed_s, 1e-9)}

    def with_faults_before(self, counts: dict[str, int]) -> dict[str, int]:
        """The sums, by kind, of the faults that this process counted and those of earlier processes."""
        kinds = {**self._faults_before, **counts}
        return {kind: self._faults_before.get(kind, 0) + counts.get(kind, 0) for kind in kinds}

    def share_done(self) -> float:
        """The share of the planned traffic that was moved, and of what is computed in memory, from 0 to 1."""
        return min(1.0, (self.moved_bytes + self._computed_bytes) / max(1, self._planned_bytes))

    def measured(self) -> ScratchMeasured:
        """The measurements of the scratch for the report."""
        lanes = tuple((os.path.abspath(directory), read, written) for directory, (read, written)
                      in zip(self._disks.directories, self.volume.speeds, strict=True))
        return ScratchMeasured(self._disks.kind, self._disks.reason, self._peak_bytes, self._read_bytes,
                               self._written_bytes, lanes)

    def finish(self) -> None:
        """Remove everything."""
        self.status.close()
        self._remove_all()

    def _remove_all(self) -> None:
        if self.checkpoint is not None:
            self.checkpoint.remove()
        for directory in self._disks.directories:
            remove_manifest(directory)
        if self.volume is not None:
            self.volume.close()
        for directory in self._disks.directories:
            interrupted.remove_ours(directory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception) -> None:
        if self.volume.closed:
            return
        self.status.close()
        with contextlib.suppress(BigconstError, OSError):      # the disk may be what failed
            self.checkpoint.update(done={"moved_bytes": self.moved_bytes, "elapsed_s": self.elapsed_s}, parts=[])
        self.checkpoint.close()
        self.volume.close(delete=False)


@contextlib.contextmanager
def _reserved(directory: str, size_bytes: int) -> Iterator[None]:
    """Reserve room for the journal while the lanes take free space.  Raises DiskFull."""
    path = os.path.join(directory, interrupted.RESERVE_NAME)
    try:
        with open(path, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, size_bytes)
    except OSError as error:
        if error.errno in NO_ROOM:
            #: As for "the journal needs … (… bytes), the disk of … has … (… bytes) free".
            raise DiskFull(f"the journal needs {format_bytes(size_bytes)} ({size_bytes} bytes), which {directory} "
                           "does not have") from error
        # Some file systems cannot reserve space: the run is tried without.
    yield
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _check_memory(volume: Volume, needed_bytes: int) -> None:
    """Raise DoesNotFit where scratch in memory leaves too little of it for the process."""
    left = available_memory_bytes()
    if volume.in_memory_bytes and left < needed_bytes:
        #: A directory of `--swap` is in memory (tmpfs), and what lies there is not free for arrays. Allow the run less
        #: with `--memory`, or name fewer such directories.
        raise DoesNotFit(f"scratch in memory takes up {format_bytes(volume.in_memory_bytes)} and leaves "
                         f"{format_bytes(left)}, the run needs {format_bytes(needed_bytes)}",
                         "allow it less with --memory, or name disks with --swap")
