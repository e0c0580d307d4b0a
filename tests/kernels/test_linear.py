"""Carry arithmetic against Python integers, in one stretch and cut in two with the carry propagated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle_words import to_mpz as to_int

from bigconst.kernels import linear
from bigconst.kernels.propagate import propagate

RADIXES = [10**5, 2**16]
LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 17, 64, 1023, 1024, 1025, 2100]


def to_words(number, n, radix):
    words = np.empty(n, np.int32)
    for j in range(n):
        number, words[j] = divmod(number, radix)
    assert number == 0
    return words


def edge_words(n, radix):
    low, high = np.zeros(n, np.int32), np.zeros(n, np.int32)
    low[:1] = 1
    high[n - 1:] = radix - 1
    return [np.zeros(n, np.int32), np.full(n, radix - 1, np.int32), low, high,
            np.where(np.arange(n) % 2, radix - 1, 0).astype(np.int32),
            np.random.default_rng(n).integers(0, radix, n).astype(np.int32)]


def guarded(n):
    page = np.full(n + 4, -7, np.int32)
    return page, page[2:2 + n]


def intact(page):
    return (page[:2] == -7).all() and (page[-2:] == -7).all()


@pytest.mark.parametrize("radix", RADIXES)
@pytest.mark.parametrize("n", LENGTHS)
def test_add_multiple_and_compare_on_edge_data(radix, n):
    top = radix**n
    cases = edge_words(n, radix)
    for a in cases:
        x = to_int(a, radix)
        for b in cases:
            y = to_int(b, radix)
            assert linear.compare(a, b) == (x > y) - (x < y)
            for factor, carry in ((-1, 0), (1, -1), (1, 1), (2**30, 2**30), (-2**30, -2**30), (0, -5)):
                page, dst = guarded(n)
                dst[:] = a
                out = linear.add_multiple(dst, b, factor, carry, radix)
                assert (out, to_int(dst, radix)) == divmod(x + factor * y + carry, top)
                assert n == 0 or (0 <= dst.min() and dst.max() < radix)
                assert intact(page)


@pytest.mark.parametrize("radix", RADIXES)
@pytest.mark.parametrize("n", LENGTHS)
def test_small_factors_and_divisors_on_edge_data(radix, n):
    for a in edge_words(n, radix):
        x = to_int(a, radix)
        for m in (0, 1, 2, 3, 5, 64, 65, radix - 1, radix, radix + 1, 2**29 - 1, 2**31 - 1):
            for carry in (0, 1, max(m - 1, 0), 64, 65, 2**31 - 1):
                page, dst = guarded(n)
                out = linear.multiply_small(dst, a, m, carry, radix)
                assert (out, to_int(dst, radix)) == divmod(x * m + carry, radix**n)
                assert intact(page)
        for m in (1, 2, 3, 5, 7, 2**16, 10**5, 99_999, 2**28, 2**29 - 1, 2**29 - 3):
            for remainder in {0, 1 % m, m - 1}:
                page, dst = guarded(n)
                out = linear.divide_small(dst, a, m, remainder, radix)
                assert (to_int(dst, radix), out) == divmod(remainder * radix**n + x, m)
                assert intact(page)


@pytest.mark.parametrize("radix", RADIXES)
@pytest.mark.parametrize("n", LENGTHS)
def test_shift_down(radix, n):
    for a in edge_words(n, radix):
        x = to_int(a, radix)
        for k in range(17 if radix == 2**16 else 6):
            for above in (0, 1, radix - 1):
                page, dst = guarded(n)
                out = linear.shift_down(dst, a, above, k, radix)
                assert to_int(dst, radix) == (above * radix**n + x >> k) % radix**n
                assert n == 0 or (dst.max() < radix and out == x % 2**k)
                assert intact(page)


@pytest.mark.parametrize("radix", RADIXES)
def test_destination_may_be_an_operand(radix):
    rng = np.random.default_rng(2)
    for n in (1, 5, 300):
        a, b = (rng.integers(0, radix, n).astype(np.int32) for _ in range(2))
        x, top = to_int(a, radix), radix**n
        for function, expected in [
            (lambda a, b: linear.add_multiple(a, a, 7, 0, radix), 8 * x),
            (lambda a, b: linear.multiply_small(a, a, 12_345, 6, radix), 12_345 * x + 6),
            (lambda a, b: linear.divide_small(a, a, 12_345, 0, radix), x // 12_345),
            (lambda a, b: linear.shift_down(a, a, 0, 3, radix), x >> 3),
        ]:
            dst = a.copy()
            function(dst, b)
            assert to_int(dst, radix) == expected % top


words_and_cut = st.tuples(st.sampled_from(RADIXES), st.integers(1, 300), st.data(), st.integers(0, 2**32))


@given(words_and_cut, st.integers(0, 2**31 - 1))
def test_two_stretches_with_carries_propagated(case, m):
    radix, n, data, seed = case
    cut = data.draw(st.integers(0, n))
    rng = np.random.default_rng(seed)
    # words 0, 1, B-2, B-1 only, in half the cases: long ripples
    a, b = (rng.choice([0, 1, radix - 2, radix - 1], n).astype(np.int32) if seed % 2 else
            rng.integers(0, radix, n).astype(np.int32) for _ in range(2))
    x, y, top = to_int(a, radix), to_int(b, radix), radix**n
    dst = np.empty(n, np.int32)

    def both(work):
        low, high = work(slice(0, cut)), work(slice(cut, n))
        return high + propagate(dst, cut, n, low, radix), to_int(dst, radix)

    for factor in (m // 2, -m // 2):
        dst[:] = b
        assert both(lambda s, m=factor: linear.add_multiple(dst[s], a[s], m, 0, radix)) == divmod(y + factor * x, top)
    assert both(lambda s: linear.multiply_small(dst[s], a[s], m, 0, radix)) == divmod(x * m, top)

    linear.shift_down(dst[:cut], a[:cut], int(a[cut]) if cut < n else 0, 3, radix)
    linear.shift_down(dst[cut:], a[cut:], 0, 3, radix)
    assert to_int(dst, radix) == x >> 3

    divisor = m % (2**29 - 1) + 1
    rest = linear.divide_small(dst[cut:], a[cut:], divisor, 0, radix)
    rest = linear.divide_small(dst[:cut], a[:cut], divisor, rest, radix)
    assert (to_int(dst, radix), rest) == divmod(x, divisor)


@given(words_and_cut, st.integers(-(2**45), 2**45))
def test_propagate(case, carry):
    radix, n, data, seed = case
    start = data.draw(st.integers(0, n))
    stop = data.draw(st.integers(start, n))
    a = np.random.default_rng(seed).choice([0, 1, radix - 1], n).astype(np.int32)
    for c in (carry, 0, 1, -1, radix - 1, -radix):
        words = a.copy()
        out = propagate(words, start, stop, c, radix)
        expected = divmod(to_int(a[start:stop], radix) + c, radix**(stop - start))
        assert (out, to_int(words[start:stop], radix)) == expected
        assert np.array_equal(words[:start], a[:start]) and np.array_equal(words[stop:], a[stop:])


@pytest.mark.parametrize("radix", RADIXES)
def test_carry_through_the_whole_length(radix):
    n = 5000
    full, zero = np.full(n, radix - 1, np.int32), np.zeros(n, np.int32)
    words = full.copy()
    assert propagate(words, 0, n, 1, radix) == 1 and np.array_equal(words, zero)
    assert propagate(words, 0, n, -1, radix) == -1 and np.array_equal(words, full)
    assert linear.add_multiple(words, zero, 1, 1, radix) == 1 and np.array_equal(words, zero)


def test_compare_at_every_position():
    n = 2100
    a = np.random.default_rng(4).integers(1, 10**5 - 1, n).astype(np.int32)
    for j in [*range(5), *range(1020, 1080), *range(n - 1030, n - 1020), n - 1]:
        b = a.copy()
        b[:j] = 0
        b[j] += 1
        assert linear.compare(a, b) == -1 and linear.compare(b, a) == 1
    assert linear.compare(a, a.copy()) == 0


PAIRS = [(5, 4, 10), (4, 5, 10), (5, 3, 10), (3, 5, 10), (4, 3, 16), (3, 4, 16)]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("n", [*range(23), 200, 201])
def test_regroup(pair, n):
    src_digits, dst_digits, base = pair
    needed = -(-n * src_digits // dst_digits)
    for src in edge_words(n, base**src_digits):
        number = to_int(src, base**src_digits)
        for size in {needed, needed + 1, max(needed - 1, 0), n * src_digits // dst_digits, 1, 0}:
            # one group may go beyond the source, no more
            if size > (n // dst_digits + 1) * src_digits:
                continue
            page, dst = guarded(size)
            linear.regroup(dst, src, *pair)
            assert np.array_equal(dst, to_words(number % base**(dst_digits * size), size, base**dst_digits))
            assert intact(page)


@given(st.sampled_from(PAIRS), st.integers(0, 200), st.integers(0, 2**32))
def test_regroup_there_and_back(pair, groups, seed):
    src_digits, dst_digits, base = pair
    src = np.random.default_rng(seed).integers(0, base**src_digits, groups * dst_digits).astype(np.int32)
    dst, back = np.zeros(groups * src_digits, np.int32), np.zeros_like(src)
    cut = groups // 2
    linear.regroup(dst[:cut * src_digits], src[:cut * dst_digits], *pair)
    linear.regroup(dst[cut * src_digits:], src[cut * dst_digits:], *pair)
    assert to_int(dst, base**dst_digits) == to_int(src, base**src_digits)
    linear.regroup(back, dst, dst_digits, src_digits, base)
    assert np.array_equal(back, src)
