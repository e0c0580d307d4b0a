"""One lane of the scratch volume: a directory on a disk, its preallocated file, the threads that move bytes.

Requests go past the page cache (O_DIRECT): scratch data is read once, hours
after it was written, and a cache would take the memory that the computation
needs.  Reading and writing have threads of their own, so that neither waits
for the other.  What the bytes mean, and where they belong in the volume, is
not known here.
"""

import contextlib
import errno
import mmap
import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from queue import SimpleQueue

from bigconst.base import failpoints
from bigconst.base.errors import NO_ROOM, DiskFull, InputOutputError, ScratchError
from bigconst.base.hardware import available_memory_bytes
from bigconst.base.starting import start_thread
from bigconst.base.units import format_bytes
from bigconst.storage import copyonwrite
from bigconst.storage.filesystem import is_in_memory
from bigconst.storage.lock import DirectoryLock

BLOCK_BYTES = 4096
"""Offsets, lengths and addresses in memory of all requests are multiples of this."""

THREADS = 8
"""Threads that read, and as many that write: 4 move small requests 20 % slower, 16 nothing faster."""

DATA_NAME = "bigconst.scratch"

_MOST_VIEWS = os.sysconf("SC_IOV_MAX")
_MEASURED_BYTES = 64 << 20
_MEASURED_REQUEST_BYTES = 1 << 20
_MEASURED_S = 0.1
"""Each of the three sweeps of a measurement stops after this time."""

_ELSEWHERE = "choose another directory with --swap"
_DISK = "see that its disk is there and healthy (dmesg), then run it again"


class Transfer:
    """A number of tasks on the threads of lanes, and the first error one of them met."""

    def __init__(self, tasks: int):
        self._left = tasks
        self._error: BaseException | None = None
        self._counting = threading.Lock()
        self._unfinished = threading.Lock()     # an Event takes several times as long to make
        if tasks:
            self._unfinished.acquire()

    def perform(self, task: Callable[[], None]) -> None:
        """Run one of the tasks in this thread; after an error those that remain are skipped."""
        try:
            if self._error is None:
                task()
        except BaseException as error:      # raised again by wait
            self._error = self._error or error
        finally:
            with self._counting:
                self._left -= 1
                last = self._left == 0
            if last:
                self._unfinished.release()

    def done(self) -> bool:
        """Whether `wait` would return, or raise, at once."""
        return not self._unfinished.locked()

    def wait(self) -> None:
        """Return when no thread touches the buffers any more; raises the first error of any task."""
        with self._unfinished:
            pass
        if self._error is not None:
            raise self._error


