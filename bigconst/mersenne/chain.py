"""A chain of squarings modulo 2^p - 1 that survives its faults: batches, saves, going back, longer transforms.

What is squared and how it is checked is for the subclasses in `bigconst.mersenne.test`.

The policy.  A batch whose round-off error is above the limit, or not a number,
is repeated from the last save; a failed check from the last verified one.  The
same wrong value at the same iteration twice is not the hardware: the stretch
is then computed with the next longer transform, and the shorter one comes
back behind it, unless that has happened too often.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from gmpy2 import mpz

from bigconst.errors import FaultError, Interrupted
from bigconst.events import Fault
from bigconst.mersenne.savefile import Saved, SaveFiles

ROUNDOFF_LIMIT = 0.40625
BATCH_S = 1.0
LOOK_EVERY_S = 60.0
"""Time between looks at the residue: for impossible values, and to show it."""

FIRST_BATCH = 32
MAX_TRIES = 6
"""Faults without progress after which a run stops."""

MAX_RETURNS = 3
"""Times the shorter transform comes back."""


class Bad(Exception):
    """A check failed at `iteration`; `value` tells one wrong result from another."""

    def __init__(self, kind: str, iteration: int, value: Any, message: str, first: int | None = None):
        super().__init__(message)
        self.kind, self.iteration, self.value, self.message = kind, iteration, value, message
        self.first = iteration if first is None else first
        """The last batch went from here to `iteration`."""


@dataclass(frozen=True)
class Resumed:
    """The test goes on from a save file; those in `bad` could not be used."""

    exponent: int
    iteration: int
    bad: tuple[str, ...]


@dataclass(frozen=True)
class Advanced:
    """The test is at `iteration` of `total`."""

    exponent: int
    iteration: int
    total: int
    ms_per_iteration: float
    roundoff: float
    """The largest so far."""
    res64: int
    """Of the residue at the last look."""

    @property
    def left_s(self) -> float:
        """Time to the end at this pace."""
        return (self.total - self.iteration) * self.ms_per_iteration / 1000


class Chain:
    """See `run`.  Subclasses set kind, start, subtract, IMPOSSIBLE and write the methods marked below."""

    kind: str
    start: int
    subtract: int
    block = 0
    reading_verifies = False
    """Whether `is_right` is as good as the checks on the way."""

    def __init__(self, p: int, full: int, *, make_squarer: Callable[[Any], Any], shape: Any, longer: Callable,
                 iterations: int | None = None, shift: int = 0, saves: SaveFiles | None = None,
                 save_every_s: float = 600.0, emit: Callable = lambda event: None,
                 stop: Callable[[], bool] = lambda: False):
        """Squarings modulo 2^p - 1; the whole test has `full` of them.

        `make_squarer(shape)` is a context manager, `longer(shape)` the next shape or None; both as in
        bigconst.arithmetic.squarer and bigconst.dwtshape.  `iterations` ends the chain earlier than the test.
        """
        self.p, self.full, self.total = p, full, full if iterations is None else iterations
        self.modulus = (mpz(1) << p) - 1
        self._make_squarer, self._shape, self._short_shape, self._longer = make_squarer, shape, shape, longer
        self._squarer, self._open = None, contextlib.ExitStack()
        self._first_shift, self._saves, self._save_every_s = shift % p, saves, save_every_s
        self._emit, self._stop = emit, stop
        self.iteration, self.product = 0, None
        self.errors: Counter = Counter()
        self.max_roundoff = 0.0
        self._here: Saved | None = None
        """The canonical residue of this iteration, once it was asked for."""
        self._count, self._ms, self._res64 = FIRST_BATCH, 0.0, self.start
        self._saved_s = self._looked_s = time.monotonic()
        # Faults
        self._last_fault: tuple | None = None
        self._replay = (0, 0)
        """The batch that is repeated with the same ends, so that its error can be compared."""
        self._recheck: set[int] = set()
        self._tries = self._furthest = self._returns = 0
        self._back_at: int | None = None

    # What a subclass may say

    def first(self) -> Saved:
        """The start of the chain."""
        return Saved(self.kind, self.p, 0, mpz(self.start))

    def adopt(self, saved: Saved) -> None:
        """A save file is gone on from."""

    def boundary(self, iteration: int) -> int:
        """The next iteration at which `at_boundary` is called."""
        raise NotImplementedError

    def at_boundary(self) -> None:
        """Checks and saves that belong to this iteration.  Raises Bad."""

    def check_due(self) -> bool:
        """Whether it is time for `check`."""
        return False

    def check(self) -> None:
        """Check this point and save it as verified.  Raises Bad."""

    def is_right(self, saved: Saved) -> bool:
        """Whether a point read from a file passes what can be checked of it alone."""
        return not self.is_impossible(saved)

    def is_impossible(self, saved: Saved) -> bool:
        """Whether the residue is one that the chain cannot reach there."""
        raise NotImplementedError

    def finish(self) -> mpz:
        """The result, after the last checks.  Raises Bad."""
        raise NotImplementedError

    # The run

    def run(self) -> mpz:
        """The result of the chain.  Raises Interrupted, resumable where there are save files; FaultError."""
        with self._open:
            self._resume()
            while True:
                try:
                    if self.iteration == self.total:
                        result = self.finish()
                        self.save(verified=True)
                        return result
                    if self._stop():
                        raise self._interrupted()
                    self._advance()
                except Bad as bad:
                    self._go_back(bad)

    def _resume(self) -> None:
        found, bad = (None, []) if self._saves is None else self._saves.read(self._fits)
        if found is None:
            found = replace(self.first(), shift=self._first_shift, verified=True)
        else:
            self.errors.update(found.errors)
            self.adopt(found)
            self._emit(Resumed(self.p, found.iteration, tuple(bad)))
        self.saved = found
        """Where a wrong batch goes back to."""
        self.verified = found
        """Where a failed check goes back to; never later than `saved`."""
        if not found.verified and not self.reading_verifies:
            start = replace(self.first(), shift=self._first_shift, verified=True)
            self.verified = self._saves.newest_verified(self._fits) or start
        self._restore(found)

    def _fits(self, saved: Saved) -> bool:
        return saved.iteration <= self.total and self.is_right(saved)

    def _interrupted(self) -> Interrupted:
        if self._saves is None:
            return Interrupted()
        self.save()
        return Interrupted(f"interrupted at iteration {self.iteration} of {self.total}",
                           "the same command goes on from there", resumable=True)

    def _advance(self) -> None:
        first = self.iteration
        ends = [first + self._count, self.boundary(first), self.total, *self._replay, *self._recheck]
        end = min(each for each in ends if each > first)
        if first == self._replay[0] < self._replay[1]:
            end = self._replay[1]
        began_s = time.perf_counter()
        roundoff = self._squarer.iterate(end - first, self.subtract)
        took_s = time.perf_counter() - began_s
        self.iteration, self._here = end, None
        self._look_at(roundoff, first)
        self._pace(end - first, took_s)
        if end == self.boundary(first):
            self.at_boundary()
        if end in self._recheck or self.check_due():
            self._recheck.discard(end)
            self.check()
        now_s = time.monotonic()
        if now_s - self._saved_s >= self._save_every_s and end < self.total:
            self.save()
        elif now_s - self._looked_s >= LOOK_EVERY_S:
            self.here()
        self._emit(Advanced(self.p, end, self.total, self._ms, self.max_roundoff, self._res64))

    def _pace(self, count: int, took_s: float) -> None:
        """Batches come to last about a second, or as long as a save is apart."""
        ms = 1000 * took_s / count
        self._ms = ms if not self._ms else 0.8 * self._ms + 0.2 * ms
        if count == self._count:
            wanted_s = min(BATCH_S, max(self._save_every_s, 0.01))
            self._count = max(1, min(8 * count, int(count * wanted_s / max(took_s, 1e-6))))

    def _look_at(self, roundoff: float, first: int) -> None:
        if not roundoff <= ROUNDOFF_LIMIT:
            raise Bad("Roundoff", self.iteration, repr(roundoff), f"round-off error {roundoff}", first)
        self.max_roundoff = max(self.max_roundoff, roundoff)

    # Arithmetic for subclasses

    @property
    def shift(self) -> int:
        """The present one of the transform."""
        return self._squarer.shift

    @property
    def words(self) -> int:
        """Of the transform."""
        return self._shape.words

    def here(self) -> Saved:
        """This point.  Raises Bad where its residue is impossible."""
        if self._here is None:
            residue = self._squarer.value()
            here = Saved(self.kind, self.p, self.iteration, residue, self.product, self.block,
                         self.shift, dict(self.errors))
            self._looked_s, self._res64 = time.monotonic(), int(residue & (2**64 - 1))
            if not 0 <= residue < self.modulus or (self.iteration and self.is_impossible(here)):
                raise Bad("Zeroed", self.iteration, self._res64, f"the residue ...{self._res64:016X} "
                                                                 "cannot come here")
            self._here = here
        return replace(self._here, product=self.product)

    def load(self, residue: mpz, shift: int) -> None:
        """Go on from this residue; the iteration stays."""
        self._squarer.load(residue, shift)

    def squared(self, value: mpz, count: int) -> mpz:
        """value^(2^count), or as many steps of this chain, in a transform of another shift; what was in it is lost."""
        self._squarer.load(value, (self.shift + self.p // 3 + 1) % self.p)
        if count:
            self._look_at(self._squarer.iterate(count, self.subtract), self.iteration)
        return self._squarer.value()

    def multiply(self, a: mpz, b: mpz) -> mpz:
        """a*b modulo 2^p - 1, without touching the chain."""
        product, roundoff = self._squarer.multiply(a, b)
        self._look_at(roundoff, self.iteration)
        return product

    def last_stretch_again(self) -> mpz:
        """The residue of this iteration, computed once more from the last mark or save, with another shift."""
        return self.squared(self.saved.residue, self.iteration - self.saved.iteration)

    # Points

    def mark(self) -> None:
        """From now on faults go back to here; nothing is written."""
        self.saved = self.here()

    def save(self, verified: bool = False) -> None:
        """Mark this point and write it."""
        self.saved = replace(self.here(), verified=verified)
        if verified:
            self.verified = self.saved
        if self._saves is not None and self.iteration:
            self._saves.write(self.saved)
        self._saved_s = time.monotonic()
        if self._back_at is not None and self._back_at <= self.iteration < self.total:
            self._back_at = None
            if self._returns < MAX_RETURNS:
                self._returns += 1
                self._use(self._short_shape)

    def _use(self, shape: Any) -> None:
        """Go on from `saved` with this shape."""
        self._shape = shape
        self._open.close()
        self._squarer = None
        self._restore(self.saved)

    def _restore(self, point: Saved) -> None:
        if self._squarer is None:
            self._squarer = self._open.enter_context(self._make_squarer(self._shape))
        self._squarer.load(point.residue, point.shift)
        self.iteration, self.product, self._here = point.iteration, point.product, None
        self._res64 = int(point.residue & (2**64 - 1))

    def _go_back(self, bad: Bad) -> None:
        self.errors[bad.kind] += 1
        if bad.iteration > self._furthest:
            self._furthest, self._tries = bad.iteration, 0
        self._tries += 1
        where = f"M{self.p}, iteration {bad.iteration}"
        if self._tries > MAX_TRIES:
            raise FaultError(f"{where}: {bad.message}, {MAX_TRIES} times over")
        fault = (bad.kind, bad.first, bad.iteration, bad.value)
        again = fault == self._last_fault
        self._last_fault = fault
        self._replay = (bad.first, bad.iteration)
        # A save has passed the look for impossible values, but not what else is checked.
        if bad.kind not in ("Roundoff", "Zeroed") or again and bad.kind == "Zeroed":
            self.saved = self.verified
            if self._saves is not None:
                self._saves.drop_after(self.saved.iteration)
            self._recheck.add(bad.iteration)
        action = f"going back to iteration {self.saved.iteration}"
        if again:
            self.errors["Repeatable"] += 1
            longer = self._longer(self._shape)
            if longer is None:
                raise FaultError(f"{where}: {bad.message} twice, and there is no longer transform")
            action += f", with {longer.words} words"
            self._back_at = bad.iteration
            self._use(longer)
        else:
            self._restore(self.saved)
        self._emit(Fault(bad.kind, where, f"{bad.message}; {action}"))
