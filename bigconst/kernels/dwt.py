"""Squaring modulo 2^p - 1 by the irrational-base discrete weighted transform, many times in one call.

Crandall and Fagin, "Discrete weighted transforms and large-integer arithmetic",
Math. Comp. 62 (1994): word j of N holds ceil(p(j+1)/N) - ceil(pj/N) bits, and is
multiplied by 2^(e/N), e = -pj mod N, before a cyclic convolution of length N.

Words are seen as `height` rows of C = 8*width: word r*C + c.  Down the columns
runs a real transform: the polynomials of a row are coefficients of powers of
Y = X^C, and Y^height - 1 is split by real radices of 8 into

    Y^m - 1           real again, split further
    Y^m + 1           real; folded, as Y^(m/2) - i, complex
    Y^m - zeta^j      complex, j = 1, 2, 3; those of 5, 6, 7 are their conjugates

and the complex ones by trees (kernels.levels) down to rows modulo X^C - w, which
kernels.rows squares.  Rows whose conjugates are left out count twice; so
height/2 + 1 rows, and a few more, take the place of height.

An iteration is two passes over memory: rows; and slabs of neighbouring columns,
which come back, are rounded, give their carries on, and go forth again.  The
first slab of each thread waits until the carries that enter it are known.

All state of a thread is in arrays; `LAYOUT` names the integers that describe a
transform.
"""

import numpy as np

from .jit import helper, kernel
from .levels import forward, inverse, keep, stream
from .rows import FORWARD, MULTIPLY, SQUARE, rows
from .vector import (
    at_least,
    atomic_add,
    atomic_load,
    fnma,
    give_way,
    imag,
    lane,
    load_f,
    load_z,
    make_z,
    max_abs,
    prefetch,
    real,
    rint,
    splat,
    store_f,
    store_z,
    store_z_nt,
    transpose_f,
)

LAYOUT = ("height", "width", "stride", "rows", "paired_rows", "block", "trees", "words", "exponent", "buffer_doubles")
"""Integers of a transform, in this order: rows of words; vectors of 8 columns; doubles from row to row of transform
data; rows of that, of which the first ones count twice; vectors of a slab; complex trees; N; p; doubles of a thread's
buffer."""

TREE = ("first_row", "rows", "levels", "first_radix", "first_twiddle")
"""Integers of a complex tree."""

SPINS = 4000
"""Looks at a barrier before a thread gives way."""

_H = 0.5**0.5


