"""Packed words against a Python integer assembled bit by bit from the documented layout."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigconst.kernels import pack

RADIXES = [10**5, 2**16]
LENGTHS = [0, 1, 2, 3, 4, 5, 31, 32, 33, 63, 64, 65, 95, 96, 97, 127, 128, 129, 191, 192, 1000]


def oracle(words, radix):
    """The limbs as Python ints."""
    words = [int(w) for w in words]
    if radix == 2**16:
        words += [0] * (-len(words) % 4)
        return [sum(w << 16 * j for j, w in enumerate(words[g:g + 4])) for g in range(0, len(words), 4)]
    words += [0] * (-len(words) % 64)
    limbs = []
    for g in range(0, len(words), 64):
        group = words[g:g + 64]
        low = sum((w & 0xFFFF) << 16 * j for j, w in enumerate(group))
        limbs += [low >> 64 * i & (1 << 64) - 1 for i in range(16)]
        limbs.append(sum((w >> 16) << j for j, w in enumerate(group)))
    return limbs


def check(words, radix):
    n = words.size
    size = pack.packed_limbs(n, radix)
    page = np.full(size + 6, 7, np.uint64)
    limbs = page[3:3 + size]
    limbs[:] = 2**64 - 1
    pack.pack(limbs, words, radix)
    assert [int(x) for x in limbs] == oracle(words, radix)
    assert (page[:3] == 7).all() and (page[3 + size:] == 7).all()
    back = np.full(n + 6, -3, np.int32)
    assert pack.unpack(back[3:3 + n], limbs, radix) == max(words, default=0)
    assert np.array_equal(back[3:3 + n], words)
    assert (back[:3] == -3).all() and (back[3 + n:] == -3).all()
    assert pack.is_packed(limbs, words, radix)
    if n:
        at = n // 2
        words[at] ^= 1 << n % 16
        assert not pack.is_packed(limbs, words, radix)
        words[at] ^= 1 << n % 16


@pytest.mark.parametrize("radix", RADIXES)
@pytest.mark.parametrize("n", LENGTHS)
def test_layout_and_back(radix, n):
    one = np.zeros(n, np.int32)
    one[n // 2:n // 2 + 1] = radix - 1
    check(np.zeros(n, np.int32), radix)
    check(np.full(n, radix - 1, np.int32), radix)
    check(np.where(np.arange(n) % 2, radix - 1, 0).astype(np.int32), radix)
    check(one, radix)
    check(np.random.default_rng(n).integers(0, radix, n).astype(np.int32), radix)


@given(st.sampled_from(RADIXES), st.integers(0, 700), st.integers(0, 2**32))
def test_any_length(radix, n, seed):
    check(np.random.default_rng(seed).integers(0, radix, n).astype(np.int32), radix)


@pytest.mark.parametrize("n", [1, 40, 64, 100, 128])
def test_damage_is_noticed_wherever_it_is(n):
    for j in range(n):
        words = np.full(n, 99_999, np.int32)
        words[j] = 2**17 - 1
        limbs = np.zeros(pack.packed_limbs(n, 10**5), np.uint64)
        pack.pack(limbs, words, 10**5)
        assert pack.unpack(np.empty(n, np.int32), limbs, 10**5) == 2**17 - 1


@pytest.mark.parametrize("radix", RADIXES)
def test_groups_by_themselves_make_the_whole(radix):
    words = np.random.default_rng(1).integers(0, radix, 1000).astype(np.int32)
    whole = np.zeros(pack.packed_limbs(1000, radix), np.uint64)
    pack.pack(whole, words, radix)
    cut = 3 * pack.GROUP[radix]
    at = 3 * pack.GROUP_LIMBS[radix]
    parts = np.zeros_like(whole)
    pack.pack(parts[at:], words[cut:], radix)
    pack.pack(parts[:at], words[:cut], radix)
    assert np.array_equal(whole, parts)
