"""A directory in which a run stores finished levels: --checkpoint, or the scratch directory of a run in memory."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from bigconst.base.errors import InputOutputError
from bigconst.base.screen import note
from bigconst.runtime.levelstore import Arrays, LevelStore, StoredLevel
from bigconst.storage.lock import DirectoryLock
from bigconst.storage.manifest import read_manifest, remove_manifest, write_manifest

_SCRATCH_FIELDS = ("layout", "journal", "generation", "done")
"""Fields of a manifest that make no sense apart from the scratch."""


@contextlib.contextmanager
def _forgiven() -> Iterator[None]:
    """Report a level that cannot be saved, and let the run continue."""
    try:
        yield
    except InputOutputError as error:
        note(f"a finished level is not saved: {error}")


class ForgivingLevelStore(LevelStore):
    """A level store that reports a failure to save on stderr and does not raise it."""

    def save(self, name: str, fields: dict, arrays: Arrays, pieces: Iterable[Arrays]) -> None:
        """Store a number, or print on stderr why that is not possible."""
        with _forgiven():
            super().save(name, fields, arrays, pieces)


class LevelDirectory(LevelStore):
    """A locked level store with the manifest of its run.

    A --checkpoint directory (`outside`) is locked and marked at once, the scratch directory of a run in memory when the
    first level is saved.  `finish` removes everything; when the `with` block is left without it, a level from which a
    run can be resumed stays there.
    """

    def __init__(self, directory: str, outside: bool, manifest: dict, is_resumed: bool = False):
        """`is_resumed` says that the levels there belong to the run.  Raises InputOutputError."""
        super().__init__(directory, outside)
        self.is_used = is_resumed
        """whether the directory holds something that a run can resume from"""
        self.on_saved: Callable[[], None] = lambda: None
        """called when a level is durable"""
        self._manifest = {name: value for name, value in manifest.items() if name not in _SCRATCH_FIELDS}
        if manifest["lanes"]:
            self._manifest["copy"] = True
        self._lock: DirectoryLock | None = None
        if outside or is_resumed:
            self._begin()

    def _begin(self) -> None:
        """Lock the directory, and write the manifest of the run into it."""
        if self._lock is not None:
            return
        lock = DirectoryLock(self.directory)
        try:
            there = read_manifest(self.directory)
            if self.is_used:
                self._manifest["saved"] = (there or {}).get("saved")
            elif there is not None:
                #: Two runs were given one `--checkpoint` directory. Give each its own.
                raise InputOutputError(f"{self.directory} now holds another run",
                                       "choose another directory with --checkpoint")
            else:
                self.remove()       # files that a run left which was killed while it removed them
            write_manifest(self.directory, self._manifest)
        except BaseException:
            lock.release(delete=True)
            raise
        self._lock = lock

    def save(self, name: str, fields: dict, arrays: Arrays, pieces: Iterable[Arrays]) -> None:
        """Store a number, or print on stderr why that is not possible."""
        with _forgiven():
            self._begin()
            super().save(name, fields, arrays, pieces)
            self.is_used = True
            self.update(saved={"name": name, "time": datetime.now().astimezone().isoformat(timespec="seconds")})
            self.on_saved()

    def newest(self) -> StoredLevel | None:
        """The newest level of this run; another run's levels are removed when the first one of this run is saved."""
        return super().newest() if self.is_used else None

    def update(self, **fields: object) -> None:
        """Change fields of the manifest."""
        self._manifest |= fields
        if self._lock is not None:
            write_manifest(self.directory, self._manifest)

    @property
    def written_manifests(self) -> list[tuple[str, dict]]:
        """(directory, manifest as it should be read back); empty where nothing is written yet."""
        return [(self.directory, self._manifest)] if self._lock is not None else []

    def finish(self) -> None:
        """Remove everything."""
        if self._lock is not None:
            self.remove()
            remove_manifest(self.directory)
            self._lock.release(delete=True)
            self._lock = None

    def __enter__(self) -> "LevelDirectory":
        return self

    def __exit__(self, *_exception) -> None:
        if not self.is_used:
            self.finish()
        elif self._lock is not None:
            self._lock.release(delete=True)
            self._lock = None
