"""Where a run keeps its scratch and its checkpoint: directories, kind of disk, room.

Everything that can be refused is refused here, before anything is reserved or computed.
"""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

from bigconst.base.errors import DiskFull, InputOutputError, UsageError
from bigconst.base.units import format_bytes

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
class ScratchDisks:
    """Directories for scratch, and what kind of disk they are on."""

    directories: tuple[str, ...]
    kind: str
    reason: str
    asked: bool = False
    """whether the system was asked"""


def examine(named: Sequence[str], kind: str | None) -> ScratchDisks:
    """Directories that can be used, and the kind of their disks where `kind` does not say it.

    Raises InputOutputError for a directory that is not there or not writable.
    """
    from bigconst.storage.diskkind import disk_kind

    for directory in named:
        _check_directory(directory, "scratch", "--swap")
    if kind is not None:
        return ScratchDisks(tuple(named), kind, "so says --disk")
    return ScratchDisks(tuple(named), *disk_kind(named), asked=True)


def _check_directory(directory: str, purpose: str, option: str) -> None:
    remedy = f"name a directory that is there and writable with {option}"
    if not os.path.isdir(directory):
        what = "it is no directory" if os.path.lexists(directory) else "there is no such directory"
        raise InputOutputError(f"cannot use {directory} for {purpose}: {what}", remedy)
    if not os.access(directory, os.W_OK | os.X_OK):
        raise InputOutputError(f"cannot use {directory} for {purpose}: it is not writable", remedy)


def check_checkpoint(directory: str, named: Sequence[str]) -> str | None:
    """Raise UsageError or InputOutputError where copies cannot go; what a person should know of the place."""
    _check_directory(directory, "a checkpoint", "--checkpoint")
    path = os.path.realpath(directory)
    for lane in named:
        if os.path.commonpath([path, os.path.realpath(lane)]) == os.path.realpath(lane):
            raise UsageError(f"the checkpoint {directory} lies in the scratch directory {lane}, and is lost with it",
                             "name a directory on another disk")
    for lane in named:
        if os.path.isdir(lane) and _device(lane) == _device(directory):
            return (f"the checkpoint {directory} is on the same disk as the scratch directory {lane}: it does not "
                    "outlive it")
    return None


def check_room(scratch_bytes: int, journal_bytes: int, named: Sequence[str], files_bytes: int,
               files_directory: str) -> None:
    """Raise DiskFull or InputOutputError unless scratch, journal and files fit, each where it goes and all where they
    meet.

    The journal goes to the first directory.  What a run that was killed left in a scratch directory counts as free:
    it will be overwritten.
    """
    free = _free_bytes(named, files_directory)
    files_device = _device(files_directory)
    if files_bytes > free[files_device]:
        raise InputOutputError(f"the files need {_size(files_bytes)}, the disk of {files_directory} has "
                               f"{_size(free[files_device])} free", "make room, or choose another place with --output")
    devices = {_device(directory) for directory in named}
    room = sum(free[device] for device in devices)
    if files_device not in devices:
        if scratch_bytes + journal_bytes > room:
            raise DiskFull(f"the scratch needs {_size(scratch_bytes + journal_bytes)} with its journal, its disks have "
                           f"{_size(room)} free")
    elif scratch_bytes + journal_bytes + files_bytes > room:
        raise DiskFull(f"{format_bytes(scratch_bytes + journal_bytes)} of scratch with its journal and "
                       f"{format_bytes(files_bytes)} of files need "
                       f"{_size(scratch_bytes + journal_bytes + files_bytes)}, the disks they share have {_size(room)} "
                       "free", "make room there, name one more disk with --swap, or write elsewhere with --output")
    first = free[_device(named[0])]
    if journal_bytes > first:
        raise DiskFull(f"the journal needs {_size(journal_bytes)}, the disk of {named[0]} has {_size(first)} free",
                       "make room there, or name another directory first with --swap")


def check_copies(copies_bytes: int, directory: str) -> None:
    """Raise DiskFull unless a --checkpoint directory has room."""
    disk = os.statvfs(directory)
    free = disk.f_bavail * disk.f_frsize
    if copies_bytes > free:
        raise DiskFull(f"the copies of levels need {_size(copies_bytes)}, the disk of {directory} has "
                       f"{_size(free)} free", "make room there, or name another directory with --checkpoint")


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
