"""An append-only file of records, each whole or not there.

A record is a small dictionary and some arrays.  A kill or a full disk may leave
half a record at the end: reading stops there, and `open_journal` cuts it off.
What the records mean is not known here.
"""

import json
import os
import struct
from collections.abc import Iterator

import numpy as np
import xxhash

from bigconst.errors import InputOutputError

_FRAME = struct.Struct("<4sIQQ")     # magic, bytes of the head, bytes of the arrays, xxh3 of both
_MAGIC = b"bcj1"

Record = tuple[dict, dict[str, np.ndarray]]


class Journal:
    """A file of records, written by one process."""

    def __init__(self, path: str, size_bytes: int = 0):
        """Append behind the first `size_bytes` of `path`, dropping the rest; 0 starts it anew."""
        self.path = path
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            os.ftruncate(self._fd, size_bytes)
            os.lseek(self._fd, 0, os.SEEK_END)
        except OSError as error:
            raise _failure("cannot open", path, error) from error

    def append(self, fields: dict, arrays: dict[str, np.ndarray]) -> None:
        """Write a record; it is safe after `sync`."""
        layout = {name: (array.dtype.str, array.shape) for name, array in arrays.items()}
        head = json.dumps([fields, layout]).encode()
        body = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays.values())
        digest = xxhash.xxh3_64_intdigest(head + body)
        data = memoryview(_FRAME.pack(_MAGIC, len(head), len(body), digest) + head + body)
        try:
            while data:
                data = data[os.write(self._fd, data):]
        except OSError as error:
            raise _failure("cannot write", self.path, error) from error

    def sync(self) -> None:
        """Wait until all records are on the disk.  A failure is final: the file must not be trusted any more."""
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            raise _failure("cannot write", self.path, error) from error

    def close(self) -> None:
        """Close the file; it may be called twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def read_journal(path: str) -> Iterator[tuple[Record, int]]:
    """(record, where it ends) for all whole records from the start."""
    try:
        with open(path, "rb") as file:
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


def _failure(what: str, path: str, error: OSError) -> InputOutputError:
    return InputOutputError(f"{what} {path}: {error.strerror}", "see that its disk is there and has room, then resume")
