"""Carry arithmetic on int32 words: everything about long numbers that takes one pass.

Numbers are canonical, 0 <= w_j < B, word 0 least significant, B = 10^5 or 2^16.
Each function works on one stretch of a number and hands a carry (borrow,
remainder) in and out, so a number may be cut between threads: work on all
parts with carry 0, then add each part's carry where the next one begins
(`kernels.propagate`).  `divide_small` runs from the top down, so a caller who cuts
a number has to hand each part the remainder of the part above.  `dst` may be an
operand itself (the same words, not overlapping ones).

Carry chains are written so that little depends on the previous word: products,
and the differences to the radix, are made before the carry arrives.
"""

import numpy as np

from .integers import mul_hi
from .jit import helper, kernel

I32, I64, U32, U64 = np.int32, np.int64, np.uint32, np.uint64

_BLOCK = 1024
"""Words handled at a time by loops without a carry chain."""


# --- sums ---------------------------------------------------------------------------------

@kernel("int64(int32[::1], int32[::1], int64, int64, int64, uint64)")
def _add_multiple(dst, src, factor, carry, radix, reciprocal):
    """dst += factor*src + carry modulo radix^n, n = dst.size = src.size; returns the carry out.

    t + up*B is positive, below 2^31 B + 3B, and its quotient by B is a product with reciprocal = ceil(2^64/B), exact as
    in `_multiply`.  Two products for each word, one of them on the chain.
    """
    up = I64((1 << 30) + 2)
    for j in range(dst.size):
        total = I64(dst[j]) + I64(src[j]) * factor + carry
        carry = I64(mul_hi(U64(total + up * radix), reciprocal)) - up
        dst[j] = I32(total - carry * radix)
    return carry


