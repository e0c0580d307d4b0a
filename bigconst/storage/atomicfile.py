"""Outputs for finished text: a file that appears whole or not at all, or standard output.

`AtomicFile` and `StdoutText` share one interface: `write_at` from any thread in
any order, then `commit`, or `abort`; as a context manager they abort unless
committed; `files` are the files that they write.  What the text means is not known here.
"""

import contextlib
import ctypes
import os
import stat
import threading

from bigconst.base import failpoints
from bigconst.base.errors import InputOutputError, UsageError
from bigconst.base.units import format_bytes
from bigconst.storage.durable import NewFile, WriteFailpoints

BLOCK_BYTES = 4096
"""Writes that start and end at multiples of this, from memory that is aligned to it, bypass the page cache."""

_WRITE_BACK_BYTES = 1 << 19
"""Other writes of at least this much are sent to the disk at once."""

_PLACES = WriteFailpoints("output.write", "output.sync", "output.rename")


def _write_all(write, data: memoryview) -> None:
    """Call write(rest, done), which returns the number of bytes it wrote, until nothing of `data` is left."""
    done = 0
    while done < len(data):
        done += write(data[done:], done)


def _address(data: memoryview) -> int:
    """Address of `data` in memory; 1, which is never aligned, for a read-only or empty buffer."""
    return 1 if data.readonly or not len(data) else ctypes.addressof(ctypes.c_char.from_buffer(data))


class AtomicFile(NewFile):
    """A file of `size_bytes` bytes, invisible under its final name until `commit`.

    Opening it creates a file beside `path`, without a name where that is possible, and reserves the space, so that a
    missing directory, a missing right or a full disk is an error before the computation.  `size_bytes` 0 reserves
    nothing.

    Raises UsageError when `path` exists (without `force`) or is no regular
    file, InputOutputError when the system refuses.
    """

    def __init__(self, path: str | os.PathLike, size_bytes: int = 0, force: bool = False):
        self.path = os.path.realpath(path)
        self.size_bytes = size_bytes
        self.force = force
        self._direct_fd = -1
        self._check_target()
        try:
            super().__init__(path, f"{{}}.{os.urandom(4).hex()}.part", _PLACES, unnamed=True)
        except OSError as error:
            if not os.path.lexists(self.path):
                raise self._failure("cannot create", error) from error
            #: The file may not be written: it, or its directory, is protected (`ls -l`, `lsattr`), or is another user's
            #: in a directory like `/tmp`. `--force` does not go over that.
            raise InputOutputError(f"cannot replace {self.path}: {error.strerror}",
                                   "make it writable or choose another place") from error
        try:
            self._reserve()
        except BaseException:
            self.abort()
            raise
        # Not through the page cache: the memory for it takes longer to obtain than the disk takes to write.
        with contextlib.suppress(OSError):      # refused by tmpfs and others
            self._direct_fd = self.open_again(os.O_WRONLY | os.O_DIRECT)

    @property
    def files(self) -> list["AtomicFile"]:
        """The file itself: other outputs are several, or none."""
        return [self]

    def _check_target(self) -> None:
        try:
            mode = os.stat(self.path).st_mode
        except FileNotFoundError:
            return
        except OSError as error:
            #: As for "cannot read …: …".
            raise self._failure("cannot look at", error) from error
        if stat.S_ISDIR(mode):
            raise UsageError(f"{self.path} is a directory", "name a file in it")
        if not stat.S_ISREG(mode):
            raise UsageError(f"{self.path} is not a regular file", "use --output - and redirect")
        if not self.force:
            raise UsageError(f"{self.path} exists", "add --force to replace it, or choose another name")

    def _reserve(self) -> None:
        """Reserve the blocks now: a full disk is then an error before the computation, not after it."""
        if not self.size_bytes:
            return
        try:
            disk = os.fstatvfs(self._fd)
            free_bytes = disk.f_bavail * disk.f_frsize
            if free_bytes < self.size_bytes:
                #: Digits and certificate are reserved before the run. Make room, or write elsewhere with `--output`.
                raise InputOutputError(
                    f"{self.path} needs {format_bytes(self.size_bytes)} ({self.size_bytes} bytes), "
                    f"its disk has {format_bytes(free_bytes)} ({free_bytes} bytes) free",
                    "make room or choose another place",
                )
            if failpoints.ACTIVE:
                failpoints.hit("output.reserve", self.path)
            os.posix_fallocate(self._fd, 0, self.size_bytes)
        except OSError as error:
            raise self._failure(f"cannot reserve {format_bytes(self.size_bytes)} for", error) from error

    def _failure(self, what: str, error: OSError) -> InputOutputError:
        #: The system says why behind the colon. *No space left*, *Disk quota exceeded*: make room (`df`, `df -i`,
        #: `quota`). *Permission denied*, *Read-only file system*: choose another place. *File too large*: the file
        #: system (FAT: 4 GiB) or `ulimit -f` allows no longer file. *Input/output error*: the disk is failing, see
        #: `dmesg`. What was finished before is kept, and the same command goes on from there. The exit code is 4 where
        #: a disk of the scratch is full, else 3.
        return InputOutputError(f"{what} {self.path}: {error.strerror or error}", "make room or choose another place",
                                error)

    def write_at(self, offset: int, data: memoryview) -> None:
        """Write the bytes of `data` (contiguous) at `offset`; safe from several threads at once."""
        data = memoryview(data).cast("B")
        aligned = (offset | len(data) | _address(data)) % BLOCK_BYTES == 0
        fd = self._direct_fd if aligned and self._direct_fd >= 0 else self._fd
        try:
            _write_all(lambda rest, done: self._pwrite(fd, rest, offset + done), data)
            # Sends the pages to the disk now, without waiting, so that the fsync of commit finds little left to do.
            if fd == self._fd and len(data) >= _WRITE_BACK_BYTES:
                os.posix_fadvise(self._fd, offset, len(data), os.POSIX_FADV_DONTNEED)
        except OSError as error:
            raise self._failure("cannot write", error) from error

    def _pwrite(self, fd: int, data: memoryview, offset: int) -> int:
        """Make one system call; returns the number of bytes written."""
        if failpoints.ACTIVE:
            unit = BLOCK_BYTES if fd == self._direct_fd else 1
            return failpoints.write(_PLACES.write, self.path, lambda views: os.pwrite(fd, views[0], offset), [data],
                                    unit)
        return os.pwrite(fd, data, offset)

    def commit(self) -> None:
        """Make the file durable, then visible under its name: fsync, rename, fsync of the directory."""
        self._close_direct()
        try:
            self.take_over()
            self.sync()
        except OSError as error:
            # Never asked again: after a failed fsync the kernel may forget the pages and report success.
            self.abort()
            raise self._failure("cannot write", error) from error
        try:
            self.name()
        except OSError as error:
            raise self._failure("cannot create", error) from error
        self.close()
        if not self.force and os.path.lexists(self.path):
            #: The digits are whole and safe, under the temporary name in the message: rename that by hand.
            raise InputOutputError(f"{self.path} appeared during the run", f"the finished file is {self.part}")
        try:
            self.replace()
        except OSError as error:
            #: As for "… appeared during the run".
            raise InputOutputError(
                f"cannot rename to {self.path}: {error.strerror}", f"the finished file is {self.part}"
            ) from error
        try:
            self.sync_directory()
        except OSError as error:
            #: The file is there and whole, but the disk may lose its name in a power cut. Look at the disk, then
            #: `bigconst verify`.
            raise InputOutputError(
                f"cannot sync the directory of {self.path}: {error.strerror}", "the file is there, check its disk"
            ) from error

    def _close_direct(self) -> None:
        if self._direct_fd >= 0:
            os.close(self._direct_fd)
            self._direct_fd = -1

    def abort(self) -> None:
        """Remove the temporary file, unless it was finished by `commit`."""
        self._close_direct()
        if self._fd >= 0:
            self.discard()

    def __enter__(self):
        return self

    def __exit__(self, *_exception) -> None:
        self.abort()


