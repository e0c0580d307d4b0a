"""The test of processors and caches: squarings modulo 2^p - 1 whose results are published or computed twice."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from math import log2

from bigconst.base.errors import VerificationError
from bigconst.mersenne.chain import ROUNDOFF_LIMIT
from bigconst.mersenne.selftest import LIMIT, Case, MakeSquarer, case_of, compute, residues, rows
from bigconst.mersenne.test import LucasLehmer
from bigconst.plans.dwtshape import DwtShape, lengths, longer

WORK, MOST_WORK = 1 << 25, 1 << 28
"""Words times iterations: those of a computation without a published residue, a fraction of a second on one thread; and
the most for a published residue of more than 100 iterations."""

MOST_ITERATIONS = 10_000
"""Most iterations of a computation without a published residue."""

SHARE = 0.95, LIMIT
"""Smallest and largest exponent without a published residue, relative to the largest exponent of a length."""

BYTES_PER_WORD = 48
"""Most memory of a transform for each word, conversions of its residue included."""

_REMEDY = "do not trust this machine: check cooling, clock and voltage of its processors, then its memory"


@dataclass(frozen=True)
class Tier:
    """Transforms that fit one level of the memory hierarchy, one on each thread or one on all threads together."""

    shapes: tuple[DwtShape, ...]
    together: bool = False

    @property
    def bytes_per_thread(self) -> int:
        """Memory of the transforms of one thread, or of all threads if they compute one together."""
        return BYTES_PER_WORD * longer(self.shapes[-1]).words


def tiers(threads: int, memory_bytes: int) -> list[Tier]:
    """The tiers of second-level caches, third-level cache and memory; transforms take at most a quarter of the last."""
    most = max(1 << 20, min(memory_bytes // (6 * BYTES_PER_WORD), threads << 22, 1 << 26))
    return [Tier(shapes(1 << 10, 16 << 10)), Tier(shapes(64 << 10, 256 << 10)),
            Tier(shapes(most // 4, most), together=True)]


def shapes(low: int, high: int) -> tuple[DwtShape, ...]:
    """The transforms of `low` to `high` words, shortest first."""
    return tuple(shape for shape in lengths() if low <= shape.words <= high)


def choose(tier: Tier, threads: int) -> Case:
    """The next case on a tier: a random length and, every second time if there is one, a published residue."""
    shape = random.choice(tier.shapes)
    published = [row for row in rows() if shape.min_exponent <= row.exponent <= shape.max_exponent
                 and (row.iterations == 100 or row.iterations * shape.words <= MOST_WORK)]
    if published and random.random() < 0.5:
        return case_of(random.choice(published), shape, threads)
    exponent = int(shape.max_exponent * random.uniform(*SHARE))
    return Case(LucasLehmer.kind, exponent, max(4, min(WORK // shape.words, MOST_ITERATIONS)), None, shape, threads)


def check(case: Case, squarer: MakeSquarer, where: str, between: Callable[[int, int], None]) -> float:
    """Compute a case and return the largest round-off error.  Raises VerificationError, which names `where`.

    `between` receives the words and iterations of each finished batch; what it raises ends the computation.
    """
    # Beginning with 4, the residues would be small numbers for some iterations.
    start = None if case.expected else random.getrandbits(case.exponent - 1)

    def once(shape: DwtShape) -> tuple[int, float, str]:
        shift = random.randrange(case.exponent)
        name = f"{case} with shift {shift}, {where}"
        value, roundoff = compute(squarer, case, shape, shift, start, lambda count: between(shape.words, count))
        if not roundoff <= ROUNDOFF_LIMIT:
            raise VerificationError(f"{name}: a round-off error of {roundoff:.4f}, more than {ROUNDOFF_LIMIT}", _REMEDY)
        return value, roundoff, name

    value, roundoff, name = once(case.shape)
    if case.expected is not None:
        if residues(value) != case.expected:
            raise VerificationError(f"{name}: residue {_shown(residues(value))} instead of {_shown(case.expected)}",
                                    _REMEDY)
        return roundoff
    other, error, _ = once(longer(case.shape))
    if value != other:
        raise VerificationError(f"{name}: residue {_shown(residues(value))} the first time, "
                                f"{_shown(residues(other))} the second", _REMEDY)
    return max(roundoff, error)


def _shown(found: tuple[int, int, int]) -> str:
    """A residue modulo 2^64, 2^35 - 1 and 2^36 - 1 as text."""
    return f"{found[0]:016X}/{found[1]}/{found[2]}"


def operations(words: int) -> float:
    """Floating-point operations of an iteration by the usual count, 5 N log2 N for two real transforms of N words."""
    return 5 * words * log2(words)
