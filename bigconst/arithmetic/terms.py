"""Terms of series and of continued fractions: how the numbers of a range follow from those of its halves.

    series               P = P1*P2, Q = Q1*Q2, T = T1*Q2 + P1*T2          (plans.series.Hypergeometric)
    continued fraction   the matrices (c, 1; 1, 0) multiplied
    harmonic numbers     a series of numbers a + b*e, e^2 = 0
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import TYPE_CHECKING

from bigconst.plans.polynomials import PRECISION, log10_factorial, log10_most
from bigconst.plans.series import DUAL, MATRICES, SERIES, Hypergeometric, Products, words_for_log10

if TYPE_CHECKING:
    import numpy as np

Names = tuple[str, ...]


class Terms(ABC):
    """Terms whose numbers over a range follow from those over its halves; numbers have names, like P, Q, T."""

    names: str
    polynomials: tuple[tuple[int, ...], ...]
    """for each name the number of a single term: a polynomial in k, coefficients from the constant up"""
    products: Products
    ones: str
    """names of the numbers that are 1 where there are no terms; the others are 0 there"""
    operation: str
    """name under which estimates know the time for a range"""

    @property
    def layout(self) -> Terms:
        """Terms with as long numbers, without what makes these terms other ones."""
        return self

    @abstractmethod
    def log10(self, name: str, start: int, stop: int) -> Decimal:
        """Bound on log10 of a number of the terms start .. stop - 1."""

    @abstractmethod
    def residues(self, start: int, stop: int, p: int) -> dict[str, int]:
        """All numbers of these terms modulo a prime, by their recurrence."""

    def halves(self, wanted: Names) -> tuple[Names, Names]:
        """What is needed of the first half and of the second one."""
        pairs = [pair for name in wanted for pair in self.products[name]]
        return tuple(tuple(name for name in self.names if any(pair[half] == name for pair in pairs))
                     for half in range(2))

    def join(self, machine, left: dict, right: dict, wanted: Names, words: Sequence[int], *,
             one_by_one: bool = False) -> tuple:
        """The numbers of a range, of so many words at most, from those of its halves; a number that is in two products
        is transformed once.

        A sum of products takes one inverse transform, or one for each product, which takes less memory.
        """
        pairs = [pair for name in wanted for pair in self.products[name]]
        first, second = (Counter(pair[half] for pair in pairs) for half in range(2))
        spectra = {}

        def spectrum(name: str, number, uses: int):
            if name not in spectra:
                spectra[name] = machine.spectrum(name, number, max(words) + 1, uses)
            return spectra[name]

        def factors(one: str, other: str) -> tuple:
            if second[other] > 1:
                return left[one], spectrum(f"{other} of the second half", right[other], second[other])
            if first[one] > 1:
                return right[other], spectrum(f"{one} of the first half", left[one], first[one])
            return left[one], right[other]

        def number(name: str, size: int):
            made, together = None, 1 if one_by_one else len(self.products[name])
            for i in range(0, len(self.products[name]), together):
                made = machine.products(name, [factors(*pair) for pair in self.products[name][i:i + together]], size,
                                        plus=[] if made is None else [(1, made, 0)])
            return made

        return tuple(number(name, size) for name, size in zip(wanted, words, strict=True))


@dataclass(frozen=True)
class SeriesTerms(Terms):
    """A hypergeometric series."""

    series: Hypergeometric
    names = "PQT"
    products = SERIES
    ones = "PQ"
    operation = "series"

    @property
    def polynomials(self) -> tuple[tuple[int, ...], ...]:
        """As of Terms."""
        return self.series.p, self.series.q, self.series.t

    def log10(self, name: str, start: int, stop: int) -> Decimal:
        """As of Terms."""
        return self.series.log10(name, start, stop)

    def residues(self, start: int, stop: int, p: int) -> dict[str, int]:
        """As of Terms."""
        from bigconst.arithmetic.limits import series_range

        return dict(zip("PQT", series_range(start, stop, p, self.series), strict=True))


@dataclass(frozen=True)
class FractionTerms(Terms):
    """The continued fraction [c(1); c(2), ...], c(k) = 4k - 2: products of the matrices (a, b; c, d) = (c(k), 1; 1, 0).
    """

    names = "abcd"
    polynomials = (-2, 4), (1,), (1,), (0,)
    products = MATRICES
    ones = "ad"
    operation = "fraction"

    def log10(self, name: str, start: int, stop: int) -> Decimal:
        """As of Terms: all entries are at most the product of 4k."""
        with localcontext(PRECISION):
            return (stop - start) * Decimal(4).log10() + log10_factorial(stop - 1) - log10_factorial(start - 1)

    def residues(self, start: int, stop: int, p: int) -> dict[str, int]:
        """As of Terms."""
        from bigconst.arithmetic.limits import fraction_range

        return dict(zip("abcd", fraction_range(start, stop, p), strict=True))


@dataclass(frozen=True)
class HarmonicTerms(Terms):
    """The sums of x^(2k)/k!^2 and of H_k*x^(2k)/k!^2, H_k = 1 + 1/2 + ... + 1/k, for k >= 1: T/Q and U/Q.

    The sum of both, the second one times e with e^2 = 0, is that of products of (x^2*i + x^2*e)/i^3 over i = 1 .. k.
    """

    x: int
    names = "PRQTU"
    products = DUAL
    ones = "PQ"
    operation = "series"

    @property
    def polynomials(self) -> tuple[tuple[int, ...], ...]:
        """As of Terms."""
        square = self.x * self.x
        return (0, square), (square,), (0, 0, 0, 1), (0, square), (square,)

    def log10(self, name: str, start: int, stop: int) -> Decimal:
        """As of Terms.  T is at most the number of terms times the product of the larger one of both, x^2*i and i^3; R
        is P, and U at most T, times the sum of 1/i."""
        with localcontext(PRECISION):
            def p(low: int, high: int) -> Decimal:
                return log10_most((0, self.x * self.x), low, high, 0)

            def q(low: int, high: int) -> Decimal:
                return log10_most((0, 0, 0, 1), low, high, 0)

            harmonic = (min(Decimal(stop - start), (Decimal(stop) / start).ln() + 1) if name in "RU"
                        else Decimal(1)).log10()
            if name == "Q":
                return q(start, stop)
            if name in "PR":
                return p(start, stop) + harmonic
            middle = min(max(start, self.x), stop)
            return p(start, middle) + q(middle, stop) + Decimal(stop - start).log10() + harmonic

    def residues(self, start: int, stop: int, p: int) -> dict[str, int]:
        """As of Terms."""
        from bigconst.arithmetic.limits import range_of_terms

        return range_of_terms(self.products, self.polynomials, self.ones, start, stop, p)


@dataclass(frozen=True)
class ListedTerms(Terms):
    """Integers from 1 to `most`, whose product is wanted; in the layout there are none of them."""

    most: int
    values: np.ndarray | None = field(default=None, compare=False)
    """these integers, below 2^63"""
    names = "P"
    polynomials = ((),)
    products = {"P": SERIES["P"]}
    ones = "P"
    operation = "series"

    @property
    def layout(self) -> ListedTerms:
        """As of Terms."""
        return ListedTerms(self.most)

    def log10(self, name: str, start: int, stop: int) -> Decimal:
        """As of Terms."""
        with localcontext(PRECISION):
            return (stop - start) * Decimal(self.most).log10() + Decimal("1e-6")

    def residues(self, start: int, stop: int, p: int) -> dict[str, int]:
        """As of Terms."""
        from bigconst.arithmetic.limits import product_of

        return {"P": product_of(self.values[start:stop], p)}


def words_of(terms: Terms, name: str, start: int, stop: int, radix: int) -> int:
    """Words that a number of the terms start .. stop - 1 has at most."""
    return _words_of(terms.layout, name, start, stop, radix)


@lru_cache(maxsize=1 << 12)
def _words_of(terms: Terms, name: str, start: int, stop: int, radix: int) -> int:
    return words_for_log10(terms.log10(name, start, stop), radix)

