"""The leaf of the row pass (`rows`): the last levels of a forward transform, the product, the first levels back.

Eight vectors are split by a vertical level of radix 8, transposed so that lanes are eight neighbouring nodes Z = z and
vectors the coefficients of X^0 .. X^7, split by a last level of radix 8 with a twiddle per lane, multiplied, and
brought back.  With x[k, l] for lane l of vector k, w for the twiddle of the node and z_j for those of the lanes:

    y[j, l] = sum_k  w^k * zeta^(jk) * x[k, l],     X[c, j] = sum_l  z_j^l * zeta^(cl) * y[j, l]

There are two texts of it.  Thirty-two registers of eight lanes hold a leaf; without AVX-512 it goes through memory
between its two levels, four lanes at a time, so that each step fits into sixteen registers.
"""

from .access import load_p, load_zz, store_z
from .butterfly import dft8, halves8, join8
from .jit import helper
from .levels import twiddle
from .shuffles import mix_lanes, mix_pairs
from .vector import HAS_AVX512, add_i, mul_conj, pinned, square, sub_i

FORWARD, SQUARE, MULTIPLY, MULTIPLY_ADD, BACKWARD = 0, 1, 2, 3, 4
TILE = 128
"""Doubles of a leaf."""


@helper(fused=True)
def _eight(x, p):
    return (load_p(x, p), load_p(x, p + 16), load_p(x, p + 32), load_p(x, p + 48),
            load_p(x, p + 64), load_p(x, p + 80), load_p(x, p + 96), load_p(x, p + 112))


@helper(fused=True)
def _store_four(x, p, a0, a1, a2, a3):
    store_z(x, p, a0)
    store_z(x, p + 16, a1)
    store_z(x, p + 32, a2)
    store_z(x, p + 48, a3)


@helper(fused=True)
def _product(a0, a1, a2, a3, a4, a5, a6, a7, mode, other, added, p):
    """Squares, or products by the spectrum at other[p:], to which the one at added[p:] is added; or what there is."""
    if mode == SQUARE:
        a0, a1, a2, a3 = square(a0), square(a1), square(a2), square(a3)
        a4, a5, a6, a7 = square(a4), square(a5), square(a6), square(a7)
    elif mode != BACKWARD:
        b0, b1, b2, b3, b4, b5, b6, b7 = _eight(other, p)
        a0, a1, a2, a3, a4, a5, a6, a7 = a0 * b0, a1 * b1, a2 * b2, a3 * b3, a4 * b4, a5 * b5, a6 * b6, a7 * b7
        if mode == MULTIPLY_ADD:
            b0, b1, b2, b3, b4, b5, b6, b7 = _eight(added, p)
            a0, a1, a2, a3, a4, a5, a6, a7 = a0 + b0, a1 + b1, a2 + b2, a3 + b3, a4 + b4, a5 + b5, a6 + b6, a7 + b7
    return a0, a1, a2, a3, a4, a5, a6, a7


@helper(fused=True)
def _powers(w1):
    w2 = square(w1)
    w3, w4 = w1 * w2, square(w2)
    return w2, w3, w4, w1 * w4, w2 * w4, w3 * w4


# --- in registers -----------------------------------------------------------------------

@helper(fused=True)
def _leaf_forward(x, p, tw, to, w1):
    """A leaf to its spectrum; returns that and w1^2, w1^4, w1^3, w1^6, w1^5, w1^7, which it needs.

    Shuffles stand between arithmetic that does not need them, since they have a port of their own.
    """
    e0, e1, e2, e3, o0, o1, o2, o3 = halves8(
        load_p(x, p), load_p(x, p + 16) * twiddle(tw, to, 1), load_p(x, p + 32) * twiddle(tw, to, 2),
        load_p(x, p + 48) * twiddle(tw, to, 3), load_p(x, p + 64) * twiddle(tw, to, 4),
        load_p(x, p + 80) * twiddle(tw, to, 5), load_p(x, p + 96) * twiddle(tw, to, 6),
        load_p(x, p + 112) * twiddle(tw, to, 7))
    y1, y5 = join8(e1, o1)
    y0, y4, y1, y5 = pinned((e0 + o0, e0 - o0, y1, y5))
    t0, t1 = mix_lanes(y0, y1)
    t0, t1, y2, y6 = pinned((t0, t1, add_i(e2, o2), sub_i(e2, o2)))
    t4, t5 = mix_lanes(y4, y5)
    y7, y3 = join8(e3, o3)
    t4, t5, y3, y7 = pinned((t4, t5, y3, y7))
    t2, t3 = mix_lanes(y2, y3)
    t2, t3, w2 = pinned((t2, t3, square(w1)))
    t6, t7 = mix_lanes(y6, y7)
    t6, t7, w4 = pinned((t6, t7, square(w2)))
    u0, u2 = mix_pairs(t0, t2)
    u0, u2, w3 = pinned((u0, u2, w1 * w2))
    u4, u6 = mix_pairs(t4, t6)
    u4, u6, w6 = pinned((u4, u6, w2 * w4))
    a0, a4 = mix_pairs(u0, u4)
    a0, a4, w5 = pinned((a0, a4, w1 * w4))
    a2, a6 = mix_pairs(u2, u6)
    a2, a6, a4 = pinned((a2, a6, a4 * w4))
    u1, u3 = mix_pairs(t1, t3)
    u1, u3, a2 = pinned((u1, u3, a2 * w2))
    u5, u7 = mix_pairs(t5, t7)
    u5, u7, a6 = pinned((u5, u7, a6 * w6))
    a1, a5 = mix_pairs(u1, u5)
    a1, a5, w7 = pinned((a1, a5, w3 * w4))
    a3, a7 = mix_pairs(u3, u7)
    a3, a7, a1, a5 = pinned((a3, a7, a1 * w1, a5 * w5))
    a0, a1, a2, a3, a4, a5, a6, a7 = dft8(a0, a1, a2, a3 * w3, a4, a5, a6, a7 * w7)
    return a0, a1, a2, a3, a4, a5, a6, a7, w2, w4, w3, w6, w5, w7


