"""Levels of radix 9, 10 and 12, for the level that is next to the rows: each is two levels in one sweep over memory.

Signature and conventions are those of `levels`, but for the powers from w^8 on, for which the tables have no room: they
are products of two others.
"""

from .access import load_p, store_z
from .butterfly import dft9, dft10, dft12
from .jit import helper
from .levels import forward, inverse, load, place, step, twiddle
from .vector import PART_LANES, mul_conj


@helper(fused=True)
def forward9(src, so, ss, dst, do, ds, count, tw, to, put):
    """Radix 9: 60a 72m for one vector of each branch, twiddles included."""
    w1, w2, w3, w4 = twiddle(tw, to, 1), twiddle(tw, to, 2), twiddle(tw, to, 3), twiddle(tw, to, 4)
    w5, w6, w7 = twiddle(tw, to, 5), twiddle(tw, to, 6), twiddle(tw, to, 7)
    w8 = w4 * w4
    for n in range(0, 16 * count, step(put)):
        i = place(n)
        y0, y1, y2, y3, y4, y5, y6, y7, y8 = dft9(
            load(put, src, so + i), load(put, src, so + ss + i) * w1, load(put, src, so + 2 * ss + i) * w2,
            load(put, src, so + 3 * ss + i) * w3, load(put, src, so + 4 * ss + i) * w4,
            load(put, src, so + 5 * ss + i) * w5, load(put, src, so + 6 * ss + i) * w6,
            load(put, src, so + 7 * ss + i) * w7, load(put, src, so + 8 * ss + i) * w8)
        put(dst, do + i, y0)
        put(dst, do + ds + i, y1)
        put(dst, do + 2 * ds + i, y2)
        put(dst, do + 3 * ds + i, y3)
        put(dst, do + 4 * ds + i, y4)
        put(dst, do + 5 * ds + i, y5)
        put(dst, do + 6 * ds + i, y6)
        put(dst, do + 7 * ds + i, y7)
        put(dst, do + 8 * ds + i, y8)


@helper(fused=True)
def inverse9(src, so, ss, dst, do, ds, count, tw, to):
    """Radix 9: 60a 72m for one vector of each branch, twiddles included."""
    w1, w2, w3, w4 = twiddle(tw, to, 1), twiddle(tw, to, 2), twiddle(tw, to, 3), twiddle(tw, to, 4)
    w5, w6, w7 = twiddle(tw, to, 5), twiddle(tw, to, 6), twiddle(tw, to, 7)
    w8 = w4 * w4
    for n in range(0, 16 * count, 2 * PART_LANES):
        i = place(n)
        y0, y8, y7, y6, y5, y4, y3, y2, y1 = dft9(
            load_p(src, so + i), load_p(src, so + ss + i), load_p(src, so + 2 * ss + i),
            load_p(src, so + 3 * ss + i), load_p(src, so + 4 * ss + i), load_p(src, so + 5 * ss + i),
            load_p(src, so + 6 * ss + i), load_p(src, so + 7 * ss + i), load_p(src, so + 8 * ss + i))
        store_z(dst, do + i, y0)
        store_z(dst, do + ds + i, mul_conj(y1, w1))
        store_z(dst, do + 2 * ds + i, mul_conj(y2, w2))
        store_z(dst, do + 3 * ds + i, mul_conj(y3, w3))
        store_z(dst, do + 4 * ds + i, mul_conj(y4, w4))
        store_z(dst, do + 5 * ds + i, mul_conj(y5, w5))
        store_z(dst, do + 6 * ds + i, mul_conj(y6, w6))
        store_z(dst, do + 7 * ds + i, mul_conj(y7, w7))
        store_z(dst, do + 8 * ds + i, mul_conj(y8, w8))


