"""The open volume of a run on disk, with its checkpoint."""

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from bigconst.base.errors import BigconstError, DiskFull
from bigconst.base.events import CheckpointMade, Fault
from bigconst.base.units import format_bytes
from bigconst.runs import held
from bigconst.runs.depot import Depot, Levels
from bigconst.runs.lanes import ScratchDisks
from bigconst.runs.report import DISK_KINDS, ScratchMeasured
from bigconst.runs.statusfile import Status, read_status
from bigconst.runs.workdone import remaining_s
from bigconst.runtime.checkpoint import JOURNAL_NAME, Checkpoint
from bigconst.runtime.drill import drill
from bigconst.storage.manifest import remove_manifest, write_manifest
from bigconst.storage.volume import Layout, Volume

RESERVE_NAME = f"{JOURNAL_NAME}.reserve"


class RunScratch:
    """The open volume of a run, with its checkpoint.

    `finish` removes all; leaving the `with` block in any other way keeps all, to be resumed.
    """

    def __init__(self, disks: ScratchDisks, plan: Any, run: dict, resumed: dict | None = None,
                 depot: Depot | None = None):
        """`plan` is the part on disk, `run` what the manifest tells of the run, `depot` where copies of levels go.

        Raises what Volume raises, and FaultError or InputOutputError where a checkpoint could not be read again.
        """
        self._disks, self._depot = disks, depot
        self.volume = self.checkpoint = None
        self._planned_bytes = plan.traffic.read_bytes + plan.traffic.written_bytes
        self._notes: list[str] | None = []
        self.directory = os.path.abspath(disks.directories[0])
        self.store = depot if depot is not None else Levels(self.directory, outside=False)
        if resumed is not None:
            self._reopen(plan, run, resumed)
        else:
            self._begin(plan, run)
        if depot is not None:
            depot.kept = True
        # What the drill moved is no traffic of the run.
        self._idle_bytes = self.volume.read_bytes, self.volume.written_bytes
        nothing = {"moved_bytes": 0, "elapsed_s": 0.0}
        # Of a process that was killed only the status file knows; the manifest is what is sure to outlive a power cut.
        self._before = max(nothing | read_status(self.directory), self.checkpoint.fields.get("done", nothing),
                           key=lambda each: each["elapsed_s"])
        self._faults_before = self.checkpoint.fault_counts
        self._peak_bytes = self.volume.allocated_bytes
        self.status = Status(self)
        self.status.write()
        held_back, self._notes = self._notes, None
        for line in held_back:
            self._note(line)

    def _begin(self, plan: Any, run: dict) -> None:
        """A new volume; what a killed run left goes."""
        if self._disks.asked:
            other = next(kind for kind in DISK_KINDS if kind != self._disks.kind)
            self._note(f"scratch is planned for {DISK_KINDS[self._disks.kind]}: {self._disks.reason} "
                       f"(--disk {other} for {DISK_KINDS[other]})")
        for directory in self._disks.directories:
            held.clear(directory)
        try:
            self._mark_lanes(run)       # while there is room
            with _reserved(self.directory, plan.journal_bytes):
                self.volume = Volume(self._disks.directories, plan.scratch_bytes, plan.stripe_bytes, self._note)
            self.checkpoint = Checkpoint.create(self.directory, {**run, "layout": self.volume.layout})
            drill(self.volume, self.checkpoint, self._depot.copy if self._depot is not None else [])
        except BaseException:
            self._remove_all()
            raise

    def _reopen(self, plan: Any, run: dict, resumed: dict) -> None:
        """The volume of an earlier process."""
        pattern, speeds = resumed["layout"]
        self.volume = Volume(self._disks.directories, plan.scratch_bytes, plan.stripe_bytes, self._note,
                             kept=Layout(tuple(pattern), tuple(map(tuple, speeds))))
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
        """The other lanes say what they are a part of."""
        for index, directory in enumerate(self._disks.directories[1:], 1):
            write_manifest(directory, {"run_id": run["run_id"], "first": self.directory, "lane": index,
                                       "checkpoint": run["checkpoint"]})

    def _note(self, line: str) -> None:
        """For the person who waits; held back until it is known that the run will not be refused."""
        if self._notes is None:
            print(line, file=sys.stderr, flush=True)
        else:
            self._notes.append(line)

    def watched(self, emit: Callable) -> Callable:
        """A listener that also looks how large the scratch is, what stage it is, and writes faults down."""

        def listener(event) -> None:
            self._peak_bytes = max(self._peak_bytes, self.volume.allocated_bytes)
            self.status.hear(event)
            if isinstance(event, Fault):
                self._write_down(event)
            emit(event)

        return listener

    def _write_down(self, fault: Fault) -> None:
        with contextlib.suppress(BigconstError, OSError):      # the fault is repaired whether this succeeds or not
            self.checkpoint.fault(fault.kind, fault.where, fault.message)
            if self._depot is not None:
                self._depot.update(**{name: self.checkpoint.fields[name] for name in ("faults", "fault_counts")})

    def update(self, **fields) -> None:
        """Change fields of the manifest."""
        self.checkpoint.update(**fields)

    def recorder(self, emit: Callable):
        """For the engine; `emit` hears what it makes safe."""
        return self.checkpoint.recorder(self.volume.sync, lambda records: emit(CheckpointMade(records)))

    @property
    def _read_bytes(self) -> int:
        return self.volume.read_bytes - self._idle_bytes[0]

    @property
    def _written_bytes(self) -> int:
        return self.volume.written_bytes - self._idle_bytes[1]

    @property
    def process_bytes(self) -> int:
        """Moved by this process."""
        return self._read_bytes + self._written_bytes

    @property
    def moved_bytes(self) -> int:
        """By all processes of this run."""
        return self._before["moved_bytes"] + self.process_bytes

    @property
    def elapsed_s(self) -> float:
        """Of all processes of this run."""
        return self._before["elapsed_s"] + self.status.elapsed_s

    @property
    def remaining_s(self) -> float | None:
        """At the pace of all processes of this run; None where nothing is done yet."""
        return remaining_s(self.share_done(), self.elapsed_s)

    @property
    def earlier_s(self) -> float | None:
        """What the processes before this one took; None where that is lost, in part or all."""
        return None if self.checkpoint.fields.get("earlier_lost") else self._before["elapsed_s"]

    @property
    def fault_counts(self) -> dict[str, int]:
        """Of all processes of this run, by kind."""
        return self.checkpoint.fault_counts

    def with_faults_before(self, counts: dict[str, int]) -> dict[str, int]:
        """The faults that this process counted, and those of the processes before it."""
        kinds = {**self._faults_before, **counts}
        return {kind: self._faults_before.get(kind, 0) + counts.get(kind, 0) for kind in kinds}

    def share_done(self) -> float:
        """Of the traffic that is planned."""
        return min(1.0, self.moved_bytes / max(1, self._planned_bytes))

    def measured(self) -> ScratchMeasured:
        """For the report."""
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
        if self.volume is not None:
            self.volume.close()
        for directory in self._disks.directories:
            remove_manifest(directory)
            held.remove_ours(directory)

    def __enter__(self):
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
    """Room for the journal, kept while the lanes take what is free.  Raises DiskFull."""
    path = os.path.join(directory, RESERVE_NAME)
    with open(path, "wb") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size_bytes)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull(f"the journal needs {format_bytes(size_bytes)} ({size_bytes} bytes), which {directory} "
                               "does not have") from error
            # Where nothing can be reserved, there is at least an attempt.
        yield
    os.unlink(path)
