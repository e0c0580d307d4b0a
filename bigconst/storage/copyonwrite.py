"""File systems that write changed data to a new place: what is reserved there is not held, unless that is switched off.

The blocks of a file that fallocate has reserved take its first write alone.  Each later one needs free blocks again, so
that scratch, which is written over and over, meets a full disk in the middle of a run.
"""

import contextlib
import fcntl
import os
import struct

from bigconst.storage.filesystem import COPYING, type_number

_GET_FLAGS = 0x80006601 | struct.calcsize("l") << 16
_SET_FLAGS = 0x40006602 | struct.calcsize("l") << 16
_NO_COPY_ON_WRITE = 0x00800000
"""FS_IOC_GETFLAGS, FS_IOC_SETFLAGS and FS_NOCOW_FL of linux/fs.h"""


def switch_off(fd: int) -> str | None:
    """Switch copy on write off for an open file, which works while it is empty; other file systems are left alone.

    Returns the name of the file system if it goes on writing changed data to new places, else None.
    """
    name = COPYING.get(type_number(fd))
    with contextlib.suppress(OSError):      # it knows no such flag
        flags = _flags(fd)
        if name is not None and not flags & _NO_COPY_ON_WRITE and not os.fstat(fd).st_size:
            fcntl.ioctl(fd, _SET_FLAGS, struct.pack("=i", flags | _NO_COPY_ON_WRITE))
            flags = _flags(fd)      # not every file system that takes the flag does so
        return None if flags & _NO_COPY_ON_WRITE else name
    return name


def _flags(fd: int) -> int:
    return struct.unpack("=i", fcntl.ioctl(fd, _GET_FLAGS, bytes(4)))[0]
