"""What quotients of factorials have in common, against integers and a table of primes."""

import random
from math import log

import gmpy2
import numpy as np
import pytest
from gmpy2 import mpz
from quotients import in_common, value_of

from bigconst.arithmetic.sieve import PrimesOf
from bigconst.plans.factorials import Factorials, below, between, passed
from bigconst.plans.formula import Series
from bigconst.plans.limits import limit
from bigconst.plans.polynomials import value
from bigconst.runtime.threads import Pool

CHUDNOVSKY, RAMANUJAN = Factorials(((6, 1), (3, -1), (1, -3))), Factorials(((4, 1), (1, -4)))


def test_bounds_of_primes():
    """x - 1.95*sqrt(x) - 5 < theta(x) < x, where the source leaves it to be counted, and beyond."""
    primes = [2, *range(3, 10**6, 2)]
    primes = np.array([p for p in primes if gmpy2.is_prime(p)], float)
    sums = np.cumsum(np.log(primes))
    assert np.all(sums < primes)
    before = np.concatenate([[0.0], sums[:-1]])        # just below the next prime theta is least
    assert np.all(primes - before < 1.95 * np.sqrt(primes) + 5)


@pytest.mark.parametrize("name", ["pi", "pi by ramanujan"])
def test_terms_are_multiples_of_integers(name):
    series = next(part for part in limit(name).formula.parts if isinstance(part, Series))
    term = gmpy2.mpq(1)
    for k in range(1, 40):
        term *= gmpy2.mpq(value(series.terms.p, k), value(series.terms.q, k))
        assert abs(term) * mpz(series.root) ** k == value_of(series.factorials, k)
        assert value(series.terms.t, k) % value(series.terms.p, k) == 0


@pytest.mark.parametrize("factorials", [CHUDNOVSKY, RAMANUJAN], ids=["chudnovsky", "ramanujan"])
def test_products_of_primes(factorials):
    """They are what they are said to be, in ranges of all lengths and for all bounds, and not longer than planned."""
    assert all(value_of(factorials, k) <= factorials.growth**k for k in range(300))
    rng, pool = random.Random(1), Pool(2)

    def made(whole, half) -> mpz:
        primes = PrimesOf(factorials, whole, half, 64)
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

    for _ in range(40):
        size, start = rng.choice([1, 2, 5, 20, 60]), rng.choice([0, rng.randrange(1, 500)])
        low = rng.choice([1, 2, 3]) * size
        middle, end = start + size, start + 2 * size
        last, whole = end + rng.randrange(100), (start, end + 1, 2 * low)
        common = in_common(factorials, *whole)
        lead = made(whole, None)
        assert lead * common == value_of(factorials, start)
        assert is_within(lead, below(factorials, 2 * low, last) + passed(factorials.falls, 2 * size, last, 2 * low))
        for half, jumps in (((start, middle + 1, low), factorials.falls), ((middle, end + 1, low), factorials.rises)):
            product = made(whole, half)
            assert product * common == in_common(factorials, *half)
            assert is_within(product, between(factorials, low, 2 * low, last) + passed(jumps, size, last, 2 * low))


def test_sums_of_logarithms_between_bounds():
    """`between` and `below` bound what they say at every k."""
    primes = [p for p in range(2, 3000) if gmpy2.is_prime(p)]
    for low, high in ((10, 20), (50, 100), (100, 400)):
        for k in range(1, 500, 7):
            def height(q, k=k):
                return sum(e * (m * k // q) for m, e in CHUDNOVSKY.powers)

            inside = sum(height(p) * log(p) for p in primes if low < p <= high)
            assert inside <= between(CHUDNOVSKY, low, high, 500)
            above = sum(height(p) * log(p) for p in primes if p > high)
            assert float(gmpy2.log(value_of(CHUDNOVSKY, k))) - above <= below(CHUDNOVSKY, high, 500)