@helper(fused=True)
def _leaf_inverse(x, p, tw, to, scale, a0, a1, a2, a3, a4, a5, a6, a7, w1, w2, w3, w4, w5, w6, w7):
    """A spectrum back to its leaf, times `scale`."""
    e0, e1, e2, e3, o0, o1, o2, o3 = halves8(a0, a1, a2, a3, a4, a5, a6, a7)
    y1, y5 = join8(e3, o3)      # a place k of the inverse is place 8 - k of dft8
    y0, y4, y5, y1 = pinned(((e0 + o0) * scale, mul_conj(e0 - o0, w4 * scale), mul_conj(y5, w5 * scale),
                             mul_conj(y1, w1 * scale)))
    t0, t1 = mix_lanes(y0, y1)
    t0, t1, y6, y2 = pinned((t0, t1, add_i(e2, o2), sub_i(e2, o2)))
    t4, t5 = mix_lanes(y4, y5)
    t4, t5, y2 = pinned((t4, t5, mul_conj(y2, w2 * scale)))
    y7, y3 = join8(e1, o1)
    y6, y3, y7 = pinned((mul_conj(y6, w6 * scale), mul_conj(y3, w3 * scale), y7))
    t2, t3 = mix_lanes(y2, y3)
    t2, t3, y7 = pinned((t2, t3, mul_conj(y7, w7 * scale)))
    u0, u2 = mix_pairs(t0, t2)
    t6, t7 = mix_lanes(y6, y7)
    u0, u2, t6, t7 = pinned((u0, u2, t6, t7))
    u4, u6 = mix_pairs(t4, t6)
    a0, a4 = mix_pairs(u0, u4)
    a2, a6 = mix_pairs(u2, u6)
    b0, b1, a2, a6 = pinned((a0 + a4, a0 - a4, a2, a6))
    u1, u3 = mix_pairs(t1, t3)
    u1, u3, b2, b3 = pinned((u1, u3, a2 + a6, a2 - a6))
    u5, u7 = mix_pairs(t5, t7)
    u5, u7, e0, e2 = pinned((u5, u7, b0 + b2, b0 - b2))
    a1, a5 = mix_pairs(u1, u5)
    a1, a5, e1, e3 = pinned((a1, a5, add_i(b1, b3), sub_i(b1, b3)))
    a3, a7 = mix_pairs(u3, u7)
    a3, a7, b0, b1 = pinned((a3, a7, a1 + a5, a1 - a5))
    b2, b3 = a3 + a7, a3 - a7
    o0, o1, o2, o3 = b0 + b2, add_i(b1, b3), b0 - b2, sub_i(b1, b3)
    y7, y3 = join8(e1, add_i(o1, o1))
    y1, y5 = join8(e3, sub_i(o3, o3))
    store_z(x, p, e0 + o0)
    store_z(x, p + 64, mul_conj(e0 - o0, twiddle(tw, to, 4)))
    store_z(x, p + 112, mul_conj(y7, twiddle(tw, to, 7)))
    store_z(x, p + 48, mul_conj(y3, twiddle(tw, to, 3)))
    store_z(x, p + 96, mul_conj(add_i(e2, o2), twiddle(tw, to, 6)))
    store_z(x, p + 32, mul_conj(sub_i(e2, o2), twiddle(tw, to, 2)))
    store_z(x, p + 80, mul_conj(y5, twiddle(tw, to, 5)))
    store_z(x, p + 16, mul_conj(y1, twiddle(tw, to, 1)))


