"""Products of primes in memory: where they are looked for, and how they are multiplied (arithmetic.primes)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import isqrt
from typing import TypeVar

import numpy as np

from bigconst.arithmetic.memory.products import Products
from bigconst.arithmetic.subtree import Found, Subtree
from bigconst.arithmetic.terms import ListedTerms
from bigconst.kernels.primes import factors, sieve
from bigconst.plans.factorials import Bounds, Factorials, Jump
from bigconst.runtime.threads import Pool

Made = TypeVar("Made")
LEAST_FOUND = 1 << 12
"""Room for the factors of a segment, which has as many or as many as integers: the first one has the highest powers."""
Interval = tuple[int, int]
"""Of integers, the first one and the one after the last one."""


@dataclass(frozen=True)
class PrimesOf:
    """The primes of a product (arithmetic.primes.PrimeProduct)."""

    factorials: Factorials
    whole: Bounds
    half: Bounds | None
    size: int
    """integers of a segment, an even number"""

    @cached_property
    def segments(self) -> list[Interval]:
        """Where they may be, in order, in pieces of at most `size` integers."""
        factorials, (start, stop, low) = self.factorials, self.whole
        if self.half is None:       # those up to the bound, those whose square may count, and those that fall
            found = [(1, max(low, isqrt(factorials.most * start)) + 1), *_around(factorials.falls, start, stop, low)]
        else:                       # those between the bounds, and those that jump where the half is not
            first, last, lower = self.half
            found = [(lower + 1, min(low, factorials.most * stop) + 1)]
            found += (_around(factorials.falls, last, stop, low) if first == start
                      else _around(factorials.rises, start + 1, first + 1, low))
        merged: list[Interval] = []
        for begin, end in sorted(each for each in found if each[0] < each[1]):
            if merged and begin <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(end, merged[-1][1])
            else:
                merged.append((begin, end))
        # They begin with odd numbers, so that no odd number is in two of them.
        return [(at, min(at + self.size, end))
                for begin, end in merged for at in range(begin - (begin % 2 == 0), end, self.size)]

    def listed(self, segments: list[Interval], pool: Pool, what: Callable[[np.ndarray, float], Made]) -> list[Made]:
        """For each segment what(factors, logarithm of their product) makes; the factors are overwritten then."""
        made: list = [None] * len(segments)
        jumps = np.array(self.factorials.jumps, np.int64)
        bounds = np.array([*self.whole, *(self.half or (0, 0, 0)), 0 if self.half else self.whole[0]], np.int64)
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
                length = factors(found, logarithm, composite, low, count, jumps, bounds, self.factorials.most)
                made[i] = what(found[:length], float(logarithm[0]))

        pool.run(some, [(first,) for first in range(pool.threads)])
        return made


def cell(primes: PrimesOf, cells: int, index: int, products: Products, memory: np.ndarray) -> Found:
    """One of so many cells of a product, in `memory` and about as much beside it."""
    pool = products.words.pool
    made = primes.listed(_cut(primes, cells, pool)[index], pool, lambda found, _: found.copy())
    values = np.concatenate([np.ones(1, np.int64), *made])
    terms = ListedTerms(int(values.max()), values)
    words, sign, residue = Subtree(terms, 0, len(values), len(values), ("P",)).number("P", products, memory)
    return words[:int(np.flatnonzero(words)[-1]) + 1], sign, residue


@lru_cache(maxsize=4)
def _cut(primes: PrimesOf, cells: int, pool: Pool) -> list[list[Interval]]:
    """The segments of each cell: what the primes of a cell make is about as long as that of others."""
    segments = primes.segments
    if cells == 1:
        return [segments]
    logs = np.cumsum([0.0, *primes.listed(segments, pool, lambda _, logarithm: logarithm)])
    cuts = [*np.searchsorted(logs, logs[-1] * np.arange(cells) / cells).tolist(), len(segments)]
    return [segments[start:stop] for start, stop in zip(cuts, cuts[1:], strict=False)]


def _odd_primes(most: int) -> np.ndarray:
    """Those up to `most`."""
    composite = np.zeros(most // 2 + 1, bool)       # of 2i + 1
    for i in range(1, isqrt(most) // 2 + 1):
        if not composite[i]:
            composite[2 * i * (i + 1)::2 * i + 1] = True
    found = 2 * np.flatnonzero(~composite) + 1
    return found[(found > 1) & (found <= most)].astype(np.int64)


def _around(jumps: tuple[Jump, ...], start: int, stop: int, low: int) -> list[Interval]:
    """Where the primes above `low` are that jump at one of the k from start to stop - 1."""
    found = []
    for u, v, _ in jumps:
        i = 0
        while (v * i + u) * low < v * (stop - 1):
            # u/v + i times a prime is above k - 1, and at most k.
            found.append((max(low, v * (start - 1) // (v * i + u)) + 1, v * (stop - 1) // (v * i + u) + 1))
            i += 1
    return found
