"""Series and continued fractions as data, and how far to go in them (docs/series.md).

Pure: integers and decimal numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from functools import lru_cache
from math import factorial

PRECISION = Context(prec=60)
"""Of logarithms: their integer parts are right for 10^18 digits, and the same on every machine."""
_TWO_PI = Decimal("6.2831853071795864769252867665590057683943387987502116419498892")


@dataclass(frozen=True)
class Hypergeometric:
    """The sum of A(k)*product of p(i)/q(i) over i = 1 .. k, over k = 0 .. N - 1.  It is T/Q, where Q is the product of
    all q(i)."""

    p: tuple[int, ...]
    """coefficients, from the constant up"""
    q: tuple[int, ...]
    a: tuple[int, ...]

    def log10(self, name: str, start: int, stop: int) -> Decimal:
        """Bound on log10 of |P|, |Q| or |T| of the terms start .. stop - 1, start >= 1, for p and q that are at most
        their leading terms.

        T/Q is the sum of A(k) times at most as many ratios of p and q as there are terms from the start on.
        """
        with localcontext(PRECISION):
            polynomial = self.p if name == "P" else self.q
            rising = log10_factorial(stop - 1) - log10_factorial(start - 1)
            found = (stop - start) * Decimal(abs(polynomial[-1])).log10() + (len(polynomial) - 1) * rising
            if name == "T":
                ratio = abs(Decimal(self.p[-1]) / self.q[-1])
                found += max(Decimal(1), value(self.a, stop) * ratio / (1 - ratio)).log10()
            return found


def product(one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
    """The product of two polynomials, given and returned as coefficients from the constant up; no leading zeros."""
    found = [0] * (len(one) + len(other) - 1)
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            found[i + j] += a * b
    while len(found) > 1 and found[-1] == 0:
        found.pop()
    return tuple(found)


CHUDNOVSKY_C = 640320
CHUDNOVSKY = Hypergeometric((5, -46, 108, -72), (0, 0, 0, CHUDNOVSKY_C**3 // 24), (13591409, 545140134))
"""426880*sqrt(10005)/pi: p(k) = -(6k - 5)(2k - 1)(6k - 1), q(k) = k^3*C^3/24 (D. V. and G. V. Chudnovsky, 1988)."""
UNIT = 4001, 40, 10005
"""a, b, d: (a + b*sqrt d)^j = p + q*sqrt d has norm 1, and p/q comes near to sqrt d."""


Products = dict[str, tuple[tuple[str, str], ...]]
"""For each name of the numbers of a range what it is the sum of: products of a number of the first half and one of the
second half."""
SERIES: Products = {"P": (("P", "P"),), "Q": (("Q", "Q"),), "T": (("T", "Q"), ("P", "T"))}
MATRICES: Products = {"a": (("a", "a"), ("b", "c")), "b": (("a", "b"), ("b", "d")),
                      "c": (("c", "a"), ("d", "c")), "d": (("c", "b"), ("d", "d"))}
"""Matrices (a, b; c, d), row by row."""


def joined(rule: Products, one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
    """The numbers of two ranges together, in the order of their names in the rule."""
    left, right = dict(zip(rule, one, strict=True)), dict(zip(rule, other, strict=True))
    return tuple(sum(left[a] * right[b] for a, b in pairs) for pairs in rule.values())


def unit_power(power: int, modulus: int | None = None) -> tuple[int, int]:
    """p and q of (a + b*sqrt d)^power = p + q*sqrt d for UNIT, as integers or modulo a number."""
    (a, b, d), p, q = UNIT, 1, 0
    for bit in bin(power)[2:]:
        p, q = p * p + d * q * q, 2 * p * q
        if bit == "1":
            p, q = a * p + b * d * q, b * p + a * q
        if modulus is not None:
            p, q = p % modulus, q % modulus
    return p, q


def value(polynomial: tuple[int, ...], k: int) -> int:
    """A polynomial at k."""
    found = 0
    for coefficient in reversed(polynomial):
        found = found * k + coefficient
    return found


def differences(polynomial: tuple[int, ...], k: int) -> list[int]:
    """A polynomial at k, its first difference there, its second and so on: by them alone follow its next values."""
    values = [value(polynomial, k + i) for i in range(len(polynomial))]
    found = []
    while values:
        found.append(values[0])
        values = [after - before for before, after in zip(values, values[1:], strict=False)]
    return found


def decimals(digits: int, base: int) -> int:
    """D with 10^D >= base^digits, by log10 16 < 1.20412."""
    return digits if base == 10 else -(-digits * 120412 // 100000)


def pi_terms(digits: int, base: int) -> tuple[int, int]:
    """N and j: with N terms of the series and the j-th power of the unit pi is right to less than 0.1 of b^-digits."""
    places = decimals(digits, base)
    return -(-(places + 18) * 10000 // 141816) + 1, -(-(places + 2) * 10000 // 78063)


def e_terms(digits: int, base: int) -> int:
    """J, at least 20: with w = (2J)!/(2*J!) it is the least with w^2 >= b^(digits + 2)."""
    with localcontext(PRECISION):
        wanted = (digits + 2) * Decimal(base).log10() / 2
    low, high = 19, 40
    while e_log10(high) < wanted:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if e_log10(middle) < wanted else (low, middle)
    return high


@lru_cache(maxsize=1 << 12)
def log10_factorial(n: int) -> Decimal:
    """log10 n! by Stirling's series, to 1e-12 and better."""
    with localcontext(PRECISION):
        if n < 64:
            return Decimal(factorial(n)).log10()
        x = Decimal(n)
        found = (x + Decimal("0.5")) * x.ln() - x + _TWO_PI.ln() / 2
        found += 1 / (12 * x) - 1 / (360 * x**3) + 1 / (1260 * x**5)
        return found / Decimal(10).ln()


def e_log10(count: int) -> Decimal:
    """log10 of w = (2J)!/(2*J!)."""
    with localcontext(PRECISION):
        return log10_factorial(2 * count) - log10_factorial(count) - Decimal(2).log10()


def log10_unit(power: int) -> Decimal:
    """Bound on log10 of p, and of q, in the power of the unit."""
    with localcontext(PRECISION):
        return power * (UNIT[0] + UNIT[1] * Decimal(UNIT[2]).sqrt()).log10()


def words_for_log10(size: Decimal, radix: int) -> int:
    """Words that hold every number up to 10^size."""
    with localcontext(PRECISION):
        return max(1, int(size / Decimal(radix).log10()) + 1)


def pi_log10(terms: int, power: int, reduced: bool) -> Decimal:
    """log10 of X = T*q, and with `reduced` of X/F, F = (N - 1)!^3/24^(N - 1), to 1e-6 and better (plans.quotient)."""
    with localcontext(PRECISION):
        root = Decimal(UNIT[2]).sqrt()
        found = (426880 * root * 2 / _TWO_PI).log10()
        found += 3 * (terms - 1) * Decimal(CHUDNOVSKY_C).log10()
        if not reduced:
            found += 3 * log10_factorial(terms - 1) - (terms - 1) * Decimal(24).log10()
        return found + power * (UNIT[0] + UNIT[1] * root).log10() - (2 * root).log10()
