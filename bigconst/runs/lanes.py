"""The directories for scratch and checkpoint of a run: which they are, their kind of disk, and their free space.

Directories that cannot serve are refused here, before anything is reserved or computed.
"""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

from bigconst.base.errors import DiskFull, InputOutputError, UsageError
from bigconst.base.units import format_bytes
from bigconst.storage.diskkind import disk_kind
from bigconst.storage.lane import DATA_NAME

DEFAULT_DIRECTORY = "swap"
"""scratch directory below the current one that is used where it exists"""

DEFAULT_KIND = "hdd"
"""kind of disk that a plan assumes before the disks are examined"""


def directories(named: Sequence[str] | None) -> tuple[str, ...]:
    """The named scratch directories; without any, the default one if it exists."""
    if named:
        return tuple(named)
    return (DEFAULT_DIRECTORY,) if os.path.isdir(DEFAULT_DIRECTORY) else ()


@dataclass(frozen=True)
class ScratchDisks:
    """Directories for scratch, and the kind of their disks."""

    directories: tuple[str, ...]
    kind: str
    """hdd or ssd"""
    reason: str
    """how the kind is known"""
    asked: bool = False
    """whether the system was asked for the kind"""


def examine(named: Sequence[str], kind: str | None) -> ScratchDisks:
    """The scratch directories with the kind of their disks, which the system is asked for where `kind` is None.

    Raises InputOutputError for a directory that is not there or not writable.
    """
    for directory in named:
        #: Directories for scratch and checkpoints are never made by the program, so that a disk that is not mounted
        #: is noticed. Mount it, `mkdir`, `chown`.
        _check_directory(directory, "scratch", "--swap")
    if kind is not None:
        return ScratchDisks(tuple(named), kind, "so says --disk")
    return ScratchDisks(tuple(named), *disk_kind(named), asked=True)


def _check_directory(directory: str, purpose: str, option: str) -> None:
    remedy = f"name a directory that is there and writable with {option}"
    if not os.path.isdir(directory):
        what = "it is not a directory" if os.path.lexists(directory) else "there is no such directory"
        raise InputOutputError(f"cannot use {directory} for {purpose}: {what}", remedy)
    if not os.access(directory, os.W_OK | os.X_OK):
        raise InputOutputError(f"cannot use {directory} for {purpose}: it is not writable", remedy)


def absolute(directories: Sequence[str]) -> list[str]:
    """The directories as absolute paths."""
    return [os.path.abspath(directory) for directory in directories]


def check_checkpoint(directory: str, named: Sequence[str]) -> str | None:
    """Check a directory for copies of levels; return a warning for the user, or None.

    Raises UsageError where it lies in a scratch directory, InputOutputError where it is missing or not writable.
    """
    #: As for "cannot use … for scratch: there is no such directory".
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
    """Raise DiskFull or InputOutputError unless scratch, journal and files fit on their disks, even if they share one.

    The journal goes to the first directory.  The data file that a killed run left in a scratch directory counts as
    free: it will be overwritten.
    """
    free = _free_bytes(named, files_directory)
    files_device = _device(files_directory)
    if files_bytes > free[files_device]:
        #: As for "… needs … (… bytes), its disk has … (… bytes) free".
        raise InputOutputError(f"the files need {_size(files_bytes)}, the disk of {files_directory} has "
                               f"{_size(free[files_device])} free", "make room, or choose another place with --output")
    devices = {_device(directory) for directory in named}
    room = sum(free[device] for device in devices)
    if files_device not in devices:
        if scratch_bytes + journal_bytes > room:
            #: Make room, or name one more disk with `--swap`. Old scratch of a run that is of no use goes with
            #: `--discard`.
            raise DiskFull(f"the scratch needs {_size(scratch_bytes + journal_bytes)} with its journal, its disks have "
                           f"{_size(room)} free")
    elif scratch_bytes + journal_bytes + files_bytes > room:
        #: Each would fit, both do not: write the digits to another disk with `--output`, or name one more for scratch.
        raise DiskFull(f"{format_bytes(scratch_bytes + journal_bytes)} of scratch with its journal and "
                       f"{format_bytes(files_bytes)} of files need "
                       f"{_size(scratch_bytes + journal_bytes + files_bytes)}, the disks they share have {_size(room)} "
                       "free", "make room there, name one more disk with --swap, or write elsewhere with --output")
    first = free[_device(named[0])]
    if journal_bytes > first:
        #: The journal is in the first scratch directory: make room there, or name another one first.
        raise DiskFull(f"the journal needs {_size(journal_bytes)}, the disk of {named[0]} has {_size(first)} free",
                       "make room there, or name another directory first with --swap")


def check_copies(copies_bytes: int, directory: str) -> None:
    """Raise DiskFull unless a --checkpoint directory has room for the copies of levels."""
    disk = os.statvfs(directory)
    free = disk.f_bavail * disk.f_frsize
    if copies_bytes > free:
        #: Copies of levels need about a byte a digit in all. Make room there, or name another directory with
        #: `--checkpoint`.
        raise DiskFull(f"the copies of levels need {_size(copies_bytes)}, the disk of {directory} has "
                       f"{_size(free)} free", "make room there, or name another directory with --checkpoint")


def _free_bytes(named: Sequence[str], files_directory: str) -> dict[int, int]:
    """Free bytes of the file system of each directory, by device; old scratch counts as free."""
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
