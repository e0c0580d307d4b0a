"""What a run has finished, kept in a journal, and given back to a run that is resumed.

A run is a deterministic tree of steps with names.  A *step* is a pass over
units; each finished unit leaves a record, and a resumed run begins with the
first unit that has none.  A *fact* is a result that is not computed again.
Records are safe after `flush`, which first makes the data safe that they speak
of; a step says which of its records have to be (`durable`) before something is
written over.
"""

import time
from collections.abc import Callable

from bigconst.storage.journal import Journal, Record

LATEST = "latest"
"""Field of a record that names its arrays of which only the last ones of a step matter."""
PARTIAL = "partial"
"""Field of a record that lacks what the next one of its name has."""

FLUSH_S = 10.0
"""Longest time that finished units stay unrecorded, a unit's own time apart."""


def supersede(record: Record, later: Record) -> None:
    """Take from a record what a later one of the same step has."""
    names = later[0].get(LATEST, ())
    for name, array in list(record[1].items()):
        if name in names:
            del record[1][name]
        elif names and array.base is not None:
            record[1][name] = array.copy()      # a view would keep what was deleted


class Recorder:
    """Without a journal it keeps nothing and gives nothing back."""

    def __init__(self, journal: Journal | None = None, records: list[Record] | None = None,
                 sync: Callable[[], None] = lambda: None, rotate: Callable[[list[Record]], Journal] | None = None,
                 on_safe: Callable[[int], None] = lambda records: None):
        """`on_safe` hears how many records a flush has made safe."""
        self._journal, self._sync, self._rotate, self._on_safe = journal, sync, rotate, on_safe
        self._known: dict[str, list[Record]] = {}
        for fields, arrays in records or []:
            self._known.setdefault(fields["key"], []).append((fields, arrays))
        self._waiting: list[Record] = []
        self._flushed_s = time.perf_counter()
        self._uses: dict[str, int] = {}

    def step(self, key: str) -> "UnitLog":
        """The pass of this name; a name that comes again is another pass."""
        self._uses[key] = use = self._uses.get(key, 0) + 1
        name = f"{key} #{use}"
        return UnitLog(self, name, self._known.pop(name, []))

    def fact(self, key: str) -> Record | None:
        """What `note` kept under this name."""
        found = self._known.get(f"{key} !")
        return found[-1] if found else None

    def note(self, key: str, fields: dict, arrays: dict | None = None) -> None:
        """Keep a result, and make it and all before it safe."""
        self.append(f"{key} !", fields, arrays or {})
        self.flush()

    def restart(self, key: str, fields: dict, arrays: dict) -> None:
        """Keep a result, and forget all before it, which nobody needs any more; names count from here."""
        self._known.clear()
        self._uses.clear()
        if self._journal is not None:
            self.flush()
            self._sync()
            self._journal = self._rotate([({**fields, "key": f"{key} !"}, arrays)])

    def append(self, name: str, fields: dict, arrays: dict, latest: dict | None = None) -> None:
        """Keep a record with the next flush; of the `latest` arrays of records of one name, the last ones."""
        if self._journal is None:
            return
        record = {**fields, "key": name}, {**arrays, **(latest or {})}
        if latest:
            record[0][LATEST] = list(latest)
            if self._waiting and self._waiting[-1][0]["key"] == name:
                # Without them it is worth nothing unless the record that follows is safe, too.
                self._waiting[-1][0][PARTIAL] = True
                supersede(self._waiting[-1], record)
        self._waiting.append(record)

    @property
    def is_due(self) -> bool:
        """Whether records have waited long enough."""
        return bool(self._waiting) and time.perf_counter() - self._flushed_s > FLUSH_S

    def flush(self) -> None:
        """Make the data safe, then the records that speak of it."""
        if self._waiting:
            self._sync()
            for fields, arrays in self._waiting:
                self._journal.append(fields, arrays)
            self._journal.sync()
            count = len(self._waiting)
            self._waiting.clear()
            self._on_safe(count)
        self._flushed_s = time.perf_counter()


class UnitLog:
    """A pass over units, of which `done` are finished already."""

    def __init__(self, recorder: Recorder, name: str, records: list[Record]):
        while records and PARTIAL in records[-1][0]:
            records = records[:-1]
        self._recorder, self._name, self.records = recorder, name, records
        self.done = records[-1][0]["unit"] + 1 if records else 0
        self._durable = self.done

    def finished(self, unit: int, fields: dict, arrays: dict, latest: dict | None = None) -> None:
        """Keep the record of a unit, the one after the last; `latest` arrays are those of all units so far."""
        self._recorder.append(self._name, {**fields, "unit": unit}, arrays, latest)
        self.done = unit + 1
        if self._recorder.is_due:
            self.flush()

    def durable(self, unit: int) -> None:
        """Return when the records of all units up to this one, which are finished, are safe."""
        if unit >= self._durable:
            self.flush()

    def flush(self) -> None:
        """Make all records safe."""
        self._recorder.flush()
        self._durable = self.done
