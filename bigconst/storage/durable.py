"""Small files that a power cut leaves whole: they are replaced under their name, or made longer by a line.

Data is written, brought to the disk by fsync, and only then named.  A failed fsync is never tried again: the kernel may
have discarded the data, and would report success.
"""

import contextlib
import os
from typing import NamedTuple

from bigconst.base import failpoints
from bigconst.base.errors import InputOutputError

BAD = ".bad"
"""Suffix to the name of a file that was found damaged or wrong."""

NEW = ".new"
"""Suffix to the name of a file that is being written."""


class WriteFailpoints(NamedTuple):
    """Names of the failpoints of a file: those of its writes, its fsyncs, and its renames where there are any."""

    write: str
    sync: str
    rename: str = ""


def replace_file(path: str, data: bytes, places: WriteFailpoints, remedy: str, *, older: str | None = None,
                 mode: int | None = None) -> None:
    """Replace the content of `path` by `data`; what it held before stays under the name `older`, if that is given.

    A kill at any moment leaves the old or the new content whole; with `older`, the old one may then be there under
    that name alone.  `mode` is the permission bits of the file.
    Raises InputOutputError, with `remedy`, and leaves no temporary file.
    """
    temporary = path + NEW
    try:
        with open(temporary, "wb", buffering=0) as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            _write(file, data, path, places)
            _sync(file.fileno(), path, places)
        if older is not None:
            with contextlib.suppress(FileNotFoundError):
                _rename(path, older, places)
        _rename(temporary, path, places)
        _sync_directory(os.path.dirname(path), places)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise InputOutputError(f"cannot write {path}: {error.strerror}", remedy) from error


def append_line(path: str, line: str, places: WriteFailpoints, remedy: str) -> None:
    """Append a line to a file, which is created if need be.  Raises InputOutputError with `remedy`."""
    try:
        with open(path, "ab+", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - 1))
            # A line that an earlier write left unfinished must not run into this one.
            _write(file, (b"\n" if end and file.read(1) != b"\n" else b"") + line.encode() + b"\n", path, places)
            _sync(file.fileno(), path, places)
        _sync_directory(os.path.dirname(path), places)
    except OSError as error:
        raise InputOutputError(f"cannot write {path}: {error.strerror}", remedy) from error


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


def _write(file, data: bytes, path: str, places: WriteFailpoints) -> None:
    view = memoryview(data)
    while view:
        if failpoints.ACTIVE:
            count = failpoints.write(places.write, path, lambda views: file.write(views[0]), [view])
        else:
            count = file.write(view)
        view = view[count:]


def _sync(fd: int, path: str, places: WriteFailpoints) -> None:
    if failpoints.ACTIVE:
        failpoints.hit(places.sync, path)
    os.fsync(fd)


def _rename(source: str, target: str, places: WriteFailpoints) -> None:
    if failpoints.ACTIVE:
        failpoints.hit(places.rename, target)
    os.replace(source, target)
