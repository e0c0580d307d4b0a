"""Finished numbers of a run as files in a directory, whole or not there.

    bigconst.level.N    a record with the name of the number and what is known of it, a record for each piece of
                        it, a record that counts the pieces

The two newest stay: one that a disk has damaged costs what was computed since the one before.
What numbers and pieces are is not known here.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator

import numpy as np

from bigconst.base.errors import InputOutputError
from bigconst.storage.durable import sync_directory
from bigconst.storage.journal import Journal, read_journal

LEVEL_NAME = "bigconst.level"
KEPT = 2
"""Files that stay when there is a newer one."""

Arrays = dict[str, np.ndarray]


class LevelStore:
    """Finished numbers of a run as files in a directory: the newest two are kept.

    `outside` says that the directory lies apart from the scratch, so that copies of what is there are worth while;
    in a scratch directory only what is in memory is kept.
    """

    def __init__(self, directory: str, outside: bool):
        self.directory, self.outside = directory, outside
        self._whole: dict[str, tuple[dict, Arrays]] = {}
        """first records of files that were read to their end: that takes long, and it is asked for more than once"""

    def save(self, name: str, fields: dict, arrays: Arrays, pieces: Iterable[Arrays]) -> None:
        """Keep a number that comes piece by piece; it is safe on return.  Raises InputOutputError."""
        number = 1 + max((found for found, _ in self._files()), default=-1)
        path = self._path(number)
        temporary = path + ".new"
        try:
            self._write(temporary, {"name": name, **fields}, arrays, pieces)
            os.replace(temporary, path)
            sync_directory(self.directory)
            for _, old in self._files()[KEPT:]:
                os.unlink(old)
        except OSError as error:
            raise InputOutputError(f"cannot write {path}: {error.strerror}",
                                   "see that its disk is there and has room") from error
        finally:
            with contextlib.suppress(OSError):
                os.unlink(temporary)

    @staticmethod
    def _write(path: str, fields: dict, arrays: Arrays, pieces: Iterable[Arrays]) -> None:
        journal = Journal(path)
        try:
            journal.append(fields, arrays)
            count = 0
            for piece in pieces:
                journal.append({"piece": count}, piece)
                count += 1
            journal.append({"pieces": count}, {})
            journal.sync()
        finally:
            journal.close()

    def newest(self) -> tuple[dict, Arrays, Iterator[Arrays]] | None:
        """Fields (with "name"), arrays and pieces of the newest number whose file is whole; others become .bad.

        The whole file is read for that the first time, and once more as the pieces are taken.
        """
        for _, path in self._files():
            head = self._whole.get(path) or _head(path)
            if head is not None:
                self._whole = {path: head}
                return *head, _pieces(path)
            _set_aside(path)
        return None

    def reject(self) -> None:
        """The newest number turned out to be wrong: its file becomes .bad."""
        for _, path in self._files()[:1]:
            self._whole.pop(path, None)
            _set_aside(path)

    def remove(self) -> None:
        """All files, the bad ones, too."""
        for name in os.listdir(self.directory):
            if name.startswith(LEVEL_NAME + "."):
                os.unlink(os.path.join(self.directory, name))

    def _path(self, number: int) -> str:
        return os.path.join(self.directory, f"{LEVEL_NAME}.{number}")

    def _files(self) -> list[tuple[int, str]]:
        """(number, path), the newest first."""
        ends = (name.removeprefix(LEVEL_NAME + ".") for name in os.listdir(self.directory))
        return sorted(((int(end), self._path(int(end))) for end in ends if end.isdecimal()), reverse=True)


def _head(path: str) -> tuple[dict, Arrays] | None:
    """The first record of a file that is whole."""
    head, count, end = None, 0, 0
    try:
        for (fields, arrays), end in read_journal(path):
            if head is None:
                head = fields, arrays
            elif "pieces" in fields:
                return head if fields["pieces"] == count and end == os.path.getsize(path) else None
            else:
                count += 1
    except InputOutputError:        # a disk that cannot read it
        pass
    return None


def _pieces(path: str) -> Iterator[Arrays]:
    for index, ((fields, arrays), _) in enumerate(read_journal(path)):
        if "pieces" in fields:
            return
        if index:
            yield arrays
    raise InputOutputError(f"{path} was whole and is not any more", "test its disk, then resume")


def _set_aside(path: str) -> None:
    with contextlib.suppress(OSError):
        os.replace(path, path + ".bad")
