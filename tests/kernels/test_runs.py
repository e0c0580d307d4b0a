"""Carries confined to runs, and joined."""

from itertools import accumulate

import numpy as np
from gmpy2 import mpz
from hypothesis import given
from hypothesis import strategies as st
from oracle_words import to_mpz

from bigconst.kernels.columns import join_runs, resolve_carries

RADIXES = [10**5, 10**4, 10**3, 2**16, 2**12]


@given(st.sampled_from(RADIXES), st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 3]),
       st.lists(st.integers(1, 3), min_size=1, max_size=4), st.sampled_from([1, 2, 10**9, 2**45]))
def test_carries_stay_in_their_run_and_are_joined(radix, seed, factor, parts, largest):
    height = 8 * factor
    ends = np.array(list(accumulate(parts)), np.int64)
    width = int(ends[-1])
    run_words = 8 * width
    rng = np.random.default_rng(seed)
    words = rng.choice([0, radix - 1], 2 * height * run_words).astype(np.int32)
    carries = rng.integers(-largest, largest + 1, (len(ends), 2 * height)).astype(np.float64)
    # of row r of half h at h*height + 8*(r mod m) + r div m
    by_run = carries.reshape(len(ends), 2, factor, 8).swapaxes(2, 3).reshape(len(ends), 2 * height).astype(np.int64)
    out = np.full(2 * height, 77, np.int64)
    before = [to_mpz(run, radix) for run in words.reshape(2 * height, -1)]
    resolve_carries(words, carries.ravel(), ends, height, width, radix, out)
    assert words.min() >= 0 and words.max() < radix
    for j, run in enumerate(words.reshape(2 * height, -1)):
        entered = sum(int(c) * mpz(radix) ** (8 * int(e)) for c, e in zip(by_run[:, j], ends, strict=True))
        assert to_mpz(run, radix) + int(out[j]) * mpz(radix) ** run_words == before[j] + entered
    value = to_mpz(words, radix) + sum(int(c) * mpz(radix) ** ((j + 1) * run_words) for j, c in enumerate(out))
    top = join_runs(words, out, run_words, radix)
    assert words.min() >= 0 and words.max() < radix
    assert to_mpz(words, radix) + top * mpz(radix) ** len(words) == value
