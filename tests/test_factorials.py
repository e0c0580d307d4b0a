"""What terms of series have in common, against integers and a table of primes."""

import random
from math import log

import gmpy2
import numpy as np
import pytest
from common_factors import denominator_of, in_common, series_of, value_of
from gmpy2 import mpq, mpz

from bigconst.arithmetic.sieve import PrimesOf
from bigconst.plans.factorials import below, between, factorials_of, passed
from bigconst.plans.polynomials import value
from bigconst.runtime.threads import Pool

NAMES = ["pi", "pi by ramanujan", "zeta3", "log 2", "log 3 by single", "log 5", "catalan", "catalan by zuniga", "log 7"]
"""Numbers whose series are quotients of factorials."""


def test_bounds_of_primes():
    """x - 1.95*sqrt(x) - 5 < theta(x) < x, where the source leaves it to be counted, and beyond; psi(x) < x +
    0.94*sqrt(x), which is not below 11 in the source, and not above theta(x) by more than 1.4262*sqrt(x)."""
    numbers = np.arange(2, 10**6)
    composite = np.zeros(10**6, bool)
    powers = np.zeros(10**6)
    for p in range(2, 10**6):
        if not composite[p]:
            composite[2 * p::p] = True
            q = p
            while q < 10**6:
                powers[q] = log(p)
                q *= p
    theta = np.cumsum(np.where(composite[2:], 0.0, np.log(numbers)))
    psi = np.cumsum(powers[2:])
    assert np.all(theta < numbers)
    before = np.concatenate([[0.0], theta[:-1]])        # just below the next prime theta is least
    assert np.all(numbers - before < 1.95 * np.sqrt(numbers) + 5)
    assert np.all(psi < numbers + 0.94 * np.sqrt(numbers))
    assert np.all(np.concatenate([[0.0], psi[:-1]]) > numbers - 0.94 * np.sqrt(numbers) - 11)
    assert np.all(psi - theta < 1.4262 * np.sqrt(numbers))


@pytest.mark.parametrize("name", NAMES)
def test_terms_have_known_denominators(name):
    """w(k) = (a/b)^k*F(k), and C*D(K)*b^K is a denominator of the first K terms; D(K) is not much too large."""
    series = series_of(name)
    factorials, product, terms = series.factorials, mpq(1), mpq(0)
    for k in range(1, 260):
        terms += product * mpq(value(series.terms.t, k), value(series.terms.q, k))
        product *= mpq(value(series.terms.p, k), value(series.terms.q, k))
        assert abs(product) * mpq(factorials.b, factorials.a) ** k == value_of(factorials, k)
        denominator = denominator_of(factorials, k)
        assert (factorials.constant * denominator * mpz(factorials.b)**k * terms).denominator == 1
        size = float(gmpy2.log10(factorials.constant * denominator))
        assert size - 1e-9 <= factorials.log10_common(k) <= size + 1e-9 + float(factorials.log10_uncertain(k))
    late = any(value(series.terms.t, k) % value(series.terms.p, k) for k in range(1, 9))
    assert factorials.late == late


def test_what_makes_no_quotients_of_factorials():
    k, odd = (0, 1), (-1, 2)
    assert factorials_of([k], [odd], True) is not None
    for p, q in (([k, (1, 3)], [odd, odd]), ([k, k], [odd]), ([(-1, 3)], [k]), ([(-1, 3), (-1, 3)], [k, k]),
                 ([(0, 0, 1)], [odd, odd]), ([k, odd], [k, (-1, 1)]), ([(-2, 4)], [k]), ([k, k, odd], [k, odd, odd]),
                 ([(7,), k], [(7,), odd])):
        assert factorials_of(p, q, True) is None, (p, q)


@pytest.mark.parametrize("name", NAMES)
def test_products_of_primes(name):
    """They are what they are said to be, in ranges of all lengths and for all bounds, and not longer than planned."""
    factorials = series_of(name).factorials
    rng, pool = random.Random(1), Pool(2)

    def made(last, whole, half) -> mpz:
        primes = PrimesOf(factorials, last, whole, half, 64)
        found = mpz(1)
        for values, logarithm in primes.listed(primes.segments, pool, lambda found, log: (found.copy(), log)):
            own = mpz(1)
            for each in values.tolist():
                own *= each
            assert logarithm == pytest.approx(float(gmpy2.log(own)), rel=1e-9)
            found *= own
        return found

    def is_within(product: mpz, bound: float) -> bool:
        return float(gmpy2.log(product)) <= bound

    for _ in range(25):
        size, start = rng.choice([1, 5, 20, 60, 150]), rng.choice([0, rng.randrange(1, 500)])
        low = max(rng.choice([1, 2, 3]) * size, factorials.most**2)
        middle, end = start + size, start + 2 * size
        last, whole = end + rng.randrange(100), (start, end + 1, 2 * low)
        common, denominator = in_common(factorials, *whole, last), denominator_of(factorials, last)
        lead = made(last, whole, None)
        assert lead * common == denominator * value_of(factorials, start)
        assert is_within(lead, below(factorials, 2 * low, last) + passed(factorials.falls, 2 * size, last, 2 * low))
        for half, steps in (((start, middle + 1, low), factorials.falls), ((middle, end + 1, low), factorials.rises)):
            product = made(last, whole, half)
            assert product * common == in_common(factorials, *half, last)
            assert is_within(product, between(factorials, low, 2 * low, last) + passed(steps, size, last, 2 * low))


@pytest.mark.parametrize("name", ["pi", "zeta3", "catalan"])
def test_sums_of_logarithms_between_bounds(name):
    """`between` and `below` bound what they say at every k."""
    factorials = series_of(name).factorials
    primes = [p for p in range(2, 7000) if gmpy2.is_prime(p)]
    denominator = factorials.constant * denominator_of(factorials, 500)
    for low, high in ((10, 20), (50, 100), (100, 400)):
        for k in range(1, 500, 7):
            def height(q, k=k):
                return (sum(e * (m * k // q) for m, e in factorials.powers)
                        + sum(times for u, v, times in factorials.minima if q * u <= 500 * v))

            inside = sum(height(p) * log(p) for p in primes if low < p <= high)
            assert inside <= between(factorials, low, high, 500)
            above = sum(height(p) * log(p) for p in primes if p > high)
            whole = denominator * value_of(factorials, k)
            size = float(gmpy2.log(whole.numerator) - gmpy2.log(whole.denominator))
            assert size - above <= below(factorials, high, 500)


@pytest.mark.parametrize("name", NAMES)
def test_first_terms_of_ranges_are_largest_at_one_end(name):
    """|t(k)|/q(k) rises all the time, or falls: sums of ranges are planned by its values at both ends."""
    terms = series_of(name).terms
    ratios = [abs(mpq(value(terms.t, k), value(terms.q, k))) for k in range(1, 2000)]
    assert ratios in (sorted(ratios), sorted(ratios, reverse=True))
