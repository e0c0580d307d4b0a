"""Primes of a product (arithmetic.primes): where they are looked for, and how often each counts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import isqrt
from typing import TypeVar

import numpy as np

from bigconst.kernels.primes import factors, sieve
from bigconst.plans.factorials import SEGMENT, Bounds, Crossing, Factorials
from bigconst.runtime.threads import Pool

Made = TypeVar("Made")
NEAR = 1 << 8
"""Intervals that are nearer to each other are one."""
LEAST_FOUND = 1 << 12
"""Room for the factors of a segment, which has as many or as many as integers: the first one has the highest powers."""
LISTED = 1 << 10
"""Segments of a denominator at a time."""
Interval = tuple[int, int]
"""Of integers, the first one and the one after the last one."""


@dataclass(frozen=True)
class PrimesOf:
    """The primes of a product (arithmetic.primes.PrimeProduct)."""

    factorials: Factorials
    last: int
    """no k is larger"""
    whole: Bounds
    half: Bounds | None
    size: int
    """integers of a segment, an even number"""

    @cached_property
    def segments(self) -> list[Interval]:
        """Where they may be, in order, in pieces of at most `size` integers."""
        factorials, (start, stop, low) = self.factorials, self.whole
        most = factorials.most * self.last
        if self.half is None:       # those up to the bound, those whose square may count, and those that fall
            found = [(1, min(max(low, isqrt(most)), most) + 1), *_around(factorials.falls, start, stop - 1, low)]
        else:                       # those between the bounds, and those that jump where the half is not
            first, after, lower = self.half
            found = [(lower + 1, min(low, most) + 1)]
            found += (_around(factorials.falls, after - 1, stop - 1, low) if first == start
                      else _around(factorials.rises, start, first, low))
        merged: list[Interval] = []
        for begin, end in sorted(each for each in found if each[0] < each[1]):
            if merged and begin <= merged[-1][1] + NEAR:
                merged[-1] = merged[-1][0], max(end, merged[-1][1])
            else:
                merged.append((begin, end))
        # They begin with odd numbers, so that no odd number is in two of them.
        return [(at, min(at + self.size, end))
                for begin, end in merged for at in range(begin - (begin % 2 == 0), end, self.size)]

    def listed(self, segments: list[Interval], pool: Pool, what: Callable[[np.ndarray, float], Made]) -> list[Made]:
        """For each segment what(factors, logarithm of their product) makes; the factors are overwritten then."""
        made: list = [None] * len(segments)
        jumps, minima = (np.array(each, np.int64).reshape(-1, 3)
                         for each in (self.factorials.jumps, self.factorials.minima))
        bounds = np.array([*self.whole, *(self.half or (0, 0, 0)), self.last, self.half is None], np.int64)
        primes = _odd_primes(isqrt(max((stop for _, stop in segments), default=0)))

        def some(first: int) -> None:
            composite = np.zeros(self.size // 2 + 1, np.uint8)
            found, logarithm = np.empty(max(self.size, LEAST_FOUND), np.int64), np.empty(1)
            for i in range(first, len(segments), pool.threads):
                low, stop = segments[i]
                count = (stop - low + 1) // 2
                skipped = int(low == 1)
                composite[:skipped] = 0
                sieve(composite[skipped:count], low + 2 * skipped, primes)
                length = factors(found, logarithm, composite, low, count, jumps, minima, bounds, self.factorials.most)
                made[i] = what(found[:length], float(logarithm[0]))

        pool.run(some, [(first,) for first in range(pool.threads)])
        return made


def listed_of_denominator(factorials: Factorials, last: int, pool: Pool, what: Callable[[np.ndarray, float], Made]
                          ) -> Iterator[Made]:
    """As PrimesOf.listed for those of D(last), of which there may be too many to be kept."""
    end = factorials.most * last + 1
    primes = PrimesOf(factorials, last, (0, last + 1, end), None, SEGMENT)
    for block in range(1, end, LISTED * SEGMENT):
        yield from primes.listed([(at, min(at + SEGMENT, end)) for at in range(
            block, min(block + LISTED * SEGMENT, end), SEGMENT)], pool, what)


def _odd_primes(most: int) -> np.ndarray:
    """Those up to `most`."""
    composite = np.zeros(most // 2 + 1, bool)       # of 2i + 1
    for i in range(1, isqrt(most) // 2 + 1):
        if not composite[i]:
            composite[2 * i * (i + 1)::2 * i + 1] = True
    found = 2 * np.flatnonzero(~composite) + 1
    return found[(found > 1) & (found <= most)].astype(np.int64)


def _around(steps: tuple[Crossing, ...], after: int, upto: int, low: int) -> list[Interval]:
    """Where the primes above `low` are that have steps at one of the k from after + 1 to `upto` which are not undone
    there."""
    found = []
    for step in steps:
        (u, v), (x, y) = step.at.as_integer_ratio(), step.other.as_integer_ratio()
        while u * low < v * upto:
            # The step is at the k above u/v times the prime, what undoes it at x/y times the prime.
            begin, end = max(low, v * after // u), v * upto // u
            if x * v > u * y:
                begin = max(begin, y * upto // x)
            elif x > 0:
                end = min(end, y * after // x)
            found.append((begin + 1, end + 1))
            u, x = u + v, x + y
    return found