@helper(fused=True)
def _in_registers(x, p, tw, to, tile, leaf_re, leaf_im, v, root, scale, mode, other, added):
    """The leaf at x[p:].

    For a square 176a 32m of butterflies, 28 products by twiddles (112m), 4 products and 2 squares to make powers, 16
    scalings, 96 shuffles.
    """
    w1 = load_zz(leaf_re, leaf_im, v) * root
    if mode == BACKWARD:
        a0, a1, a2, a3, a4, a5, a6, a7 = _eight(x, p)
        w2, w3, w4, w5, w6, w7 = _powers(w1)
    else:
        a0, a1, a2, a3, a4, a5, a6, a7, w2, w4, w3, w6, w5, w7 = _leaf_forward(x, p, tw, to, w1)
    if mode == FORWARD:
        _store_four(x, p, a0, a1, a2, a3)
        _store_four(x, p + 64, a4, a5, a6, a7)
        return
    a0, a1, a2, a3, a4, a5, a6, a7 = _product(a0, a1, a2, a3, a4, a5, a6, a7, mode, other, added, p)
    _leaf_inverse(x, p, tw, to, scale, a0, a1, a2, a3, a4, a5, a6, a7, w1, w2, w3, w4, w5, w6, w7)


# --- through memory ---------------------------------------------------------------------

@helper(fused=True)
def _transpose4(a, b, c, d):
    """Rows to lanes of four Z4."""
    t0, t1 = mix_lanes(a, b)
    t2, t3 = mix_lanes(c, d)
    u0, u2 = mix_pairs(t0, t2)
    u1, u3 = mix_pairs(t1, t3)
    return u0, u1, u2, u3


@helper(fused=True)
def _in_halves(x, p, tw, to, tile, leaf_re, leaf_im, v, root, scale, mode, other, added):
    """The leaf at x[p:], by way of tw[tile:], TILE doubles: vector c there has the coefficients of X^c."""
    if mode != BACKWARD:
        for h in range(0, 8, 4):
            x0, x1, x2, x3, x4, x5, x6, x7 = _eight(x, p + h)
            x0, x1, x2, x3, x4, x5, x6, x7 = dft8(
                x0, x1 * twiddle(tw, to, 1), x2 * twiddle(tw, to, 2), x3 * twiddle(tw, to, 3), x4 * twiddle(tw, to, 4),
                x5 * twiddle(tw, to, 5), x6 * twiddle(tw, to, 6), x7 * twiddle(tw, to, 7))
            x0, x1, x2, x3 = _transpose4(x0, x1, x2, x3)
            _store_four(tw, tile + 16 * h, x0, x1, x2, x3)
            x4, x5, x6, x7 = _transpose4(x4, x5, x6, x7)
            _store_four(tw, tile + 16 * h + 4, x4, x5, x6, x7)
    for g in range(0, 8, 4):
        at, q = tile + g, p + g
        w1 = load_zz(leaf_re, leaf_im, v + g) * root
        w2, w3, w4, w5, w6, w7 = _powers(w1)
        if mode == BACKWARD:
            a0, a1, a2, a3, a4, a5, a6, a7 = _eight(x, q)
        else:
            a0, a1, a2, a3, a4, a5, a6, a7 = _eight(tw, at)
            a0, a1, a2, a3, a4, a5, a6, a7 = dft8(a0, a1 * w1, a2 * w2, a3 * w3, a4 * w4, a5 * w5, a6 * w6, a7 * w7)
        if mode == FORWARD:
            _store_four(x, q, a0, a1, a2, a3)
            _store_four(x, q + 64, a4, a5, a6, a7)
            continue
        a0, a1, a2, a3, a4, a5, a6, a7 = _product(a0, a1, a2, a3, a4, a5, a6, a7, mode, other, added, q)
        a0, a7, a6, a5, a4, a3, a2, a1 = dft8(a0, a1, a2, a3, a4, a5, a6, a7)
        _store_four(tw, at, a0 * scale, mul_conj(a1, w1 * scale), mul_conj(a2, w2 * scale), mul_conj(a3, w3 * scale))
        _store_four(tw, at + 64, mul_conj(a4, w4 * scale), mul_conj(a5, w5 * scale), mul_conj(a6, w6 * scale),
                    mul_conj(a7, w7 * scale))
    if mode == FORWARD:
        return
    for h in range(0, 8, 4):
        at, q = tile + 16 * h, p + h
        x0, x1, x2, x3 = _transpose4(load_p(tw, at), load_p(tw, at + 16), load_p(tw, at + 32), load_p(tw, at + 48))
        x4, x5, x6, x7 = _transpose4(load_p(tw, at + 4), load_p(tw, at + 20), load_p(tw, at + 36), load_p(tw, at + 52))
        x0, x7, x6, x5, x4, x3, x2, x1 = dft8(x0, x1, x2, x3, x4, x5, x6, x7)
        _store_four(x, q, x0, mul_conj(x1, twiddle(tw, to, 1)), mul_conj(x2, twiddle(tw, to, 2)),
                    mul_conj(x3, twiddle(tw, to, 3)))
        _store_four(x, q + 64, mul_conj(x4, twiddle(tw, to, 4)), mul_conj(x5, twiddle(tw, to, 5)),
                    mul_conj(x6, twiddle(tw, to, 6)), mul_conj(x7, twiddle(tw, to, 7)))


leaf = _in_registers if HAS_AVX512 else _in_halves
