"""The probability of a chi-square value."""

import math

_EXACT = 1e-15
_STEPS = 100_000


def upper_gamma(a: float, x: float) -> float:
    """Q(a, x) = Gamma(a, x)/Gamma(a), the regularized upper incomplete gamma function, for a > 0, x >= 0.

    By the power series for x < a + 1, else by Legendre's continued fraction (Lentz's method); both take O(sqrt(a))
    steps at worst.
    Correct to about 1e-11 for a below 10^4.

        NIST Digital Library of Mathematical Functions, 8.7.1 and 8.9.2.
    """
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for k in range(1, _STEPS):
            term *= x / (a + k)
            total += term
            if term < total * _EXACT:
                break
        return 1 - front * total
    b = x + 1 - a
    d = fraction = 1 / b
    c = math.inf
    for k in range(1, _STEPS):
        numerator = k * (a - k)
        b += 2
        d = 1 / (numerator * d + b)
        c = b + numerator / c
        fraction *= c * d
        if abs(c * d - 1) < _EXACT:
            break
    return front * fraction


def p_value(chi_square: float, degrees: int) -> float:
    """The probability that a chi-square variable with `degrees` degrees of freedom is at least `chi_square`."""
    return upper_gamma(degrees / 2, chi_square / 2)
