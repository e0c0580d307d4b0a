"""A chain of squarings modulo 2^p - 1 that survives its faults: batches, saves, going back, longer transforms.

The subclasses in `bigconst.mersenne.test` define what is squared and how it is checked; `bigconst.mersenne.faults`
decides what is done about a fault.
"""

import contextlib
import time
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol, TypeVar

from gmpy2 import mpz

from bigconst.base.errors import ChecksumError, FaultError, Interrupted, ReadError
from bigconst.base.events import Fault
from bigconst.mersenne.events import Advanced, Resumed
from bigconst.mersenne.faults import DISK, ROUNDOFF, ZEROED, Bad, FaultPolicy
from bigconst.mersenne.pace import Pace
from bigconst.mersenne.savefile import Saved, SaveFiles
from bigconst.plans.dwtshape import DwtShape

ROUNDOFF_LIMIT = 0.40625
"""Largest |x - rint(x)| of a squaring that is accepted."""
LOOK_EVERY_S = 60.0
"""Seconds between looks at the residue, which find impossible values and give listeners a recent one."""

T = TypeVar("T")


class ChainSquarer(Protocol):
    """The interface of squarers: a residue modulo 2^p - 1 in a transform, multiplied by 2^shift.

    The squarers are those of `bigconst.arithmetic.memory.squarer` and `bigconst.arithmetic.disk.squarer`; the state of
    the latter may outlive a process.
    """

    shift: int

    def restore(self, value: mpz, shift: int, iteration: int) -> int:
        """Begin a process with the residue of `iteration`; returns the iteration whose residue the squarer now has.

        That is `iteration`, or a later one that an earlier process reached.  A later one is possible only if `iterate`
        alone led there, through `iteration`, from the last `load` that was given an iteration.
        """

    def load(self, value: mpz, shift: int = 0, iteration: int | None = None) -> None:
        """Begin with a residue; `iteration` is its place in the chain, None for a residue that is not part of it."""

    def iterate(self, count: int, subtract: int) -> float:
        """Square `count` times, and subtract each time; returns the largest |x - rint(x)| met."""

    def value(self) -> mpz:
        """The residue, 0 <= value < 2^p - 1, without the shift."""

    def hold(self, factor: mpz) -> None:
        """Prepare for products by `factor`; the residue that was loaded may be lost."""

    def times(self, squarings: int = 0) -> float:
        """Square the residue, one that was loaded without an iteration, so often, and multiply it by the factor that is
        held; returns the largest |x - rint(x)|."""


