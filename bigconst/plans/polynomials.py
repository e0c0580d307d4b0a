"""Polynomials with integer coefficients, from the constant up, and how large products of their values are.

Pure: integers and decimal numbers.
"""

from collections.abc import Sequence
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from math import comb, factorial, prod

Polynomial = tuple[int, ...]

PRECISION = Context(prec=60)
"""Of logarithms: their integer parts are right for 10^18 digits, and the same on every machine."""
MOST_ROOTS = 10_000
"""Largest bound on roots for which `log10_product` is quick."""
_TWO_PI = Decimal("6.2831853071795864769252867665590057683943387987502116419498892")
_POWERS = 12
"""Powers of 1/k in the expansion of a logarithm."""


def product(*polynomials: Sequence[int]) -> Polynomial:
    """The product of polynomials; no leading zeros."""
    found = [1]
    for polynomial in polynomials:
        longer = [0] * (len(found) + len(polynomial) - 1)
        for i, a in enumerate(found):
            for j, b in enumerate(polynomial):
                longer[i + j] += a * b
        found = longer
    return trimmed(found)


def trimmed(polynomial: Sequence[int]) -> Polynomial:
    """Without leading zeros."""
    found = list(polynomial)
    while len(found) > 1 and found[-1] == 0:
        found.pop()
    return tuple(found)


def added(one: Sequence[int], other: Sequence[int], times: int = 1) -> Polynomial:
    """one + times*other."""
    size = max(len(one), len(other))
    return trimmed([(one[i] if i < len(one) else 0) + times * (other[i] if i < len(other) else 0)
                    for i in range(size)])


def shifted(polynomial: Sequence[int], by: int) -> Polynomial:
    """The polynomial in k whose value is that of the given one at k + by."""
    return tuple(sum(c * comb(j, i) * by ** (j - i) for j, c in enumerate(polynomial) if j >= i)
                 for i in range(len(polynomial)))


def is_positive_from(polynomial: Sequence[int], start: int) -> bool:
    """Whether it is seen to be above 0 at all k >= start: no coefficient of what it is at start + k is below 0."""
    found = shifted(polynomial, start)
    return min(found) >= 0 and found[0] > 0


def value(polynomial: Sequence[int], k: int) -> int:
    """A polynomial at k."""
    found = 0
    for coefficient in reversed(polynomial):
        found = found * k + coefficient
    return found


def differences(polynomial: Sequence[int], k: int) -> list[int]:
    """A polynomial at k, its first difference there, its second and so on: by them alone follow its next values."""
    values = [value(polynomial, k + i) for i in range(len(polynomial))]
    found = []
    while values:
        found.append(values[0])
        values = [after - before for before, after in zip(values, values[1:], strict=False)]
    return found


@lru_cache(maxsize=1 << 8)
def excess(polynomial: Polynomial) -> int:
    """An s >= 0 for which |polynomial| <= |c|*(k + s)^d at all k >= 0: no coefficient is above its fellow there."""
    *rest, lead = map(abs, polynomial)
    degree, found = len(rest), 0
    for i, coefficient in enumerate(rest):
        while coefficient > lead * comb(degree, i) * found ** (degree - i):
            # Doubling first, for polynomials that are far from their leading term.
            if coefficient > lead * comb(degree, i) * (2 * found + 1) ** (degree - i):
                found = 2 * found + 1
            else:
                found += 1
    return found


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


def log10_most(polynomial: Polynomial, start: int, stop: int, shift: int) -> Decimal:
    """log10 of the product of |c|*(k + shift)^d over k = start .. stop - 1, for the leading term c*k^d."""
    with localcontext(PRECISION):
        rising = log10_factorial(stop - 1 + shift) - log10_factorial(start - 1 + shift)
        return (stop - start) * Decimal(abs(polynomial[-1])).log10() + (len(polynomial) - 1) * rising


def root_bound(polynomial: Sequence[int]) -> int:
    """No root, real or complex, has a larger magnitude (M. Fujiwara, 1916)."""
    *rest, lead = polynomial
    found = 0
    for i, coefficient in enumerate(rest):
        while abs(coefficient) > abs(lead) * found ** (len(rest) - i):
            found = 2 * found + 1
    return 2 * found


@lru_cache(maxsize=1 << 10)
def log10_product(polynomial: Polynomial, count: int) -> Decimal:
    """log10 of the product of |polynomial| over k = 1 .. count, none of which is 0, to 1e-9 and better.

    Above a number that is large beside all roots, the logarithm is that of the leading term and a series in 1/k, whose
    sums follow from Euler's and Maclaurin's formula.
    """
    with localcontext(PRECISION):
        first = min(count, 16 * max(4, root_bound(polynomial)))
        found = sum((Decimal(prod(abs(value(polynomial, k)) for k in range(low, min(low + 32, first + 1)))).log10()
                     for low in range(1, first + 1, 32)), Decimal(0))
        if count > first:
            found += log10_most(polynomial, first + 1, count + 1, 0)
            more = sum(Decimal(c.numerator) / c.denominator * _power_sum(j, first + 1, count)
                       for j, c in enumerate(_logarithm(polynomial), 1))
            found += more / Decimal(10).ln()
        return found


def _logarithm(polynomial: Polynomial) -> list[Fraction]:
    """Coefficients of 1/k, 1/k^2, ... in log f, where f = polynomial/(c*k^d) = 1 + f_1/k + ...

    j*l_j is j*f_j minus the sum of i*l_i*f_(j-i)."""
    degree = len(polynomial) - 1
    f = [Fraction(polynomial[degree - j], polynomial[-1]) if j <= degree else Fraction(0) for j in range(_POWERS + 1)]
    found = [Fraction(0)]
    for j in range(1, _POWERS + 1):
        found.append(f[j] - sum(Fraction(i, j) * found[i] * f[j - i] for i in range(1, j)))
    return found[1:]


def _power_sum(j: int, start: int, stop: int) -> Decimal:
    """The sum of k^-j over k = start .. stop, for start >= 64."""
    a, b = Decimal(start), Decimal(stop)
    integral = (b / a).ln() if j == 1 else (a ** (1 - j) - b ** (1 - j)) / (j - 1)
    return (integral + (a**-j + b**-j) / 2 + j * (a ** (-j - 1) - b ** (-j - 1)) / 12
            - j * (j + 1) * (j + 2) * (a ** (-j - 3) - b ** (-j - 3)) / 720)
