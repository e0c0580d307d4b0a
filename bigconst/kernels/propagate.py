"""A carry that ripples through words."""

import numpy as np

from .jit import kernel

I64 = np.int64


@kernel("int64(int32[::1], int64, int64, int64, int64)")
def propagate(words, start, stop, carry, radix):
    """Add `carry` at word `start` and ripple, up to `stop` at most; returns the signed carry out of words[start:stop].

    |carry| < 2^62.  The cost is that of the words that change.
    """
    j = start
    while carry != 0 and j < stop:
        if carry == 1 and words[j] == radix - 1:
            words[j] = 0
        elif carry == -1 and words[j] == 0:
            words[j] = radix - 1
        else:
            total = I64(words[j]) + carry
            carry = total // radix
            words[j] = total - carry * radix
        j += 1
    return carry
