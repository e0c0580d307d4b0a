"""Quotients of factorials, and what those of a range of k have in common.

The terms of many series are multiples of integers like F(k) = (6k)!/((3k)!*k!^3): products of powers (m*k)!^e with the
sum of all m*e being 0.  A prime l divides F(k) as often as

    W(k, l) + W(k, l^2) + W(k, l^3) + ...,      W(k, q) = sum of e*floor(m*k/q)     (A.-M. Legendre)

where W depends on k modulo q alone: it rises or falls where k modulo q passes certain multiples of q, and is 0 at the
multiples of q.  So where a range of k passes none of them F(k) has l in common, and the product of these primes is
known in advance; its length is, too, by bounds of the sum theta(x) of the logarithms of all primes up to x:

    x - 1.95*sqrt(x) - 5 < theta(x) < x,        0 < x <= 10^19

    J. Buethe, An analytic method for bounding psi(x), Math. Comp. 87 (2018), 1991-2009; below 1423 as it is counted.

Pure: integers and floating-point numbers, sums, products, quotients and square roots of which are the same everywhere.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from math import log, prod, sqrt

Jump = tuple[int, int, int]
"""(u, v, w): W rises by w where k passes a multiple of q plus u/v*q, 0 < u/v <= 1"""

Bounds = tuple[int, int, int]
"""Of a range: its first k, the k after the last one, and the prime above which primes count."""


@dataclass(frozen=True)
class Factorials:
    """F(k), an integer for all k >= 0, and at most `growth`^k."""

    powers: tuple[tuple[int, int], ...]
    """(m, e) for each (m*k)!^e"""

    @cached_property
    def jumps(self) -> tuple[Jump, ...]:
        """All rises and falls within a period, in order."""
        found: Counter[Fraction] = Counter()
        for m, e in self.powers:
            for i in range(1, m + 1):
                found[Fraction(i, m)] += e
        return tuple((x.numerator, x.denominator, w) for x, w in sorted(found.items()) if w)

    @property
    def rises(self) -> tuple[Jump, ...]:
        """The jumps upwards."""
        return tuple(each for each in self.jumps if each[2] > 0)

    @property
    def falls(self) -> tuple[Jump, ...]:
        """The jumps downwards, as numbers above 0."""
        return tuple((u, v, -w) for u, v, w in self.jumps if w < 0)

    @property
    def most(self) -> int:
        """The largest m."""
        return max(m for m, _ in self.powers)

    @property
    def growth(self) -> int:
        """F(k)^(1/k) in the limit."""
        return int(prod(Fraction(m) ** (m * e) for m, e in self.powers))


def _missing(x: float) -> float:
    """Bound of x - theta(x)."""
    return 1.95 * sqrt(x) + 5


def _places(jumps: Sequence[Jump], low: int, last: int) -> Iterator[tuple[float, int]]:
    """(i + u/v, w) for all jumps at multiples of primes above `low`, of numbers up to `last`."""
    for u, v, w in jumps:
        for i in range(last * v // (low * v) + 1):
            if (i * v + u) * low < last * v:
                yield i + u / v, w


@lru_cache(maxsize=1 << 10)
def passed(jumps: tuple[Jump, ...], count: int, last: int, low: int) -> float:
    """Bound of the logarithm of a product of primes above `low`: of those that jump at one of `count` successive k, up
    to `last`, as often as they jump there.  It does not become larger with other k before."""
    return 1 + sum(w * (count / place + _missing(last / place)) for place, w in _places(jumps, low, last))


@lru_cache(maxsize=1 << 10)
def between(factorials: Factorials, low: int, high: int, last: int) -> float:
    """Bound of the sum of W(k, l)*log l over all primes with low < l <= high, for every k up to `last`."""
    events, error = [], 0.0
    for place, w in _places(factorials.jumps, low, last):
        events += [(low * place, w / place), (high * place, -w / place)]
        error += abs(w) * _missing(high)
    return _largest(events, last) + error + 1


@lru_cache(maxsize=1 << 10)
def below(factorials: Factorials, high: int, last: int) -> float:
    """Bound of the logarithm of F(k) without the part of W(k, l) for the primes l > high, for every k up to `last`."""
    events, error = [(0.0, log(factorials.growth) + 1e-12)], 0.0
    for place, w in _places(factorials.jumps, high, last):
        events.append((high * place, -w / place))
        error += w * _missing(last / place) if w > 0 else -w * _missing(high)
    return _largest(events, last) + error + 1


def _largest(events: list[tuple[float, float]], last: int) -> float:
    """The largest value up to `last` of what is 0 at 0, and whose slope changes at some places by so much."""
    found = value = slope = at = 0.0
    for place, change in sorted(events):
        if place > last:
            break
        value += slope * (place - at)
        at, slope, found = place, slope + change, max(found, value)
    return max(found, value + slope * (last - at)) * (1 + 1e-9)
