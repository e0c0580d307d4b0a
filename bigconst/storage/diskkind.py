"""The kind of disk that a directory lies on: hard disk or solid state.

The system is asked first.  Virtual disks and RAID controllers say that they
rotate whatever they are made of, so that answer is tested by random reads.
"""

import contextlib
import fcntl
import mmap
import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bigconst.storage.filesystem import is_in_memory

SOLID_STATE, HARD_DISK = "ssd", "hdd"

SOLID_STATE_S = 1e-3
"""Limit between the two kinds: a random read takes a tenth of it on solid state, several times it on a hard disk."""

_BLOCK_DEVICES = Path("/sys/dev/block")
_FILE_BYTES = 64 << 20
_CHUNK_BYTES = 1 << 20
_WRITING_S = 1.0
"""Time in which the file is written: it becomes as long as that allows, 64 MiB at most."""
_READS = 40
_ROUNDS = 3
"""Measurements of a disk that seems slow: it may have been busy for somebody else."""
_PAUSE_S = 0.1
_READ_BYTES = 4096


def disk_kind(directories: Sequence[str | os.PathLike]) -> tuple[str, str]:
    """("hdd" or "ssd", why) for the slowest disk among those of `directories`; "hdd" where a disk cannot be tested."""
    found = [_kind(os.path.abspath(directory)) for directory in directories]
    return next((each for each in found if each[0] == HARD_DISK), found[0])


def _kind(directory: str) -> tuple[str, str]:
    try:
        if _is_in_memory(directory):
            return SOLID_STATE, f"{directory} is in memory"
        if _rotational(directory) is False:
            return SOLID_STATE, f"the disk of {directory} says that it does not rotate"
        latency_s = random_read_s(directory)
    except OSError as error:
        return HARD_DISK, f"{directory} cannot be tested ({error.strerror}), so the slower kind is assumed"
    kind = SOLID_STATE if latency_s < SOLID_STATE_S else HARD_DISK
    return kind, f"a random read in {directory} takes {latency_s * 1e3:.3g} ms"


def _is_in_memory(directory: str) -> bool:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return is_in_memory(fd)
    finally:
        os.close(fd)


def _rotational(directory: str) -> bool | None:
    """Whether the disk says that it rotates; None where there is none to ask (network, memory, some pools)."""
    device = os.stat(directory).st_dev
    block = _BLOCK_DEVICES / f"{os.major(device)}:{os.minor(device)}"
    with contextlib.suppress(OSError):
        block = block.resolve(strict=True)
        disk = block.parent if (block / "partition").exists() else block
        return (disk / "queue" / "rotational").read_text().strip() != "0"
    return None


def random_read_s(directory: str) -> float:
    """Seconds of a read of 4 KiB past the page cache at a random place of a new file, which is removed afterwards.

    The median of 40 reads; where it is not below SOLID_STATE_S, the smallest of up to three medians.
    Raises OSError where the directory or the file system does not allow that.
    """
    # The file has no name where the file system can do that: nothing is left even by a process that is killed.
    with tempfile.TemporaryFile(dir=directory, buffering=0) as file, mmap.mmap(-1, _READ_BYTES) as page:
        fd = file.fileno()
        places = range(0, _fill(fd), _READ_BYTES)
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_DIRECT)
        medians: list[float] = []
        while len(medians) < _ROUNDS and (not medians or medians[-1] >= SOLID_STATE_S):
            if medians:
                time.sleep(_PAUSE_S)
            medians.append(statistics.median(_timed_read(fd, page, place)
                                             for place in random.choices(places, k=_READS)))
        return min(medians)


def _fill(fd: int) -> int:
    """Write random bytes for a second, 64 MiB at most, and have them reach the disk; returns their number."""
    data = os.urandom(_CHUNK_BYTES)
    start, size = time.perf_counter(), 0
    while size < _FILE_BYTES and (not size or time.perf_counter() < start + _WRITING_S):
        size += os.write(fd, data) // _READ_BYTES * _READ_BYTES
        os.fdatasync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    return size


def _timed_read(fd: int, page: mmap.mmap, offset: int) -> float:
    start = time.perf_counter()
    os.preadv(fd, [page], offset)
    return time.perf_counter() - start
