"""Residues of numbers and of digit text modulo primes below 2^61.

Everything that proves a result goes through here: an identity between numbers
of any length is compared modulo random primes, in one pass over each of them.
What is compared, and with how many primes, is the caller's business.

    value(words) = sum_j w_j B^j,  B = 10^5 or 2^16,  B^j = l_j + 2^31 h_j modulo p

Two inner products of 17-bit words with 31-bit tables stay below 2^58 over a
block of 1024 words, so a block is a plain multiply-and-add loop of 32-bit
factors, which LLVM vectorises; there is one Montgomery reduction per block, and
blocks are joined by Horner's rule.  The tables hold B^j 2^64 mod p, so that the
reduction, which divides by 2^64, leaves the value itself.  Text becomes words
first, block by block.  All kernels serve several primes in one pass.

    P. L. Montgomery, Modular multiplication without trial division, Math. Comp. 44 (1985), 519-521.
"""

import numpy as np

from .access import prefetch
from .characters import digit_value
from .integers import mul_add_128
from .jit import helper, kernel
from .text import BLOCK, read_block

SPAN = 2 * BLOCK
"""Words of a block; a table holds the powers 0 .. SPAN of the radix."""

U32, U64 = np.uint32, np.uint64


@helper
def _reduce(high, low, p, inverse):
    """(2^64 high + low)/2^64 mod p for a number below 2^64 p; `inverse` = -1/p mod 2^64."""
    high, low = mul_add_128(high, low, low * inverse, p)
    return high - p if high >= p else high


@helper
def absorb_block(out, block, low, high, primes):
    """out[m] <- out[m]*B^block.size + value(block) modulo every prime, block.size <= SPAN."""
    n = block.size
    for m in range(out.size):
        p, inverse = primes[2 * m], primes[2 * m + 1]
        start, stop = m * (SPAN + 1), (m + 1) * (SPAN + 1)
        lower, upper = low[start:stop], high[start:stop]
        low_sum = high_sum = U64(0)
        for j in range(n):
            low_sum += U64(U32(block[j])) * U64(lower[j])
            high_sum += U64(U32(block[j])) * U64(upper[j])
        top, bottom = mul_add_128(U64(0), low_sum, high_sum, U64(1 << 31))
        value = _reduce(top, bottom, p, inverse)
        shift = (U64(upper[n]) << U64(31)) | U64(lower[n])
        top, bottom = mul_add_128(U64(0), U64(0), out[m], shift)
        total = _reduce(top, bottom, p, inverse) + value
        out[m] = total - p if total >= p else total


@kernel("void(uint64[::1], int32[::1], uint32[::1], uint32[::1], uint64[::1])")
def absorb_words(out, words, low, high, primes):
    """out[m] <- out[m]*B^words.size + value(words) mod p_m; words in 0 .. 2^17 - 1.

    `low` and `high` hold SPAN + 1 entries for each prime, `primes` the pairs p,
    -1/p mod 2^64.  Two 32x32-bit products for each word and prime.
    """
    stop = words.size
    while stop > 0:
        start = (stop - 1) // SPAN * SPAN
        # the next block lies in the page below, where the hardware does not look ahead
        for j in range(start - SPAN, start, 16):
            prefetch(words, j)
        absorb_block(out, words[start:stop], low, high, primes)
        stop = start


@kernel("int64(uint64[::1], Array(uint8, 1, 'C', readonly=True), int64, int32[::1], uint64[::1],"
        "uint32[::1], uint32[::1], uint64[::1])")
def absorb_text(out, text, base, words, scratch, low, high, primes):
    """out[m] <- out[m]*base^text.size + value(text) mod p_m; returns -1, or the index of the first non-digit.

    text.size is a multiple of the characters of a word (5 decimal, 4 hexadecimal), or anything if `out` is zero.
    `words` (int32) and `scratch` (uint64) are BLOCK long; the rest as in `absorb_words`.
    """
    width = 5 if base == 10 else 4
    first = text.size % width
    lead = 0
    for j in range(first):
        digit = digit_value(text[j], base)
        if digit < 0:
            return j
        lead = base * lead + digit
    if first > 0:
        words[0] = lead
        absorb_block(out, words[:1], low, high, primes)
    left = (text.size - first) // width
    while left > 0:
        count = (left - 1) % BLOCK + 1
        foreign = read_block(words[:count], text[first:first + width * count], scratch, base)
        if foreign >= 0:
            return first + foreign
        absorb_block(out, words[:count], low, high, primes)
        first += width * count
        left -= count
    return -1
