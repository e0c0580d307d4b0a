"""An append-only file of records, each of which is whole or not there.

A record is a small dictionary and some arrays.  A kill or a full disk may leave
half a record at the end: `read_journal` stops there and says where the last whole
record ends, and a `Journal` that is opened with this size cuts the rest off.
What the records mean is not known here.
"""

import contextlib
import json
import os
import struct
from collections.abc import Iterator

import numpy as np
import xxhash

from bigconst.base import failpoints
from bigconst.base.errors import ScratchError
from bigconst.storage.lane import rest_of

_FRAME = struct.Struct("<4sIQQ")     # magic, bytes of the head, bytes of the arrays, xxh3 of both
_MAGIC = b"bcj1"

Record = tuple[dict, dict[str, np.ndarray]]


class Journal:
    """A file of records, written by one process; after an error nothing more is written to it."""

    def __init__(self, path: str, size_bytes: int = 0):
        """Open `path` to append after its first `size_bytes`, discarding the rest; 0 begins an empty journal.

        Raises ScratchError.
        """
        self.path = path
        self._failed: ScratchError | None = None
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            os.ftruncate(self._fd, size_bytes)
            os.lseek(self._fd, 0, os.SEEK_END)
        except OSError as error:
            #: As for "cannot read …: …".
            raise _failure("cannot open", path, error) from error

    def append(self, fields: dict, arrays: dict[str, np.ndarray]) -> None:
        """Write a record; it is durable after `sync`.  Raises ScratchError."""
        arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
        head = json.dumps([fields, {name: (array.dtype.str, array.shape) for name, array in arrays.items()}]).encode()
        body = [array.reshape(-1).view(np.uint8) for array in arrays.values() if array.size]
        digest = xxhash.xxh3_64(head)
        for each in body:
            digest.update(each)
        views = [memoryview(_FRAME.pack(_MAGIC, len(head), sum(map(len, body)), digest.intdigest()) + head),
                 *map(memoryview, body)]
        # No reader gets past half a record, or one that never reached the disk: after an error nothing is appended.
        with self._final():
            while views:
                views = rest_of(views, self._write(views))

    def _write(self, views: list[memoryview]) -> int:
        if failpoints.ACTIVE:
            return failpoints.write("journal.append", self.path, lambda views: os.writev(self._fd, views), views)
        return os.writev(self._fd, views)

    def sync(self) -> None:
        """Wait until all records are on the disk.  A failure is final: the file must not be trusted any more."""
        with self._final():
            if failpoints.ACTIVE:
                failpoints.hit("journal.sync", self.path)
            os.fdatasync(self._fd)

    @contextlib.contextmanager
    def _final(self) -> Iterator[None]:
        """Raise ScratchError for an OSError in the block, and from then on at once, without entering the block."""
        if self._failed is not None:
            raise self._failed
        try:
            yield
        except OSError as error:
            self._failed = _failure("cannot write", self.path, error)
            raise self._failed from error

    def close(self) -> None:
        """Close the file; it may be called twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def read_journal(path: str) -> Iterator[tuple[Record, int]]:
    """(record, offset of its end in bytes) for all whole records from the start.  Raises ScratchError."""
    try:
        with open(path, "rb") as file:
            # What a failed fsync left in the page cache may not be on the disk.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            end = 0
            while len(frame := file.read(_FRAME.size)) == _FRAME.size:
                magic, head_bytes, body_bytes, digest = _FRAME.unpack(frame)
                left = os.fstat(file.fileno()).st_size - end - _FRAME.size
                if magic != _MAGIC or head_bytes + body_bytes > left:
                    return
                data = file.read(head_bytes + body_bytes)
                if xxhash.xxh3_64_intdigest(data) != digest:
                    return
                end += _FRAME.size + len(data)
                yield _decode(data, head_bytes), end
    except OSError as error:
        raise _failure("cannot read", path, error) from error


def _decode(data: bytes, head_bytes: int) -> Record:
    fields, layout = json.loads(data[:head_bytes])
    arrays, at = {}, head_bytes
    for name, (dtype, shape) in layout.items():
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(data, np.dtype(dtype), count, at).reshape(shape)
        at += arrays[name].nbytes
    return fields, arrays


def _failure(what: str, path: str, error: OSError) -> ScratchError:
    return ScratchError(f"{what} {path}: {error.strerror}", "see that its disk is there and has room, then resume",
                        error)
