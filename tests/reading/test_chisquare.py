"""p-values against closed forms and published tables."""

import math

import pytest

from bigconst.reading.chisquare import p_value, upper_gamma

# Critical values of chi-square, NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4.
TABLE = {1: (2.706, 3.841, 5.024, 6.635, 10.828), 2: (4.605, 5.991, 7.378, 9.210, 13.816),
         9: (14.684, 16.919, 19.023, 21.666, 27.877), 15: (22.307, 24.996, 27.488, 30.578, 37.697),
         90: (107.565, 113.145, 118.136, 124.116, 137.208), 100: (118.498, 124.342, 129.561, 135.807, 149.449)}
LEVELS = (0.10, 0.05, 0.025, 0.01, 0.001)


@pytest.mark.parametrize("degrees", TABLE)
def test_published_critical_values(degrees):
    for value, level in zip(TABLE[degrees], LEVELS, strict=True):
        # The table has three decimals.
        assert p_value(value + 0.0006, degrees) < level < p_value(value - 0.0006, degrees)


@pytest.mark.parametrize("x", [1e-9, 0.1, 1.0, 2.9, 3.1, 10.0, 50.0, 300.0])
def test_one_degree_is_the_error_function_and_two_are_the_exponential(x):
    assert p_value(x, 1) == pytest.approx(math.erfc(math.sqrt(x / 2)), rel=1e-11, abs=1e-300)
    assert p_value(x, 2) == pytest.approx(math.exp(-x / 2), rel=1e-11)


@pytest.mark.parametrize("degrees", [90, 240, 900, 3840])
@pytest.mark.parametrize("share", [0.5, 0.8, 0.95, 0.999, 1.0, 1.001, 1.05, 1.2, 2.0])
def test_even_degrees_are_a_sum_of_poisson_terms(degrees, share):
    # Q(k, y) = exp(-y) sum_{j<k} y^j/j!
    y = share * degrees / 2
    exact = math.fsum(math.exp(j * math.log(y) - y - math.lgamma(j + 1)) for j in range(degrees // 2))
    assert p_value(2 * y, degrees) == pytest.approx(exact, rel=1e-9, abs=1e-300)


def test_the_ends():
    assert upper_gamma(4.5, 0.0) == 1.0 and p_value(0.0, 9) == 1.0
    assert p_value(1e6, 9) == 0.0
