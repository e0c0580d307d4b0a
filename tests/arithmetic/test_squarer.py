"""Squarings modulo 2^p - 1 against gmpy2's integers."""

import pytest
from gmpy2 import mpz, mpz_random, random_state
from hypothesis import given
from hypothesis import strategies as st

from bigconst.arithmetic.memory.squarer import Squarer
from bigconst.kernels.dwt import LAYOUT
from bigconst.plans.dwtshape import DwtShape, cached_bytes, dwt_shape, lengths

SHORT = [shape for shape in lengths() if shape.words <= 1 << 15]
USUAL = [shape for shape in lengths() if shape.words <= 1 << 19]
ODD_HEIGHTS = [DwtShape(height, 8) for height in (16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 192, 216, 288, 320, 384, 448,
                                                   480, 512, 576, 672, 768, 800)]


def check(p, shape, threads, count, value, shift, subtract):
    modulus = (mpz(1) << p) - 1
    with Squarer(p, shape, threads) as squarer:
        squarer.load(value, shift)
        assert squarer.value() == value % modulus
        assert squarer.iterate(count, subtract) < 0.45
        expected = value
        for _ in range(count):
            expected = (expected * expected - subtract) % modulus
        assert squarer.value() == expected
        assert squarer.shift == shift * 2**count % p


@pytest.mark.parametrize("shape", USUAL + ODD_HEIGHTS, ids=lambda shape: f"{shape.height}x{shape.width}")
def test_every_length_at_its_largest_and_its_smallest_exponent(shape):
    for p, threads in ((shape.max_exponent, 1), (shape.max_exponent, 2), (shape.max_exponent, 3),
                       (shape.min_exponent, 2)):
        value = mpz_random(random_state(p), mpz(1) << p)
        check(p, shape, threads, 2, value, p // 3, 2)


@given(data=st.data(), p=st.integers(1024, 30_000), threads=st.integers(1, 3), subtract=st.sampled_from([0, 2]))
def test_any_residue_shift_and_count(data, p, threads, subtract):
    """2^p - 1 need not be prime, nor the residue random."""
    m = (1 << p) - 1
    value = data.draw(st.one_of(st.integers(0, m - 1), st.sampled_from([0, 1, 2, m - 1, m - 2, m >> 1, m >> (p // 2)])))
    shape = data.draw(st.sampled_from([s for s in lengths() if s.min_exponent <= p <= s.max_exponent]))
    check(p, shape, threads, data.draw(st.integers(1, 9)), value, data.draw(st.integers(0, p - 1)), subtract)


@pytest.mark.parametrize("shape", SHORT[::4], ids=str)
def test_stores_through_the_caches_and_past_them(shape):
    """Whatever the caches of this machine are."""
    values = []
    for cached in (False, True):
        with Squarer(shape.max_exponent, shape, 2) as squarer:
            squarer._layout[LAYOUT.index("cached")] = cached
            squarer.load(3 << 1000, 17)
            squarer.iterate(5, 2)
            values.append(squarer.value())
    modulus, expected = (mpz(1) << shape.max_exponent) - 1, mpz(3) << 1000
    for _ in range(5):
        expected = (expected * expected - 2) % modulus
    assert values == [expected, expected]


def test_what_is_stored_through_the_caches():
    kib, mib = 1 << 10, 1 << 20
    assert cached_bytes({1: 32 * kib, 2: mib, 3: 32 * mib}) == 8 * mib
    assert cached_bytes({1: 48 * kib, 2: 2 * mib, 3: 300 * mib}) == 75 * mib
    assert cached_bytes({1: 32 * kib, 2: 512 * kib}) == 512 * kib
    assert cached_bytes({1: 32 * kib}) == cached_bytes({}) == 0


@given(p=st.integers(1024, 20_000), seed=st.integers(0, 2**32 - 1), threads=st.integers(1, 2))
def test_products(p, seed, threads):
    state, modulus = random_state(seed), (mpz(1) << p) - 1
    a, b = (mpz_random(state, modulus) for _ in range(2))
    with Squarer(p, dwt_shape(p), threads) as squarer:
        squarer.load(a, p // 2)
        squarer.hold(b)
        assert squarer.times() < 0.45 and squarer.value() == a * b % modulus
        assert squarer.times() < 0.45 and squarer.value() == a * b * b % modulus
        assert squarer.times(2) < 0.45 and squarer.value() == (a * b * b) ** 4 * b % modulus


@pytest.mark.parametrize("p", [1279, 2203, 2281, 3217, 4253, 4423, 9689, 9941])
def test_mersenne_primes(p):
    with Squarer(p, dwt_shape(p)) as squarer:
        squarer.load(4, p // 2)
        squarer.iterate(p - 2, 2)
        assert squarer.value() == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("shape", [DwtShape(8, 16), DwtShape(24, 32), DwtShape(64, 8), DwtShape(120, 8)], ids=str)
def test_a_value_that_is_no_number_is_seen(shape, value):
    """Wherever it is: the maximum of errors alone would drop it, the carries after it do not."""
    rows = [("row_weights", 2 * shape.height + k) for k in range(shape.height)]
    for name, place in [*rows, ("column_weights", 17 * shape.width), ("column_weights", -1)]:
        with Squarer(shape.max_exponent, shape) as squarer:
            squarer.load(3)
            getattr(squarer._tables, name)[place] = value
            assert not squarer.iterate(1, 0) <= 0.4, (name, place)


def test_lengths_grow_and_hold_more():
    shapes = lengths()
    for shape, following in zip(shapes, shapes[1:], strict=False):
        assert shape.words < following.words and shape.max_exponent < following.max_exponent
        assert following.words <= 1.51 * shape.words
    assert str(dwt_shape(57_885_161)) == "3072K" and shapes[-1].max_exponent > 2**32
    for shape in shapes:
        trees = shape.trees
        assert [tree.base for tree in trees] == [sum(t.size for t in trees[:i]) for i in range(len(trees))]
        assert [tree.is_pair for tree in trees] == sorted((tree.is_pair for tree in trees), reverse=True)
        # Rows with their conjugates are all rows, those that are real may be there twice.
        assert 2 * shape.paired_rows + 1 <= shape.height <= 2 * shape.rows
