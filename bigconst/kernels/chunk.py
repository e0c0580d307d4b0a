"""Packed words with all that is made and checked of them, span by span while they are in the nearest cache.

`store_chunk` packs words, compares what it has packed with them, and takes residue, parity and checksum; `load_chunk`
unpacks them and takes the checksum.  The formats are those of `pack`, `residue` and `checksum`.
"""

import numpy as np

from .checksum import absorb, keys_of
from .jit import helper, kernel
from .pack import compare16, compare17, pack16, pack17, unpack16, unpack17
from .residue import SPAN, absorb_block


@helper
def _span(words, radix, i):
    """The words of span i, and the limbs, from the first to behind the last, that they take up when packed."""
    part = words[i * SPAN:min(words.size, (i + 1) * SPAN)]
    if radix == 100000:
        at, count = i * (SPAN // 64 * 17), -(-part.size // 64) * 17
    else:
        at, count = i * (SPAN // 4), -(-part.size // 4)
    return part, at, at + count


@kernel("i8(int32[::1], uint64[::1], uint16[::1], int32, uint64[::1], uint64[::1], uint64[::1],"
        "uint32[::1], uint32[::1], uint64[::1])")
def store_chunk(words, limbs, shorts, radix, parity, sums, residue, low, high, primes):
    """Pack `words`, each in 0 .. radix-1; returns 0 if the packed words are these, else another number.

    limbs, shorts      the packed words, the same memory; limbs behind them become 0
    parity             becomes its exclusive or with all limbs
    sums               the eight sums of the checksum, 0 before
    residue            `absorb_words`, with its tables
    """
    spans = -(-words.size // SPAN)
    differing = np.int32(0)
    done = limbs.size
    for i in range(spans - 1, -1, -1):
        part, at, end = _span(words, radix, i)
        if i == spans - 1:
            limbs[end:] = 0
        absorb_block(residue, part, low, high, primes)
        if radix == 100000:
            pack17(shorts[4 * at:4 * end], limbs[at:end], part)
            differing |= compare17(part, shorts[4 * at:4 * end])
        else:
            pack16(shorts[4 * at:4 * end], part)
            differing |= compare16(part, shorts[4 * at:4 * end])
        # A line that begins in the span below is whole when that is packed.
        begin = -(-at // 8) * 8
        for j in range(begin, done):
            parity[j] ^= limbs[j]
        absorb(sums, 0, limbs, begin, (done - begin) // 8, keys_of(begin // 8))
        done = begin
    return differing


@kernel("i8(int32[::1], uint64[::1], uint16[::1], int32, uint64[::1])")
def load_chunk(words, limbs, shorts, radix, sums):
    """Unpack `words` from limbs (shorts is the same memory), and add all limbs to the eight sums of the checksum;
    returns the largest word."""
    spans = -(-words.size // SPAN)
    largest = np.int32(0)
    done = 0
    for i in range(spans):
        part, at, end = _span(words, radix, i)
        stop = -(-end // 8) * 8 if i < spans - 1 else limbs.size
        absorb(sums, 0, limbs, done, (stop - done) // 8, keys_of(done // 8))
        done = stop
        if radix == 100000:
            largest = max(largest, unpack17(part, shorts[4 * at:4 * end]))
        else:
            largest = max(largest, unpack16(part, shorts[4 * at:4 * end]))
    return largest
