"""The row pass: forward transform, product, inverse transform of whole rows.

Data order.  A number is a polynomial in X with real words as coefficients,
taken modulo X^(2M) + 1; folding word j + M into the imaginary part of word j
leaves a complex polynomial modulo X^M - i (the right-angle transform).  Its M
coefficients are stored as M/8 vectors: vector v holds coefficients 8v .. 8v+7
in its lanes, so it is a polynomial in Z = X^8 whose coefficients are vectors,
and every level above the last three is vertical.  The column pass has split it
into R rows, residues modulo Z^C - exp(2 pi i a) with an angle `a` of its own
for each row; vector c of a row is its coefficient of Z^c.

A row is transformed depth first, so that each part is still in the nearest
cache when its product is taken and the way back begins.  The last level is the
leaf: eight vectors are split by a vertical level of radix 8, transposed so that
lanes are eight neighbouring nodes Z = z and vectors the coefficients of X^0 ..
X^7, split by a last level of radix 8 with a twiddle per lane, multiplied, and
brought back.  The spectrum is therefore scrambled, the same way for every
transform of one shape.

A node's twiddles are exp(2 pi i k (a + E)/P), k = 0..7, with E the node's
digit-reversed index and P the product of the radices so far: one product of two
table entries, base (shared by all rows) and row.
"""

from .access import load_z, load_zz, prefetch, store_z
from .butterfly import dft8, halves8, join8
from .jit import helper, kernel
from .levels import forward2, forward4, forward8, inverse2, inverse4, inverse8, keep, twiddle
from .shuffles import mix_lanes, mix_pairs
from .vector import add_i, mul_conj, pinned, splat, square, sub_i

FORWARD, SQUARE, MULTIPLY, MULTIPLY_ADD, BACKWARD = 0, 1, 2, 3, 4


def scratch_doubles(radices) -> int:
    """Size of the scratch memory that `rows` wants for these radices: twiddles of each level, and two leaves."""
    return 16 * (len(radices) + 2)


@helper(fused=True)
def _leaf_forward(x, p, tw, to, w1):
    """A leaf to its spectrum; returns that and w1^2, w1^4, w1^3, w1^6, w1^5, w1^7, which it needs.

    Shuffles stand between arithmetic that does not need them, since they have a port of their own.
    """
    e0, e1, e2, e3, o0, o1, o2, o3 = halves8(
        load_z(x, p), load_z(x, p + 16) * twiddle(tw, to, 1), load_z(x, p + 32) * twiddle(tw, to, 2),
        load_z(x, p + 48) * twiddle(tw, to, 3), load_z(x, p + 64) * twiddle(tw, to, 4),
        load_z(x, p + 80) * twiddle(tw, to, 5), load_z(x, p + 96) * twiddle(tw, to, 6),
        load_z(x, p + 112) * twiddle(tw, to, 7))
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
def _leaf(x, p, tw, to, w1, scale, mode, other, added, op):
    """Eight vectors at x[p:]: forward, product, inverse, all in registers.

    For a square 176a 32m of butterflies, 28 products by twiddles (112m), 4 products and 2 squares to make powers, 16
    scalings, 96 shuffles.
    """
    if mode == BACKWARD:
        a0, a1, a2, a3 = load_z(x, p), load_z(x, p + 16), load_z(x, p + 32), load_z(x, p + 48)
        a4, a5, a6, a7 = load_z(x, p + 64), load_z(x, p + 80), load_z(x, p + 96), load_z(x, p + 112)
        w2 = square(w1)
        w3, w4 = w1 * w2, square(w2)
        w5, w6, w7 = w1 * w4, w2 * w4, w3 * w4
    else:
        a0, a1, a2, a3, a4, a5, a6, a7, w2, w4, w3, w6, w5, w7 = _leaf_forward(x, p, tw, to, w1)
    if mode == FORWARD:
        store_z(x, p, a0)
        store_z(x, p + 16, a1)
        store_z(x, p + 32, a2)
        store_z(x, p + 48, a3)
        store_z(x, p + 64, a4)
        store_z(x, p + 80, a5)
        store_z(x, p + 96, a6)
        store_z(x, p + 112, a7)
        return
    if mode == SQUARE:
        a0, a1, a2, a3 = square(a0), square(a1), square(a2), square(a3)
        a4, a5, a6, a7 = square(a4), square(a5), square(a6), square(a7)
    elif mode != BACKWARD:
        a0, a1 = a0 * load_z(other, op), a1 * load_z(other, op + 16)
        a2, a3 = a2 * load_z(other, op + 32), a3 * load_z(other, op + 48)
        a4, a5 = a4 * load_z(other, op + 64), a5 * load_z(other, op + 80)
        a6, a7 = a6 * load_z(other, op + 96), a7 * load_z(other, op + 112)
        if mode == MULTIPLY_ADD:
            a0, a1 = a0 + load_z(added, op), a1 + load_z(added, op + 16)
            a2, a3 = a2 + load_z(added, op + 32), a3 + load_z(added, op + 48)
            a4, a5 = a4 + load_z(added, op + 64), a5 + load_z(added, op + 80)
            a6, a7 = a6 + load_z(added, op + 96), a7 + load_z(added, op + 112)
    _leaf_inverse(x, p, tw, to, scale, a0, a1, a2, a3, a4, a5, a6, a7, w1, w2, w3, w4, w5, w6, w7)


