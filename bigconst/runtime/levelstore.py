"""Finished numbers of a run as files in a directory, each of which is whole or not there.

    bigconst.level.N    a record with the name of the number and what is known of it, a record for each piece of
                        it, a record that counts the pieces

The two newest files stay: if the disk has damaged one, only what was computed since the one before is lost.
What the numbers and pieces mean is not known here.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator

import numpy as np

from bigconst.base.errors import InputOutputError
from bigconst.storage.durable import BAD, sync_directory
from bigconst.storage.journal import Journal, read_journal

LEVEL_NAME = "bigconst.level"
KEPT = 2
"""Number of newest files that stay; older ones are removed."""

Arrays = dict[str, np.ndarray]

StoredLevel = tuple[dict, Arrays, Iterator[Arrays]]
"""fields (with "name"), arrays and pieces of a stored number"""


class LevelStore:
    """The files of finished numbers in a directory, of which the newest two stay.

    `outside` says that the directory lies apart from the scratch, so that copies of numbers on scratch are of use;
    in a scratch directory only numbers that are in memory are stored.
    """

    def __init__(self, directory: str, outside: bool):
        self.directory, self.outside = directory, outside
        self._whole: dict[str, tuple[dict, Arrays]] = {}
        """first records, by path, of files that were read to their end, which takes long and is asked for repeatedly"""

    def save(self, name: str, fields: dict, arrays: Arrays, pieces: Iterable[Arrays]) -> None:
        """Store a number that comes piece by piece; it is durable on return.  Raises InputOutputError."""
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

    def newest(self) -> StoredLevel | None:
        """Fields (with "name"), arrays and pieces of the newest number whose file is whole; None where there is none.

        Newer files, which are not whole, are renamed to .bad.  A file is read to its end for this check, once in a
        process, and again as its pieces are taken.
        """
        for _, path in self._files():
            head = self._whole.get(path) or _head(path)
            if head is not None:
                self._whole = {path: head}
                return *head, _pieces(path)
            _set_aside(path)
        return None

    def reject(self) -> None:
        """Rename the newest file to .bad, because its number turned out to be wrong."""
        for _, path in self._files()[:1]:
            self._whole.pop(path, None)
            _set_aside(path)

    def remove(self) -> None:
        """Remove all files, the bad ones, too."""
        for name in os.listdir(self.directory):
            if name.startswith(LEVEL_NAME + "."):
                os.unlink(os.path.join(self.directory, name))

    def _path(self, number: int) -> str:
        return os.path.join(self.directory, f"{LEVEL_NAME}.{number}")

    def _files(self) -> list[tuple[int, str]]:
        """(number, path) of all files that are not bad, the newest first."""
        ends = (name.removeprefix(LEVEL_NAME + ".") for name in os.listdir(self.directory))
        return sorted(((int(end), self._path(int(end))) for end in ends if end.isdecimal()), reverse=True)


def _head(path: str) -> tuple[dict, Arrays] | None:
    """The first record of a file; None if the file is not whole."""
    head, count, end = None, 0, 0
    try:
        for (fields, arrays), end in read_journal(path):
            if head is None:
                head = fields, arrays
            elif "pieces" in fields:
                return head if fields["pieces"] == count and end == os.path.getsize(path) else None
            else:
                count += 1
    except InputOutputError:        # the disk cannot read it
        pass
    return None


def _pieces(path: str) -> Iterator[Arrays]:
    for index, ((fields, arrays), _) in enumerate(read_journal(path)):
        if "pieces" in fields:
            return
        if index:
            yield arrays
    #: A finished level changed on its disk. Test that disk, then resume: the level before it is used.
    raise InputOutputError(f"{path} was complete and is now damaged", "test its disk, then resume")


def _set_aside(path: str) -> None:
    with contextlib.suppress(OSError):
        os.replace(path, path + BAD)
