"""Reading of regular files: they are opened, read in pieces of any place, and found unchanged at the end."""

import os
import stat

import numpy as np

from bigconst.base.errors import InputOutputError


def open_regular(path: str) -> tuple[int, os.stat_result]:
    """Open a regular file for reading; returns its descriptor and stat.

    Raises InputOutputError when it cannot be opened, or is a directory, pipe or device.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        #: *No such file*: is the name right, the disk mounted? *Permission denied*: whose file is it? *Input/output
        #: error*: the disk is failing, see `dmesg` and `smartctl`.
        raise InputOutputError(f"cannot read {path}: {error.strerror}", "name a file that is there") from error
    info = os.fstat(fd)
    if not stat.S_ISREG(info.st_mode):
        os.close(fd)
        raise InputOutputError(f"{path} is a directory, pipe or device", "name a file")
    return fd, info


def read_exactly(fd: int, buffer: np.ndarray, offset: int, path: str) -> None:
    """Fill a uint8 buffer from `offset` of the file; raises InputOutputError, also if the file has become shorter."""
    view, done = memoryview(buffer), 0
    while done < len(view):
        try:
            count = os.preadv(fd, [view[done:]], offset + done)
        except OSError as error:
            raise InputOutputError(f"cannot read {path}: {error.strerror}", "check its disk") from error
        if count == 0:
            #: As for "… changed while it was read".
            raise InputOutputError(f"{path} became shorter while it was read", "let nothing write to it")
        done += count


def unchanged(before: os.stat_result, fd: int, path: str) -> None:
    """Raise InputOutputError when size, time or inode of the file are not those of `before`."""
    after = os.fstat(fd)
    if (before.st_size, before.st_mtime_ns, before.st_ino) != (after.st_size, after.st_mtime_ns, after.st_ino):
        #: Another program writes to it, or it is still being copied. Wait for that, then again.
        raise InputOutputError(f"{path} changed while it was read", "let nothing write to it, and begin again")
