"""Balanced words of a residue modulo 2^p - 1 to bits, and back; word j of N begins at bit ceil(pj/N)."""

import numpy as np

from .jit import kernel


@kernel("i8(i4[::1], i8, u8[::1])")
def to_limbs(words, exponent, limbs):
    """Write balanced words as bits into 64-bit `limbs`, which are zero before; returns what remains to be added.

    The residue is the number in `limbs` plus the returned carry, modulo 2^p - 1; `exponent` is p.
    """
    count = len(words)
    at, carry = 0, 0
    for j in range(count):
        end = -(-exponent * (j + 1) // count)
        bits = end - at
        value = words[j] + carry
        carry = value >> bits
        digit = value & ((1 << bits) - 1)
        limbs[at >> 6] |= np.uint64(digit) << np.uint64(at & 63)
        if (at & 63) + bits > 64:
            limbs[(at >> 6) + 1] |= np.uint64(digit) >> np.uint64(64 - (at & 63))
        at = end
    return carry


@kernel("void(u8[::1], i8, i4[::1])")
def from_limbs(limbs, exponent, words):
    """Balanced words from the 64-bit limbs of a number below 2^p, p = `exponent`; one more limb, zero, follows them."""
    count = len(words)
    at, carry = 0, 0
    for j in range(count):
        end = -(-exponent * (j + 1) // count)
        bits = end - at
        value = limbs[at >> 6] >> np.uint64(at & 63)
        if (at & 63) + bits > 64:
            value |= limbs[(at >> 6) + 1] << np.uint64(64 - (at & 63))
        digit = np.int64(value & np.uint64((1 << bits) - 1)) + carry
        carry = 0
        if digit >= 1 << (bits - 1):
            digit -= 1 << bits
            carry = 1
        words[j] = digit
        at = end
    words[0] += carry
