"""Numbers as limits of rational numbers: sums of products of quotients, each of which comes from a series, a continued
fraction or the powers of a unit (docs/series.md).

    x = (1/divisor) * sum of c * (product of parts)/(product of parts)

A part is near N/Q for integers N, Q > 0 that its number of terms alone determines, and that follows from the number of
digits.  So x is near Y/X for integers X and Y, of which certificates speak (plans.quotient).

Pure: integers and decimal numbers.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal, localcontext
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import ClassVar, TypeVar

from bigconst.plans.factorials import Factor, Factorials, factorials_of
from bigconst.plans.polynomials import (
    PRECISION,
    Polynomial,
    added,
    excess,
    is_positive_from,
    log10_factorial,
    log10_most,
    log10_product,
    product,
    shifted,
    value,
)
from bigconst.plans.series import Hypergeometric

Number = TypeVar("Number")

SPARE_PLACES = 12
"""Decimals by which a part is more exact than it has to be, for what it is multiplied by."""
FARTHEST = 1 << 10
"""The terms whose ratios are bounded begin here at last: those before count as if they fell as fast."""


def decimals(digits: int, base: int) -> int:
    """D with 10^D >= base^digits, by log10 16 < 1.20412."""
    return digits if base == 10 else -(-digits * 120412 // 100000)


class NotConvergent(Exception):
    """A series that is not seen to converge; the message says why."""


class FormulaPart(ABC):
    """What formulas are made of."""

    method: ClassVar[str]
    """how its numbers are made, in words"""

    @abstractmethod
    def count(self, digits: int, base: int) -> int:
        """Terms after which it is right to less than base^-digits, by far."""

    @abstractmethod
    def log10_q(self, count: int) -> Decimal:
        """log10 of Q, to 1e-6 and better, or a bound where it has to be looked for."""

    @property
    @abstractmethod
    def limit(self) -> Decimal:
        """N/Q in the limit, to 20 digits and more; above 0."""

    @abstractmethod
    def describe(self, count: int) -> str:
        """What so many terms are, in words."""


@dataclass(frozen=True)
class Series(FormulaPart):
    """first + the sum of a series.  N = first*Q + T; all q(k) are above 0."""

    terms: Hypergeometric
    first: int = 0
    spare: int = SPARE_PLACES
    """decimals by which it is more exact"""
    factorials: Factorials | None = None
    """what p(i)/q(i) make, if they make quotients of factorials"""
    method: ClassVar[str] = "a series by binary splitting"

    @classmethod
    def of_factors(cls, p: Sequence[Factor], q: Sequence[Factor], t: Sequence[Polynomial], first: int = 0,
                   spare: int = SPARE_PLACES) -> "Series":
        """The series whose p, q and t are products."""
        late = any(tuple(t).count(each) < tuple(p).count(each) for each in p)
        return cls(Hypergeometric(product(*p), product(*q), product(*t)), first, spare, factorials_of(p, q, late))

    def count(self, digits: int, base: int) -> int:
        """As of FormulaPart: by the ratio of terms, or, where that tends to 0, by a bound of the terms."""
        places, rate = decimals(digits, base) + self.spare, self.rate
        if rate:
            return max(self.start, -(-places * 10000 // rate))
        low, high = 0, max(8, self.start)
        while self._log10_term(high) > -places:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._log10_term(middle) > -places else (low, middle)
        return max(high, self.start)

    @cached_property
    def _tail(self) -> tuple[int, Fraction]:
        return ratio_bound(self.terms)

    @property
    def start(self) -> int:
        """The ratios of terms are at most `ratio` from here on."""
        return self._tail[0]

    @property
    def ratio(self) -> Fraction:
        """|term k + 1|/|term k| is at most this one for k >= start."""
        return self._tail[1]

    @cached_property
    def rate(self) -> int:
        """Ten-thousandths of a decimal that a term gains at least; 0 where terms gain more and more."""
        if len(self.terms.p) < len(self.terms.q):
            return 0
        with localcontext(PRECISION):
            return int(10000 * (Decimal(self.ratio.denominator) / self.ratio.numerator).log10())

    def _log10_term(self, count: int) -> Decimal:
        """Bound on log10 of what all terms after so many are, relative to 1: below twice the next one."""
        series, k = self.terms, count + 1
        with localcontext(PRECISION):
            p = log10_most(series.p, 1, k, excess(series.p))
            t = Decimal(abs(series.t[-1])).log10() + (len(series.t) - 1) * Decimal(k + excess(series.t)).log10()
            return p + t - log10_product(series.q, k) + 1

    def log10_q(self, count: int) -> Decimal:
        """As of FormulaPart."""
        return log10_product(self.terms.q, count)

    @property
    def limit(self) -> Decimal:
        """As of FormulaPart: the sum itself."""
        return self.limit_and_largest[0]

    @property
    def limit_and_largest(self) -> tuple[Decimal, Decimal]:
        """The limit, and the magnitude of the largest term: much above it, the limit is not known to 20 digits."""
        total, largest = _sum_of(self.terms)
        with localcontext(PRECISION):
            return total + self.first, max(largest, abs(Decimal(self.first)))

    def describe(self, count: int) -> str:
        """As of FormulaPart."""
        return f"{count + (self.first != 0)} terms of a series"


@dataclass(frozen=True)
class ReducedSeries(Series):
    """A series with N and Q without what both are known to have in common: Q = C*D(K)*b^K for K terms
    (plans.factorials)."""

    def log10_q(self, count: int) -> Decimal:
        """A bound, above the logarithm by at most log10_uncertain."""
        with localcontext(PRECISION):
            return self.factorials.log10_common(count) + count * Decimal(self.factorials.b).log10()


def ratio_bound(series: Hypergeometric) -> tuple[int, Fraction]:
    """A k and a ratio below 1 such that from the term k on each is at most `ratio` times the one before, as a
    polynomial shows whose coefficients have one sign.  Raises NotConvergent."""
    p, q, t = series.p, series.q, series.t
    above, below = product(shifted(t, 1), p), product(t, shifted(q, 1))
    if above[-1] < 0:
        above = tuple(-each for each in above)
    if below[-1] < 0:
        below = tuple(-each for each in below)
    if len(p) > len(q):
        raise NotConvergent("p has a higher degree than q")
    limit = Fraction(above[-1], below[-1]) if len(p) == len(q) else Fraction(0)
    if limit >= 1:
        raise NotConvergent(f"the ratio of its terms tends to {limit}")
    if limit == 0:
        ratios = [Fraction(1, 2)]
    else:
        ratios = [limit, *(min(limit * (1 + Fraction(1, 10**j)), (1 + limit) / 2) for j in (9, 6, 4, 3, 2, 1))]
    for ratio in ratios:
        start = 1
        while start <= FARTHEST:
            both = [added([ratio.numerator * each for each in below], above, -ratio.denominator * sign)
                    for sign in (1, -1)]
            # The first one may vanish: the ratio is its limit at all k.
            if all(is_positive_from(each, start) or each == (0,) for each in both):
                return start, ratio
            start = start + 1 if start < 4 else 2 * start
    raise NotConvergent("the ratio of its terms comes near to its limit too late")


@lru_cache(maxsize=64)
def _sum_of(series: Hypergeometric) -> tuple[Decimal, Decimal]:
    """The sum of a series to 40 digits of its largest term, and the magnitude of this."""
    with localcontext(PRECISION):
        found, factor, k, small, largest = Decimal(0), Decimal(1), 1, 0, Decimal(0)
        start, _ = ratio_bound(series)
        while small < 8:
            q = value(series.q, k)
            term = factor * value(series.t, k) / q
            found += term
            factor *= Decimal(value(series.p, k)) / q
            k += 1
            # A term that happens to be small, or a slow series: several have to be, in a row.
            largest = max(largest, abs(term))
            small = small + 1 if k > start and abs(term) <= largest * Decimal("1e-44") else 0
        return found, largest


@dataclass(frozen=True)
class UnitRoot(FormulaPart):
    """sqrt d by powers of the unit (a + b*sqrt d)^j = N + Q*sqrt d of norm 1: 0 < N/Q/sqrt d - 1 < 1/(2*d*Q^2)."""

    a: int
    b: int
    d: int
    method: ClassVar[str] = "powers of a unit"

    def count(self, digits: int, base: int) -> int:
        """As of FormulaPart: the power."""
        with localcontext(PRECISION):
            # The next integers below 20000*log10(a + b*sqrt d).
            rate = int(20000 * self._log10_unit)
        return -(-(decimals(digits, base) + 2) * 10000 // rate)

    @property
    def _log10_unit(self) -> Decimal:
        with localcontext(PRECISION):
            return (self.a + self.b * Decimal(self.d).sqrt()).log10()

    def log10_q(self, count: int) -> Decimal:
        """As of FormulaPart."""
        with localcontext(PRECISION):
            return count * self._log10_unit - (2 * Decimal(self.d).sqrt()).log10()

    @property
    def limit(self) -> Decimal:
        """As of FormulaPart."""
        with localcontext(PRECISION):
            return Decimal(self.d).sqrt()

    def describe(self, count: int) -> str:
        """As of FormulaPart."""
        return f"the unit to the power of {count}"

    def power(self, power: int, modulus: int | None = None) -> tuple[int, int]:
        """N and Q, as integers or modulo a number."""
        a, b, d, n, q = self.a, self.b, self.d, 1, 0
        for bit in bin(power)[2:]:
            n, q = n * n + d * q * q, 2 * n * q
            if bit == "1":
                n, q = a * n + b * d * q, b * n + a * q
            if modulus is not None:
                n, q = n % modulus, q % modulus
        return n, q


@dataclass(frozen=True)
class Coth(FormulaPart):
    """e = (c + 1)/(c - 1) by the continued fraction u/v = [2; 6, 10, ... 4J - 2] of c = coth(1/2): N = u + v and
    Q = u - v."""

    method: ClassVar[str] = "a continued fraction by binary splitting"

    def count(self, digits: int, base: int) -> int:
        """As of FormulaPart: J, at least 20; with w = (2J)!/(2*J!) it is the least with w^2 >= b^(digits + 2)."""
        with localcontext(PRECISION):
            wanted = (digits + 2) * Decimal(base).log10() / 2
        low, high = 19, 40
        while self._log10_w(high) < wanted:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._log10_w(middle) < wanted else (low, middle)
        return high

    @staticmethod
    def _log10_w(count: int) -> Decimal:
        with localcontext(PRECISION):
            return log10_factorial(2 * count) - log10_factorial(count) - Decimal(2).log10()

    def log10_q(self, count: int) -> Decimal:
        """As of FormulaPart: 1.2*w < u - v < 1.22*w."""
        with localcontext(PRECISION):
            return self._log10_w(count) + Decimal("1.22").log10()

    @property
    def limit(self) -> Decimal:
        """As of FormulaPart."""
        return Decimal("2.71828182845904523536028747135266249775724709")

    def describe(self, count: int) -> str:
        """As of FormulaPart."""
        return f"{count} terms of the continued fraction"


@dataclass(frozen=True)
class Product:
    """c times some parts, divided by others."""

    c: int
    above: tuple[FormulaPart, ...] = ()
    below: tuple[FormulaPart, ...] = ()

    @property
    def parts(self) -> tuple[FormulaPart, ...]:
        """All of them, in the order in which they are made."""
        return self.below + self.above


@dataclass(frozen=True)
class Formula:
    """A sum of products, divided by an integer."""

    products: tuple[Product, ...]
    divisor: int = 1

    @cached_property
    def reduced(self) -> "Formula | None":
        """The formula with reduced series, where it has such; None where it has none."""
        def reduced(part: FormulaPart) -> FormulaPart:
            if isinstance(part, Series) and part.factorials is not None:
                return ReducedSeries(part.terms, part.first, part.spare, part.factorials)
            return part

        found = replace(self, products=tuple(Product(each.c, tuple(map(reduced, each.above)),
                                                     tuple(map(reduced, each.below))) for each in self.products))
        return None if found == self else found

    @property
    def parts(self) -> tuple[FormulaPart, ...]:
        """All parts, in the order in which they are made."""
        return tuple(part for each in self.products for part in each.parts)

    def counts(self, digits: int, base: int) -> tuple[int, ...]:
        """Terms of the parts for so many digits."""
        return tuple(part.count(digits, base) for part in self.parts)

    def log10_x(self, counts: Sequence[int]) -> Decimal:
        """log10 of X, the divisor times all that is below a stroke, to 1e-5 and better, or a bound as of log10_q."""
        with localcontext(PRECISION):
            return (sum((part.log10_q(count) for part, count in zip(self.parts, counts, strict=True)), Decimal(0))
                    + sum((part.limit.log10() for each in self.products for part in each.below), Decimal(0))
                    + Decimal(self.divisor).log10())

    @cached_property
    def value(self) -> Decimal:
        """x, to 20 digits and more."""
        with localcontext(PRECISION):
            found = Decimal(0)
            for each in self.products:
                term = Decimal(each.c)
                for part in each.above:
                    term *= part.limit
                for part in each.below:
                    term /= part.limit
                found += term
            return found / self.divisor

    def fraction(self, pairs: Sequence[tuple[Number, Number]], product_of: Callable, sum_of: Callable) -> tuple[
            Number, Number]:
        """X and Y from N and Q of all parts.

        product_of(c, numbers) is c times a product of numbers; sum_of((c, y, x), (d, v, u)) are x*u and c*y*u + d*v*x.
        """
        rest, found = iter(pairs), None
        for each in self.products:
            below, above = ([next(rest) for _ in parts] for parts in (each.below, each.above))
            x = product_of(1, [q for _, q in above] + [n for n, _ in below])
            y = product_of(1, [n for n, _ in above] + [q for _, q in below])
            found = (each.c, y, x) if found is None else (1, *sum_of(found, (each.c, y, x))[::-1])
        c, y, x = found
        return product_of(self.divisor, [x]), product_of(c, [y])

    def describe(self, counts: Sequence[int]) -> str:
        """What Y/X is made of."""
        return ", ".join(part.describe(count) for part, count in zip(self.parts, counts, strict=True))


def exact_enough(part: Series, weight: Decimal) -> Series:
    """The series with as many more decimals as it takes that what it lacks, times `weight`, is below 10^-2 of the last
    digit."""
    with localcontext(PRECISION):
        series, (start, ratio) = part.terms, ratio_bound(part.terms)
        # |term start|, and as if all before it had fallen by the ratio, too.
        first = abs(weight) * abs(value(series.t, start)) / value(series.q, start)
        for k in range(1, start):
            first *= abs(Decimal(value(series.p, k)) / value(series.q, k))
        rest = Decimal(ratio.numerator) / ratio.denominator
        most = max(first / (1 - rest), Decimal(1))
        needed = most.log10() - (start - 1) * rest.log10() + 2
        return replace(part, spare=max(SPARE_PLACES, int(needed.to_integral_value(ROUND_CEILING))))
