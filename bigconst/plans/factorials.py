"""Quotients of factorials, and what the terms of a series that is made of them have in common on a range of k.

With c(v, k), the product of all integers up to v*k that have no factor in common with v, the products of p(i)/q(i) over
i = 1 .. k of many series are products of powers c(v, k)^w, times a power of a rational number.  Since

    c(v, k) = product of ((v/d*k)!*d^(v/d*k))^mu(d) over the divisors d of v,

they are (a/b)^k*F(k), or -(a/b)^k*F(k), with a product F(k) of powers of (m*k)!.  A prime l divides F(k) as often as

    W(k, l) + W(k, l^2) + W(k, l^3) + ...     (A.-M. Legendre)

where W(k, q), for which the sum of all m*e is 0, rises and falls by w where k passes multiples of q/v: all u/v*q with u
and v without a common factor, as it does at the same places of each period of q.  It is 0 at the multiples of q.

Falls undo rises: each one the last rise before it that no fall before has undone.  A fall that has none to undo makes a
new minimum of W.  So the terms up to k = K, times b^K, are integers with the common denominator

    C*D(K),     D(K) = product of lcm(1, 2, .. floor(K/x)) over the places x = u/v of such falls

where C is small: t(k) has not p(k) as a factor, or has, and where it has not, rises count one k later, which matters
for small q only.  On a range of k, the primes that all terms have in common are those whose rises and falls the range
does not pass; how long their product is is known in advance by bounds of the sums theta(x) and psi(x) of logarithms of
primes and of powers of primes up to x:

    x - 1.95*sqrt(x) - 5 < theta(x) < x,        psi(x) < x + 0.94*sqrt(x),        0 < x <= 10^19

    J. Buethe, An analytic method for bounding psi(x), Math. Comp. 87 (2018), 1991-2009; below 1423 as it is counted.

    psi(x) - theta(x) < 1.4262*sqrt(x)

    J. B. Rosser, L. Schoenfeld, Approximate formulas for some functions of prime numbers, Illinois J. Math. 6 (1962).

Pure: integers and floating-point numbers, sums, products, quotients and square roots of which are the same everywhere.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cached_property, lru_cache
from math import gcd, log, pi, prod, sqrt

from bigconst.plans.polynomials import PRECISION

SEGMENT = 1 << 18
"""Integers among which primes are looked for at once, as a rule."""
Bounds = tuple[int, int, int]
"""Of a range: its first k, the k after the last one, and the prime above which primes count."""
Factor = tuple[int, ...]
"""A polynomial of degree 0 or 1, coefficients from the constant up."""


@dataclass(frozen=True)
class Crossing:
    """W rises or falls by `times` where k passes a multiple of q plus at*q; the fall that undoes a rise, or the rise
    that a fall undoes, is at other*q.  In the first period those with other <= 0 undo nothing."""

    at: Fraction
    other: Fraction
    times: int


@dataclass(frozen=True)
class Factorials:
    """(a/b)^k and F(k), the product of c(v, k)^w."""

    units: tuple[tuple[int, int], ...]
    """(v, w)"""
    a: int
    b: int
    late: bool
    """whether t has not p as a factor, so that rises count one k later"""

    @cached_property
    def powers(self) -> tuple[tuple[int, int], ...]:
        """(m, e) for each (m*k)!^e of F(k)."""
        found: Counter[int] = Counter()
        for v, w in self.units:
            for d in _divisors(v):
                found[v // d] += w * _moebius(d)
        return tuple((m, e) for m, e in sorted(found.items()) if e)

    @cached_property
    def jumps(self) -> tuple[tuple[int, int, int], ...]:
        """All (u, v, w) within a period, in order."""
        return tuple(sorted(((u, v, w) for v, w in self.units for u in range(1, v + 1) if gcd(u, v) == 1),
                            key=lambda each: Fraction(*each[:2])))

    @cached_property
    def _undone(self) -> tuple[tuple[Fraction, Fraction], ...]:
        """(place of a rise, place of the fall that undoes it) for the falls of the second period, 1 .. 2."""
        pending, found = [], []
        for period in range(3):
            for u, v, w in self.jumps:
                at = period + Fraction(u, v)
                pending += [at] * w
                found += [(pending.pop(), at) for _ in range(min(-w, len(pending)))]
        return tuple(found)

    @cached_property
    def rises(self) -> tuple[Crossing, ...]:
        """As they are in all periods."""
        found = Counter((rise - 1, fall - 1) for rise, fall in self._undone if 1 < rise <= 2)
        return tuple(Crossing(*both, times) for both, times in sorted(found.items()))

    @cached_property
    def falls(self) -> tuple[Crossing, ...]:
        """As they are in all periods but the first one."""
        found = Counter((fall - 1, rise - 1) for rise, fall in self._undone if 1 < fall <= 2)
        return tuple(Crossing(*both, times) for both, times in sorted(found.items()))

    @cached_property
    def minima(self) -> tuple[tuple[int, int, int], ...]:
        """(u, v, times) for the places x = u/v of D(K)."""
        return tuple((each.at.numerator, each.at.denominator, each.times)
                     for each in self.falls if each.other <= 0)

    @property
    def most(self) -> int:
        """The largest v."""
        return max(v for v, _ in self.units)

    @cached_property
    def constant(self) -> int:
        """C."""
        found = 1
        for q in range(2, self.most**2 + 1 if self.late else 2):
            prime = next(each for each in range(2, q + 1) if q % each == 0)
            if prime ** round(log(q) / log(prime)) == q:
                found *= prime ** max(0, self._deepest(q) - sum(times for _, _, times in self.minima))
        return found

    def _deepest(self, q: int) -> int:
        """The largest of -W(k, q) where rises count one k later."""
        places = [(-(-q * u // v) + (w > 0), w) for u, v, w in self.jumps]
        return max(-sum(w for at, w in places if at <= k) for k, _ in places)

    def log10_common(self, last: int) -> Decimal:
        """Bound of log10 of C*D(K), K = last."""
        with localcontext(PRECISION):
            found = Decimal(self.constant).ln()
            for u, v, times in self.minima:
                y = Decimal(last * v) / u
                found += times * (y + Decimal("0.94") * y.sqrt())
            return found / Decimal(10).ln()

    def log10_uncertain(self, last: int) -> Decimal:
        """Bound of what log10_common is too large by: psi(x) > x - 0.94*sqrt(x) for x > 11 (the same source)."""
        with localcontext(PRECISION):
            return sum(times * (Decimal("1.88") * (Decimal(last * v) / u).sqrt() + 11)
                       for u, v, times in self.minima) / Decimal(10).ln()


def factorials_of(p: Sequence[Factor], q: Sequence[Factor], late: bool) -> Factorials | None:
    """What products p and q of constants and linear factors make; None where p(i)/q(i) make no quotients of factorials.

    t has not p as a factor if it is `late`.
    """
    constants, linear = [1, 1], [Counter(), Counter()]
    for i, factors in enumerate((p, q)):
        for c, *k in factors:
            if not k:
                constants[i] *= abs(c)
            elif len(k) == 1 and -k[0] < c <= 0 and gcd(c, *k) == 1:
                linear[i][k[0], -c] += 1
            else:
                return None
    if late and {v for v, _ in linear[0]} & {v for v, _ in linear[1]}:
        return None
    linear[0].subtract(linear[1])
    units = {v: w for (v, _), w in linear[0].items() if w}
    if any(linear[0][v, i] != w for v, w in units.items() for i in _prime_to(v)):
        return None
    if sum(w * len(_prime_to(v)) for v, w in units.items()) != 0:
        return None
    root = Fraction(*constants) * prod((Fraction(d) ** (w * (v // d) * _moebius(d)) for v, w in units.items()
                                        for d in _divisors(v)), start=Fraction(1))
    if late and root.numerator % constants[0] != 0:
        return None
    return Factorials(tuple(sorted(units.items())), root.numerator, root.denominator, late)


def _divisors(v: int) -> list[int]:
    return [d for d in range(1, v + 1) if v % d == 0]


def _prime_to(v: int) -> list[int]:
    """The i below v, or 0 for v = 1, that have no factor in common with v."""
    return [i for i in range(v) if gcd(i, v) == 1]


def _moebius(n: int) -> int:
    """mu(n)."""
    found, prime = 1, 2
    while n > 1:
        if n % prime == 0:
            n, found = n // prime, -found
            if n % prime == 0:
                return 0
        prime += 1
    return found


def _missing(x: float) -> float:
    """Bound of x - theta(x)."""
    return 1.95 * sqrt(x) + 5


def _places(jumps: Iterable[tuple[int, int, int]], low: int, last: int) -> Iterator[tuple[float, int]]:
    """(i + u/v, w) for all jumps at multiples of primes above `low`, of numbers up to `last`."""
    for u, v, w in jumps:
        for i in range(last * v // (low * v) + 1):
            if (i * v + u) * low < last * v:
                yield i + u / v, w


@lru_cache(maxsize=1 << 10)
def passed(steps: tuple[Crossing, ...], count: int, last: int, low: int) -> float:
    """Bound of the logarithm of a product of primes above `low`: of those with steps at one of `count` successive k, up
    to `last`, that are not undone by others there, as often.  It does not become larger with other k before."""
    found = 1.0
    for step in steps:
        at, other = float(step.at), float(step.other)
        for i in range(last // low + 1):
            if (i + at) * low < last:
                most = count / (i + at)
                if i + other > 0:
                    most = min(most, last * abs(1 / (i + at) - 1 / (i + other)) * (1 + 1e-9))
                found += step.times * (most + _missing(last / (i + at)))
    return found


@lru_cache(maxsize=1 << 10)
def between(factorials: Factorials, low: int, high: int, last: int) -> float:
    """Bound of the sum of W(k, l)*log l, and of log l as often as D(last) has l as a prime, over all primes with
    low < l <= high, for every k up to `last`."""
    events, error = [], 0.0
    for place, w in _places(factorials.jumps, low, last):
        events += [(low * place, w / place), (high * place, -w / place)]
        error += abs(w) * _missing(high)
    for u, v, times in factorials.minima:
        error += times * max(0.0, min(high, last * v / u) - low + _missing(low))
    return _largest(events, last) + error + 1


@lru_cache(maxsize=1 << 10)
def below(factorials: Factorials, high: int, last: int) -> float:
    """Bound of the logarithm of C*D(last)*F(k), without the part of W(k, l) and that of D as a product of primes for
    the primes l > high, for every k up to `last`."""
    growth = sum(m * e * log(m) for m, e in factorials.powers)
    events, error = [(0.0, growth + 1e-12 * (1 + abs(growth)))], _log_beyond_growth(factorials, last)
    for place, w in _places(factorials.jumps, high, last):
        events.append((high * place, -w / place))
        error += w * _missing(last / place) if w > 0 else -w * _missing(high)
    for u, v, times in factorials.minima:
        y = last * v / u
        error += times * (high + 1.4262 * sqrt(y) if y > high else y + 0.94 * sqrt(y))
    return _largest(events, last) + error + log(factorials.constant) + 1


def _log_beyond_growth(factorials: Factorials, last: int) -> float:
    """Bound of log F(k) - k*sum of m*e*log m for k up to `last`, not below 0, by Stirling's formula."""
    even = sum(e for _, e in factorials.powers) / 2
    found = sum(e * log(2 * pi * m) / 2 + max(e, 0) / (12 * m) for m, e in factorials.powers)
    return max(0.0, found + max(0.0, even * log(max(last, 1))))


def _largest(events: list[tuple[float, float]], last: int) -> float:
    """The largest value up to `last` of what is 0 at 0, and whose slope changes at some places by so much."""
    found = value = slope = at = 0.0
    for place, change in sorted(events):
        if place > last:
            break
        value += slope * (place - at)
        at, slope, found = place, slope + change, max(found, value)
    return max(found, value + slope * (last - at)) * (1 + 1e-9)