@kernel("void(f8[::1], i8, i8, i8, i8, i8[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8, i8, f8[::1], f8[::1], f8[::1])",
        fused=True)
def rows(x, start, stop, stride, width, radices, base, row, leaf_re, leaf_im, scale, mode, other, added, scratch):
    """Transform rows start..stop-1 of x in place.

    x        rows of `stride` doubles, `width` vectors of 16 doubles in each
    radices  8, 4 or 2 for each vertical level above the leaf; their product is width/8
    base     Z8 blocks of twiddles, level after level, node after node, the leaf's level last
    row      (len(radices) + 2) Z8 blocks a row: one per level, the leaf's, exp(2 pi i a / (8 width)) in all lanes
    leaf_re, leaf_im  exp(2 pi i E / (8 width)) for each node
    mode     FORWARD leaves the scrambled spectrum; SQUARE, MULTIPLY (by the spectrum
             in `other`, laid out as x) and MULTIPLY_ADD (to which that in `added`
             is added) return to coefficients, times `scale`, as BACKWARD does from a spectrum
    scratch  scratch_doubles(radices) doubles of this thread
    """
    levels = len(radices)
    factor = splat(scale)
    for r in range(start, stop):
        origin = r * stride
        row_at = r * (levels + 2) * 16
        root = load_z(row, row_at + (levels + 1) * 16)
        leaves, m = 0, width
        for level in range(levels):
            leaves += width // m
            m //= radices[level]
        store_z(scratch, levels * 16, load_z(base, leaves * 16) * load_z(row, row_at + levels * 16))
        for v in range(0, width, 8):
            span = width
            table = 0
            for level in range(levels):
                if v & (span - 1) == 0:
                    store_z(scratch, level * 16,
                            load_z(base, (table + v // span) * 16) * load_z(row, row_at + level * 16))
                    at = origin + v * 16
                    if mode == BACKWARD:
                        pass
                    elif radices[level] == 8:
                        m = span >> 3
                        forward8(x, at, 16 * m, x, at, 16 * m, m, scratch, level * 16, keep)
                    elif radices[level] == 4:
                        m = span >> 2
                        forward4(x, at, 16 * m, x, at, 16 * m, m, scratch, level * 16, keep)
                    else:
                        m = span >> 1
                        forward2(x, at, 16 * m, x, at, 16 * m, m, scratch, level * 16, keep)
                table += width // span
                span //= radices[level]
            for k in range(0, 128, 8):
                prefetch(x, origin + stride + v * 16 + k)
            # One leaf ahead: LLVM takes the scalars of a vector that was just stored out of it by shuffles.
            n = (v >> 3) + 1 if v + 8 < width else 0
            store_z(scratch, (levels + n % 2) * 16,
                    load_z(base, (leaves + n) * 16) * load_z(row, row_at + levels * 16))
            _leaf(x, origin + v * 16, scratch, (levels + (v >> 3) % 2) * 16, load_zz(leaf_re, leaf_im, v) * root,
                  factor, mode, other, added, origin + v * 16)
            if mode == FORWARD:
                continue
            end = v + 8
            for level in range(levels - 1, -1, -1):
                span *= radices[level]
                if end & (span - 1) != 0:
                    break
                at = origin + (end - span) * 16
                if radices[level] == 8:
                    m = span >> 3
                    inverse8(x, at, 16 * m, x, at, 16 * m, m, scratch, level * 16)
                elif radices[level] == 4:
                    m = span >> 2
                    inverse4(x, at, 16 * m, x, at, 16 * m, m, scratch, level * 16)
                else:
                    m = span >> 1
                    inverse2(x, at, 16 * m, x, at, 16 * m, m, scratch, level * 16)


@kernel("void(f8[::1], f8[::1], f8[::1], f8, i8, i8, b1)", fused=True)
def multiply_spectra(out, a, b, factor, start, stop, adds):
    """out = factor*a*b, or out + factor*a*b where `adds`, in vectors start .. stop-1 of spectra; out may be a or b."""
    times = splat(factor)
    for p in range(16 * start, 16 * stop, 16):
        product = load_z(a, p) * load_z(b, p) * times
        if adds:
            product = product + load_z(out, p)
        store_z(out, p, product)
