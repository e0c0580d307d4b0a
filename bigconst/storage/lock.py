"""Locks that one process at a time holds, each on a file that is there for this purpose alone."""

import contextlib
import fcntl
import os

from bigconst.base.errors import InputOutputError, InUse, ScratchError

LOCK_NAME = "bigconst.lock"


class FileLock:
    """A lock on the file `path`, held until `release` or the end of the process.

    As a context manager it removes the file at the end.  Where another process holds the lock, `wait` waits for it;
    otherwise InUse says that `what` is in use, with `remedy`.  Raises InputOutputError where there can be no lock.
    """

    _scratch = False

    def __init__(self, path: str, what: str, remedy: str, *, wait: bool = False):
        self._path = path
        self._fd = self.device = -1
        while self._fd < 0:
            try:
                fd = _open(path)
            except OSError as error:
                #: The lock of the directory cannot be made; the system says why behind the colon. The directory has to
                #: be there and writable.
                raise (ScratchError if self._scratch else InputOutputError)(
                    f"cannot use {os.path.dirname(path)}: {error.strerror}",
                    "name a directory that is there and writable", error) from error
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                # Its owner may have removed the file between open and flock: then the lock is worth nothing.
                with contextlib.suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(fd), os.stat(path)):
                        with contextlib.suppress(OSError):      # the lock holds without a process id on a full disk
                            os.ftruncate(fd, 0)
                            os.write(fd, f"{os.getpid()}\n".encode())
                        self._fd, self.device = fd, os.fstat(fd).st_dev
            except BlockingIOError as error:
                pid = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
                #: That process runs in this directory (`ps -p` shows it): wait for it, or use another one. A process
                #: that was killed leaves no lock.
                raise InUse(f"{what} is in use by process {pid}", f"wait for it to end, or {remedy}",
                            process=pid) from error
            except OSError as error:
                #: The file system knows no locks (some network ones do not). Use a local disk.
                raise InputOutputError(f"cannot lock {path}: {error.strerror}", remedy) from error
            finally:
                if self._fd < 0:
                    os.close(fd)

    def release(self, delete: bool = False) -> list[str]:
        """Give the lock back, and with `delete` remove its file; returns a line if that fails."""
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


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except PermissionError:
        # That of another user, in a directory that several share, can be waited for and held as well.
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        raise


class DirectoryLock(FileLock):
    """The lock of a directory that one process at a time uses: a lane of the scratch, or a place for levels."""

    _scratch = True

    def __init__(self, directory: str):
        super().__init__(os.path.join(directory, LOCK_NAME), directory,
                         "choose another directory (--swap, --checkpoint)")


def is_locked(directory: str) -> bool:
    """Whether a process uses the directory; changes nothing."""
    return holder(os.path.join(directory, LOCK_NAME)) is not None


def holder(path: str) -> str | None:
    """The id of the process that holds the lock on a file, "unknown" where it could not write it; None where none does.

    Nothing is changed.
    """
    with contextlib.suppress(OSError), open(path) as file:      # one that cannot be read says nothing
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return file.read(32).strip() or "unknown"
    return None
