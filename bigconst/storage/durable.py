"""Files that a power cut leaves whole: they are replaced under their name, or made longer by a line.

Data is written, brought to the disk by fsync, and only then named.  A failed fsync is never tried again: the kernel may
have discarded the data, and would report success.

A file that is replaced stays what it was to others: a symbolic link to it is followed, and the new file has its owner,
group, mode, access control list and other extended attributes.
"""

import contextlib
import errno
import os
import stat
from typing import NamedTuple

from bigconst.base import failpoints
from bigconst.base.errors import InputOutputError, ScratchError

BAD = ".bad"
"""Suffix to the name of a file that was found damaged or wrong."""

NEW = ".new"
"""Suffix to the name of a file that is being written."""

_DESCRIPTORS = "/proc/self/fd"
_ACCESS = "system.posix_acl_access"
_OF_CONTENT = ("security.ima", "security.evm", "security.capability")
"""Extended attributes that vouch for the content of a file; a new content does not take them over."""


class WriteFailpoints(NamedTuple):
    """Names of the failpoints of a file: those of its writes, its fsyncs, and its renames where there are any."""

    write: str
    sync: str
    rename: str = ""


NO_FAILPOINTS = WriteFailpoints("", "")
"""for files on which no result depends"""


class NewFile:
    """A file that is written under a name of its own and then takes the place of `path`, which need not be there.

    `part` makes of the name of the file the one under which it is written, in the same directory, like "{}.new"; with
    `unnamed` it has that name only at the end, where the system can do that, and a kill before leaves nothing.  `mode`
    is for a file that replaces none, and the umask applies.  All methods raise OSError.
    """

    def __init__(self, path: str | os.PathLike, part: str, places: WriteFailpoints, *, unnamed: bool = False,
                 mode: int = 0o666):
        self.path = os.path.realpath(path)
        """the file to replace, links followed: a rename over a link would replace the link"""
        directory, name = os.path.split(self.path)
        # Not longer than the system allows: a file without a name would otherwise meet that at the end.
        room = os.pathconf(directory, "PC_NAME_MAX") - len(part.format(""))
        self.part = os.path.join(directory, part.format(os.fsencode(name)[:room].decode(errors="ignore")))
        self._places = places
        self._named = False
        if _is_replaceable(path, self.path):
            mode = 0o600        # what was private stays private: `take_over` gives the mode
        self._fd = self._open_unnamed(mode) if unnamed else -1
        if self._fd < 0:
            try:
                self._create(mode)
            except FileExistsError:     # left by a process that was killed
                os.unlink(self.part)
                self._create(mode)

    def _open_unnamed(self, mode: int) -> int:
        """The descriptor of a file without a name; -1 where there is none, or where it could not be named later."""
        try:
            fd = os.open(os.path.dirname(self.path), os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, mode)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT):
                raise
            return -1
        if os.path.exists(f"{_DESCRIPTORS}/{fd}"):
            return fd
        os.close(fd)        # without /proc, as in some containers
        return -1

    def _create(self, mode: int) -> None:
        self._fd = os.open(self.part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        self._named = True

    def open_again(self, flags: int) -> int:
        """A second descriptor of the file."""
        return os.open(self.part if self._named else f"{_DESCRIPTORS}/{self._fd}", flags | os.O_CLOEXEC)

    def write(self, data: bytes) -> None:
        """Append to the file."""
        _write(self._fd, data, self.path, self._places)

    def take_over(self) -> None:
        """Give the file the owner, mode and attributes of the one that it replaces."""
        _take_over(self.path, self._fd)

    def sync(self) -> None:
        """Make the content and the attributes durable."""
        _sync(self._fd, self.path, self._places)

    def name(self) -> None:
        """Give a file without a name the name `part`."""
        if not self._named:
            # Only if it is given a directory does Python ask the system to follow the link.
            descriptors = os.open(_DESCRIPTORS, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.link(str(self._fd), self.part, src_dir_fd=descriptors, follow_symlinks=True)
            finally:
                os.close(descriptors)
            self._named = True

    def replace(self) -> None:
        """Take the place of the file; from now on `discard` removes nothing."""
        _rename(self.part, self.path, self._places)
        self._named = False

    def sync_directory(self) -> None:
        """Make the new name durable."""
        _sync_directory(os.path.dirname(self.path), self._places)

    def close(self) -> None:
        """Close the file; it may be called twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def discard(self) -> None:
        """Close the file, and remove it unless it has taken its place; what cannot be removed stays."""
        self.close()
        if self._named:
            self._named = False
            with contextlib.suppress(OSError):      # after an error, which says more
                os.unlink(self.part)


def _is_replaceable(path: str | os.PathLike, real: str) -> bool:
    """Whether there is a file to replace; raises OSError where there is one that we may not write.

    A rename needs no right to the file, only to its directory: who protects a file would not expect that.
    """
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(found.st_mode):
        number = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
        raise OSError(number, os.strerror(number))
    # Immutable files refuse this as well, and links that the system does not follow for us in a directory like /tmp.
    os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    directory = os.stat(os.path.dirname(real))
    if directory.st_mode & stat.S_ISVTX and os.geteuid() not in (0, directory.st_uid, found.st_uid):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
    return True


def _take_over(path: str, fd: int) -> None:
    """Give a new file the owner, group, mode and extended attributes of the one at `path`, if there is one.

    What we may not give is left: a file of somebody else becomes ours.  Nobody gets a right that the old file did not
    give him: where the group cannot stay, ours has the rights of all others.
    """
    try:
        old = os.stat(path)
    except FileNotFoundError:
        return
    attributes: dict[str, bytes] = {}
    with contextlib.suppress(OSError):      # the file system has none
        attributes = {name: os.getxattr(path, name) for name in os.listxattr(path) if name not in _OF_CONTENT}
    mode = stat.S_IMODE(old.st_mode)
    try:
        os.fchown(fd, old.st_uid, old.st_gid)
    except OSError:
        mode &= 0o777       # set-user-ID would now mean another user
        try:
            os.fchown(fd, -1, old.st_gid)
        except OSError:
            mode = mode & 0o707 | (mode & 0o007) << 3
            attributes.pop(_ACCESS, None)
    with contextlib.suppress(OSError):      # the new file may have one from its directory
        os.removexattr(fd, _ACCESS)
    with contextlib.suppress(OSError):      # FAT knows one mode for all
        # With an access control list the bits of the group are its mask: they come with it.
        os.fchmod(fd, mode & ~0o070 if _ACCESS in attributes else mode)
    for name, value in attributes.items():
        with contextlib.suppress(OSError):
            os.setxattr(fd, name, value)


def replace_file(path: str, data: bytes, places: WriteFailpoints, remedy: str, *, older: str | None = None,
                 part: str = "{}" + NEW, mode: int = 0o666, durable: bool = True, scratch: bool = False) -> None:
    """Replace the content of `path` by `data`; what it held before stays under the name `older`, if that is given.

    A kill at any moment leaves the old or the new content whole; with `older`, the old one may then be there under
    that name alone.  `part` and `mode` are those of NewFile.  Without `durable`, a power cut may leave none.
    Raises InputOutputError, with `remedy`, and leaves no temporary file; ScratchError for a file of the `scratch`.
    """
    file = None
    try:
        file = NewFile(path, part, places, mode=mode)
        file.write(data)
        file.take_over()
        if durable:
            file.sync()
        if older is not None:
            with contextlib.suppress(FileNotFoundError):
                _rename(file.path, older, places)
        file.replace()
        if durable:
            file.sync_directory()
    except OSError as error:
        raise (ScratchError if scratch else InputOutputError)(f"cannot write {path}: {error.strerror}", remedy,
                                                              error) from error
    finally:
        if file is not None:
            file.discard()


def append_line(path: str, line: str, places: WriteFailpoints, remedy: str) -> None:
    """Append a line to a file, which is created if need be.  Raises InputOutputError with `remedy`."""
    try:
        with open(path, "ab+", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - 1))
            # A line that an earlier write left unfinished must not run into this one.
            data = (b"\n" if end and file.read(1) != b"\n" else b"") + line.encode() + b"\n"
            _write(file.fileno(), data, path, places)
            _sync(file.fileno(), path, places)
        _sync_directory(os.path.dirname(os.path.realpath(path)), places)
    except OSError as error:
        raise InputOutputError(f"cannot write {path}: {error.strerror}", remedy, error) from error


def sync_directory(directory: str) -> None:
    """Make the renames in a directory durable."""
    fd = os.open(directory or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _sync_directory(directory: str, places: WriteFailpoints) -> None:
    if failpoints.ACTIVE:
        failpoints.hit(places.sync, directory)
    sync_directory(directory)


def _write(fd: int, data: bytes, path: str, places: WriteFailpoints) -> None:
    view = memoryview(data)
    while view:
        if failpoints.ACTIVE:
            count = failpoints.write(places.write, path, lambda views: os.write(fd, views[0]), [view])
        else:
            count = os.write(fd, view)
        view = view[count:]


def _sync(fd: int, path: str, places: WriteFailpoints) -> None:
    if failpoints.ACTIVE:
        failpoints.hit(places.sync, path)
    os.fsync(fd)


def _rename(source: str, target: str, places: WriteFailpoints) -> None:
    if failpoints.ACTIVE:
        failpoints.hit(places.rename, target)
    os.replace(source, target)
