"""Where a run on disk keeps its scratch: directories, kind of disk, room, the open volume.

Everything that can be refused is refused here, before anything is reserved or computed.
"""

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bigconst.errors import BigconstError, DiskFull, InputOutputError
from bigconst.events import Fault, StageStarted
from bigconst.report import DISK_KINDS, ScratchMeasured
from bigconst.units import format_bytes

DEFAULT_DIRECTORY = "swap"
"""Below the current directory; used where it exists."""

DEFAULT_KIND = "hdd"
"""What a plan assumes of disks that nobody has looked at."""


def directories(named: Sequence[str] | None) -> tuple[str, ...]:
    """Those of --swap, else the default one if it is there."""
    if named:
        return tuple(named)
    return (DEFAULT_DIRECTORY,) if os.path.isdir(DEFAULT_DIRECTORY) else ()


@dataclass(frozen=True)
class Disks:
    """Directories for scratch, and what kind of disk they are on."""

    directories: tuple[str, ...]
    kind: str
    reason: str
    asked: bool = False
    """whether the system was asked"""


def examine(named: Sequence[str], kind: str | None) -> Disks:
    """Directories that can be used, and the kind of their disks where `kind` does not say it.

    Raises InputOutputError for a directory that is not there or not writable.
    """
    from bigconst.storage.diskkind import disk_kind

    for directory in named:
        _check_directory(directory)
    if kind is not None:
        return Disks(tuple(named), kind, "so says --disk")
    return Disks(tuple(named), *disk_kind(named), asked=True)


def _check_directory(directory: str) -> None:
    remedy = "name a directory that is there and writable with --swap"
    if not os.path.isdir(directory):
        what = "it is no directory" if os.path.lexists(directory) else "there is no such directory"
        raise InputOutputError(f"cannot use {directory} for scratch: {what}", remedy)
    if not os.access(directory, os.W_OK | os.X_OK):
        raise InputOutputError(f"cannot use {directory} for scratch: it is not writable", remedy)


def check_room(scratch_bytes: int, named: Sequence[str], files_bytes: int, files_directory: str) -> None:
    """Raise DiskFull or InputOutputError unless scratch and files fit, each where it goes and both where they meet.

    What a run that was killed left in a scratch directory counts as free: it will be overwritten.
    """
    free = _free_bytes(named, files_directory)
    files_device = _device(files_directory)
    if files_bytes > free[files_device]:
        raise InputOutputError(f"the files need {_size(files_bytes)}, the disk of {files_directory} has "
                               f"{_size(free[files_device])} free", "make room, or choose another place with --output")
    devices = {_device(directory) for directory in named}
    room = sum(free[device] for device in devices)
    if files_device not in devices:
        if scratch_bytes > room:
            raise DiskFull(f"the scratch needs {_size(scratch_bytes)}, its disks have {_size(room)} free")
    elif scratch_bytes + files_bytes > room:
        raise DiskFull(f"{format_bytes(scratch_bytes)} of scratch and {format_bytes(files_bytes)} of files need "
                       f"{_size(scratch_bytes + files_bytes)}, the disks they share have {_size(room)} free",
                       "make room there, name one more disk with --swap, or write elsewhere with --output")


def _free_bytes(named: Sequence[str], files_directory: str) -> dict[int, int]:
    """Of the file system of each directory, by device, old scratch included."""
    from bigconst.storage.lane import DATA_NAME

    free: dict[int, int] = {}
    for directory in (files_directory, *named):
        disk = os.statvfs(directory)
        free[_device(directory)] = disk.f_bavail * disk.f_frsize
    for directory in {os.path.realpath(directory) for directory in named}:
        with contextlib.suppress(FileNotFoundError):
            free[_device(directory)] += os.lstat(os.path.join(directory, DATA_NAME)).st_blocks * 512
    return free


def _device(directory: str) -> int:
    return os.stat(directory).st_dev


def _size(size_bytes: int) -> str:
    return f"{format_bytes(size_bytes)} ({size_bytes} bytes)"