class Chain(ABC):
    """Steps x -> x^2 - subtract modulo 2^p - 1 from `start`, carried out by `run`.

    Subclasses set kind, start and subtract, and implement the abstract methods.
    """

    kind: str
    start: int
    subtract: int
    block = 0
    """Iterations of a block of the Gerbicz-Li check; 0 in a chain without that check."""
    reading_verifies = False
    """Whether `is_right` is as strong as the checks made during a run."""

    def __init__(self, p: int, full: int, *, make_squarer: Callable[[DwtShape], AbstractContextManager[ChainSquarer]],
                 shape: DwtShape, longer: Callable[[DwtShape], DwtShape | None],
                 iterations: int | None = None, shift: int = 0, saves: SaveFiles | None = None,
                 save_every_s: float = 600.0, emit: Callable[[Resumed | Advanced | Fault], None] = lambda event: None,
                 stop: Callable[[], bool] = lambda: False, leave: Callable[[], bool] = lambda: False,
                 landmarks: Sequence[int] = (),
                 at_landmark: Callable[[Saved], bool] = lambda here: False):
        """A chain modulo 2^p - 1, of which the whole test has `full` iterations.

        make_squarer  returns a squarer for a given shape, as a context manager that ends it
        shape         shape of the first transform
        longer        returns the next longer shape, or None (plans.dwtshape)
        iterations    length of the chain, if it ends earlier than the test
        shift         shift of the transform at the start of the chain
        saves         save files; without them the chain cannot be resumed
        save_every_s  seconds between saves
        emit          receives events
        stop          is called before every batch; True ends the run with Interrupted
        leave         True ends the run with Interrupted at the next point that a check can confirm, once it has
        landmarks     iterations, in ascending order, at which `at_landmark` receives the point
        at_landmark   returns whether the residue of the point has been confirmed; what it raises ends the run
        """
        self.p, self.full, self.total = p, full, full if iterations is None else iterations
        self.modulus = (mpz(1) << p) - 1
        self._make_squarer, self._shape, self._short_shape, self._longer = make_squarer, shape, shape, longer
        self._squarer, self._open = None, contextlib.ExitStack()
        self._first_shift, self._saves, self._save_every_s = shift % p, saves, save_every_s
        self._emit, self._stop, self._leave = emit, stop, leave
        self._landmarks, self._at_landmark = landmarks, at_landmark
        self._faults, self._pace = FaultPolicy(), Pace(save_every_s)
        self.iteration, self.product = 0, None
        self.max_roundoff = 0.0
        self._here: Saved | None = None
        """The point at the present iteration, None until `here` is called."""
        self._res64 = _res64(mpz(self.start))
        self._saved_s = self._looked_s = time.monotonic()

    # What a subclass defines

    def first(self) -> Saved:
        """The start of the chain."""
        return Saved(self.kind, self.p, 0, mpz(self.start))

    @abstractmethod
    def boundary(self, iteration: int) -> int:
        """The next iteration after this one at which `at_boundary` is called; the last is the end of the chain."""

    @abstractmethod
    def at_boundary(self) -> None:
        """Make the checks and saves that belong to the present iteration.  Raises Bad."""

    @abstractmethod
    def check(self, wanted: bool) -> None:
        """Check the present point and save it as verified, if `wanted` or if a check is due.  Raises Bad."""

    def is_right(self, saved: Saved) -> bool:
        """Whether a point read from a file passes the checks that need nothing but the point."""
        return not self.is_impossible(saved)

    @abstractmethod
    def is_impossible(self, saved: Saved) -> bool:
        """Whether the chain cannot have the residue of this point at its iteration."""

    @abstractmethod
    def finish(self) -> mpz:
        """The result, after the last checks.  Raises Bad."""

    # The run

    def run(self) -> mpz:
        """Compute the chain and return its result.

        Raises Interrupted, which is resumable if there are save files, and FaultError where repeating does not help.
        """
        with self._open:
            bad_files = self._find_start()
            self._survive(lambda: self._begin(bad_files))
            while True:
                result = self._survive(self._step)
                if result is not None:
                    return result

    def _survive(self, step: Callable[[], T]) -> T | None:
        """The value of step(); None after a fault, when the chain is back at a point from which it can continue."""
        bad: Bad | None = None
        while True:
            try:
                if bad is None:
                    return step()
                self._go_back(bad)
                return None
            except Bad as error:
                bad = error
            except (ChecksumError, ReadError) as error:
                bad = Bad(DISK, self.iteration, None, str(error).partition(";")[0])

    def _step(self) -> mpz | None:
        if self.iteration == self.total:
            result = self.finish()
            self._write(verified=True)
            return result
        if self._stop():
            raise self._interrupted()
        self._advance()
        return None

    def _find_start(self) -> list[str]:
        """Set `saved` and `verified` from the save files; returns the paths of bad files."""
        found, bad_files = (None, []) if self._saves is None else self._saves.read(self._fits)
        start = replace(self.first(), shift=self._first_shift, verified=True)
        if found is not None:
            self.errors.update(found.errors)
            self.block = found.block        # the product was made with these blocks
        self.saved = found or start
        """The point to which the chain returns after a wrong batch."""
        self.verified = self.saved
        """The point to which the chain returns after a failed check; never later than `saved`."""
        if not self.saved.verified and not self.reading_verifies:
            self.verified = self._saves.newest_verified(self._fits) or start
        return bad_files

    def _fits(self, saved: Saved) -> bool:
        return saved.iteration <= self.total and self.is_right(saved)

    def _begin(self, bad_files: list[str]) -> None:
        """Continue from `saved`, or from a later point that the squarer still has from an earlier process."""
        point = self.saved
        if bad_files:       # the squarer may have passed through a point that turned out to be wrong
            self._return_to_saved()
        else:
            self._stand_at(point)
            self._open_squarer()
            self.iteration = self._squarer.restore(point.residue, point.shift, point.iteration)
        if self.iteration:
            self._emit(Resumed(self.p, self.iteration, tuple(bad_files)))
        if self.iteration > point.iteration:
            self._arrive(point.iteration)

    def _interrupted(self) -> Interrupted:
        if self._saves is None:
            return Interrupted()
        if not self._is_confirmed:
            self._write()
        return Interrupted(f"interrupted at iteration {self.iteration} of {self.total}",
                           "the same command goes on from there", resumable=True)

    @property
    def _is_confirmed(self) -> bool:
        """Whether a check has confirmed the present point, which is saved."""
        return self.saved.verified and self.saved.iteration == self.iteration > 0

    def _advance(self) -> None:
        first = self.iteration
        end = self._faults.end_of_batch(first, min(first + self._pace.count, self.boundary(first),
                                                   self._next_landmark(first), self.total))
        began_s = time.perf_counter()
        roundoff = self._squarer.iterate(end - first, self.subtract)
        took_s = time.perf_counter() - began_s
        self.iteration, self._here = end, None
        self._look_at(roundoff, first)
        self._pace.took(end - first, took_s)
        self._arrive(first)
        self._emit(Advanced(self.p, end, self.total, self._pace.ms_per_iteration, self.max_roundoff, self._res64))

    def _arrive(self, first: int) -> None:
        """Make the checks and saves that are due at the present iteration, after a batch that began at `first`."""
        if self.iteration == self.boundary(first):
            self.at_boundary()
        self.check(self._faults.wants_check(self.iteration) or self._leave())
        if self.iteration == self._next_landmark(first) and self._at_landmark(self.here()):
            # That two runs agree on a residue does not confirm the product of the Gerbicz-Li check.
            self.save(verified=self.product is None)
        if self._is_confirmed and self._leave() and self.iteration < self.total:
            raise self._interrupted()
        now_s = time.monotonic()
        if now_s - self._saved_s >= self._save_every_s and self.iteration < self.total:
            self.save()
        elif now_s - self._looked_s >= LOOK_EVERY_S:
            self.here()

    def _next_landmark(self, iteration: int) -> int:
        index = bisect_right(self._landmarks, iteration)
        return self._landmarks[index] if index < len(self._landmarks) else self.total + 1

    def _look_at(self, roundoff: float, first: int) -> None:
        if not roundoff <= ROUNDOFF_LIMIT:
            raise Bad(ROUNDOFF, self.iteration, repr(roundoff), f"round-off error {roundoff}", first)
        self.max_roundoff = max(self.max_roundoff, roundoff)

    # For subclasses

    @property
    def errors(self) -> Counter[str]:
        """Number of faults by kind, those of earlier processes included."""
        return self._faults.errors

    @property
    def shift(self) -> int:
        """The present shift: the transform holds the residue multiplied by 2^shift."""
        return self._squarer.shift

    @property
    def words(self) -> int:
        """Length of the present transform in words."""
        return self._shape.words

    def here(self) -> Saved:
        """The point at the present iteration.  Raises Bad if its residue is impossible."""
        if self._here is None:
            residue = self._squarer.value()
            here = Saved(self.kind, self.p, self.iteration, residue, self.product, self.block,
                         self.shift, dict(self.errors))
            self._looked_s, self._res64 = time.monotonic(), _res64(residue)
            if not 0 <= residue < self.modulus or (self.iteration and self.is_impossible(here)):
                raise Bad(ZEROED, self.iteration, self._res64, f"the residue ...{self._res64:016X} cannot come here")
            self._here = here
        return replace(self._here, product=self.product)

    def load(self, residue: mpz, shift: int) -> None:
        """Give the squarer back the residue of the present iteration, after `multiply` or `squared`."""
        self._squarer.load(residue, shift, self.iteration)

    def squared(self, value: mpz, count: int) -> mpz:
        """The value after `count` steps of this chain from `value`, computed with another shift.

        The residue in the squarer is lost.  Raises Bad.
        """
        self._squarer.load(value, (self.shift + self.p // 3 + 1) % self.p)
        if count:
            self._look_at(self._squarer.iterate(count, self.subtract), self.iteration)
        return self._squarer.value()

    def multiply(self, a: mpz, b: mpz) -> mpz:
        """a*b modulo 2^p - 1; the residue in the squarer is lost.  Raises Bad."""
        self._squarer.hold(b)
        self._squarer.load(a)
        self._look_at(self._squarer.times(), self.iteration)
        return self._squarer.value()

    def last_stretch_again(self) -> mpz:
        """The residue of the present iteration, computed again from the last mark or save with another shift."""
        return self.squared(self.saved.residue, self.iteration - self.saved.iteration)

    # Points

    def mark(self) -> None:
        """Make the present point the one to which faults go back; nothing is written."""
        self.saved = self.here()

    def save(self, verified: bool = False) -> None:
        """Mark the present point and write it; then return to the shorter transform, if that is due after a fault."""
        self._write(verified)
        if self.iteration < self.total and self._faults.may_shorten(self.iteration):
            self._use(self._short_shape)

    def _write(self, verified: bool = False) -> None:
        self.saved = replace(self.here(), verified=verified)
        if verified:
            self.verified = self.saved
        if self._saves is not None and self.iteration:
            self._saves.write(self.saved)
        self._saved_s = time.monotonic()

    def _use(self, shape: DwtShape) -> None:
        """Continue from `saved` with a transform of this shape."""
        self._shape, self._squarer = shape, None
        self._open.close()
        self._return_to_saved()

    def _open_squarer(self) -> None:
        if self._squarer is None:
            self._squarer = self._open.enter_context(self._make_squarer(self._shape))

    def _return_to_saved(self) -> None:
        point = self.saved
        self._stand_at(point)
        self._open_squarer()
        self._squarer.load(point.residue, point.shift, point.iteration)

    def _stand_at(self, point: Saved) -> None:
        self.iteration, self.product, self._here = point.iteration, point.product, None
        self._res64 = _res64(point.residue)

    def _go_back(self, bad: Bad) -> None:
        where = f"M{self.p}, iteration {bad.iteration}"
        decision = self._faults.decide(bad, where)
        if decision.to_verified:
            self.saved = self.verified
            if self._saves is not None:
                self._saves.drop_after(self.saved.iteration)
        shape = self._longer(self._shape) if decision.longer else self._shape
        if shape is None:
            #: The same wrong value came twice with the longest transform. Please report it.
            raise FaultError(f"{where}: {bad.message} twice, and there is no longer transform")
        action = f"going back to iteration {self.saved.iteration}"
        if decision.longer:
            action += f", with {shape.words} words"
        self._emit(Fault(bad.kind, where, f"{bad.message}; {action}"))
        if decision.longer:
            self._use(shape)
        else:
            self._return_to_saved()


def _res64(residue: mpz) -> int:
    return int(residue & (2**64 - 1))
