"""Twiddles of any exact angle against multiple precision, the tree spelled out in fractions."""

from fractions import Fraction

import gmpy2
import numpy as np
import pytest
from oracle_words import tree_angles

from bigconst.arithmetic import tables

LISTS = [(8,), (5,), (2, 3), (4, 5, 8), (8, 7, 4, 3)]
ANGLES = [(2, 8), (0, 8), (5, 24), (8 * 3 * 12345677 + 2, 8 * 3 << 40)]


def roots(angles) -> np.ndarray:
    """exp(2 pi i angle), rounded from 120 bits."""
    with gmpy2.context(precision=120):
        turns = [2 * gmpy2.const_pi() * gmpy2.mpq(angle) for angle in angles]
        return np.array([float(gmpy2.cos(t)) + 1j * float(gmpy2.sin(t)) for t in turns])


def blocks(array) -> np.ndarray:
    pairs = array.reshape(-1, 2, 8)
    return pairs[:, 0] + 1j * pairs[:, 1]


def powers(angles) -> np.ndarray:
    """Rows of exp(2 pi i k angle), k = 0 .. 7."""
    return roots([k * angle for angle in angles for k in range(8)]).reshape(-1, 8)


@pytest.mark.parametrize("numerator,denominator", ANGLES)
@pytest.mark.parametrize("radices", LISTS)
def test_level_twiddles_and_children(radices, numerator, denominator):
    levels = tree_angles(radices, Fraction(numerator, denominator))
    nodes = [angle / r for r, level in zip(radices, levels, strict=False) for angle in level]
    error = np.abs(blocks(tables.level_twiddles(radices, numerator, denominator)) - powers(nodes))
    assert error.max() < 3e-16
    numerators, common = tables.child_numerators(radices, numerator, denominator)
    assert numerators.dtype == np.int64
    assert [Fraction(int(n), common) for n in numerators] == levels[-1]


@pytest.mark.parametrize("radices", [(), (2,), (4, 8), (8, 8, 8)])
def test_row_twiddles(radices):
    numerators, denominator = tables.child_numerators((3, 8), 7 * 2**40 + 1, 8 << 40)
    found = blocks(tables.row_twiddles(numerators, denominator, radices)).reshape(24, -1, 8)
    for row, angle in zip(found, [Fraction(int(n), denominator) for n in numerators], strict=True):
        products = np.cumprod((*radices, 8)).tolist()
        assert np.abs(row[:-1] - powers([angle / p for p in products])).max() < 3e-16
        assert np.abs(row[-1] - roots([angle / (8 * products[-1])])).max() < 3e-16


def test_column_twiddles_are_the_tree_of_the_right_angle():
    assert np.array_equal(tables.column_twiddles((8, 4, 3)), tables.level_twiddles((8, 4, 3), 2, 8))
