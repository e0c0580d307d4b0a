"""A directory where a run keeps finished levels as files: --checkpoint, or the scratch that a run in memory has."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from datetime import datetime

from bigconst.base.errors import InputOutputError
from bigconst.runtime.levelstore import LevelStore
from bigconst.storage.lock import DirectoryLock
from bigconst.storage.manifest import read_manifest, remove_manifest, write_manifest

_SCRATCH_FIELDS = ("layout", "journal", "generation", "done")
"""Fields of a manifest that make no sense apart from the scratch."""


@contextlib.contextmanager
def _forgiven() -> Iterator[None]:
    """A level that cannot be saved costs a run nothing but that."""
    try:
        yield
    except InputOutputError as error:
        print(f"a finished level is not saved: {error}", file=sys.stderr, flush=True)


class Levels(LevelStore):
    """A store whose failures are said on stderr, and nothing more."""

    def save(self, name: str, fields: dict, arrays: dict, pieces) -> None:
        """Keep a number, if that is possible."""
        with _forgiven():
            super().save(name, fields, arrays, pieces)


class Depot(LevelStore):
    """A directory for finished levels, with the manifest of their run, and locked.

    A --checkpoint directory (`outside`) is taken at once, a scratch directory that a run in memory may use
    with the first level that is saved.  `finish` removes all; leaving the `with` block in any other way keeps it if
    there is something to go on from.
    """

    def __init__(self, directory: str, outside: bool, fields: dict, kept: bool = False):
        """`kept` says that what is there belongs to the run.  Raises InputOutputError."""
        super().__init__(directory, outside)
        self.kept = kept
        self.on_saved: Callable[[], None] = lambda: None
        """called when a level is safe"""
        self._fields = {name: value for name, value in fields.items() if name not in _SCRATCH_FIELDS}
        if fields["lanes"]:
            self._fields["copy"] = True
        self._lock: DirectoryLock | None = None
        if outside or kept:
            self._begin()

    def _begin(self) -> None:
        """Take the directory, and say whose it is."""
        if self._lock is not None:
            return
        lock = DirectoryLock(self.directory)
        try:
            there = read_manifest(self.directory)
            if self.kept:
                self._fields["saved"] = (there or {}).get("saved")
            elif there is not None:
                raise InputOutputError(f"{self.directory} has come to hold another run",
                                       "choose another directory with --checkpoint")
            else:
                self.remove()       # what is left of a run that ended in its very last moment
            write_manifest(self.directory, self._fields)
        except BaseException:
            lock.release(delete=True)
            raise
        self._lock = lock

    def save(self, name: str, fields: dict, arrays: dict, pieces) -> None:
        """Keep a number, if that is possible."""
        with _forgiven():
            self._begin()
            super().save(name, fields, arrays, pieces)
            self.kept = True
            self.update(saved={"name": name, "time": datetime.now().astimezone().isoformat(timespec="seconds")})
            self.on_saved()

    def newest(self):
        """As in any store; what is there and not of this run will be removed with the first level that is saved."""
        return super().newest() if self.kept else None

    def update(self, **fields) -> None:
        """Change fields of the manifest."""
        self._fields |= fields
        if self._lock is not None:
            write_manifest(self.directory, self._fields)

    @property
    def copy(self) -> list[tuple[str, dict]]:
        """The manifest as it should be: (directory, fields), none where nothing is written yet."""
        return [(self.directory, self._fields)] if self._lock is not None else []

    def finish(self) -> None:
        """Remove everything."""
        if self._lock is not None:
            self.remove()
            remove_manifest(self.directory)
            self._lock.release(delete=True)
            self._lock = None

    def __enter__(self) -> "Depot":
        return self

    def __exit__(self, *_exception) -> None:
        if not self.kept:
            self.finish()
        elif self._lock is not None:
            self._lock.release(delete=True)
            self._lock = None
