"""Formulas of limits: how far to go in their parts, how long their numbers are, against integers and mathematics."""

from decimal import Decimal, localcontext
from fractions import Fraction
from math import prod

import gmpy2
import pytest
from gmpy2 import mpfr, mpz
from hypothesis import given, settings
from hypothesis import strategies as st
from quotients import value as right_value

from bigconst.plans.formula import NotConvergent, Series, exact_enough, ratio_bound
from bigconst.plans.limits import FORMULAS, formulas_of, limit
from bigconst.plans.logarithms import ARGUMENTS, PRIMES, acoth, exponents
from bigconst.plans.polynomials import (
    added,
    excess,
    is_positive_from,
    log10_product,
    product,
    root_bound,
    shifted,
    value,
)
from bigconst.plans.series import Hypergeometric

NAMES = [name if i == 0 else f"{name} by {formula}"
         for name in (*FORMULAS, "log 2", "log 3", "log 5", "log 7", "log 11", "log 13", "log 3/2")
         for i, formula in enumerate(formulas_of(name))]
SERIES = {f"{name}, {i}": part for name in NAMES for i, part in enumerate(limit(name).formula.parts)
          if isinstance(part, Series)}


@pytest.mark.parametrize("name", SERIES)
def test_tails(name):
    """Beyond the first term or two the ratio of terms stays below its limit: polynomials whose coefficients have one
    sign show it, so that all terms after so many are less than a geometric series."""
    terms = SERIES[name].terms
    start, ratio = ratio_bound(terms)
    if len(terms.p) < len(terms.q):
        assert ratio == Fraction(1, 2)
    else:
        assert start <= 2 and ratio == Fraction(abs(terms.p[-1]), abs(terms.q[-1]))
    above, below = product(shifted(terms.t, 1), terms.p), product(terms.t, shifted(terms.q, 1))
    for sign in (1, -1):
        rest = added([ratio.numerator * each * (1 if below[-1] > 0 else -1) for each in below], above,
                     -sign * ratio.denominator)
        assert min(shifted(rest, start)) >= 0
    for k in range(start, 200):
        assert abs(Fraction(value(above, k), value(below, k))) <= ratio


@pytest.mark.parametrize("name", NAMES)
def test_the_sum_is_the_number(name):
    """To 36 digits; more is for tests of digits."""
    with gmpy2.context(precision=200):
        right = right_value(name, 200)
        assert abs(mpfr(str(limit(name).formula.value)) / right - 1) < 1e-36
        assert limit(name).floor == int(gmpy2.floor(right))


@pytest.mark.parametrize("name", SERIES)
def test_what_is_left_out(name):
    """Times its weight, less than a hundredth of the last digit, as exact sums of twice as many terms say."""
    part, formula = SERIES[name], limit(name.partition(",")[0]).formula
    weight = next(abs(Fraction(each.c, formula.divisor)) for each in formula.products if part in each.parts)
    for digits in (1, 10, 100):
        count = part.count(digits, 10)
        total, factor, parts = Fraction(0), Fraction(1), []
        for k in range(1, 2 * count + 3):
            q = value(part.terms.q, k)
            total += factor * Fraction(value(part.terms.t, k), q)
            factor *= Fraction(value(part.terms.p, k), q)
            parts.append(total)
        left = abs(parts[-1] - parts[count - 1])
        if not any(part in each.below for each in formula.products):
            assert left * weight * 100 < Fraction(1, 10**digits)
        else:       # x/S times what S lacks
            assert left * 1000 < Fraction(1, 10**digits)


polynomials = st.lists(st.integers(-10**6, 10**6), min_size=1, max_size=9).map(tuple).filter(lambda each: each[-1] != 0)