def add_multiple(dst: np.ndarray, src: np.ndarray, factor: int, carry: int, radix: int) -> int:
    """dst += factor*src + carry modulo radix^n, |factor| and |carry| <= 2^30; returns the carry out, of either sign."""
    return _add_multiple(dst, src, factor, carry, radix, -(-(1 << 64) // radix))


# --- multiplication and division by small numbers ---------------------------------------

def _multiply(radix):
    reciprocal = U64(-(-(1 << 64) // radix))

    @kernel("int64(int32[::1], int32[::1], int64, int64)")
    def multiply(dst, src, m, carry):
        """dst = m*src + carry modulo radix^n; returns the carry out, which is below m if the given one is.

        floor(t/B) = floor(t ceil(2^64/B) / 2^64), exact as t < 2^31 B < 2^48.
        Three products for each word, one of them on the chain (5 cycles).
        """
        factor, up = U64(m), U64(carry)
        for j in range(dst.size):
            total = U64(src[j]) * factor + up
            up = mul_hi(total, reciprocal)
            dst[j] = I32(total - up * U64(radix))
        return I64(up)
    return multiply


def _multiply_few(radix):
    @kernel("int64(int32[::1], int32[::1], uint32, int64, uint32[::1])")
    def multiply(dst, src, m, carry, scratch):
        """dst = m*src + carry modulo radix^n for m <= FEW; returns the carry out.

        The carry m*w div B of a word w is added to the next word without waiting
        for the carry into w.  The units that this leaves over, in one of 2*B/m
        words, ripple afterwards, block by block.  About 10 vector instructions
        for 16 words.
        """
        up = U32(carry)
        for at in range(0, dst.size, _BLOCK):
            n = min(_BLOCK, dst.size - at)
            a, out, carries = src[at:at + n], dst[at:at + n], scratch[:n]
            for j in range(n):
                total = U32(U32(a[j]) * m)
                carries[j] = U32(total // U32(radix))
                out[j] = I32(total - U32(carries[j] * U32(radix)))
            out[0] += I32(up)
            above, below = out[1:], carries[:n - 1]
            largest = out[0]
            for j in range(n - 1):
                above[j] += I32(below[j])
                largest = max(largest, above[j])
            up = carries[n - 1]
            if largest >= radix:
                unit = I32(0)
                for j in range(n):
                    word = I32(out[j] + unit)
                    unit = I32(word >= radix)
                    out[j] = I32(word - unit * I32(radix))
                up += U32(unit)
        return I64(up)
    return multiply


def _divide(radix):
    @kernel("int64(int32[::1], int32[::1], int64, int64, uint64, uint64)")
    def divide(dst, src, m, remainder, reciprocal, shift):
        """dst = floor((remainder*radix^n + src)/m), from the top, two words in a step; returns the new remainder.

        t = remainder*B^2 + w' B + w < m B^2 <= 2^63, and floor(t/m) = floor(2t*reciprocal / 2^(64 + shift)) with
        reciprocal = ceil(2^(63 + shift)/m), shift = ceil(lg m): exact, its error being below t/2^(63 + shift) < 1/m.
        The chain is two products and three other steps, 10 cycles for two words.
        """
        base, divisor = U64(radix), U64(m)
        step = divisor * base * base
        n = dst.size
        total = U64(remainder) * base
        if n % 2 == 1:
            total += U64(src[n - 1])
            quotient = mul_hi(total + total, reciprocal) >> shift
            dst[n - 1] = I32(quotient)
            total = (total - quotient * divisor) * base
        total *= base
        for j in range(n // 2 - 1, -1, -1):
            total += U64(src[2 * j + 1]) * base + U64(src[2 * j])
            quotient = mul_hi(total + total, reciprocal) >> shift
            # remainder * B^2 without waiting for the remainder, modulo 2^64
            total = total * (base * base) - quotient * step
            upper = quotient // base
            dst[2 * j + 1] = I32(upper)
            dst[2 * j] = I32(quotient - upper * base)
        return I64(total // (base * base))
    return divide


FEW = 64
"""Largest factor for which the units that `_multiply_few` leaves over are rare enough to ripple afterwards."""

_MULTIPLY = {radix: _multiply(radix) for radix in (10**5, 2**16)}
_MULTIPLY_FEW = {radix: _multiply_few(radix) for radix in (10**5, 2**16)}
_DIVIDE = {radix: _divide(radix) for radix in (10**5, 2**16)}


def multiply_small(dst: np.ndarray, src: np.ndarray, m: int, carry: int, radix: int) -> int:
    """dst = m*src + carry modulo radix^n, 0 <= m < 2^31, 0 <= carry < 2^31; returns the carry out."""
    if m <= FEW and carry <= FEW:
        return _MULTIPLY_FEW[radix](dst, src, m, carry, np.empty(_BLOCK, np.uint32))
    return _MULTIPLY[radix](dst, src, m, carry)


def divide_small(dst: np.ndarray, src: np.ndarray, m: int, remainder: int, radix: int) -> int:
    """dst = floor((remainder*radix^n + src)/m), 0 < m < 2^29, 0 <= remainder < m; returns the new remainder.

    `remainder` comes from the words above, and the new one belongs to the words below.
    """
    shift = (m - 1).bit_length()
    return _DIVIDE[radix](dst, src, m, remainder, -(-(1 << 63 + shift) // m), shift)


@kernel("int64(int32[::1], int32[::1], int64, int64, int64)")
def shift_down(dst, src, above, k, radix):
    """dst = floor((above*radix^n + src)/2^k) modulo radix^n; returns the remainder src mod 2^k.

    2^k divides the radix.  w'_j = floor(w_j/2^k) + (B/2^k) (w_(j+1) mod 2^k), without
    a chain.  `above` is the word above the stretch (0 at the top of a number), as it
    was before the shift.
    """
    n = dst.size
    if n == 0:
        return 0
    bits, mask, unit = I32(k), I32((1 << k) - 1), I32(radix >> k)
    remainder = I64(src[0] & mask)
    for j in range(n - 1):
        dst[j] = I32(I32(src[j] >> bits) + I32(I32(src[j + 1] & mask) * unit))
    dst[n - 1] = I32(I32(src[n - 1] >> bits) + I32(I32(I32(above) & mask) * unit))
    return remainder


# --- comparisons --------------------------------------------------------------------------

@kernel("void(int32[::1], int32)")
def set_all(words, value):
    """Make all words `value`."""
    for j in range(words.size):
        words[j] = value


@kernel("void(int32[::1], int32)")
def complement(words, largest):
    """Replace each word w by largest - w."""
    for j in range(words.size):
        words[j] = largest - words[j]


@kernel("int64(int32[::1], int32[::1])")
def compare(a, b):
    """-1, 0 or 1 as a < b, a = b or a > b; a.size = b.size.

    The cost is that of the words from the top to the first difference.
    """
    stop = a.size
    while stop > 0:
        start = max(stop - _BLOCK, 0)
        x, y = a[start:stop], b[start:stop]
        # the top word alone settles nearly every case
        difference = x[x.size - 1] ^ y[x.size - 1]
        if difference == 0:
            for j in range(x.size):
                difference |= x[j] ^ y[j]
        if difference != 0:
            j = x.size - 1
            while x[j] == y[j]:
                j -= 1
            return 1 if x[j] > y[j] else -1
        stop = start
    return 0


# --- words of other lengths -----------------------------------------------------------------

@helper
def _get(words, j):
    return U64(words[j]) if j < words.size else U64(0)


@helper
def _put(words, j, value):
    if j < words.size:
        words[j] = I32(value)


@helper
def _four_from_five(a, b, c, d):
    """4 words of 5 digits -> 5 words of 4 digits."""
    return (a % U64(10000), a // U64(10000) + b % U64(1000) * U64(10), b // U64(1000) + c % U64(100) * U64(100),
            c // U64(100) + d % U64(10) * U64(1000), d // U64(10))


@helper
def _five_from_four(a, b, c, d, e):
    """5 words of 4 digits -> 4 words of 5 digits."""
    return (a + b % U64(10) * U64(10000), b // U64(10) + c % U64(100) * U64(1000),
            c // U64(100) + d % U64(1000) * U64(100), d // U64(1000) + e * U64(10))


@helper
def _three_from_five(a, b, c):
    """3 words of 5 digits -> 5 words of 3 digits."""
    return (a % U64(1000), a // U64(1000) + b % U64(10) * U64(100), b // U64(10) % U64(1000),
            b // U64(10000) + c % U64(100) * U64(10), c // U64(100))


@helper
def _five_from_three(a, b, c, d, e):
    """5 words of 3 digits -> 3 words of 5 digits."""
    return (a + b % U64(100) * U64(1000), b // U64(100) + c * U64(10) + d % U64(10) * U64(10000),
            d // U64(10) + e * U64(100))


@helper
def _three_from_four_hexadecimal(a, b, c):
    """3 words of 16 bits -> 4 words of 12 bits."""
    return (a & U64(0xFFF), a >> U64(12) | (b & U64(0xFF)) << U64(4), b >> U64(8) | (c & U64(0xF)) << U64(8),
            c >> U64(4))


@helper
def _four_from_three_hexadecimal(a, b, c, d):
    """4 words of 12 bits -> 3 words of 16 bits."""
    return a | (b & U64(0xF)) << U64(12), b >> U64(4) | (c & U64(0xFF)) << U64(8), c >> U64(8) | d << U64(4)


@kernel("void(int32[::1], int32[::1])")
def regroup_5_to_4(dst, src):
    """Words of 5 decimal digits -> words of 4."""
    whole = min(src.size // 4, dst.size // 5)
    for g in range(whole):
        s, d = src[4 * g:4 * g + 4], dst[5 * g:5 * g + 5]
        v = _four_from_five(U64(s[0]), U64(s[1]), U64(s[2]), U64(s[3]))
        d[0], d[1], d[2], d[3], d[4] = I32(v[0]), I32(v[1]), I32(v[2]), I32(v[3]), I32(v[4])
    s, d = src[4 * whole:], dst[5 * whole:]
    v = _four_from_five(_get(s, 0), _get(s, 1), _get(s, 2), _get(s, 3))
    for j in range(5):
        _put(d, j, v[j])


@kernel("void(int32[::1], int32[::1])")
def regroup_4_to_5(dst, src):
    """Words of 4 decimal digits -> words of 5."""
    whole = min(src.size // 5, dst.size // 4)
    for g in range(whole):
        s, d = src[5 * g:5 * g + 5], dst[4 * g:4 * g + 4]
        v = _five_from_four(U64(s[0]), U64(s[1]), U64(s[2]), U64(s[3]), U64(s[4]))
        d[0], d[1], d[2], d[3] = I32(v[0]), I32(v[1]), I32(v[2]), I32(v[3])
    s, d = src[5 * whole:], dst[4 * whole:]
    v = _five_from_four(_get(s, 0), _get(s, 1), _get(s, 2), _get(s, 3), _get(s, 4))
    for j in range(4):
        _put(d, j, v[j])


@kernel("void(int32[::1], int32[::1])")
def regroup_5_to_3(dst, src):
    """Words of 5 decimal digits -> words of 3."""
    whole = min(src.size // 3, dst.size // 5)
    for g in range(whole):
        s, d = src[3 * g:3 * g + 3], dst[5 * g:5 * g + 5]
        v = _three_from_five(U64(s[0]), U64(s[1]), U64(s[2]))
        d[0], d[1], d[2], d[3], d[4] = I32(v[0]), I32(v[1]), I32(v[2]), I32(v[3]), I32(v[4])
    s, d = src[3 * whole:], dst[5 * whole:]
    v = _three_from_five(_get(s, 0), _get(s, 1), _get(s, 2))
    for j in range(5):
        _put(d, j, v[j])


@kernel("void(int32[::1], int32[::1])")
def regroup_3_to_5(dst, src):
    """Words of 3 decimal digits -> words of 5."""
    whole = min(src.size // 5, dst.size // 3)
    for g in range(whole):
        s, d = src[5 * g:5 * g + 5], dst[3 * g:3 * g + 3]
        v = _five_from_three(U64(s[0]), U64(s[1]), U64(s[2]), U64(s[3]), U64(s[4]))
        d[0], d[1], d[2] = I32(v[0]), I32(v[1]), I32(v[2])
    s, d = src[5 * whole:], dst[3 * whole:]
    v = _five_from_three(_get(s, 0), _get(s, 1), _get(s, 2), _get(s, 3), _get(s, 4))
    for j in range(3):
        _put(d, j, v[j])


@kernel("void(int32[::1], int32[::1])")
def regroup_4_to_3_hexadecimal(dst, src):
    """Words of 4 hexadecimal digits -> words of 3."""
    whole = min(src.size // 3, dst.size // 4)
    for g in range(whole):
        s, d = src[3 * g:3 * g + 3], dst[4 * g:4 * g + 4]
        v = _three_from_four_hexadecimal(U64(s[0]), U64(s[1]), U64(s[2]))
        d[0], d[1], d[2], d[3] = I32(v[0]), I32(v[1]), I32(v[2]), I32(v[3])
    s, d = src[3 * whole:], dst[4 * whole:]
    v = _three_from_four_hexadecimal(_get(s, 0), _get(s, 1), _get(s, 2))
    for j in range(4):
        _put(d, j, v[j])


@kernel("void(int32[::1], int32[::1])")
def regroup_3_to_4_hexadecimal(dst, src):
    """Words of 3 hexadecimal digits -> words of 4."""
    whole = min(src.size // 4, dst.size // 3)
    for g in range(whole):
        s, d = src[4 * g:4 * g + 4], dst[3 * g:3 * g + 3]
        v = _four_from_three_hexadecimal(U64(s[0]), U64(s[1]), U64(s[2]), U64(s[3]))
        d[0], d[1], d[2] = I32(v[0]), I32(v[1]), I32(v[2])
    s, d = src[4 * whole:], dst[3 * whole:]
    v = _four_from_three_hexadecimal(_get(s, 0), _get(s, 1), _get(s, 2), _get(s, 3))
    for j in range(3):
        _put(d, j, v[j])


_REGROUP = {(5, 4, 10): regroup_5_to_4, (4, 5, 10): regroup_4_to_5, (5, 3, 10): regroup_5_to_3,
            (3, 5, 10): regroup_3_to_5, (4, 3, 16): regroup_4_to_3_hexadecimal, (3, 4, 16): regroup_3_to_4_hexadecimal}


def regroup(dst: np.ndarray, src: np.ndarray, src_digits: int, dst_digits: int, base: int) -> None:
    """dst = src modulo base^(dst_digits*dst.size), from words of src_digits digits to words of dst_digits.

    Supported are decimal 5 and 4, 5 and 3, hexadecimal 4 and 3, both ways.  Words
    above the top of `src` are zero, and `dst` is filled for at most one group
    (src_digits words) beyond it.  `dst` and `src` are different arrays.  A
    stretch that begins at a multiple of dst_digits words of `src` fills one
    that begins at a multiple of src_digits words of `dst`.
    """
    _REGROUP[src_digits, dst_digits, base](dst, src)
