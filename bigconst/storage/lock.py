"""Locks that one process at a time holds: on a file of its own, which goes with the process that held it."""

import contextlib
import fcntl
import os

from bigconst.base.errors import InputOutputError

LOCK_NAME = "bigconst.lock"


class FileLock:
    """Held until `release`, or to the end of the process; as a context manager the file goes with it.

    `what` it is a lock of is in use by another process, says InputOutputError then, with `remedy`; unless `wait`.
    """

    def __init__(self, path: str, what: str, remedy: str, *, wait: bool = False):
        self._path = path
        self._fd = self.device = -1
        while self._fd < 0:
            try:
                fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
            except OSError as error:
                raise InputOutputError(f"cannot use {os.path.dirname(path)}: {error.strerror}",
                                       "name a directory that is there and writable") from error
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                # Its owner may have removed the file between open and flock: then the lock is worth nothing.
                with contextlib.suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(fd), os.stat(path)):
                        os.ftruncate(fd, 0)
                        with contextlib.suppress(OSError):      # a full disk is a matter for the caller
                            os.write(fd, f"{os.getpid()}\n".encode())
                        self._fd, self.device = fd, os.fstat(fd).st_dev
            except BlockingIOError as error:
                pid = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
                raise InputOutputError(f"{what} is in use by process {pid}",
                                       f"wait for it to end, or {remedy}") from error
            except OSError as error:
                raise InputOutputError(f"cannot lock {path}: {error.strerror}", remedy) from error
            finally:
                if self._fd < 0:
                    os.close(fd)

    def release(self, delete: bool = False) -> list[str]:
        """Give the lock back, and with `delete` remove its file; returns a line where that cannot be done."""
        left = []
        if delete and self._fd >= 0:
            try:
                os.unlink(self._path)
            except FileNotFoundError:
                pass
            except OSError as error:
                left.append(f"cannot remove {self._path}: {error.strerror}")
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
        return left

    def __enter__(self):
        return self

    def __exit__(self, *_exception) -> None:
        self.release(delete=True)


class DirectoryLock(FileLock):
    """Of a directory that one process uses: a lane of the scratch, or a place for levels."""

    def __init__(self, directory: str):
        super().__init__(os.path.join(directory, LOCK_NAME), directory,
                         "choose another directory (--swap, --checkpoint)")


def is_locked(directory: str) -> bool:
    """Whether a process uses the directory; changes nothing."""
    with contextlib.suppress(FileNotFoundError), open(os.path.join(directory, LOCK_NAME)) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