class StdoutText:
    """Standard output (or descriptor `fd`) behind the interface of `AtomicFile`.

    A pipe cannot seek: data that comes early is held in memory until its turn.
    """

    path = "-"
    files: tuple[AtomicFile, ...] = ()

    def __init__(self, size_bytes: int, fd: int = 1):
        self.size_bytes = size_bytes
        self._fd = fd
        self._position = 0
        self._early: dict[int, bytes] = {}
        self._lock = threading.Lock()

    def write_at(self, offset: int, data: memoryview) -> None:
        """Write the bytes of `data` at `offset` of the text, or hold a copy until all before it is written."""
        data = memoryview(data).cast("B")
        with self._lock:
            if offset != self._position:
                self._early[offset] = bytes(data)
                return
            self._write(data)
            while self._position in self._early:
                self._write(memoryview(self._early.pop(self._position)))

    def _write(self, data: memoryview) -> None:
        try:
            _write_all(lambda rest, done: os.write(self._fd, rest), data)
        except OSError as error:
            raise InputOutputError(
                f"cannot write to standard output: {error.strerror}", "write to a file with --output FILE"
            ) from error
        self._position += len(data)

    def commit(self) -> None:
        """Check that the text is complete; raises ValueError if it is not, which is a mistake of the caller."""
        if self._early or self._position != self.size_bytes:
            raise ValueError(f"text has {self._position} of {self.size_bytes} bytes, {len(self._early)} pieces waiting")

    def abort(self) -> None:
        """Discard the data held in memory; what was printed cannot be taken back."""
        self._early.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_exception) -> None:
        self.abort()
