"""Factors of 2^p - 1 known before any transform."""

import gmpy2
import pytest

from bigconst.mersenne.factor import plain_residue, small_factor, smallest_divisor


def smallest_prime_factor(n):
    return next(d for d in range(3, n + 1, 2) if n % d == 0)


@pytest.mark.parametrize("p", [11, 23, 29, 37, 41, 43, 47])
def test_smallest_factor(p):
    factor = small_factor(p)
    assert factor is None or (2**p - 1) % factor == 0
    assert factor == (smallest_prime_factor(2**p - 1) if p != 41 else 13367)


@pytest.mark.parametrize("p", [3, 7, 13, 31, 89, 521, 110503])
def test_a_prime_has_none(p):
    assert small_factor(p) is None


def test_factors_divide():
    for p in range(131, 2000, 2):
        if gmpy2.is_prime(p) and (factor := small_factor(p, 1000)) is not None:
            assert pow(2, p, factor) == 1 and 1 < factor < 2**p - 1


def test_composite_exponents():
    assert [smallest_divisor(n) for n in (15, 13, 9, 4, 1000003**2)] == [3, None, 3, 2, 1000003]


def test_plain():
    assert plain_residue(7, 4, 2, 5) == 0 and plain_residue(11, 4, 2, 9) != 0
    assert plain_residue(7, 3, 0, 7) == 9
