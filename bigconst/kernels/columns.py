"""The column passes: words to rows of transform data, and back to carried words.

Coefficient 8*(r*width + c) + lane of the folded polynomial (see `rows`) stands
in row r, vector c.  A slab is `block` neighbouring vectors of every row.  Its
first level, always of radix 8, takes the words themselves: they are canonical
digits 0 .. radix-1, balanced without carries while they are loaded.  The levels
below work depth first in a buffer of rows x block vectors that fits the
second-level cache, and the last one writes the rows.  The way back mirrors it:
the eight vectors that leave the last butterfly are the same eight coefficients
of eight rows, so they are rounded, transposed and carried in registers, each
lane along a row of its own.  Words and transform data are thus each read or
written once.
"""

import numpy as np

from .access import keep_largest, load_f, load_i, load_i_of, load_z, prefetch, store_f, store_i, store_i_nt, store_z
from .butterfly import dft8
from .checksum import absorb, absorb_and_stream, keys_of
from .jit import helper, kernel
from .levels import forward, inverse, keep, stream, twiddle
from .propagate import propagate
from .shuffles import transpose_f, transpose_i
from .vector import (
    balance,
    floor,
    fma,
    fnma,
    imag,
    make_z,
    max_abs,
    mul_conj,
    real,
    rint,
    splat,
    to_float,
    to_int,
)

NEAR_BYTES = 1 << 21
"""Transforms that stay in the second-level cache, or nearly so, from one pass to the next."""


@helper
def _eight(words, radix, j):
    return to_float(balance(load_i(words, j), load_i(words, j - 1), radix))


@helper
def _eight_of(words, count, radix, j):
    """Eight balanced words from j on, words outside 0 .. count-1 being zero."""
    return to_float(balance(load_i_of(words, j, count), load_i_of(words, j - 1, count), radix))


@helper
def _whole(words, count, radix, j, folded):
    """The vector of coefficients j .. j+7, all of them inside the number."""
    return make_z(_eight(words, radix, j), _eight(words, radix, j + folded))


@helper
def _half(words, count, radix, j, folded):
    """The vector of coefficients j .. j+7, whose imaginary parts lie beyond the number and are zero."""
    return make_z(_eight_of(words, count, radix, j), splat(0.0))


@helper
def _partial(words, count, radix, j, folded):
    """The vector of coefficients j .. j+7, any of whose words may lie outside the number."""
    return make_z(_eight_of(words, count, radix, j), _eight_of(words, count, radix, j + folded))


@helper(fused=True)
def _split_run(load, words, count, radix, j, s, f, block, dst, o, ds, tw):
    """Radix-8 butterflies on `block` vectors from word j on, whose branches are s words apart."""
    w1, w2, w3, w4 = twiddle(tw, 0, 1), twiddle(tw, 0, 2), twiddle(tw, 0, 3), twiddle(tw, 0, 4)
    w5, w6, w7 = twiddle(tw, 0, 5), twiddle(tw, 0, 6), twiddle(tw, 0, 7)
    for _ in range(block):
        x0 = load(words, count, radix, j, f)
        x1 = load(words, count, radix, j + s, f)
        x2 = load(words, count, radix, j + 2 * s, f)
        x3 = load(words, count, radix, j + 3 * s, f)
        x4 = load(words, count, radix, j + 4 * s, f)
        x5 = load(words, count, radix, j + 5 * s, f)
        x6 = load(words, count, radix, j + 6 * s, f)
        x7 = load(words, count, radix, j + 7 * s, f)
        x0, x1, x2, x3, x4, x5, x6, x7 = dft8(x0, x1 * w1, x2 * w2, x3 * w3, x4 * w4, x5 * w5, x6 * w6, x7 * w7)
        store_z(dst, o, x0)
        store_z(dst, o + ds, x1)
        store_z(dst, o + 2 * ds, x2)
        store_z(dst, o + 3 * ds, x3)
        store_z(dst, o + 4 * ds, x4)
        store_z(dst, o + 5 * ds, x5)
        store_z(dst, o + 6 * ds, x6)
        store_z(dst, o + 7 * ds, x7)
        j += 8
        o += 16


@helper(fused=True)
def _split_words(words, count, radix, height, width, c, block, dst, do, dr, ds, tw):
    """First forward level of a slab: radix 8 from words to `dst`.

    Row r is stored from do + (r mod m)*dr + (r div m)*ds on, m = height/8.
    """
    m = height // 8
    f = 8 * height * width
    s = 8 * m * width
    for r in range(m):
        for k in range(8):
            for b in range(0, 8 * block, 16):
                prefetch(words, 8 * ((r + 1) * width + c) + k * s + b)
                prefetch(words, 8 * ((r + 1) * width + c) + k * s + f + b)
        j = 8 * (r * width + c)
        o = do + r * dr
        end = j + 7 * s + 8 * block
        if j > 0 and end + f <= count:
            _split_run(_whole, words, count, radix, j, s, f, block, dst, o, ds, tw)
        elif count < j + f:
            _split_run(_half, words, count, radix, j, s, f, block, dst, o, ds, tw)
        else:
            _split_run(_partial, words, count, radix, j, s, f, block, dst, o, ds, tw)


