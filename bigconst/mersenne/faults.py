"""What a chain does about its faults: how far it goes back, when it takes a longer transform, when it gives up.

A batch whose round-off error is above the limit, or not a number, or that a disk has lost, is repeated from the last
save; a failed check from the last verified one.  The same wrong value at the same iteration twice is not the hardware:
the stretch is then computed with the next longer transform, and the shorter one comes back behind it, unless that has
happened too often.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from bigconst.base.errors import FaultError

MAX_TRIES = 6
"""Faults without progress after which a run stops."""

MAX_RETURNS = 3
"""Times the shorter transform comes back."""

DISK, ROUNDOFF, ZEROED = "Disk", "Roundoff", "Zeroed"
_DISK_REMEDY = "see what dmesg says of its disk, mend or replace it, then run the same command again"


class Bad(Exception):
    """A check failed at `iteration`; `value` tells one wrong result from another."""

    def __init__(self, kind: str, iteration: int, value: Any, message: str, first: int | None = None):
        super().__init__(message)
        self.kind, self.iteration, self.value, self.message = kind, iteration, value, message
        self.first = iteration if first is None else first
        """The last batch went from here to `iteration`."""


@dataclass(frozen=True)
class Decision:
    """What to do about a fault."""

    to_verified: bool
    """Go back to the last verified point, not only to the last save."""
    longer: bool
    """Take the next longer transform."""


class FaultPolicy:
    """Remembers the faults of a run and decides; `errors` counts them by kind."""

    def __init__(self):
        self.errors: Counter = Counter()
        self._last: tuple | None = None
        self._furthest = self._tries = self._returns = 0
        self._back_at: int | None = None
        """From this iteration on the shorter transform may come back."""
        self._repeated = (0, 0)
        """The batch that is repeated with the same ends, so that its error can be compared."""
        self._rechecks: set[int] = set()

    def decide(self, bad: Bad, where: str) -> Decision:
        """Raises FaultError, with `where` in its message, after too many faults without progress."""
        self.errors[bad.kind] += 1
        if bad.iteration > self._furthest:
            self._furthest, self._tries = bad.iteration, 0
        self._tries += 1
        if self._tries > MAX_TRIES:
            raise FaultError(f"{where}: {bad.message}, {MAX_TRIES} times over",
                             _DISK_REMEDY if bad.kind == DISK else None)
        fault = (bad.kind, bad.first, bad.iteration, bad.value)
        again = fault == self._last and bad.kind != DISK
        self._last = fault
        self._repeated = (bad.first, bad.iteration)
        # A save has passed the look for impossible values, but not what else is checked.
        to_verified = bad.kind not in (DISK, ROUNDOFF, ZEROED) or again and bad.kind == ZEROED
        if to_verified:
            self._rechecks.add(bad.iteration)
        if again:
            self.errors["Repeatable"] += 1
            self._back_at = bad.iteration
        return Decision(to_verified, again)

    def end_of_batch(self, first: int, wanted: int) -> int:
        """Where the batch ends that begins at `first`: as wanted or, near a fault of the past, earlier."""
        begin, end = self._repeated
        if first == begin < end:
            return end
        return min(each for each in (wanted, begin, end, *self._rechecks) if each > first)

    def wants_check(self, iteration: int) -> bool:
        """Whether a check failed here before; it is asked once."""
        wanted = iteration in self._rechecks
        self._rechecks.discard(iteration)
        return wanted

    def may_shorten(self, iteration: int) -> bool:
        """Whether the shorter transform comes back behind a save at this iteration; it is asked once."""
        if self._back_at is None or iteration < self._back_at:
            return False
        self._back_at = None
        self._returns += 1
        return self._returns <= MAX_RETURNS
