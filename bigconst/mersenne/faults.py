"""The policy of a chain for its faults: how far it goes back, when it takes a longer transform, when it gives up.

A batch is repeated from the last save if its round-off error is above the limit or not a number, or if a disk has lost
its data.  After a failed check the chain goes back to the last verified save.  The same wrong value twice at the same
iteration cannot come from the hardware: the stretch is then computed with the next longer transform.  Behind it the
chain returns to the shorter one, at most MAX_RETURNS times.
"""

from collections import Counter
from dataclasses import dataclass

from bigconst.base.errors import FaultError

MAX_TRIES = 6
"""Faults without progress that a run survives; one more ends it."""

MAX_RETURNS = 3
"""Most returns from the longer transform to the shorter one in a run."""

DISK, ROUNDOFF, ZEROED = "Disk", "Roundoff", "Zeroed"
_DISK_REMEDY = "see what dmesg says of its disk, mend or replace it, then run the same command again"


class Bad(Exception):
    """A failed check at `iteration`; equal `value`s are the same wrong result."""

    def __init__(self, kind: str, iteration: int, value: int | str | None, message: str, first: int | None = None):
        super().__init__(message)
        self.kind, self.iteration, self.value, self.message = kind, iteration, value, message
        self.first = iteration if first is None else first
        """The iteration at which the batch began that led to `iteration`."""


@dataclass(frozen=True)
class Decision:
    """The decision about a fault."""

    to_verified: bool
    """whether to go back to the last verified point, not only to the last save"""
    longer: bool
    """whether to take the next longer transform"""


class FaultPolicy:
    """The faults of a run, and the decisions about them; `errors` counts faults by kind."""

    def __init__(self):
        self.errors: Counter[str] = Counter()
        self._last: tuple[str, int, int, int | str | None] | None = None
        self._furthest = self._tries = self._returns = 0
        self._back_at: int | None = None
        """Iteration from which on the chain may return to the shorter transform; None if no return is due."""
        self._repeated = (0, 0)
        """First and last iteration of the faulty batch, which is repeated between them to compare its error."""
        self._rechecks: set[int] = set()
        """Iterations at which a check failed and is to be made again."""

    def decide(self, bad: Bad, where: str) -> Decision:
        """Decide about a fault.  Raises FaultError, naming `where`, after more than MAX_TRIES without progress."""
        self.errors[bad.kind] += 1
        if bad.iteration > self._furthest:
            self._furthest, self._tries = bad.iteration, 0
        self._tries += 1
        if self._tries > MAX_TRIES:
            #: A check fails again and again without progress: overheating, overclocking or bad memory. Everything until
            #: the last verified save is kept. For a disk, see `dmesg`.
            raise FaultError(f"{where}: {bad.message}, {MAX_TRIES} times over",
                             _DISK_REMEDY if bad.kind == DISK else None)
        fault = (bad.kind, bad.first, bad.iteration, bad.value)
        again = fault == self._last and bad.kind != DISK
        self._last = fault
        self._repeated = (bad.first, bad.iteration)
        # No save holds an impossible value (Chain.here), but one that is not verified may fail the other checks.
        to_verified = bad.kind not in (DISK, ROUNDOFF, ZEROED) or again and bad.kind == ZEROED
        if to_verified:
            self._rechecks.add(bad.iteration)
        if again:
            self.errors["Repeatable"] += 1
            self._back_at = bad.iteration
        return Decision(to_verified, again)

    def end_of_batch(self, first: int, wanted: int) -> int:
        """The iteration at which the batch that begins at `first` ends, usually `wanted`.

        A faulty batch is repeated with the same end.  Others end early at its first and last iteration, and where a
        check failed.
        """
        begin, end = self._repeated
        if first == begin < end:
            return end
        return min(each for each in (wanted, begin, end, *self._rechecks) if each > first)

    def wants_check(self, iteration: int) -> bool:
        """Whether a check failed at this iteration before; True once for each failure."""
        wanted = iteration in self._rechecks
        self._rechecks.discard(iteration)
        return wanted

    def may_shorten(self, iteration: int) -> bool:
        """Whether a save at this iteration is followed by the shorter transform; True once for each repeated fault."""
        if self._back_at is None or iteration < self._back_at:
            return False
        self._back_at = None
        self._returns += 1
        return self._returns <= MAX_RETURNS
