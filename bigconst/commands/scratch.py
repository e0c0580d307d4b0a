"""Where a run on disk keeps its scratch: directories, kind of disk, room, the open volume.

Everything that can be refused is refused here, before anything is reserved or computed.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bigconst.errors import DiskFull, InputOutputError
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


class Scratch:
    """The open volume of a run; `close` (or leaving the `with` block) removes its files."""

    def __init__(self, disks: Disks, plan: Any):
        """`plan` is the part on disk.  Raises what Volume raises, and then says nothing else."""
        from bigconst.storage.volume import Volume

        self._disks = disks
        self._planned_bytes = plan.traffic.read_bytes + plan.traffic.written_bytes
        self._notes: list[str] | None = []
        if disks.asked:
            other = next(kind for kind in DISK_KINDS if kind != disks.kind)
            self._note(f"scratch is planned for {DISK_KINDS[disks.kind]}: {disks.reason} "
                       f"(--disk {other} for {DISK_KINDS[other]})")
        self.volume = Volume(disks.directories, plan.scratch_bytes, plan.stripe_bytes, self._note)
        self._peak_bytes = self.volume.allocated_bytes
        held, self._notes = self._notes, None
        for line in held:
            self._note(line)

    def _note(self, line: str) -> None:
        """For the person who waits; held back until it is known that the run will not be refused."""
        if self._notes is None:
            print(line, file=sys.stderr, flush=True)
        else:
            self._notes.append(line)

    def watched(self, emit: Callable) -> Callable:
        """A listener that also looks how large the scratch is."""

        def listener(event) -> None:
            self._peak_bytes = max(self._peak_bytes, self.volume.allocated_bytes)
            emit(event)

        return listener

    def share_done(self) -> float:
        """Of the traffic that is planned."""
        return (self.volume.read_bytes + self.volume.written_bytes) / self._planned_bytes

    def measured(self) -> ScratchMeasured:
        """For the report."""
        lanes = tuple((os.path.abspath(directory), read, written) for directory, (read, written)
                      in zip(self._disks.directories, self.volume.speeds, strict=True))
        return ScratchMeasured(self._disks.kind, self._disks.reason, self._peak_bytes, self.volume.read_bytes,
                               self.volume.written_bytes, lanes)

    def close(self) -> None:
        """Remove everything."""
        self.volume.close()

    def __enter__(self):
        return self

    def __exit__(self, *_exception) -> None:
        self.close()
