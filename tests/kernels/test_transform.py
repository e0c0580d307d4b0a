"""Transforms, products and carries against gmpy2, for every class of length and every radix."""

import numpy as np
import pytest
from gmpy2 import mpz
from hypothesis import given
from hypothesis import strategies as st
from oracle_words import aligned_float64, aligned_int32, to_mpz

from bigconst.arithmetic.memory.transform import Transform
from bigconst.plans.shape import ODD_PARTS, shape_for
from bigconst.runtime.threads import Pool

RADICES = [10**5, 10**4, 10**3, 2**16, 2**12]
LENGTHS = sorted({shape_for(odd << e).words for odd in ODD_PARTS for e in (10, 11, 12, 13)} | {2**16, 2**18})


@pytest.fixture(scope="module")
def pools():
    with Pool(1) as one, Pool(2) as two, Pool(3) as three:
        yield {1: one, 2: two, 3: three}


def wrapped_product(pool, shape, a, b, radix):
    """a*b modulo radix^N + 1 as (value, error, peak, words); b None squares."""
    transform = Transform(shape, pool)
    data, out = aligned_float64(shape.data_bytes // 8), aligned_int32(shape.words)
    transform.forward(a, radix, data)
    if b is None:
        transform.square(data)
    else:
        spectrum = aligned_float64(shape.data_bytes // 8)
        transform.forward(b, radix, spectrum)
        transform.spectrum(spectrum)
        transform.multiply(data, spectrum)
    top, error, peak = transform.inverse(data, out, radix)
    assert out.min() >= 0 and out.max() < radix
    return (to_mpz(out, radix) + top * mpz(radix) ** shape.words), error, peak, out


def expected(a, b, radix, modulus_words):
    product = to_mpz(a, radix) * to_mpz(a if b is None else b, radix)
    return product % (mpz(radix) ** modulus_words + 1)


def random_words(rng, count, radix):
    return rng.integers(0, radix, count).astype(np.int32)


@pytest.mark.parametrize("words", LENGTHS)
def test_every_length_squares_and_multiplies(pools, words):
    shape = shape_for(words)
    assert shape.words == words
    rng = np.random.default_rng(words)
    a, b = random_words(rng, words - 1, 10**5), random_words(rng, words // 2 + 3, 10**5)
    modulus = mpz(10**5) ** words + 1
    for x, y in ((a, None), (a, b) if words % 3 else (b, a)):
        value, error, peak, _ = wrapped_product(pools[1], shape, x, y, 10**5)
        assert value % modulus == expected(x, y, 10**5, words)
        assert error < 0.01 and peak < 2**49


@pytest.mark.parametrize("radix", RADICES)
@pytest.mark.parametrize("kind", ["zero", "largest", "alternating", "one", "top", "period", "half"])
def test_extreme_words(pools, radix, kind):
    shape = shape_for(7 << 9)
    n = shape.words // 2
    a = np.zeros(n, dtype=np.int32)
    match kind:
        case "largest":
            a[:] = radix - 1
        case "alternating":
            a[::2] = radix - 1
        case "one":
            a[n // 3] = radix // 2
        case "top":
            a[-1] = radix - 1
        case "period":
            a[:] = np.tile([1, radix // 7, radix - 2], n)[:n]
        case "half":
            a[:] = radix // 2
    value, error, peak, _ = wrapped_product(pools[1], shape, a, None, radix)
    assert value % (mpz(radix) ** shape.words + 1) == to_mpz(a, radix) ** 2
    assert error < 0.05


@pytest.mark.parametrize("radix", RADICES)
def test_threads_give_identical_words(pools, radix):
    shape = shape_for(3 << 16)
    a = random_words(np.random.default_rng(radix), shape.words - 2, radix)
    results = [wrapped_product(pools[threads], shape, a, None, radix) for threads in (1, 2, 3)]
    for other in results[1:]:
        assert other[1:3] == results[0][1:3]
        assert np.array_equal(other[3], results[0][3])
    assert results[0][0] % (mpz(radix) ** shape.words + 1) == expected(a, None, radix, shape.words)


@given(st.integers(1, 6000), st.integers(1, 6000), st.sampled_from(RADICES), st.integers(0, 2**32 - 1))
def test_products_of_any_lengths(pools, m, n, radix, seed):
    rng = np.random.default_rng(seed)
    a, b = random_words(rng, m, radix), random_words(rng, n, radix)
    shape = shape_for(m + n)
    value, _, _, out = wrapped_product(pools[1], shape, a, b, radix)
    assert value % (mpz(radix) ** shape.words + 1) == to_mpz(a, radix) * to_mpz(b, radix)
    assert m + n == shape.words or not out[m + n:].any()


def test_minus_one_is_reported_as_a_carry(pools):
    """(B^(N/2))^2 = B^N = -1 has no canonical words: they are zero and the carry is one."""
    shape = shape_for(1024)
    a = np.zeros(shape.words // 2 + 1, dtype=np.int32)
    a[-1] = 1
    value, _, _, out = wrapped_product(pools[1], shape, a, None, 10**5)
    assert value % (mpz(10**5) ** shape.words + 1) == mpz(10**5) ** shape.words


def test_round_off_of_structured_words_is_seen(pools):
    """A short period is the worst data for rounding; it must show in the measured error, not pass."""
    shape = shape_for(1 << 20)
    a = np.full(shape.words // 2, 49_999, dtype=np.int32)
    value, error, _, _ = wrapped_product(pools[2], shape, a, None, 10**5)
    assert error > 0.4 or value % (mpz(10**5) ** shape.words + 1) == to_mpz(a, 10**5) ** 2


def test_a_coefficient_that_is_no_number_is_seen_in_every_lane(pools):
    shape = shape_for(4096)
    transform = Transform(shape, pools[1])
    data, out = aligned_float64(shape.data_bytes // 8), aligned_int32(shape.words)
    for at in range(16):
        data[:] = 0.0
        data[at] = float("nan")
        _, error, peak = transform.inverse(data, out, 1000)
        assert error != error and peak != peak, at


def test_spectrum_is_the_polynomial_at_the_roots(pools):
    """Horner at random roots of X^M - i, without any transform of ours: every value appears in the spectrum."""
    shape = shape_for(1024 * 3)
    m = shape.words // 2
    rng = np.random.default_rng(5)
    words = random_words(rng, shape.words // 2, 10**5)
    words[-1] = 1
    transform = Transform(shape, pools[1])
    data = aligned_float64(shape.data_bytes // 8)
    transform.forward(words, 10**5, data)
    transform.spectrum(data)
    rows = data.reshape(shape.height, shape.stride)[:, :16 * shape.width].reshape(-1, 2, 8)
    spectrum = (rows[:, 0] + 1j * rows[:, 1]).ravel()
    balanced = words.astype(np.int64)
    carry = balanced >= 50_000
    balanced = balanced - 100_000 * carry
    balanced[1:] += carry[:-1]
    for j in rng.integers(0, m, 20):
        root = np.exp(2j * np.pi * ((0.25 + j) / m))
        value = np.polynomial.polynomial.polyval(root, balanced)
        assert np.abs(spectrum - value).min() < 1e-6 * np.abs(spectrum).max()