@helper(fused=True)
def forward10(src, so, ss, dst, do, ds, count, tw, to, put):
    """Radix 10: 60a 68m for one vector of each branch, twiddles included."""
    w1, w2, w3, w4 = twiddle(tw, to, 1), twiddle(tw, to, 2), twiddle(tw, to, 3), twiddle(tw, to, 4)
    w5, w6, w7 = twiddle(tw, to, 5), twiddle(tw, to, 6), twiddle(tw, to, 7)
    w8, w9 = w4 * w4, w4 * w5
    for n in range(0, 16 * count, step(put)):
        i = place(n)
        y0, y1, y2, y3, y4, y5, y6, y7, y8, y9 = dft10(
            load(put, src, so + i), load(put, src, so + ss + i) * w1, load(put, src, so + 2 * ss + i) * w2,
            load(put, src, so + 3 * ss + i) * w3, load(put, src, so + 4 * ss + i) * w4,
            load(put, src, so + 5 * ss + i) * w5, load(put, src, so + 6 * ss + i) * w6,
            load(put, src, so + 7 * ss + i) * w7, load(put, src, so + 8 * ss + i) * w8,
            load(put, src, so + 9 * ss + i) * w9)
        put(dst, do + i, y0)
        put(dst, do + ds + i, y1)
        put(dst, do + 2 * ds + i, y2)
        put(dst, do + 3 * ds + i, y3)
        put(dst, do + 4 * ds + i, y4)
        put(dst, do + 5 * ds + i, y5)
        put(dst, do + 6 * ds + i, y6)
        put(dst, do + 7 * ds + i, y7)
        put(dst, do + 8 * ds + i, y8)
        put(dst, do + 9 * ds + i, y9)


@helper(fused=True)
def inverse10(src, so, ss, dst, do, ds, count, tw, to):
    """Radix 10: 60a 68m for one vector of each branch, twiddles included."""
    w1, w2, w3, w4 = twiddle(tw, to, 1), twiddle(tw, to, 2), twiddle(tw, to, 3), twiddle(tw, to, 4)
    w5, w6, w7 = twiddle(tw, to, 5), twiddle(tw, to, 6), twiddle(tw, to, 7)
    w8, w9 = w4 * w4, w4 * w5
    for n in range(0, 16 * count, 2 * PART_LANES):
        i = place(n)
        y0, y9, y8, y7, y6, y5, y4, y3, y2, y1 = dft10(
            load_p(src, so + i), load_p(src, so + ss + i), load_p(src, so + 2 * ss + i),
            load_p(src, so + 3 * ss + i), load_p(src, so + 4 * ss + i), load_p(src, so + 5 * ss + i),
            load_p(src, so + 6 * ss + i), load_p(src, so + 7 * ss + i), load_p(src, so + 8 * ss + i),
            load_p(src, so + 9 * ss + i))
        store_z(dst, do + i, y0)
        store_z(dst, do + ds + i, mul_conj(y1, w1))
        store_z(dst, do + 2 * ds + i, mul_conj(y2, w2))
        store_z(dst, do + 3 * ds + i, mul_conj(y3, w3))
        store_z(dst, do + 4 * ds + i, mul_conj(y4, w4))
        store_z(dst, do + 5 * ds + i, mul_conj(y5, w5))
        store_z(dst, do + 6 * ds + i, mul_conj(y6, w6))
        store_z(dst, do + 7 * ds + i, mul_conj(y7, w7))
        store_z(dst, do + 8 * ds + i, mul_conj(y8, w8))
        store_z(dst, do + 9 * ds + i, mul_conj(y9, w9))


@helper(fused=True)
def forward12(src, so, ss, dst, do, ds, count, tw, to, put):
    """Radix 12: 88a 60m for one vector of each branch, twiddles included."""
    w1, w2, w3, w4 = twiddle(tw, to, 1), twiddle(tw, to, 2), twiddle(tw, to, 3), twiddle(tw, to, 4)
    w5, w6, w7 = twiddle(tw, to, 5), twiddle(tw, to, 6), twiddle(tw, to, 7)
    w8, w9, w10, w11 = w4 * w4, w4 * w5, w5 * w5, w5 * w6
    for n in range(0, 16 * count, step(put)):
        i = place(n)
        y0, y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11 = dft12(
            load(put, src, so + i), load(put, src, so + ss + i) * w1, load(put, src, so + 2 * ss + i) * w2,
            load(put, src, so + 3 * ss + i) * w3, load(put, src, so + 4 * ss + i) * w4,
            load(put, src, so + 5 * ss + i) * w5, load(put, src, so + 6 * ss + i) * w6,
            load(put, src, so + 7 * ss + i) * w7, load(put, src, so + 8 * ss + i) * w8,
            load(put, src, so + 9 * ss + i) * w9, load(put, src, so + 10 * ss + i) * w10,
            load(put, src, so + 11 * ss + i) * w11)
        put(dst, do + i, y0)
        put(dst, do + ds + i, y1)
        put(dst, do + 2 * ds + i, y2)
        put(dst, do + 3 * ds + i, y3)
        put(dst, do + 4 * ds + i, y4)
        put(dst, do + 5 * ds + i, y5)
        put(dst, do + 6 * ds + i, y6)
        put(dst, do + 7 * ds + i, y7)
        put(dst, do + 8 * ds + i, y8)
        put(dst, do + 9 * ds + i, y9)
        put(dst, do + 10 * ds + i, y10)
        put(dst, do + 11 * ds + i, y11)