@kernel("void(i4[::1], i8, i4, f8[::1], i8, i8, i8, i8[::1], f8[::1], i8, i8, i8, uint64[::1], f8[::1])", fused=True)
def columns_forward(words, count, radix, x, height, stride, width, radices, twiddles, start, stop, block, sums, buffer):
    """Forward transform down the columns start..stop-1.

    words     `count` canonical words; those beyond count as zero
    x         height rows of `stride` doubles, width vectors of 16 doubles each
    radices   of the levels, the first one 8; their product is height
    twiddles  Z8 blocks, level after level, node after node
    block     vectors in a slab, even, a divisor of start and stop
    buffer    height*block vectors
    sums      eight for each row, to which its lines are added (`checksum`), or none
    """
    levels = len(radices)
    last = radices[levels - 1]
    checked, is_near = sums.size > 0, 8 * height * stride <= NEAR_BYTES
    for c in range(start, stop, block):
        if levels == 1 and not checked:
            _split_words(words, count, radix, height, width, c, block, x, c * 16, 0, stride, twiddles)
            continue
        step = height // 8 * block * 16
        _split_words(words, count, radix, height, width, c, block, buffer, 0, block * 16, step, twiddles)
        for v in range(0, height, last):
            span = height // 8
            table = 1
            for level in range(1, levels - 1):
                r = radices[level]
                m = span // r
                if v % span == 0:
                    at = v * block * 16
                    step = m * block * 16
                    forward(r, buffer, at, step, buffer, at, step, m * block, twiddles, (table + v // span) * 16, keep)
                table += height // span
                span = m
            at = v * block * 16
            if not checked and is_near:
                forward(last, buffer, at, block * 16, x, v * stride + c * 16, stride, block, twiddles,
                        (table + v // last) * 16, keep)
                continue
            if not checked:
                forward(last, buffer, at, block * 16, x, v * stride + c * 16, stride, block, twiddles,
                        (table + v // last) * 16, stream)
                continue
            if levels > 1:
                forward(last, buffer, at, block * 16, buffer, at, block * 16, block, twiddles,
                        (table + v // last) * 16, keep)
            for k in range(last):
                absorb_and_stream(sums, 8 * (v + k), buffer, at + k * block * 16, x, (v + k) * stride + c * 16,
                                  2 * block, keys_of(2 * c))


@helper
def _largest(largest, a0, a1, a2, a3, a4, a5, a6, a7):
    largest = max_abs(max_abs(max_abs(max_abs(largest, a0), a1), a2), a3)
    return max_abs(max_abs(max_abs(max_abs(largest, a4), a5), a6), a7)


@helper
def _digit(t, radix, inverse, bias):
    """Quotient and remainder 0 .. radix-1 of integers |t| < 2^49: the quotient is floor((t + 1/2)/radix)."""
    q = floor(fma(t, inverse, bias))
    return q, fnma(q, radix, t)


@helper
def _rounded(a0, a1, a2, a3, a4, a5, a6, a7, error, peak):
    """Coefficients of 8 rows (one vector for each) as integers, a column in each vector, and the running maxima of
    |a - rint(a)| and |a|.  24 shuffles, 16 roundings and subtractions, 32 operations to measure."""
    peak = _largest(peak, a0, a1, a2, a3, a4, a5, a6, a7)
    r0, r1, r2, r3, r4, r5, r6, r7 = rint(a0), rint(a1), rint(a2), rint(a3), rint(a4), rint(a5), rint(a6), rint(a7)
    error = _largest(error, a0 - r0, a1 - r1, a2 - r2, a3 - r3, a4 - r4, a5 - r5, a6 - r6, a7 - r7)
    return transpose_f(r0, r1, r2, r3, r4, r5, r6, r7), error, peak


@helper
def _carried(y0, y1, y2, y3, y4, y5, y6, y7, re, im, radix, inverse, bias, error, peak):
    """Round coefficients of 8 rows (one vector for each) and carry along each row, real and imaginary parts in turns,
    since each waits for the carry of the one before.

    Returns the words of each row as I8, the carries out of the rows, and the running maxima of |a - rint(a)| and |a|.
    """
    (r0, r1, r2, r3, r4, r5, r6, r7), error, peak = _rounded(
        real(y0), real(y1), real(y2), real(y3), real(y4), real(y5), real(y6), real(y7), error, peak)
    (i0, i1, i2, i3, i4, i5, i6, i7), error, peak = _rounded(
        imag(y0), imag(y1), imag(y2), imag(y3), imag(y4), imag(y5), imag(y6), imag(y7), error, peak)
    re, r0 = _digit(r0 + re, radix, inverse, bias)
    im, i0 = _digit(i0 + im, radix, inverse, bias)
    re, r1 = _digit(r1 + re, radix, inverse, bias)
    im, i1 = _digit(i1 + im, radix, inverse, bias)
    re, r2 = _digit(r2 + re, radix, inverse, bias)
    im, i2 = _digit(i2 + im, radix, inverse, bias)
    re, r3 = _digit(r3 + re, radix, inverse, bias)
    im, i3 = _digit(i3 + im, radix, inverse, bias)
    re, r4 = _digit(r4 + re, radix, inverse, bias)
    im, i4 = _digit(i4 + im, radix, inverse, bias)
    re, r5 = _digit(r5 + re, radix, inverse, bias)
    im, i5 = _digit(i5 + im, radix, inverse, bias)
    re, r6 = _digit(r6 + re, radix, inverse, bias)
    im, i6 = _digit(i6 + im, radix, inverse, bias)
    re, r7 = _digit(r7 + re, radix, inverse, bias)
    im, i7 = _digit(i7 + im, radix, inverse, bias)
    v = transpose_i(to_int(r0), to_int(r1), to_int(r2), to_int(r3), to_int(r4), to_int(r5), to_int(r6), to_int(r7))
    w = transpose_i(to_int(i0), to_int(i1), to_int(i2), to_int(i3), to_int(i4), to_int(i5), to_int(i6), to_int(i7))
    return v, w, re, im, error, peak


@helper
def _store_pair(words, j, a, b, is_near):
    if is_near:
        store_i(words, j, a)
        store_i(words, j + 8, b)
    else:
        store_i_nt(words, j, a)
        store_i_nt(words, j + 8, b)


@helper
def _store_words(words, j, step, a, b, is_near):
    """Store words j .. j+15 of each of 8 rows, which are `step` words apart: whole cache lines, past the caches unless
    the transform is near."""
    a0, a1, a2, a3, a4, a5, a6, a7 = a
    b0, b1, b2, b3, b4, b5, b6, b7 = b
    _store_pair(words, j, a0, b0, is_near)
    _store_pair(words, j + step, a1, b1, is_near)
    _store_pair(words, j + 2 * step, a2, b2, is_near)
    _store_pair(words, j + 3 * step, a3, b3, is_near)
    _store_pair(words, j + 4 * step, a4, b4, is_near)
    _store_pair(words, j + 5 * step, a5, b5, is_near)
    _store_pair(words, j + 6 * step, a6, b6, is_near)
    _store_pair(words, j + 7 * step, a7, b7, is_near)


@helper(fused=True)
def _coefficients(src, at, ss, w1, w2, w3, w4, w5, w6, w7):
    y0, y7, y6, y5, y4, y3, y2, y1 = dft8(
        load_z(src, at), load_z(src, at + ss), load_z(src, at + 2 * ss), load_z(src, at + 3 * ss),
        load_z(src, at + 4 * ss), load_z(src, at + 5 * ss), load_z(src, at + 6 * ss), load_z(src, at + 7 * ss))
    return (y0, mul_conj(y1, w1), mul_conj(y2, w2), mul_conj(y3, w3), mul_conj(y4, w4), mul_conj(y5, w5),
            mul_conj(y6, w6), mul_conj(y7, w7))


@kernel("void(f8[::1], i8, i8, i8, i8, i8, i8, i8, f8[::1], i4[::1], f8, f8[::1], f8[::1], b1)")
def _join_words(src, so, sr, ss, height, width, c, block, tw, words, radix, carries, stats, is_near):
    """Last inverse level of a slab, radix 8, then rounding, carry and store; `columns_inverse` explains the rest.

    Exact: no fast-math; every value after rounding is an integer below 2^53 but
    for the estimate of the quotient, whose bias of half a unit outweighs its
    rounding error while |coefficient| < 2^49.
    """
    w1, w2, w3, w4 = twiddle(tw, 0, 1), twiddle(tw, 0, 2), twiddle(tw, 0, 3), twiddle(tw, 0, 4)
    w5, w6, w7 = twiddle(tw, 0, 5), twiddle(tw, 0, 6), twiddle(tw, 0, 7)
    m = height // 8
    folded = 8 * height * width
    step = 8 * m * width
    b_radix, inverse, bias = splat(radix), splat(1.0 / radix), splat(0.5 / radix)
    error, peak = splat(0.0), splat(0.0)
    for r in range(m):
        re, im = load_f(carries, 8 * r), load_f(carries, 8 * (m + r))
        for b in range(0, block, 2):
            j = 8 * (r * width + c + b)
            at = so + r * sr + 16 * b
            y0, y1, y2, y3, y4, y5, y6, y7 = _coefficients(src, at, ss, w1, w2, w3, w4, w5, w6, w7)
            a_re, a_im, re, im, error, peak = _carried(y0, y1, y2, y3, y4, y5, y6, y7, re, im, b_radix, inverse, bias,
                                                       error, peak)
            y0, y1, y2, y3, y4, y5, y6, y7 = _coefficients(src, at + 16, ss, w1, w2, w3, w4, w5, w6, w7)
            b_re, b_im, re, im, error, peak = _carried(y0, y1, y2, y3, y4, y5, y6, y7, re, im, b_radix, inverse, bias,
                                                       error, peak)
            _store_words(words, j, step, a_re, b_re, is_near)
            _store_words(words, j + folded, step, a_im, b_im, is_near)
        store_f(carries, 8 * r, re)
        store_f(carries, 8 * (m + r), im)
    keep_largest(stats, 0, error)
    keep_largest(stats, 1, peak)


@kernel("void(f8[::1], i8, i8, i8, i8[::1], f8[::1], i8, i8, i8, i4[::1], f8, f8[::1], f8[::1], uint64[::1], f8[::1])",
        fused=True)
def columns_inverse(x, height, stride, width, radices, twiddles, start, stop, block, words, radix, carries, stats,
                    sums, buffer):
    """Inverse of `columns_forward` without the factor 1/height, then rounding and carry, slab after slab.

    words    2*8*height*width canonical words, 64-byte aligned; those of columns start..stop-1 are written
    carries  2*height doubles: the carry into this part of each row, replaced by the carry
             out of it, at 8*(r mod m) + r div m for row r, m = height/8; real parts first
    stats    [largest |x - rint(x)|, largest |x|], updated; NaN if an x is
    sums     eight for each row of x, to which its lines are added, or none
    """
    levels = len(radices)
    last = radices[levels - 1]
    tables = 0
    span = height
    for level in range(levels):
        tables += height // span
        span //= radices[level]
    checked, is_near = sums.size > 0, 8 * height * stride <= NEAR_BYTES
    for c in range(start, stop, block):
        if levels == 1:
            for k in range(height if checked else 0):
                absorb(sums, 8 * k, x, k * stride + c * 16, 2 * block, keys_of(2 * c))
            _join_words(x, c * 16, 0, stride, height, width, c, block, twiddles, words, radix, carries, stats,
                        is_near)
            continue
        for v in range(0, height, last):
            for k in range(last if checked else 0):
                absorb(sums, 8 * (v + k), x, (v + k) * stride + c * 16, 2 * block, keys_of(2 * c))
            span = 1
            table = tables
            for level in range(levels - 1, 0, -1):
                r = radices[level]
                m = span
                span *= r
                if (v + last) % span != 0:
                    break
                table -= height // span
                at = (v + last - span) * block * 16
                step = m * block * 16
                src, so, ss = buffer, at, step
                if level == levels - 1:
                    for k in range(last):
                        for b in range(0, 16 * block, 8):
                            prefetch(x, (v + last + k) * stride + c * 16 + b)
                    src, so, ss = x, v * stride + c * 16, stride
                inverse(r, src, so, ss, buffer, at, step, m * block, twiddles, (table + v // span) * 16)
        _join_words(buffer, 0, block * 16, height // 8 * block * 16, height, width, c, block, twiddles, words, radix,
                    carries, stats, is_near)


@kernel("void(i4[::1], f8[::1], i8[::1], i8, i8, i8, i8[::1])")
def resolve_carries(words, carries, ends, height, width, radix, out):
    """Add the carries that left the parts of rows to the parts that follow them in the same row.

    A run is the 8*width words of one row of one half (0: real parts, 1: imaginary parts): run half*height + row.

    carries  2*height doubles for each part, as `columns_inverse` leaves them
    ends     the column at which each part ends, the last one being `width`
    out      2*height integers, set to what leaves the end of each run

    One ripple per part and row, short unless the words above are all 0 or all radix - 1.
    """
    m = height // 8
    for half in range(2):
        for r in range(height):
            run = half * height + r
            stop = 8 * (run + 1) * width
            total = np.int64(0)
            for p in range(len(ends)):
                carry = np.int64(carries[2 * height * p + half * height + 8 * (r % m) + r // m])
                total += propagate(words, 8 * (run * width + ends[p]), stop, carry, radix)
            out[run] = total


@kernel("i8(i4[::1], i8[::1], i8, i8)")
def join_runs(words, carries, run_words, radix):
    """Add carries[j], which left run j, at the start of run j + 1, rippling up to the top; returns the carry out of it.
    """
    top = np.int64(0)
    for j in range(len(carries)):
        top += propagate(words, (j + 1) * run_words, len(words), carries[j], radix)
    return top
