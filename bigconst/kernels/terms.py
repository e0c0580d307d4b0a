"""Numbers of short ranges of terms, from which binary splitting begins: limbs of 64 bits, lowest first."""

import numpy as np

from .integers import mul_add_128, mul_hi
from .jit import helper, kernel

U64 = np.uint64


@helper
def _multiply(x, length, factor):
    """x[:length] *= factor; the new length."""
    carry = U64(0)
    for i in range(length):
        carry, x[i] = mul_add_128(U64(0), carry, x[i], factor)
    if carry == 0:
        return length
    x[length] = carry
    return length + 1


@helper
def _add_multiple(x, length, y, count, factor):
    """x[:length] += y[:count]*factor; the new length."""
    while length < count:
        x[length] = 0
        length += 1
    carry = U64(0)
    for i in range(count):
        high, low = mul_add_128(U64(0), carry, y[i], factor)
        total = low + x[i]
        carry = high + U64(total < low)
        x[i] = total
    i = count
    while carry != 0 and i < length:
        total = x[i] + carry
        carry = U64(total < carry)
        x[i] = total
        i += 1
    if carry == 0:
        return length
    x[length] = carry
    return length + 1


@helper
def _subtract_multiple(x, length, y, count, factor):
    """x[:length] -= y[:count]*factor; whether it was not below 0."""
    if count > length:
        return False
    carry = U64(0)
    for i in range(count):
        high, low = mul_add_128(U64(0), carry, y[i], factor)
        carry = high + U64(x[i] < low)
        x[i] -= low
    i = count
    while carry != 0 and i < length:
        borrowed = U64(x[i] < carry)
        x[i] -= carry
        carry = borrowed
        i += 1
    return carry == 0


@helper
def _values(factors, k, values):
    """The product of linear factors at k as a product of as few integers below 2^64 as follow one another; their
    number."""
    count, product = 0, U64(1)
    for i in range(0, factors.size, 2):
        factor = U64(factors[i] * k + factors[i + 1])
        if mul_hi(product, factor) != 0:
            values[count] = product
            count, product = count + 1, U64(1)
        product *= factor
    values[count] = product
    return count + 1


@kernel("int64(uint64[:,:,::1], int64[:,::1], int64, int64, int64, int64[::1], int64[::1], int64[::1], int64)")
def series_blocks(limbs, lengths, start, stop, block, p, q, a, sign):
    """|P|, Q and |T| of the terms of every block of `block` terms, start .. stop - 1 (plans.series.Hypergeometric).

    limbs    three numbers for each block, with room for them and a limb more
    lengths  of the numbers, in limbs
    p, q     linear factors, pairs (slope, intercept), positive at all k, their values below 2^63; `sign` is that of p
    a        both coefficients of A, whose values are positive and below 2^63

    Returns 0, or 1 where the sum of a block has not the sign of its first term.
    """
    ps, qs = np.empty(p.size, np.uint64), np.empty(q.size, np.uint64)
    for j in range(limbs.shape[0]):
        first, last = start + j * block, min(stop, start + (j + 1) * block)
        P, Q, T = limbs[j, 0], limbs[j, 1], limbs[j, 2]
        P[0] = Q[0] = 1
        np_, nq, nt = 1, 1, 0
        for k in range(first, last):
            for i in range(_values(p, k, ps)):
                np_ = _multiply(P, np_, ps[i])
            for i in range(_values(q, k, qs)):
                nq = _multiply(Q, nq, qs[i])
                nt = _multiply(T, nt, qs[i])
            factor = U64(a[0] + a[1] * k)
            if sign > 0 or (k - first) % 2 == 0:
                nt = _add_multiple(T, nt, P, np_, factor)
            elif not _subtract_multiple(T, nt, P, np_, factor):
                return 1
        lengths[j, 0], lengths[j, 1], lengths[j, 2] = np_, nq, nt
    return 0


@kernel("void(uint64[:,:,::1], int64[:,::1], int64, int64, int64)")
def fraction_blocks(limbs, lengths, start, stop, block):
    """The products of the matrices (4k - 2, 1; 1, 0) for the k of every block: a, b, c and d of (a, b; c, d)."""
    for j in range(limbs.shape[0]):
        first, last = start + j * block, min(stop, start + (j + 1) * block)
        for row in range(2):
            # (a, b) becomes (c*a + b, a): b is made the new a, and then they change places.
            one, other = limbs[j, 2 * row], limbs[j, 2 * row + 1]
            one[0], other[0] = 1 - row, row
            n, m = 1 - row, row
            for k in range(first, last):
                m = _add_multiple(other, m, one, n, U64(4 * k - 2))
                one, other, n, m = other, one, m, n
            if (last - first) % 2 != 0:
                for i in range(max(n, m)):
                    x = other[i] if i < m else U64(0)
                    other[i] = one[i] if i < n else U64(0)
                    one[i] = x
            lengths[j, 2 * row], lengths[j, 2 * row + 1] = n, m
