"""Each butterfly against the defining sum."""

import numpy as np
import pytest
from oracle_words import aligned_float64

from bigconst.kernels import levels
from bigconst.kernels.jit import kernel
from bigconst.kernels.levels import keep


def level_kernels(forward, inverse):
    @kernel("void(f8[::1], f8[::1], i8, f8[::1])", fused=True)
    def there(src, dst, count, tw):
        forward(src, 0, 16 * count, dst, 0, 16 * count, count, tw, 0, keep)

    @kernel("void(f8[::1], f8[::1], i8, f8[::1])", fused=True)
    def back(src, dst, count, tw):
        inverse(src, 0, 16 * count, dst, 0, 16 * count, count, tw, 0)
    return there, back


@pytest.mark.parametrize("radix", [2, 3, 4, 5, 7, 8])
def test_level_is_the_sum_it_claims_and_its_inverse_undoes_it(radix):
    there, back = level_kernels(getattr(levels, f"forward{radix}"), getattr(levels, f"inverse{radix}"))
    rng = np.random.default_rng(radix)
    count = 3
    src = aligned_float64(16 * count * radix)
    src[:] = rng.standard_normal(src.size)
    dst, again = aligned_float64(src.size), aligned_float64(src.size)
    w = np.exp(2j * np.pi * rng.random() * np.arange(8))
    tw = np.concatenate([w.real, w.imag])
    there(src, dst, count, tw)
    back(dst, again, count, tw)

    def values(array):
        parts = array.reshape(radix, count, 2, 8)
        return (parts[:, :, 0] + 1j * parts[:, :, 1]).reshape(radix, -1)

    zeta = np.exp(2j * np.pi * np.outer(np.arange(radix), np.arange(radix)) / radix)
    expected = zeta @ (w[:radix, None] * values(src))
    assert np.abs(values(dst) - expected).max() < 1e-14 * radix
    assert np.abs(again / radix - src).max() < 1e-14