@given(polynomials)
@settings(max_examples=300, deadline=None)
def test_bounds_of_values(polynomial):
    s, bound = excess(polynomial), root_bound(polynomial)
    for k in (0, 1, 2, 7, 1000):
        assert abs(value(polynomial, k)) <= abs(polynomial[-1]) * (k + s) ** (len(polynomial) - 1)
    sign = 1 if polynomial[-1] > 0 else -1
    assert value(polynomial, bound + 1) * sign > 0
    assert value(shifted(polynomial, 5), 3) == value(polynomial, 8)
    if is_positive_from(polynomial, 3):
        assert all(value(polynomial, k) > 0 for k in range(3, 50))


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(-20, 40)), min_size=1, max_size=8), st.integers(1, 6000))
@settings(max_examples=40, deadline=None)
def test_logarithms_of_products(factors, count):
    polynomial = product(*((b, a) for a, b in factors))
    values = [abs(value(polynomial, k)) for k in range(1, count + 1)]
    if 0 in values:
        return
    with gmpy2.context(precision=200):
        right = gmpy2.log10(mpfr(mpz(prod(values))))
        assert abs(mpfr(str(log10_product(polynomial, count))) - right) < 1e-9


def test_logarithms_of_polynomials_without_rational_roots():
    for polynomial in ((7, 3, 1), (100, -3, 0, 5), (5, 0, 0, 0, 2)):
        values = [abs(value(polynomial, k)) for k in range(1, 3001)]
        assert abs(log10_product(polynomial, 3000) - Decimal(prod(values)).log10()) < Decimal("1e-9")


@pytest.mark.parametrize("p, q, t, says", [
    ((1, 1), (1, 1), (1,), "the ratio of its terms tends to 1"), ((0, 2), (1, 1), (1,), "tends to 2"),
    ((0, 0, 1), (1, 1), (1,), "p has a higher degree than q"), ((-1, -3), (7, 3), (1,), "tends to 1")])
def test_series_that_do_not_converge(p, q, t, says):
    with pytest.raises(NotConvergent, match=says):
        ratio_bound(Hypergeometric(p, q, t))


def test_series_whose_terms_come_near_to_their_ratio_from_above():
    """(k + 1)/2^k, (1 + 5/k)... : the ratio of terms is above its limit for ever."""
    terms = Hypergeometric((6, 1), (0, 2), (1, 1))
    start, ratio = ratio_bound(terms)
    assert Fraction(1, 2) < ratio < Fraction(9, 10)
    part = exact_enough(Series(terms), Decimal(1))
    with localcontext() as context:
        context.prec = 1000
        total, factor, found = Decimal(0), Decimal(1), []
        for k in range(1, 4 * part.count(500, 10)):
            total += factor * value(terms.t, k) / value(terms.q, k)
            factor *= Decimal(value(terms.p, k)) / value(terms.q, k)
            found.append(total)
        for digits in (5, 50, 500):
            left = found[-1] - found[part.count(digits, 10) - 1]
            assert 0 < left * 100 < Decimal(10) ** -digits
        assert abs(part.limit - total) < Decimal("1e-38") * total


def test_arguments_of_logarithms():
    for largest, arguments in ARGUMENTS.items():
        assert all(exponents(x + 1, x - 1)[PRIMES.index(largest) + 1:] == (0,) * (5 - PRIMES.index(largest))
                   for x in arguments)
    for x in (26, 31, 8749):
        series, factor = acoth(x)
        with localcontext() as context:
            context.prec = 40
            found = series.limit * factor.numerator / factor.denominator
            assert abs(found - ((Decimal(x) + 1) / (x - 1)).ln()) < Decimal("1e-38")


@pytest.mark.parametrize("name", [
    "", "pi by", "pi by chudnovsky", "pi by gauss", "log 1", "log 0", "log 4/2", "log 2/1", "log 2/3", "log 17",
    "log -2", "log 2 by single", "log 7 by single", "zeta3 by x by y", "log 99999999999", "Pi", "series"])
def test_names_of_no_number(name):
    assert limit(name) is None