class Lane:
    """The scratch file in `directory`: empty at first, or with `keep` the one that an earlier process left.

    `note` receives one line where O_DIRECT is refused, which with `direct=False` is not even tried, and one where the
    file system does not hold what is reserved.
    Raises InputOutputError when the directory cannot be used or another process uses it.
    """

    def __init__(self, directory: str | os.PathLike, note: Callable[[str], None] = lambda line: None,
                 direct: bool = True, keep: bool = False):
        self.directory = os.path.abspath(directory)
        self.path = os.path.join(self.directory, DATA_NAME)
        self.allocated_bytes = 0
        self.read_bytes = self.written_bytes = 0
        self._counting = threading.Lock()
        self._closing = self._measuring = False
        self._lost: InputOutputError | None = None
        self._fd = self._direct_fd = -1
        self._reads: SimpleQueue = SimpleQueue()
        self._writes: SimpleQueue = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = DirectoryLock(self.directory)
        self.device = self._lock.device
        try:
            self._open_file(direct, note, keep)
            for queue in (self._reads, self._writes):
                for _ in range(THREADS):
                    self._threads.append(start_thread(_work, queue, name="bigconst-lane"))
        except BaseException:
            self.close()
            raise

    # --- opening and closing -----------------------------------------------------------

    def _open_file(self, direct: bool, note: Callable[[str], None], keep: bool) -> None:
        """Create the scratch file, discarding what is there, or with `keep` open the one that is there."""
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._fd = os.open(self.path, flags if keep else flags | os.O_CREAT | os.O_TRUNC, 0o600)
            if keep:
                self.allocated_bytes = os.fstat(self._fd).st_size
        except OSError as error:
            raise ScratchError(f"cannot {'open' if keep else 'create'} {self.path}: {error.strerror}", _ELSEWHERE,
                               error) from error
        copying = copyonwrite.switch_off(self._fd)      # before the first write
        if copying is not None:
            note(f"{self.directory} is on {copying}, which does not hold the space that is reserved there: if others "
                 "fill the disk, the run stops until there is room again")
        if direct:
            self._open_direct(flags, note, keep)

    def _open_direct(self, flags: int, note: Callable[[str], None], keep: bool) -> None:
        try:
            self._direct_fd = os.open(self.path, flags | os.O_DIRECT)
            # Some file systems open the file, but refuse the first request.
            if keep:
                os.preadv(self._direct_fd, [mmap.mmap(-1, BLOCK_BYTES)], 0)
            else:
                os.pwrite(self._direct_fd, mmap.mmap(-1, BLOCK_BYTES), 0)
                os.ftruncate(self._fd, 0)
        except OSError as error:
            if error.errno in NO_ROOM:
                return      # the next request for space fails with a better message
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                raise InputOutputError(f"cannot write {self.path}: {error.strerror}", _ELSEWHERE) from error
            if self.direct:
                os.close(self._direct_fd)
                self._direct_fd = -1
            note(f"{self.directory} refuses O_DIRECT: its data goes through the page cache")

    def sync(self) -> None:
        """Return when all that was written is on the disk; a failure is final, the data must not be trusted."""
        if self._lost is not None:
            raise self._lost
        try:
            if failpoints.ACTIVE:
                failpoints.hit("lane.sync", self.path)
            os.fdatasync(self._fd)
        except OSError as error:
            # Never asked again: the kernel reports a lost page once, and success from then on.
            self._lost = ScratchError(f"cannot write {self.path}: {error.strerror}", _DISK, error)
            raise self._lost from error

    @property
    def in_memory(self) -> bool:
        """Whether the file takes up memory of this machine."""
        return is_in_memory(self._fd)

    @property
    def direct(self) -> bool:
        """Whether requests go past the page cache."""
        return self._direct_fd >= 0

    def close(self, delete: bool = True) -> list[str]:
        """End the threads, close, and with `delete` remove both files; returns what could not be removed, and why.

        Tasks still waiting fail.
        """
        self._closing = True
        for _ in self._threads:     # twice as many as the threads of a queue, which does no harm
            self._reads.put(None)
            self._writes.put(None)
        for thread in self._threads:
            thread.join()
        left = []
        for fd, name in ((self._direct_fd, None), (self._fd, DATA_NAME)):
            if fd < 0:
                continue
            if delete and name:
                try:
                    os.unlink(os.path.join(self.directory, name))
                except FileNotFoundError:
                    pass
                except OSError as error:
                    left.append(f"cannot remove {os.path.join(self.directory, name)}: {error.strerror}")
            os.close(fd)
        self._direct_fd = self._fd = -1
        # The lock goes last: until then no other process may take the directory.
        return left + self._lock.release(delete)

    # --- space -------------------------------------------------------------------------

    def free_bytes(self) -> int:
        """Bytes that the disk, or the memory, has free for this process."""
        disk = os.fstatvfs(self._fd)
        free = disk.f_bavail * disk.f_frsize
        return min(free, available_memory_bytes()) if self.in_memory else free

    def resize(self, size_bytes: int) -> None:
        """Reserve the disk blocks of a longer file, or give back those of a shorter one.

        Raises DiskFull when the disk has not so many, InputOutputError when the system refuses otherwise.
        """
        before = self.allocated_bytes
        try:
            if size_bytes > before:
                if failpoints.ACTIVE:
                    failpoints.hit("lane.reserve", self.path)
                os.posix_fallocate(self._fd, before, size_bytes - before)
            else:
                os.ftruncate(self._fd, size_bytes)
        except OSError as error:
            with contextlib.suppress(OSError):      # gives back what was reserved before it failed
                os.ftruncate(self._fd, before)
            what = f"cannot resize {self.path} to {format_bytes(size_bytes)} ({size_bytes} bytes)"
            if error.errno not in NO_ROOM:
                #: The system refuses the file its size: *File too large* is the limit of the file system (FAT: 4 GiB)
                #: or of `ulimit -f`.
                raise InputOutputError(f"{what}: {error.strerror}", _ELSEWHERE, error) from error
            free = before + self.free_bytes()
            #: Something else has taken the room since the plan was made. Make room, or name one more disk with
            #: `--swap`.
            raise DiskFull(f"{what}: {error.strerror}, it could have {format_bytes(free)} ({free} bytes)") from error
        self.allocated_bytes = size_bytes

    # --- moving bytes ------------------------------------------------------------------

    def submit_read(self, transfer: Transfer, task: Callable[[], None]) -> None:
        """Have a reading thread perform one task of `transfer`."""
        self._reads.put((transfer, task))

    def submit_write(self, transfer: Transfer, task: Callable[[], None]) -> None:
        """Have a writing thread perform one task of `transfer`."""
        self._writes.put((transfer, task))

    def read(self, offset: int, views: list[memoryview]) -> None:
        """Fill `views`, one after another, from `offset` of the file; safe from several threads at once.

        Raises InputOutputError, which names file and offset.
        """
        self._move(self._preadv, "read", offset, views)

    def write(self, offset: int, views: list[memoryview]) -> None:
        """Write `views`, one after another, at `offset` of the file; otherwise like `read`."""
        self._move(self._pwritev, "write", offset, views)

    def _move(self, call: Callable, verb: str, offset: int, views: list[memoryview]) -> None:
        start = offset
        while views:
            if self._closing:
                #: The run was ending because of another error, or of Ctrl-C twice. Run the same command again.
                raise InputOutputError(f"{self.path} was closed during a {verb}", "run the same command again")
            try:
                count = call(views[:_MOST_VIEWS], offset)
            except OSError as error:
                #: *No space left*, *Disk quota exceeded* (exit code 4): others have filled the disk, and its file
                #: system does not hold what was reserved. Else a sector or the whole disk is failing, or a cable: see
                #: `dmesg` and `smartctl`. Then `bigconst resume`.
                raise ScratchError(f"cannot {verb} {self.path} at offset {offset}: {error.strerror}", _DISK,
                                   error) from error
            if not count:
                #: Another program has cut the scratch file: let nothing else touch it. Then the run goes on from
                #: `--checkpoint`, if it had one.
                raise InputOutputError(f"cannot {verb} {self.path} at offset {offset}: the file ends there",
                                       "let nothing else touch it")
            offset += count
            views = rest_of(views, count)
        if not self.direct:
            # Sends written pages to the disk now, and discards read ones: the computation needs the memory.
            os.posix_fadvise(self._fd, start, offset - start, os.POSIX_FADV_DONTNEED)

    def _preadv(self, views: list[memoryview], offset: int) -> int:
        """Make one system call; returns the number of bytes read, 0 at the end of the file."""
        count = self._call(failpoints.read, "lane.read", os.preadv, views, offset)
        with self._counting:
            self.read_bytes += count
        return count

    def _pwritev(self, views: list[memoryview], offset: int) -> int:
        """Make one system call; returns the number of bytes written."""
        count = self._call(failpoints.write, "lane.write", os.pwritev, views, offset)
        with self._counting:
            self.written_bytes += count
        return count

    def _call(self, failing: Callable, name: str, call: Callable, views: list[memoryview], offset: int) -> int:
        fd = self._direct_fd if self.direct else self._fd
        if failpoints.ACTIVE and not self._measuring:
            unit = BLOCK_BYTES if self.direct else 1
            return failing(name, self.path, lambda views: call(fd, views, offset), views, unit)
        return call(fd, views, offset)

    # --- speed -------------------------------------------------------------------------

    def measure(self, size_bytes: int) -> tuple[float, float]:
        """Bytes/s read and written by all threads, in at most `size_bytes` at the start of the file.

        Overwrites and resizes it; the bytes are not counted in `read_bytes` and `written_bytes`.
        """
        self._measuring = True      # the number of calls differs every time, so failpoints do not count them
        try:
            return self._measure(max(BLOCK_BYTES, min(size_bytes, _MEASURED_BYTES) // BLOCK_BYTES * BLOCK_BYTES))
        finally:
            self._measuring = False

    def _measure(self, size_bytes: int) -> tuple[float, float]:
        self.resize(size_bytes)
        data = mmap.mmap(-1, min(size_bytes, _MEASURED_REQUEST_BYTES))
        data[:] = os.urandom(len(data))     # some disks compress
        offsets: Sequence[int] = range(0, size_bytes - len(data) + 1, len(data))
        # The first sweep is not counted: it meets blocks never written, a sleeping disk and cold code.
        offsets, _ = self._sweep(self.submit_write, self.write, offsets, data)
        offsets, written = self._sweep(self.submit_write, self.write, offsets, data)
        offsets, read = self._sweep(self.submit_read, self.read, offsets, data)
        self.read_bytes = self.written_bytes = 0
        return read, written

    def _sweep(self, submit: Callable, call: Callable, offsets: Sequence[int],
               data: mmap.mmap) -> tuple[list[int], float]:
        """Move `data` at as many of `offsets` as there is time for; returns these offsets, and bytes/s."""
        view = memoryview(data)
        start = time.perf_counter()
        done: list[int] = []

        def task(offset: int) -> None:
            if not done or time.perf_counter() < start + _MEASURED_S:
                call(offset, [view])
                done.append(offset)

        transfer = Transfer(len(offsets))
        for offset in offsets:
            submit(transfer, partial(task, offset))
        transfer.wait()
        return sorted(done), len(done) * len(data) / (time.perf_counter() - start)


def _work(queue: SimpleQueue) -> None:
    """Main function of a lane's thread: perform tasks until there is a None in the queue."""
    while (item := queue.get()) is not None:
        transfer, task = item
        transfer.perform(task)
        # These names would otherwise keep the buffers of the last task alive.
        item = transfer = task = None


def rest_of(views: list[memoryview], count: int) -> list[memoryview]:
    """The views that are left of `views` after their first `count` bytes."""
    for i, view in enumerate(views):
        if count < len(view):
            return [view[count:], *views[i + 1:]]
        count -= len(view)
    return []
