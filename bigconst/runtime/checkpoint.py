"""The manifest and the journal of one run in its first scratch directory."""

import contextlib
import os
from collections.abc import Callable

from bigconst.runtime.recorder import Recorder
from bigconst.storage.journal import Journal, Record, read_journal
from bigconst.storage.manifest import read_manifest, remove_manifest, write_manifest

JOURNAL_NAME = "bigconst.journal"


class Checkpoint:
    """`fields` is what the manifest says; `records` what the journal held when it was opened."""

    def __init__(self, directory: str, fields: dict, records: list[Record], journal: Journal):
        self.directory, self.fields, self.records = directory, fields, records
        self._journal = journal

    @classmethod
    def create(cls, directory: str, fields: dict) -> "Checkpoint":
        """A run that begins."""
        fields = {**fields, "journal": f"{JOURNAL_NAME}.0", "generation": 0}
        journal = Journal(os.path.join(directory, fields["journal"]))
        write_manifest(directory, fields)
        return cls(directory, fields, [], journal)

    @classmethod
    def load(cls, directory: str) -> "Checkpoint | None":
        """The run that a directory holds; None where there is none."""
        fields = read_manifest(directory)
        if fields is None:
            return None
        path = os.path.join(directory, fields["journal"])
        records, end = [], 0
        for record, end_ in read_journal(path):
            records.append(record)
            end = end_
        return cls(directory, fields, records, Journal(path, end))

    def recorder(self, sync: Callable[[], None]) -> Recorder:
        """For the run; `sync` makes its data safe."""
        return Recorder(self._journal, self.records, sync, self.rotate)

    def rotate(self, records: list[Record]) -> Journal:
        """A new journal that holds these records alone; the old one goes when both manifests name the new one."""
        old = self._journal
        generation = self.fields["generation"] + 1
        name = f"{JOURNAL_NAME}.{generation}"
        self._journal = Journal(os.path.join(self.directory, name))
        for fields, arrays in records:
            self._journal.append(fields, arrays)
        self._journal.sync()
        for _ in range(2):      # the older generation must not name a journal that is gone
            self.update(journal=name, generation=generation)
        old.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(old.path)
        return self._journal

    def update(self, **fields) -> None:
        """Change fields of the manifest."""
        self.fields = {**self.fields, **fields}
        write_manifest(self.directory, self.fields)

    def close(self) -> None:
        """Close the journal; everything stays."""
        self._journal.close()

    def remove(self) -> None:
        """The run is over: nothing of it stays."""
        self.close()
        remove_manifest(self.directory)
        for name in os.listdir(self.directory):
            if name.startswith(JOURNAL_NAME + "."):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(self.directory, name))