@helper
def _barrier(sync, threads):
    """All threads have come here; what they wrote before is seen after."""
    if threads == 1:
        return
    goal = (atomic_add(sync, 0, 1) // threads + 1) * threads
    spins = 0
    while atomic_load(sync, 0) < goal:
        spins += 1
        if spins > SPINS:
            give_way()


# --- real radix 8 ---------------------------------------------------------------------

@helper(fused=True)
def _real8(x0, x1, x2, x3, x4, x5, x6, x7):
    """Residues modulo Y - 1, Y + 1 (real), Y - zeta^j, j = 1, 2, 3: 22a 2m."""
    a0, a1, a2, a3 = x0 + x4, x0 - x4, x2 + x6, x2 - x6
    b0, b1, b2, b3 = x1 + x5, x1 - x5, x3 + x7, x3 - x7
    c, d = a0 + a2, b0 + b2
    p, q = splat(_H) * (b1 - b3), splat(_H) * (b1 + b3)
    return c + d, c - d, make_z(a1 + p, a3 + q), make_z(a0 - a2, b0 - b2), make_z(a1 - p, q - a3)


@helper(fused=True)
def _real8_back(y0, y4, z1, z2, z3):
    """8 times the way back, the complex ones counting half: 22a 2m."""
    c, d = y0 + y4, y0 - y4
    a0, a2 = c + real(z2), c - real(z2)
    b0, b2 = d + imag(z2), d - imag(z2)
    a1, p = real(z1) + real(z3), real(z1) - real(z3)
    a3, q = imag(z1) - imag(z3), imag(z1) + imag(z3)
    b1, b3 = splat(_H) * (p + q), splat(_H) * (q - p)
    return a0 + a1, b0 + b1, a2 + a3, b2 + b3, a0 - a1, b0 - b1, a2 - a3, b2 - b3


@helper(fused=True)
def _split(a, z, height, block):
    """Real rows in `a` -> the roots of all complex trees in `z`, and what is left of the real one."""
    half, line = 8 * block, 16 * block
    n, base = height, 0
    while n % 8 == 0:
        m = n // 8
        fold = m // 2 if m % 2 == 0 else m
        for i in range(m):
            at = (base + 3 * m + i % fold) * line + 8 * (i // fold)
            for b in range(block):
                o, w = i * half + 8 * b, (base + i) * line + 16 * b
                y0, y4, z1, z2, z3 = _real8(
                    load_f(a, o), load_f(a, o + m * half), load_f(a, o + 2 * m * half), load_f(a, o + 3 * m * half),
                    load_f(a, o + 4 * m * half), load_f(a, o + 5 * m * half), load_f(a, o + 6 * m * half),
                    load_f(a, o + 7 * m * half))
                store_f(a, o, y0)
                store_f(z, at + 16 * b, y4)
                if fold == m:
                    store_f(z, at + 16 * b + 8, splat(0.0))
                store_z(z, w, z1)
                store_z(z, w + m * line, z2)
                store_z(z, w + 2 * m * line, z3)
        base += 3 * m + fold
        n = m
    for i in range(n):
        for b in range(block):
            store_z(z, (base + i) * line + 16 * b, make_z(load_f(a, i * half + 8 * b), splat(0.0)))


@helper(fused=True)
def _join(a, z, height, block):
    """The way back, times the number of rows."""
    half, line = 8 * block, 16 * block
    n, base = height, 0
    while n % 8 == 0:
        m = n // 8
        base += 3 * m + (m // 2 if m % 2 == 0 else m)
        n = m
    for i in range(n):
        for b in range(block):
            store_f(a, i * half + 8 * b, load_f(z, (base + i) * line + 16 * b))
    while n < height:
        m, n = n, 8 * n
        fold = m // 2 if m % 2 == 0 else m
        base -= 3 * m + fold
        for i in range(m):
            at = (base + 3 * m + i % fold) * line + 8 * (i // fold)
            for b in range(block):
                o, w = i * half + 8 * b, (base + i) * line + 16 * b
                x0, x1, x2, x3, x4, x5, x6, x7 = _real8_back(
                    load_f(a, o), load_f(z, at + 16 * b), load_z(z, w), load_z(z, w + m * line),
                    load_z(z, w + 2 * m * line))
                store_f(a, o, x0)
                store_f(a, o + m * half, x1)
                store_f(a, o + 2 * m * half, x2)
                store_f(a, o + 3 * m * half, x3)
                store_f(a, o + 4 * m * half, x4)
                store_f(a, o + 5 * m * half, x5)
                store_f(a, o + 6 * m * half, x6)
                store_f(a, o + 7 * m * half, x7)


# --- complex trees --------------------------------------------------------------------

@helper(fused=True)
def _tree_forward(z, base, size, levels, radices, ro, tw, to, block, x, stride, c):
    """Rows base .. base+size-1 of z down a tree, into the same rows of x from double c on."""
    line = 16 * block
    if levels == 0:
        for i in range(0, line, 16):
            store_z_nt(x, base * stride + c + i, load_z(z, base * line + i))
        return
    last = radices[ro + levels - 1]
    for v in range(0, size, last):
        span, table = size, 0
        for level in range(levels - 1):
            r = radices[ro + level]
            m = span // r
            if v % span == 0:
                at = (base + v) * line
                forward(r, z, at, m * line, z, at, m * line, m * block, tw, to + (table + v // span) * 16, keep)
            table += size // span
            span = m
        forward(last, z, (base + v) * line, line, x, (base + v) * stride + c, stride, block, tw,
                to + (table + v // last) * 16, stream)


@helper(fused=True)
def _tree_inverse(z, base, size, levels, radices, ro, tw, to, block, x, stride, c):
    """The way back, times the size."""
    line = 16 * block
    if levels == 0:
        for i in range(0, line, 16):
            store_z(z, base * line + i, load_z(x, base * stride + c + i))
        return
    last = radices[ro + levels - 1]
    tables, span = 0, size
    for level in range(levels):
        tables += size // span
        span //= radices[ro + level]
    for v in range(0, size, last):
        for k in range(last):
            for i in range(0, line, 8):
                prefetch(x, (base + v + last + k) * stride + c + i)
        span, table = 1, tables
        for level in range(levels - 1, -1, -1):
            r = radices[ro + level]
            m = span
            span *= r
            if (v + last) % span != 0:
                break
            table -= size // span
            at, here = (base + v + last - span) * line, to + (table + v // span) * 16
            if level == levels - 1:
                inverse(r, x, (base + v) * stride + c, stride, z, at, line, block, tw, here)
            else:
                inverse(r, z, at, m * line, z, at, m * line, m * block, tw, here)


_SLAB = "void(f8[::1], f8[::1], i8, i8[::1], i8, i8[::1], f8[::1], i8, f8[::1], i8, i8)"


@kernel(_SLAB, fused=True)
def slab_forward(a, z, height, trees, count, radices, tw, block, x, stride, c):
    """Weighted words in `a` (height rows of 8*block) -> doubles c .. c+16*block-1 of all rows of x; `z` is for work."""
    _split(a, z, height, block)
    for t in range(0, 5 * count, 5):
        _tree_forward(z, trees[t], trees[t + 1], trees[t + 2], radices, trees[t + 3], tw, trees[t + 4], block, x,
                      stride, c)


@kernel(_SLAB, fused=True)
def slab_inverse(a, z, height, trees, count, radices, tw, block, x, stride, c):
    """The way back, times height."""
    for t in range(0, 5 * count, 5):
        _tree_inverse(z, trees[t], trees[t + 1], trees[t + 2], radices, trees[t + 3], tw, trees[t + 4], block, x,
                      stride, c)
    _join(a, z, height, block)


# --- weights and carries ---------------------------------------------------------------

@helper
def _weigh(r, c, height, count, row_weights, column_weights, words):
    """e and 2^(e/N) of word r*count + c."""
    e, w = row_weights[r] + column_weights[c], row_weights[height + r] * column_weights[count + c]
    if e >= words:
        e, w = e - words, 0.5 * w
    return e, w


@helper
def _carry_one(v, carry, e, w, w2, i, i2, ce, cw, ci, words, rest, small, large, over_small, over_large, error):
    """One word of 8 rows: unweighted, rounded, its carry taken and given, weighted again."""
    e = e + splat(ce)
    w = at_least(e, words, w2, w) * splat(cw)
    i = at_least(e, words, i2, i) * splat(ci)
    e = e - at_least(e, words, words, splat(0.0))
    base, over = at_least(e, rest, small, large), at_least(e, rest, over_small, over_large)
    t = v * i
    r = rint(t)
    error = max_abs(error, t - r)
    s = r + carry
    q = rint(s * over)
    return fnma(q, base, s) * w, q, error


@kernel("void(f8[::1], i8, i8, i8, i8, f8[::1], f8[::1], f8, f8, i8, f8[::1], i8, f8[::1])")
def carry_slab(a, height, count, block, c0, row_weights, column_weights, words, rest, bits, carries, co, stats):
    """Coefficients in `a` (columns c0 .. c0+8*block-1 of all rows, weighted) -> balanced words, weighted.

    count    columns of a row
    weights  e, 2^(e/N), 2^(-e/N) of rows and of columns, one after the other
    rest, bits   p mod N and p div N
    carries  from co on, into this slab for each row, replaced by those out of it
    stats    [largest |x - rint(x)|], a NaN stays
    Exact: no fast-math.  Eight words at a time, lanes being rows: 48 shuffles, 8 times 22 operations.
    """
    half = 8 * block
    n, rem = splat(words), splat(rest)
    small, large = splat(2.0**bits), splat(2.0 ** (bits + 1))
    over_small, over_large = splat(2.0**-bits), splat(2.0 ** (-bits - 1))
    error = splat(0.0)
    for g in range(0, height, 8):
        carry = load_f(carries, co + g)
        e, w, i = load_f(row_weights, g), load_f(row_weights, height + g), load_f(row_weights, 2 * height + g)
        w2, i2 = w * splat(0.5), i * splat(2.0)
        for b in range(block):
            o = g * half + 8 * b
            c = c0 + 8 * b
            v = transpose_f(load_f(a, o), load_f(a, o + half), load_f(a, o + 2 * half), load_f(a, o + 3 * half),
                            load_f(a, o + 4 * half), load_f(a, o + 5 * half), load_f(a, o + 6 * half),
                            load_f(a, o + 7 * half))
            v0, v1, v2, v3, v4, v5, v6, v7 = v
            v0, carry, error = _carry_one(v0, carry, e, w, w2, i, i2, column_weights[c], column_weights[count + c],
                                          column_weights[2 * count + c], n, rem, small, large, over_small, over_large,
                                          error)
            v1, carry, error = _carry_one(v1, carry, e, w, w2, i, i2, column_weights[c + 1],
                                          column_weights[count + c + 1], column_weights[2 * count + c + 1], n, rem,
                                          small, large, over_small, over_large, error)
            v2, carry, error = _carry_one(v2, carry, e, w, w2, i, i2, column_weights[c + 2],
                                          column_weights[count + c + 2], column_weights[2 * count + c + 2], n, rem,
                                          small, large, over_small, over_large, error)
            v3, carry, error = _carry_one(v3, carry, e, w, w2, i, i2, column_weights[c + 3],
                                          column_weights[count + c + 3], column_weights[2 * count + c + 3], n, rem,
                                          small, large, over_small, over_large, error)
            v4, carry, error = _carry_one(v4, carry, e, w, w2, i, i2, column_weights[c + 4],
                                          column_weights[count + c + 4], column_weights[2 * count + c + 4], n, rem,
                                          small, large, over_small, over_large, error)
            v5, carry, error = _carry_one(v5, carry, e, w, w2, i, i2, column_weights[c + 5],
                                          column_weights[count + c + 5], column_weights[2 * count + c + 5], n, rem,
                                          small, large, over_small, over_large, error)
            v6, carry, error = _carry_one(v6, carry, e, w, w2, i, i2, column_weights[c + 6],
                                          column_weights[count + c + 6], column_weights[2 * count + c + 6], n, rem,
                                          small, large, over_small, over_large, error)
            v7, carry, error = _carry_one(v7, carry, e, w, w2, i, i2, column_weights[c + 7],
                                          column_weights[count + c + 7], column_weights[2 * count + c + 7], n, rem,
                                          small, large, over_small, over_large, error)
            v0, v1, v2, v3, v4, v5, v6, v7 = transpose_f(v0, v1, v2, v3, v4, v5, v6, v7)
            store_f(a, o, v0)
            store_f(a, o + half, v1)
            store_f(a, o + 2 * half, v2)
            store_f(a, o + 3 * half, v3)
            store_f(a, o + 4 * half, v4)
            store_f(a, o + 5 * half, v5)
            store_f(a, o + 6 * half, v6)
            store_f(a, o + 7 * half, v7)
        store_f(carries, co + g, carry)
    for i in range(8):
        if not lane(error, i) <= stats[0]:
            stats[0] = lane(error, i)


@kernel("void(f8[::1], i8, i8, i8, i8, f8[::1], f8[::1], f8, f8, i8, f8[::1], i8, i8)")
def enter_carries(a, height, count, block, c0, row_weights, column_weights, words, rest, bits, carries, co, shift):
    """Add the carries that came to the end of the columns before to the words of a slab; row r takes the carry of row
    r - shift.  Short ripples: a word is hardly ever at its largest."""
    half = 8 * block
    for r in range(height):
        carry = carries[co + (r - shift) % height]
        k = 0
        while carry != 0.0 and k < half:
            e, w = _weigh(r, c0 + k, height, count, row_weights, column_weights, words)
            value = round(a[r * half + k] / w) + carry
            carry = 0.0
            if k < half - 1:        # the last one keeps what comes, a unit at most
                base = 2.0**bits if e >= rest else 2.0 ** (bits + 1)
                carry = float(round(value / base))
                value -= carry * base
            a[r * half + k] = value * w
            k += 1


@kernel("void(f8[::1], i4[::1], i8, i8, i8, i8, f8[::1], f8[::1], f8, i8)")
def move_words(a, words, height, count, block, c0, row_weights, column_weights, length, out):
    """Words into a slab, weighted; or, with `out`, the words of a slab."""
    half = 8 * block
    for r in range(height):
        for k in range(half):
            _, w = _weigh(r, c0 + k, height, count, row_weights, column_weights, length)
            if out:
                words[r * count + c0 + k] = int(round(a[r * half + k] / w))
            else:
                a[r * half + k] = words[r * count + c0 + k] * w


@helper
def _take_away(a, height, count, block, c0, row_weights, column_weights, words, exponent, amount, bit):
    """Subtract amount * 2^bit, if its word is in the slab; before the carry."""
    n = int(words)
    j = bit * n // exponent
    c = j % count - c0
    if 0 <= c < 8 * block:
        _, w = _weigh(j // count, j % count, height, count, row_weights, column_weights, words)
        first = -(-exponent * j // n)
        a[j // count * 8 * block + c] -= amount * 2.0 ** (bit - first) * w


SQUARES, SPECTRUM, PRODUCT = 0, 1, 2


@kernel("void(i8, i8, i8, i8, f8[::1], f8[::1], i4[::1], i8[::1], i8[::1], i8[::1], f8[::1], f8[::1], f8[::1], i8[::1],"
        "f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], i8[::1], f8, i8)")
def iterate(thread, threads, goal, count, x, other, words, layout, trees, radices, tw, row_weights, column_weights,
            row_radices, row_base, row_tw, leaf_re, leaf_im, buffers, starts, carries, stats, sync, amount, shift):
    """What thread number `thread` of `threads` does to square `words` `count` times, subtracting amount * 2^s each
    time, s being the shift then: twice the one before, modulo p.

    goal     SQUARES; SPECTRUM: leave the spectrum of `words` in x instead; PRODUCT: once, by the spectrum `other`
    words    N balanced words, before and after
    buffers  layout's buffer_doubles a thread; starts: height*8*block a thread; carries: height a thread
    stats    8 doubles a thread, the first becomes the largest |x - rint(x)|
    sync     zeros
    """
    height, width, stride, row_count = layout[0], layout[1], layout[2], layout[3]
    paired, block, tree_count, exponent, size = layout[4], layout[5], layout[6], layout[8], layout[9]
    n, rest, bits = float(layout[7]), float(exponent % layout[7]), exponent // layout[7]
    half, columns = 8 * block, 8 * width
    a = buffers[thread * size:(thread + 1) * size]
    z = a[height * half:]
    first = starts[thread * height * half:(thread + 1) * height * half]
    stat = stats[8 * thread:8 * thread + 8]
    slabs = width // block
    s0, s1 = slabs * thread // threads, slabs * (thread + 1) // threads
    r0, r1 = row_count * thread // threads, row_count * (thread + 1) // threads
    for s in range(s0, s1):
        move_words(a, words, height, columns, block, s * half, row_weights, column_weights, n, 0)
        slab_forward(a, z, height, trees, tree_count, radices, tw, block, x, stride, s * block * 16)
    _barrier(sync, threads)
    if goal == SPECTRUM:
        rows(x, r0, r1, stride, width, row_radices, row_base, row_tw, leaf_re, leaf_im, 1.0, FORWARD, x, z)
        return
    mode = MULTIPLY if goal == PRODUCT else SQUARE
    co = thread * height
    for iteration in range(count):
        shift = 2 * shift % exponent
        rows(x, r0, min(r1, paired), stride, width, row_radices, row_base, row_tw, leaf_re, leaf_im, 2.0 / n, mode,
             other, z)
        rows(x, max(r0, paired), r1, stride, width, row_radices, row_base, row_tw, leaf_re, leaf_im, 1.0 / n, mode,
             other, z)
        _barrier(sync, threads)
        ends = iteration == count - 1
        for r in range(height):
            carries[co + r] = 0.0
        for s in range(s0, s1):
            slab_inverse(a, z, height, trees, tree_count, radices, tw, block, x, stride, s * block * 16)
            if amount != 0.0:
                _take_away(a, height, columns, block, s * half, row_weights, column_weights, n, exponent, amount, shift)
            carry_slab(a, height, columns, block, s * half, row_weights, column_weights, n, rest, bits, carries, co,
                       stat)
            if s == s0:
                for i in range(height * half):
                    first[i] = a[i]
            elif ends:
                move_words(a, words, height, columns, block, s * half, row_weights, column_weights, n, 1)
            else:
                slab_forward(a, z, height, trees, tree_count, radices, tw, block, x, stride, s * block * 16)
        _barrier(sync, threads)
        before = (thread - 1) % threads * height
        enter_carries(first, height, columns, block, s0 * half, row_weights, column_weights, n, rest, bits, carries,
                      before, 1 if thread == 0 else 0)
        if ends:
            move_words(first, words, height, columns, block, s0 * half, row_weights, column_weights, n, 1)
        else:
            slab_forward(first, z, height, trees, tree_count, radices, tw, block, x, stride, s0 * block * 16)
        _barrier(sync, threads)


# --- words and bits --------------------------------------------------------------------

@kernel("i8(i4[::1], i8, u8[::1])")
def to_limbs(words, exponent, limbs):
    """Balanced words -> limbs, which are zero before, of 64 bits; what has to be added modulo 2^p - 1."""
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
    """Limbs of a number below 2^p -> balanced words; `limbs` has one more, zero."""
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
