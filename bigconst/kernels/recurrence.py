"""Terms of series and of continued fractions modulo primes below 2^61.

All products are Montgomery's, which divide by 2^64, and are reduced to less than 2p only: with factors below 2p and p,
the sum of two products is below 4p^2 < 2^64*p/2, and comes out below 2p again.

    P. L. Montgomery, Modular multiplication without trial division, Math. Comp. 44 (1985), 519-521.
"""

import numpy as np

from .integers import mul_add_128
from .jit import helper, kernel

U64 = np.uint64


@helper
def _reduced(high, low, p, inverse):
    """(2^64 high + low)/2^64 modulo p, below 2p for a number below 2^64 p; `inverse` = -1/p mod 2^64."""
    return mul_add_128(high, low, low * inverse, p)[0]


@helper
def _product(a, b, p, inverse):
    high, low = mul_add_128(U64(0), U64(0), a, b)
    return _reduced(high, low, p, inverse)


@helper
def _sum(a, b, p):
    """a + b modulo p, for residues below p."""
    total = a + b
    return min(total, total - p)        # below p, the difference is huge


@helper
def _advance(differences, start, stop, p):
    """The next values of a polynomial and of its differences."""
    for i in range(start, stop - 1):
        differences[i] = _sum(differences[i], differences[i + 1], p)


@kernel("void(uint64[::1], uint64[::1], int64, int64, int64, uint64, uint64)")
def hypergeometric(sums, differences, q, t, count, p, inverse):
    """`count` terms of a hypergeometric series (plans.series.Hypergeometric).

    sums         P, Q, T, below 2p, each times the same power of 2^64; with each term k they become P*p(k), Q*q(k) and
                 T*q(k) + P*t(k), divided by 2^64
    differences  those of p, of q and of t at the first k, modulo p, one after the other: those of q begin at q, those
                 of t at t; changed to those after the last term
    inverse      -1/p mod 2^64
    """
    P, Q, T = sums[0], sums[1], sums[2]
    for _ in range(count):
        high, low = mul_add_128(U64(0), U64(0), T, differences[q])
        high, low = mul_add_128(high, low, P, differences[t])
        T = _reduced(high, low, p, inverse)
        P = _product(P, differences[0], p, inverse)
        Q = _product(Q, differences[q], p, inverse)
        _advance(differences, 0, q, p)
        _advance(differences, q, t, p)
        _advance(differences, t, differences.size, p)
    sums[0], sums[1], sums[2] = P, Q, T


@kernel("void(uint64[::1], uint64, uint64, int64, uint64, uint64)")
def continued_fraction(columns, first, step, count, p, inverse):
    """`count` terms of a continued fraction, from the last one on: both columns (u, v), below p, become (c*u + v, u).

    `columns` has u and v of the first column, then of the second; c is `first`, `first` + `step` and so on, which are
    modulo p and times 2^64.
    """
    u, v, x, y = columns[0], columns[1], columns[2], columns[3]
    c = first
    for _ in range(count):
        above, beside = _product(u, c, p, inverse), _product(x, c, p, inverse)
        u, v = _sum(min(above, above - p), v, p), u
        x, y = _sum(min(beside, beside - p), y, p), x
        c = _sum(c, step, p)
    columns[0], columns[1], columns[2], columns[3] = u, v, x, y


@kernel("void(uint64[::1], uint64[::1], uint64[::1], int64[::1], int64[:,::1], int64, uint64, uint64)")
def bilinear(numbers, after, differences, ends, pairs, count, p, inverse):
    """`count` terms of any kind (arithmetic.terms.Terms): each number becomes the sum of products of numbers with those
    of the next term, up to four, divided by 2^64.

    numbers      below 2p, each times the same power of 2^64
    after        as many, for work
    differences  of the polynomials whose values are the numbers of a term, modulo p, at the first k; changed
    ends         where those of each polynomial end
    pairs        (name, its factor among numbers, its factor among those of the term), sorted by name
    inverse      -1/p mod 2^64
    """
    for _ in range(count):
        pair = 0
        for name in range(numbers.size):
            high, low = U64(0), U64(0)
            while pair < pairs.shape[0] and pairs[pair, 0] == name:
                right = pairs[pair, 2]
                first = ends[right - 1] if right > 0 else 0
                high, low = mul_add_128(high, low, numbers[pairs[pair, 1]], differences[first])
                pair += 1
            after[name] = _reduced(high, low, p, inverse)
        start = 0
        for name in range(numbers.size):
            numbers[name] = after[name]
            _advance(differences, start, ends[name], p)
            start = ends[name]


@kernel("uint64(u8[::1], u8, u8, u8)")
def product_modulo(numbers, start, p, inverse):
    """start * all numbers / 2^(64*count) modulo p, below 2p, for numbers below p and start below 2p; `inverse` is
    -1/p mod 2^64."""
    found = start
    for number in numbers:
        found = _product(found, number, p, inverse)
    return found