def interrupted(named: Sequence[str]) -> dict | None:
    """The manifest of the run that one of the directories holds; None where there is none."""
    from bigconst.storage.manifest import read_manifest

    for directory in named:
        if os.path.isdir(directory) and (fields := read_manifest(directory)) is not None:
            first = fields.get("first")
            if first is None:
                return {**fields, "directory": os.path.abspath(directory)}
            here = read_manifest(first) if os.path.isdir(first) else None
            if here is None:
                raise InputOutputError(f"{directory} is a lane of a run whose first lane, {first}, is not there",
                                       "name all its directories with --swap, the first one first")
            return {**here, "directory": first}
    return None


def discard(named: Sequence[str]) -> None:
    """Remove the interrupted run that one of the directories holds, and all its scratch."""
    try:
        fields = interrupted(named)
    except InputOutputError:        # of another format, or damaged: what is left lies where we are told
        fields = {"lanes": named}
    if fields is None:
        return
    from bigconst.storage.lane import DATA_NAME, Lane
    from bigconst.storage.manifest import remove_manifest

    for directory in fields["lanes"]:
        if os.path.isdir(directory):
            if os.path.exists(os.path.join(directory, DATA_NAME)):
                Lane(directory, keep=True).close()
            remove_manifest(directory)
            for name in os.listdir(directory):
                if name.startswith(_OURS):
                    os.unlink(os.path.join(directory, name))
    remove_parts(fields)


def check_idle(directory: str) -> None:
    """Raise InputOutputError while another process uses a directory that holds a run."""
    from bigconst.storage.lane import Lane

    Lane(directory, keep=True).close(delete=False)


def remove_parts(fields: dict) -> None:
    """Remove the unfinished output files of a process that was killed."""
    for path in fields.get("parts", []):
        with contextlib.suppress(OSError):
            os.unlink(path)


_OURS = ("bigconst.journal.", "bigconst.status")


