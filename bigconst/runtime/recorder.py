"""Records of what a run has finished, written to a journal, and given back when the run is resumed.

A run is a deterministic tree of steps with names.  A *step* is a pass over
units; each finished unit leaves a record, and a resumed run begins with the
first unit that has none.  A *fact* is a result that is not computed again.
Records are durable after `flush`, which first makes durable the data that they
describe.  Before a step overwrites data, it waits until the records of the units
that read the data are durable (`UnitLog.durable`).  A disk takes 1 to 50 ms to
make data durable; where it is known early that this will be waited for, another
thread begins with it.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from bigconst.base.errors import DoesNotFit
from bigconst.base.starting import start_thread
from bigconst.storage.journal import Journal, Record
from bigconst.storage.lane import Transfer

LATEST = "latest"
"""Field of a record that names those of its arrays of which only the last ones in a step matter."""
PARTIAL = "partial"
"""Field of a record from which such arrays (LATEST) were removed, because the next record of its step has them."""

FLUSH_S = 10.0
"""Longest time for which finished units stay unrecorded, beside the time that one unit takes."""


def supersede(record: Record, later: Record) -> None:
    """Remove from a record the arrays that a later record of the same step replaces."""
    names = later[0].get(LATEST, ())
    for name, array in list(record[1].items()):
        if name in names:
            del record[1][name]
        elif names and array.base is not None:
            record[1][name] = array.copy()      # a view would keep the memory of deleted arrays


class Recorder:
    """The steps and facts of a run; without a journal it records nothing and gives nothing back."""

    def __init__(self, journal: Journal | None = None, records: list[Record] | None = None,
                 sync: Callable[[], None] = lambda: None, rotate: Callable[[list[Record]], Journal] | None = None,
                 on_safe: Callable[[int], None] = lambda records: None):
        """`records` are those in the journal.  `sync` makes the data durable that records describe, rotate(records)
        replaces the journal, and on_safe(count) receives the number of records that a flush made durable."""
        self._journal, self._sync, self._rotate, self._on_safe = journal, sync, rotate, on_safe
        self._known: dict[str, list[Record]] = {}
        for fields, arrays in records or []:
            self._known.setdefault(fields["key"], []).append((fields, arrays))
        self._waiting: list[Record] = []
        self._flushing: tuple[Transfer, int] | None = None
        """what another thread does, and the number of its records"""
        self._flushed_s = time.perf_counter()
        self.wait_s = 0.0
        """how long flushes were waited for"""
        self._uses: dict[str, int] = {}

    def step(self, key: str) -> "UnitLog":
        """The log of the pass with this name; a name that is used again stands for another pass."""
        self._uses[key] = use = self._uses.get(key, 0) + 1
        name = f"{key} #{use}"
        return UnitLog(self, name, self._known.pop(name, []))

    def fact(self, key: str) -> Record | None:
        """The record that an earlier process stored under this name by `note` or `restart`; None if there is none."""
        found = self._known.get(f"{key} !")
        return found[-1] if found else None

    def note(self, key: str, fields: dict, arrays: dict | None = None) -> None:
        """Record a result, and make it and all records before it durable."""
        self.append(f"{key} !", fields, arrays or {})
        self.flush()

    def restart(self, facts: Sequence[tuple[str, dict, dict]]) -> None:
        """Record results, each as `note` does, and discard all records before, which must not be needed any more.

        Names of passes count as new from here on.
        """
        self._known.clear()
        self._uses.clear()
        if self._journal is not None:
            self.flush()
            self._sync()
            self._journal = self._rotate([({**fields, "key": f"{key} !"}, arrays) for key, fields, arrays in facts])

    def append(self, name: str, fields: dict, arrays: dict, latest: dict | None = None) -> None:
        """Write a record with the next flush.

        Of the `latest` arrays in successive records of one name, only the last ones need be written.
        """
        if self._journal is None:
            return
        record = {**fields, "key": name}, {**arrays, **(latest or {})}
        if latest:
            record[0][LATEST] = list(latest)
            if self._waiting and self._waiting[-1][0]["key"] == name:
                # Without these arrays a record is of use only if the one that follows is durable, too.
                self._waiting[-1][0][PARTIAL] = True
                supersede(self._waiting[-1], record)
        self._waiting.append(record)

    @property
    def is_due(self) -> bool:
        """Whether records have waited for a flush longer than FLUSH_S."""
        return bool(self._waiting) and time.perf_counter() - self._flushed_s > FLUSH_S

    def flush(self) -> None:
        """Make the data durable, then the records that describe it."""
        self.end_flush()
        if self._waiting:
            # A failure is final for the journal: nothing is stored again.
            records, self._waiting = self._waiting, []
            with self._waited():
                self._store(records)
            self._on_safe(len(records))
        self._flushed_s = time.perf_counter()

    def begin_flush(self) -> None:
        """Have another thread do what `flush` does, of which `end_flush` is the end; only one does so at a time."""
        self.end_flush()
        if self._waiting:
            records, self._waiting = self._waiting, []
            transfer = Transfer(1)
            self._flushing = transfer, len(records)
            store = partial(transfer.perform, partial(self._store, records))
            try:
                start_thread(store, name="bigconst-journal")
            except DoesNotFit:
                store()

    def end_flush(self) -> None:
        """Return when no other thread is flushing; raises the error that it met."""
        if self._flushing is not None:
            transfer, count = self._flushing
            try:
                with self._waited():
                    transfer.wait()
            except Exception:       # unlike Ctrl-C, after which the thread still works
                self._flushing = None
                raise
            self._flushing = None
            self._on_safe(count)
            self._flushed_s = time.perf_counter()

    @contextlib.contextmanager
    def _waited(self) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.wait_s += time.perf_counter() - began

    def _store(self, records: list[Record]) -> None:
        self._sync()
        for fields, arrays in records:
            self._journal.append(fields, arrays)
        self._journal.sync()


class UnitLog:
    """The log of a pass over units, of which `done` are finished already, with the `records` of an earlier process."""

    def __init__(self, recorder: Recorder, name: str, records: list[Record]):
        while records and PARTIAL in records[-1][0]:
            records = records[:-1]
        self._recorder, self._name, self.records = recorder, name, records
        self.done = records[-1][0]["unit"] + 1 if records else 0
        self._durable = self._begun = self.done
        """units whose records are durable, and those whose records another thread makes durable"""

    def finished(self, unit: int, fields: dict, arrays: dict, latest: dict | None = None) -> None:
        """Record a unit, the one after the last recorded; `latest` arrays describe all units so far."""
        self._recorder.append(self._name, {**fields, "unit": unit}, arrays, latest)
        self.done = unit + 1
        if self._recorder.is_due:
            self.flush()

    def durable(self, unit: int, soon: int = -1) -> None:
        """Return when the records of all units up to this one, which must be finished, are durable; those up to unit
        `soon`, finished as well, will be asked for next."""
        if unit >= self._durable:
            self._recorder.end_flush()
            self._durable = self._begun
            if unit >= self._durable:
                self.flush()
        if soon >= self._begun:
            self._recorder.begin_flush()
            self._durable, self._begun = self._begun, self.done

    def flush(self) -> None:
        """Make all records durable."""
        self._recorder.flush()
        self._durable = self._begun = self.done

    def settle(self) -> None:
        """Return when no other thread uses the journal, whatever became of its records."""
        with contextlib.suppress(Exception):
            self._recorder.end_flush()
