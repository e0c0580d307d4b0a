"""Series and continued fractions as data: their terms, how the numbers of ranges follow, how long they are.

Pure: integers and decimal numbers.  How far to go in them, and what they are used for, is in plans.formula.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache

from bigconst.plans.polynomials import PRECISION, Polynomial, excess, log10_most


@dataclass(frozen=True)
class Hypergeometric:
    """The sum of t(k)/q(k) times the product of p(i)/q(i) over i = 1 .. k - 1, over k = 1 .. N.  It is T/Q, where Q is
    the product of all q(k).  No q(k) is 0."""

    p: Polynomial
    """coefficients, from the constant up"""
    q: Polynomial
    t: Polynomial

    @classmethod
    def of(cls, p: Polynomial, q: Polynomial, t: Polynomial) -> "Hypergeometric":
        """These terms, with a leading coefficient of q above 0."""
        sign = 1 if q[-1] > 0 else -1
        return cls(*(tuple(sign * each for each in polynomial) for polynomial in (p, q, t)))

    @property
    def coefficients(self) -> int:
        """How many there are in all: about as many additions as a term takes modulo a prime."""
        return len(self.p) + len(self.q) + len(self.t)

    def log10(self, name: str, start: int, stop: int) -> Decimal:
        """Bound on log10 of |P|, |Q| or |T| of the terms start .. stop - 1, start >= 1.

        |p| <= u and |q| <= v for powers of k + s.  T is the sum of t(k) times p's before k and q's after it: at most
        the product of all that is larger, u or v, without one of them, for each k; where u < v they fall at least by
        the largest u/v from one to the next.
        """
        with localcontext(PRECISION):
            if name != "T":
                polynomial = self.p if name == "P" else self.q
                return log10_most(polynomial, start, stop, excess(polynomial))
            s = max(excess(self.p), excess(self.q))
            u, v = ((abs(each[-1]), len(each) - 1) for each in (self.p, self.q))

            def is_past(k: int) -> bool:
                return v[0] * (k + s) ** v[1] > u[0] * (k + s) ** u[1]

            if is_past(start) and v[1] >= u[1]:         # so it is at all later ones
                found = log10_most(self.q, start, stop, s)
                less = Decimal(v[0]) * (start + s) ** v[1]
                ratio = Decimal(u[0]) * (start + s) ** u[1] / less
                count = min(Decimal(stop - start), 1 / (1 - ratio))
            else:
                found = sum((max(log10_most(self.p, low, high, s), log10_most(self.q, low, high, s))
                             for low, high in self._cut(start, stop, is_past)), Decimal(0))
                less = min(Decimal(u[0]) * (start + s) ** u[1], Decimal(v[0]) * (start + s) ** v[1])
                less, count = max(less, Decimal(1)), Decimal(stop - start)
            largest = Decimal(abs(self.t[-1])) * (stop - 1 + excess(self.t)) ** (len(self.t) - 1)
            return found + (max(Decimal(1), largest * count / less)).log10()

    @staticmethod
    def _cut(start: int, stop: int, is_past) -> list[tuple[int, int]]:
        """The range in two, if u is below v in one of them only."""
        before = is_past(start)
        if is_past(stop - 1) == before:
            return [(start, stop)]
        low, high = start, stop - 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if is_past(middle) == before else (low, middle)
        return [(start, high), (high, stop)]


Products = dict[str, tuple[tuple[str, str], ...]]
"""For each name of the numbers of a range what it is the sum of: products of a number of the first half and one of the
second half."""
SERIES: Products = {"P": (("P", "P"),), "Q": (("Q", "Q"),), "T": (("T", "Q"), ("P", "T"))}
MATRICES: Products = {"a": (("a", "a"), ("b", "c")), "b": (("a", "b"), ("b", "d")),
                      "c": (("c", "a"), ("d", "c")), "d": (("c", "b"), ("d", "d"))}
"""Matrices (a, b; c, d), row by row."""
DUAL: Products = {"P": SERIES["P"], "R": (("P", "R"), ("R", "P")), "Q": SERIES["Q"], "T": SERIES["T"],
                  "U": (("U", "Q"), ("P", "U"), ("R", "T"))}
"""A series whose p and t are P + R*e and T + U*e with e^2 = 0."""


def joined(rule: Products, one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
    """The numbers of two ranges together, in the order of their names in the rule."""
    left, right = dict(zip(rule, one, strict=True)), dict(zip(rule, other, strict=True))
    return tuple(sum(left[a] * right[b] for a, b in pairs) for pairs in rule.values())


def words_for_log10(size: Decimal, radix: int) -> int:
    """Words that hold every number up to 10^size."""
    with localcontext(PRECISION):
        return max(1, int(size / Decimal(radix).log10()) + 1)


@lru_cache(maxsize=1 << 12)
def words_for_log(size: float, radix: int) -> int:
    """Words that hold every number up to e^size."""
    with localcontext(PRECISION):
        return words_for_log10(Decimal(size) / Decimal(10).ln(), radix)
