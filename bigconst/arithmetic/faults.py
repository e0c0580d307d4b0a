"""What to do when a check has caught a wrong value: repeat it from verified data, or stop and say what looks broken.

Hardware does not err twice in the same way, data and programs do.  So every
attempt is compared with those before it: another wrong value is repeated, the
same one is not.  Data may round badly, then smaller words help; an operand
that is wrong stays wrong.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bigconst.base.errors import ChecksumError, FaultError, ReadError
from bigconst.base.events import Fault

MOST_IN_A_ROW = 3
"""Attempts at one thing, when none is right and all are wrong in different ways."""

ROUND_OFF = "round-off"
DISK_KINDS = ("checksum", "read")
"""Faults of what lies on a disk, or of the way to it."""


RESUMED = "resumed"
"""What stands among the attempts where a run was given up: who resumes it may have changed the disk."""


@dataclass(frozen=True)
class Wrong:
    """An attempt that failed a check."""

    kind: str
    """round-off, residue, value, checksum or read"""
    value: str
    """what came out: attempts with the same value were wrong in the same way"""
    message: str
    level: int = 0
    """which of the ways to do it was taken (the size of words, from the largest)"""


def wrong_of(error: FaultError | ReadError) -> Wrong:
    """What an attempt raised."""
    what = str(error).partition(";")[0]
    match error:
        case ChecksumError():
            return Wrong("checksum", what, what)
        case ReadError():
            return Wrong("read", what, what)
        case _:
            return Wrong("value", f"{what} {error.value}", what)


def next_level(where: str, wrongs: Sequence[Wrong], levels: int) -> int:
    """The way to go after these attempts; raises FaultError or ReadError when there is none."""
    level, row, repeated = 0, [], False
    for wrong in wrongs:
        if wrong.kind == RESUMED:
            row, repeated = [], False
            continue
        repeated = any((wrong.kind, wrong.value) == (before.kind, before.value) for before in row)
        row.append(wrong)
        if repeated and wrong.kind == ROUND_OFF:
            level, row, repeated = level + 1, [], False     # the data rounds badly on these words
    if repeated or len(row) == MOST_IN_A_ROW:
        what, remedy = _diagnosis(row, repeated)
        raise (ReadError if row[-1].kind == "read" else FaultError)(f"{where}: {what}", remedy)
    if level == levels:
        raise FaultError(f"{where}: wrong with words of every size, so an operand or the program is",
                         "run bigconst warmup; if that is right, please report it")
    return level


def _diagnosis(row: list[Wrong], repeated: bool) -> tuple[str, str]:
    """What it looks like, and what to do."""
    last = row[-1]
    if last.kind in DISK_KINDS and (repeated or all(wrong.kind in DISK_KINDS for wrong in row)):
        return (f"{last.message}, and that again: this looks like the disk",
                "test the disk (dmesg, smartctl), then resume")
    if repeated:
        return (f"the same wrong value twice ({last.message}), so an operand or the program is wrong, not the hardware",
                "resume or run it again; if it comes back, please report it")
    return (f"three faults in a row, each one different (the last: {last.message}): "
            "this looks like the memory or the processor",
            "run bigconst warmup, test this machine's memory and cooling, then resume or run it again")


class Faults:
    """Counts what checks catch, tells `emit` of it, and repeats."""

    def __init__(self, emit: Callable):
        self.counts: Counter = Counter()
        self._emit = emit
        self._noting = threading.Lock()     # files are made by several threads

    def note(self, kind: str, where: str, message: str) -> None:
        """Something was wrong and will be put right."""
        with self._noting:
            self.counts[kind] += 1
            self._emit(Fault(kind, where, message))

    def repeat(self, where: str, attempt: Callable[[int, int], Wrong | None], levels: int = 1,
               wrongs: Sequence[Wrong] = (), keep: Callable[[list[Wrong]], None] = lambda wrongs: None) -> None:
        """Call attempt(tries so far, level) until it finds nothing wrong, and raises neither FaultError nor ReadError.

        `wrongs` are the attempts of a run that was interrupted; `keep` is told of every one.
        Raises FaultError or ReadError when it is of no use to go on.
        """
        wrongs = list(wrongs)
        try:
            next_level(where, wrongs, levels)
        except (FaultError, ReadError):
            wrongs.append(Wrong(RESUMED, "", ""))
        while True:
            level = next_level(where, wrongs, levels)
            try:
                wrong = attempt(len(wrongs), level)
            except (FaultError, ReadError) as error:
                wrong = wrong_of(error)
            if wrong is None:
                return
            self.note(wrong.kind, where, wrong.message)
            wrongs.append(Wrong(wrong.kind, wrong.value, wrong.message, level))
            keep(wrongs)