class Scratch:
    """The open volume of a run, with its checkpoint.

    `finish` removes all; leaving the `with` block in any other way keeps all, to be resumed.
    """

    def __init__(self, disks: Disks, plan: Any, run: dict, resumed: dict | None = None):
        """`plan` is the part on disk, `run` what the manifest tells of the run.  Raises what Volume raises."""
        from bigconst.runtime.checkpoint import Checkpoint
        from bigconst.storage.volume import Layout, Volume

        self._disks = disks
        self.volume = self.checkpoint = None
        self._planned_bytes = plan.traffic.read_bytes + plan.traffic.written_bytes
        self._notes: list[str] | None = []
        self.directory = os.path.abspath(disks.directories[0])
        if resumed is not None:
            pattern, speeds = resumed["layout"]
            self.volume = Volume(disks.directories, plan.scratch_bytes, plan.stripe_bytes, self._note,
                                 kept=Layout(tuple(pattern), tuple(map(tuple, speeds))))
            self.checkpoint = Checkpoint.load(self.directory)
            self.checkpoint.update(**run)
            self._mark_lanes()
        else:
            if disks.asked:
                other = next(kind for kind in DISK_KINDS if kind != disks.kind)
                self._note(f"scratch is planned for {DISK_KINDS[disks.kind]}: {disks.reason} "
                           f"(--disk {other} for {DISK_KINDS[other]})")
            try:
                self._mark_lanes()      # while there is room
                self.volume = Volume(disks.directories, plan.scratch_bytes, plan.stripe_bytes, self._note)
                self.checkpoint = Checkpoint.create(self.directory, {**run, "layout": self.volume.layout})
            except BaseException:
                self._remove_all()
                raise
        self._before = dict(self.checkpoint.fields.get("done", {"moved_bytes": 0, "elapsed_s": 0.0}))
        self._peak_bytes = self.volume.allocated_bytes
        self.status = Status(self)
        held, self._notes = self._notes, None
        for line in held:
            self._note(line)

    def _mark_lanes(self) -> None:
        """The other lanes say where the first one is."""
        from bigconst.storage.manifest import write_manifest

        for index, directory in enumerate(self._disks.directories[1:], 1):
            write_manifest(directory, {"first": self.directory, "lane": index})

    def _note(self, line: str) -> None:
        """For the person who waits; held back until it is known that the run will not be refused."""
        if self._notes is None:
            print(line, file=sys.stderr, flush=True)
        else:
            self._notes.append(line)

    def watched(self, emit: Callable) -> Callable:
        """A listener that also looks how large the scratch is, and what stage it is."""

        def listener(event) -> None:
            self._peak_bytes = max(self._peak_bytes, self.volume.allocated_bytes)
            self.status.hear(event)
            emit(event)

        return listener

    def recorder(self):
        """For the engine."""
        return self.checkpoint.recorder(self.volume.sync)

    @property
    def moved_bytes(self) -> int:
        """By all processes of this run."""
        return self._before["moved_bytes"] + self.volume.read_bytes + self.volume.written_bytes

    @property
    def elapsed_s(self) -> float:
        """Of all processes of this run."""
        return self._before["elapsed_s"] + self.status.elapsed_s

    def share_done(self) -> float:
        """Of the traffic that is planned."""
        return min(1.0, self.moved_bytes / max(1, self._planned_bytes))

    def measured(self) -> ScratchMeasured:
        """For the report."""
        lanes = tuple((os.path.abspath(directory), read, written) for directory, (read, written)
                      in zip(self._disks.directories, self.volume.speeds, strict=True))
        return ScratchMeasured(self._disks.kind, self._disks.reason, self._peak_bytes, self.volume.read_bytes,
                               self.volume.written_bytes, lanes)

    def finish(self) -> None:
        """Remove everything."""
        self.status.close()
        self._remove_all()

    def _remove_all(self) -> None:
        from bigconst.storage.manifest import remove_manifest

        if self.checkpoint is not None:
            self.checkpoint.remove()
        if self.volume is not None:
            self.volume.close()
        for directory in self._disks.directories:
            remove_manifest(directory)
            for name in os.listdir(directory):
                if name.startswith(_OURS):
                    os.unlink(os.path.join(directory, name))

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


STATUS_NAME = "bigconst.status"
STATUS_EVERY_S = 2.0


class Status:
    """A small file that says how far the run is, renewed every few seconds for `bigconst status`."""

    def __init__(self, scratch: Scratch):
        self._scratch = scratch
        self._path = os.path.join(scratch.directory, STATUS_NAME)
        self._began_s = time.perf_counter()
        self._stage, self._index, self._count, self._faults = "starting", 0, 0, 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write_always, daemon=True)
        self._thread.start()

    @property
    def elapsed_s(self) -> float:
        """Of this process."""
        return time.perf_counter() - self._began_s

    def hear(self, event) -> None:
        """An event of the engine."""
        match event:
            case StageStarted(name, index, count):
                self._stage, self._index, self._count = name, index, count
            case Fault():
                self._faults += 1

    def fields(self) -> dict:
        """As they stand in the file."""
        scratch = self._scratch
        return {"stage": self._stage, "index": self._index, "count": self._count, "faults": self._faults,
                "share": scratch.share_done(), "elapsed_s": scratch.elapsed_s, "moved_bytes": scratch.moved_bytes,
                "bytes_per_s": (scratch.volume.read_bytes + scratch.volume.written_bytes) / max(self.elapsed_s, 1e-9)}

    def _write_always(self) -> None:
        while not self._ended.wait(STATUS_EVERY_S):
            self.write()

    def write(self) -> None:
        """Renew the file; nothing depends on it, so an error is left to those who write data."""
        with contextlib.suppress(OSError):
            with open(self._path + ".new", "w") as file:
                json.dump(self.fields(), file)
            os.replace(self._path + ".new", self._path)

    def close(self) -> None:
        """Write it a last time."""
        if not self._ended.is_set():
            self._ended.set()
            self._thread.join()
            self.write()
