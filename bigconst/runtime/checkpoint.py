"""The manifest and the journal of one run in its first scratch directory."""

import contextlib
import os
import threading
from collections.abc import Callable
from datetime import datetime

from bigconst.runtime.recorder import Recorder, supersede
from bigconst.storage.journal import Journal, Record, read_journal
from bigconst.storage.manifest import read_manifest, remove_manifest, write_manifest

JOURNAL_NAME = "bigconst.journal"

FAULTS_KEPT = 100
"""Number of newest faults that the manifest lists; older ones are only counted."""


class Checkpoint:
    """The state of a run on disk: `fields` of the manifest, and `records` that the journal held when it was opened."""

    def __init__(self, directory: str, fields: dict, records: list[Record], journal: Journal):
        self.directory, self.fields, self.records = directory, fields, records
        self._journal = journal
        self._updating = threading.Lock()       # several threads report faults

    @classmethod
    def create(cls, directory: str, fields: dict) -> "Checkpoint":
        """Begin the manifest and the journal of a new run.  Raises InputOutputError."""
        fields = {**fields, "journal": f"{JOURNAL_NAME}.0", "generation": 0}
        journal = Journal(os.path.join(directory, fields["journal"]))
        write_manifest(directory, fields)
        return cls(directory, fields, [], journal)

    @classmethod
    def load(cls, directory: str) -> "Checkpoint | None":
        """The checkpoint of the run that a directory holds; None where there is none.  Raises InputOutputError."""
        fields = read_manifest(directory)
        if fields is None:
            return None
        path = os.path.join(directory, fields["journal"])
        records, end = [], 0
        last: dict[str, Record] = {}
        for record, end_ in read_journal(path):
            key = record[0]["key"]
            if key in last:
                supersede(last[key], record)        # redo logs of weeks do not fit memory
            last[key] = record
            records.append(record)
            end = end_
        return cls(directory, fields, records, Journal(path, end))

    def recorder(self, sync: Callable[[], None], on_safe: Callable[[int], None] = lambda records: None) -> Recorder:
        """The recorder of the run; `sync` makes its data durable, `on_safe` receives the number of durable records."""
        return Recorder(self._journal, self.records, sync, self.rotate, on_safe)

    def rotate(self, records: list[Record]) -> Journal:
        """Begin a new journal with these records alone; the old one is removed once both manifests name the new one."""
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

    def append(self, fields: dict, arrays: dict) -> None:
        """Append a record to the journal; it is durable on return."""
        self._journal.append(fields, arrays)
        self._journal.sync()

    def update(self, **fields) -> None:
        """Change fields of the manifest."""
        with self._updating:
            self.fields = {**self.fields, **fields}
            write_manifest(self.directory, self.fields)

    @property
    def fault_counts(self) -> dict[str, int]:
        """Numbers of faults in all processes of the run, by kind."""
        return dict(self.fields.get("fault_counts", {}))

    def fault(self, kind: str, where: str, message: str) -> None:
        """List a fault in the manifest, and count it."""
        counts = self.fault_counts
        counts[kind] = counts.get(kind, 0) + 1
        time = datetime.now().astimezone().isoformat(timespec="seconds")
        fault = {"time": time, "kind": kind, "where": where, "message": message}
        self.update(faults=[*self.fields.get("faults", []), fault][-FAULTS_KEPT:], fault_counts=counts)

    def close(self) -> None:
        """Close the journal; all files stay."""
        self._journal.close()

    def remove(self) -> None:
        """Remove the manifest and all journals, since the run is over."""
        self.close()
        remove_manifest(self.directory)
        for name in os.listdir(self.directory):
            if name.startswith(JOURNAL_NAME + "."):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(self.directory, name))
