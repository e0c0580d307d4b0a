"""The last step of a Newton level: three numbers, each times its factor, are added in one pass over memory."""

import numpy as np

from .jit import helper, kernel

BLOCK = 1024
"""Words handled at a time, in loops without a carry chain, which LLVM vectorises."""

I32 = np.int32


@helper
def _quotients(total, words, start, bits, factor, radix):
    """Add factor * q to total[i], where q is word start + i of floor(words/2^bits); beyond its end q is zero."""
    mask, unit, top = I32((1 << bits) - 1), I32(radix >> bits), words.size - 1 - start
    inside = min(total.size, top)
    if inside > 0:
        low, high = words[start:start + inside], words[start + 1:start + 1 + inside]
        for i in range(inside):
            quotient = I32(low[i] >> I32(bits)) + I32(I32(high[i] & mask) * unit)
            total[i] += I32(factor * quotient)
    if 0 <= top < total.size:
        total[top] += I32(factor * I32(words[start + top] >> I32(bits)))


@kernel("i8(i4[::1], i8, i4[::1], i4[::1], i4, i8, i8, i4, i4[::1])")
def newton_update(y, fresh, u, v, sign, start, stop, radix, scratch):
    """Replace words j = start..stop-1 of y by those of y*[j >= fresh] - sign*floor(u/2) + 3*floor(v/8).

    y        its first `fresh` words count as zero, whatever they hold
    u, v     canonical words, zero beyond their ends; the radix is a multiple of 8,
             so a word of a quotient depends on two neighbours only
    scratch  2*BLOCK int32
    Returns the carry out of word stop - 1, the carry into word start being zero.
    The sum of a word is -radix .. 5*radix; its carry, -1 .. 4, is added to the next
    word without waiting for the carry into its own, and the rare unit that this
    leaves over ripples afterwards.
    About 25 vector instructions for 16 words.
    """
    into = I32(0)
    for at in range(start, stop, BLOCK):
        n = min(BLOCK, stop - at)
        total, carry = scratch[:n], scratch[BLOCK:BLOCK + n]
        for i in range(n):
            total[i] = I32(0)
        _quotients(total, u, at, 1, I32(-sign), radix)
        _quotients(total, v, at, 3, I32(3), radix)
        old = max(0, min(n, fresh - at))
        kept = y[at + old:at + n]
        added = total[old:]
        for i in range(n - old):
            added[i] += kept[i]
        out = y[at:at + n]
        for i in range(n):
            t = total[i]
            c = I32(I32(t >= radix) + I32(t >= I32(2 * radix)) + I32(t >= I32(3 * radix)) + I32(t >= I32(4 * radix)))
            c -= I32(t < I32(0))
            carry[i] = c
            out[i] = I32(t - I32(c * radix))
        out[0] += into
        above, below = out[1:], carry[:n - 1]
        outside = I32(0)
        for i in range(n - 1):
            word = I32(above[i] + below[i])
            above[i] = word
            outside |= I32(word < I32(0)) | I32(word >= radix)
        into = carry[n - 1]
        if outside != 0 or out[0] < 0 or out[0] >= radix:
            unit = I32(0)
            for i in range(n):
                word = I32(out[i] + unit)
                unit = I32(0)
                if word < 0:
                    word += radix
                    unit = I32(-1)
                elif word >= radix:
                    word -= radix
                    unit = I32(1)
                out[i] = word
            into += unit
    return np.int64(into)