@helper(fused=True)
def inverse12(src, so, ss, dst, do, ds, count, tw, to):
    """Radix 12: 88a 60m for one vector of each branch, twiddles included."""
    w1, w2, w3, w4 = twiddle(tw, to, 1), twiddle(tw, to, 2), twiddle(tw, to, 3), twiddle(tw, to, 4)
    w5, w6, w7 = twiddle(tw, to, 5), twiddle(tw, to, 6), twiddle(tw, to, 7)
    w8, w9, w10, w11 = w4 * w4, w4 * w5, w5 * w5, w5 * w6
    for n in range(0, 16 * count, 2 * PART_LANES):
        i = place(n)
        y0, y11, y10, y9, y8, y7, y6, y5, y4, y3, y2, y1 = dft12(
            load_p(src, so + i), load_p(src, so + ss + i), load_p(src, so + 2 * ss + i),
            load_p(src, so + 3 * ss + i), load_p(src, so + 4 * ss + i), load_p(src, so + 5 * ss + i),
            load_p(src, so + 6 * ss + i), load_p(src, so + 7 * ss + i), load_p(src, so + 8 * ss + i),
            load_p(src, so + 9 * ss + i), load_p(src, so + 10 * ss + i), load_p(src, so + 11 * ss + i))
        store_z(dst, do + i, y0)
        store_z(dst, do + ds + i, mul_conj(y1, w1))
        store_z(dst, do + 2 * ds + i, mul_conj(y2, w2))
        store_z(dst, do + 3 * ds + i, mul_conj(y3, w3))
        store_z(dst, do + 4 * ds + i, mul_conj(y4, w4))
        store_z(dst, do + 5 * ds + i, mul_conj(y5, w5))
        store_z(dst, do + 6 * ds + i, mul_conj(y6, w6))
        store_z(dst, do + 7 * ds + i, mul_conj(y7, w7))
        store_z(dst, do + 8 * ds + i, mul_conj(y8, w8))
        store_z(dst, do + 9 * ds + i, mul_conj(y9, w9))
        store_z(dst, do + 10 * ds + i, mul_conj(y10, w10))
        store_z(dst, do + 11 * ds + i, mul_conj(y11, w11))


@helper(fused=True)
def forward_last(r, src, so, ss, dst, do, ds, count, tw, to, put):
    """Forward level of radix r: 9, 10, 12 or one of those of `forward`."""
    if r == 12:
        forward12(src, so, ss, dst, do, ds, count, tw, to, put)
    elif r == 9:
        forward9(src, so, ss, dst, do, ds, count, tw, to, put)
    elif r == 10:
        forward10(src, so, ss, dst, do, ds, count, tw, to, put)
    else:
        forward(r, src, so, ss, dst, do, ds, count, tw, to, put)


@helper(fused=True)
def inverse_first(r, src, so, ss, dst, do, ds, count, tw, to):
    """Inverse level of radix r: 9, 10, 12 or one of those of `inverse`."""
    if r == 12:
        inverse12(src, so, ss, dst, do, ds, count, tw, to)
    elif r == 9:
        inverse9(src, so, ss, dst, do, ds, count, tw, to)
    elif r == 10:
        inverse10(src, so, ss, dst, do, ds, count, tw, to)
    else:
        inverse(r, src, so, ss, dst, do, ds, count, tw, to)
