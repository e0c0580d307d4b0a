"""The lock of a directory that one process uses: a lane of the scratch, or a place for levels."""

import contextlib
import fcntl
import os

from bigconst.errors import InputOutputError

LOCK_NAME = "bigconst.lock"


class DirectoryLock:
    """Held until `release`, or to the end of the process.  Raises InputOutputError when another process holds it."""

    def __init__(self, directory: str):
        self._path = os.path.join(directory, LOCK_NAME)
        self._fd = self.device = -1
        while self._fd < 0:
            try:
                fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
            except OSError as error:
                raise InputOutputError(f"cannot use {directory}: {error.strerror}",
                                       "name a directory that is there and writable") from error
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Its owner may have removed the file between open and flock: then the lock is worth nothing.
                with contextlib.suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(fd), os.stat(self._path)):
                        os.ftruncate(fd, 0)
                        with contextlib.suppress(OSError):      # a full disk is a matter for the caller
                            os.write(fd, f"{os.getpid()}\n".encode())
                        self._fd, self.device = fd, os.fstat(fd).st_dev
            except BlockingIOError as error:
                pid = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
                raise InputOutputError(
                    f"{directory} is in use by process {pid}",
                    "wait for it to end, or choose another directory (--swap, --checkpoint)") from error
            except OSError as error:
                raise InputOutputError(f"cannot lock {self._path}: {error.strerror}",
                                       "choose another directory (--swap, --checkpoint)") from error
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


def is_locked(directory: str) -> bool:
    """Whether a process uses the directory; changes nothing."""
    with contextlib.suppress(FileNotFoundError), open(os.path.join(directory, LOCK_NAME)) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
