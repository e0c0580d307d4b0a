"""The policy after a check has caught a wrong value: repeat from verified data, or stop and say what looks broken.

Hardware does not err twice in the same way; data and programs do.  So the wrong
value of every attempt is compared with those before it: after a new one the
attempt is repeated, after one that came before it is not.  Data that rounds
badly is computed on smaller words; a wrong operand is wrong on words of every
size.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bigconst.base.errors import ChecksumError, FaultError, OperandError, ReadError
from bigconst.base.events import Fault

MOST_IN_A_ROW = 3
"""Most attempts at one computation when all are wrong, each in a different way."""

ROUND_OFF = "round-off"
DISK_FAULTS = ("checksum", "read")
"""Kinds of faults that come from a disk or from the way to it."""


RESUMED = "resumed"
"""Kind of the entry that is put among the attempts where a run had given up.  Attempts before it no longer count: the
disk may have been replaced before the run was resumed."""


@dataclass(frozen=True)
class Wrong:
    """An attempt that failed a check."""

    kind: str
    """round-off, residue, value, checksum, read or resumed"""
    value: str
    """the wrong result as text; attempts with the same value were wrong in the same way"""
    message: str
    level: int = 0
    """size of words that the attempt was made on, 0 for the largest"""


def wrong_of(error: FaultError | ReadError) -> Wrong:
    """The failed attempt that an exception stands for."""
    what = str(error).partition(";")[0]
    match error:
        case ChecksumError():
            return Wrong("checksum", what, what)
        case ReadError():
            return Wrong("read", what, what)
        case _:
            return Wrong("value", f"{what} {error.value}", what)


def next_level(where: str, wrongs: Sequence[Wrong], levels: int) -> int:
    """The level (Wrong.level) of the next attempt after these, below `levels`.

    Raises FaultError or ReadError when another attempt is of no use.
    """
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
        kind = ReadError if row[-1].kind == "read" else OperandError if repeated else FaultError
        raise kind(f"{where}: {what}", remedy)
    if level == levels:
        #: `bigconst warmup` compares the kernels with known results. If they are right, please report it.
        raise OperandError(f"{where}: wrong with words of every size, so an operand or the program is",
                         "run bigconst warmup; if that is right, please report it")
    return level


def _diagnosis(row: list[Wrong], repeated: bool) -> tuple[str, str]:
    """Diagnosis of the attempts, and the remedy."""
    last = row[-1]
    if last.kind in DISK_FAULTS and (repeated or all(wrong.kind in DISK_FAULTS for wrong in row)):
        #: A block could not be read twice, or was not what was written. Look at `dmesg` and `smartctl -a`; replace the
        #: disk or cable, then `bigconst resume`.
        return (f"{last.message}, and that again: this looks like the disk",
                "test the disk (dmesg, smartctl), then resume")
    if repeated:
        #: Resume it once. If it comes back, please report the whole line with `bigconst --version` and the command.
        return (f"the same wrong value twice ({last.message}), so an operand or the program is wrong, not the hardware",
                "resume or run it again; if it comes back, please report it")
    #: Test the machine with `bigconst warmup`, `bigconst stress` and memtest; look at temperatures and overclocking.
    #: Then resume.
    return (f"three faults in a row, each one different (the last: {last.message}): "
            "this looks like the memory or the processor",
            "run bigconst warmup, test this machine's memory and cooling, then resume or run it again")


class Faults:
    """Counts the faults that checks catch, emits an event for each, and repeats attempts."""

    def __init__(self, emit: Callable):
        self.counts: Counter = Counter()
        self._emit = emit
        self._noting = threading.Lock()     # pieces of files are made on several threads

    def note(self, kind: str, where: str, message: str) -> None:
        """Count and emit a fault that will be repaired."""
        with self._noting:
            self.counts[kind] += 1
            self._emit(Fault(kind, where, message))

    def attempts(self, where: str, levels: int = 1, wrongs: Sequence[Wrong] = (),
                 record: Callable[[list[Wrong]], None] = lambda wrongs: None) -> Iterator["Attempt"]:
        """Attempts at one thing, for a loop that is left by `break` or `return` when one is right.

            for attempt in faults.attempts(where):
                with attempt:
                    ...
                    if right:
                        return result
                    attempt.fail(wrong)

        A FaultError or ReadError within the block is a failure, too.  `wrongs` are the failed attempts of an
        interrupted run; `record` receives all of them after every failure.  Raises FaultError or ReadError when
        another attempt would be of no use.
        """
        wrongs = list(wrongs)
        try:
            next_level(where, wrongs, levels)
        except (FaultError, ReadError):
            wrongs.append(Wrong(RESUMED, "", ""))
        while True:
            attempt = Attempt(len(wrongs), next_level(where, wrongs, levels))
            yield attempt
            wrong = attempt.wrong
            if wrong is None:
                raise AssertionError("an attempt that was right has to leave the loop")
            self.note(wrong.kind, where, wrong.message)
            wrongs.append(Wrong(wrong.kind, wrong.value, wrong.message, attempt.level))
            record(wrongs)


class Attempt:
    """One attempt of `Faults.attempts`; a context manager around the work."""

    def __init__(self, tries: int, level: int):
        self.tries, self.level = tries, level
        """attempts before this one, and which of the ways to do it this one takes"""
        self.wrong: Wrong | None = None

    def fail(self, wrong: Wrong) -> None:
        """The result is wrong."""
        self.wrong = wrong

    def __enter__(self) -> "Attempt":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, _trace: object) -> bool:
        if isinstance(error, (FaultError, ReadError)):
            self.wrong = wrong_of(error)
            return True
        return False
