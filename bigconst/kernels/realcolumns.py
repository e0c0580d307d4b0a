"""Real transforms down the columns of a matrix, one block of neighbouring columns at a time.

The matrix is a polynomial in Y: row r of `height`, itself a polynomial in X, is its coefficient of Y^r.  Real
butterflies of radix 8 split the modulus Y^height - 1 into

    Y^m - 1           real, split further
    Y^m + 1           real; for even m folded to the complex Y^(m/2) - i
    Y^m - zeta^j      complex, zeta = exp(2 pi i/8), j = 1, 2, 3; the conjugates, j = 5, 6, 7, are left out

with m = height/8, height/64, ...  Trees (kernels.levels) split the complex moduli down to rows modulo X^C - w, where C
is the number of columns.  Rows whose conjugates are left out count twice; so height/2 + 1 rows, and a few more, take
the place of `height` rows.
"""

from .access import load_f, load_z, prefetch, store_f, store_z
from .jit import helper, kernel
from .levels import forward, inverse, keep, stream
from .vector import imag, make_z, real, splat
from .widelevels import forward_last, inverse_first

TREE = ("first_row", "rows", "levels", "first_radix", "first_twiddle")
"""The integers by which `trees` describes each complex tree."""

_H = 0.5**0.5


# --- real radix 8 ---------------------------------------------------------------------

@helper
def first_rows(n):
    """Rows of the trees of all that is split off from Y^n - 1, n = 8*m, but for Y^m - 1."""
    m = n // 8
    return 3 * m + (m // 2 if m % 2 == 0 else m)


@helper
def fold_place(i, m, line):
    """Doubles from the first root of a real level to residue i of those modulo Y^m + 1, rows being `line` doubles long:
    for even m the second half is in the imaginary parts of the first."""
    fold = m // 2 if m % 2 == 0 else m
    return (3 * m + i % fold) * line + 8 * (i // fold)


@helper(fused=True)
def real8(x0, x1, x2, x3, x4, x5, x6, x7):
    """Residues of a real polynomial modulo Y - 1, Y + 1 (real) and Y - zeta^j, j = 1, 2, 3 (complex): 22a 2m."""
    a0, a1, a2, a3 = x0 + x4, x0 - x4, x2 + x6, x2 - x6
    b0, b1, b2, b3 = x1 + x5, x1 - x5, x3 + x7, x3 - x7
    c, d = a0 + a2, b0 + b2
    p, q = splat(_H) * (b1 - b3), splat(_H) * (b1 + b3)
    return c + d, c - d, make_z(a1 + p, a3 + q), make_z(a0 - a2, b0 - b2), make_z(a1 - p, q - a3)


@helper(fused=True)
def real8_back(y0, y4, z1, z2, z3):
    """8 times the inverse of `real8`, from its real residues and twice its complex ones: 22a 2m."""
    c, d = y0 + y4, y0 - y4
    a0, a2 = c + real(z2), c - real(z2)
    b0, b2 = d + imag(z2), d - imag(z2)
    a1, p = real(z1) + real(z3), real(z1) - real(z3)
    a3, q = imag(z1) - imag(z3), imag(z1) + imag(z3)
    b1, b3 = splat(_H) * (p + q), splat(_H) * (q - p)
    return a0 + a1, b0 + b1, a2 + a3, b2 + b3, a0 - a1, b0 - b1, a2 - a3, b2 - b3


@helper(fused=True)
def _split(a, z, height, top, block):
    """Split the polynomial in `a`, modulo Y^top - 1, into the roots of its trees, in `z`; the last one is what remains,
    modulo Y^m - 1."""
    half, line = 8 * block, 16 * block
    n, base = top, 0 if top == height else first_rows(height)
    while n % 8 == 0:
        m = n // 8
        for i in range(m):
            at = base * line + fold_place(i, m, line)
            for b in range(block):
                o, w = i * half + 8 * b, (base + i) * line + 16 * b
                y0, y4, z1, z2, z3 = real8(
                    load_f(a, o), load_f(a, o + m * half), load_f(a, o + 2 * m * half), load_f(a, o + 3 * m * half),
                    load_f(a, o + 4 * m * half), load_f(a, o + 5 * m * half), load_f(a, o + 6 * m * half),
                    load_f(a, o + 7 * m * half))
                store_f(a, o, y0)
                store_f(z, at + 16 * b, y4)
                if m % 2 == 1:
                    store_f(z, at + 16 * b + 8, splat(0.0))
                store_z(z, w, z1)
                store_z(z, w + m * line, z2)
                store_z(z, w + 2 * m * line, z3)
        base += first_rows(n)
        n = m
    for i in range(n):
        for b in range(block):
            store_z(z, (base + i) * line + 16 * b, make_z(load_f(a, i * half + 8 * b), splat(0.0)))


@helper(fused=True)
def _join(a, z, height, top, block):
    """Inverse of `_split`, times `top`.

    The roots in `z` are multiplied by the size of their tree, and doubled where their conjugates are left out.
    """
    half, line = 8 * block, 16 * block
    n, base = height, 0
    while n % 8 == 0:
        base += first_rows(n)
        n //= 8
    for i in range(n):
        for b in range(block):
            store_f(a, i * half + 8 * b, load_f(z, (base + i) * line + 16 * b))
    while n < top:
        m, n = n, 8 * n
        base -= first_rows(n)
        for i in range(m):
            at = base * line + fold_place(i, m, line)
            for b in range(block):
                o, w = i * half + 8 * b, (base + i) * line + 16 * b
                x0, x1, x2, x3, x4, x5, x6, x7 = real8_back(
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
def _tree_forward(z, base, size, levels, radices, ro, tw, to, block, x, stride, c, cached):
    """Transform rows base .. base+size-1 of z down a tree, into the same rows of x from double c on, with `cached`
    through the caches."""
    line = 16 * block
    if levels == 0:
        for i in range(0, line, 16):
            store_z(x, base * stride + c + i, load_z(z, base * line + i))
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
        at, out, here = (base + v) * line, (base + v) * stride + c, to + (table + v // last) * 16
        if cached:
            forward_last(last, z, at, line, x, out, stride, block, tw, here, keep)
        else:
            forward_last(last, z, at, line, x, out, stride, block, tw, here, stream)


@helper(fused=True)
def _tree_inverse(z, base, size, levels, radices, ro, tw, to, block, x, stride, c):
    """Inverse of `_tree_forward`, times `size`."""
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
                inverse_first(r, x, (base + v) * stride + c, stride, z, at, line, block, tw, here)
            else:
                inverse(r, z, at, m * line, z, at, m * line, m * block, tw, here)


@kernel("void(f8[::1], f8[::1], i8, i8, i8[::1], i8, i8[::1], f8[::1], i8, f8[::1], i8, i8, i8)", fused=True)
def block_forward(a, z, height, top, trees, count, radices, tw, block, x, stride, c, cached):
    """Transform real rows in `a`, of 8*block doubles, into doubles c .. c+16*block-1 of all rows of x.

    top      `height`: weighted words; or height/8: the coefficients modulo Y^top - 1, while the roots of the trees that
             were split off before are in z already
    z        16*block doubles for each row of x
    count    number of trees
    cached   x is stored through the caches, else past them
    """
    _split(a, z, height, top, block)
    for t in range(0, 5 * count, 5):
        _tree_forward(z, trees[t], trees[t + 1], trees[t + 2], radices, trees[t + 3], tw, trees[t + 4], block, x,
                      stride, c, cached)


@kernel("void(f8[::1], f8[::1], i8, i8, i8[::1], i8, i8[::1], f8[::1], i8, f8[::1], i8, i8)", fused=True)
def block_inverse(a, z, height, top, trees, count, radices, tw, block, x, stride, c):
    """Inverse of `block_forward`, times the size of each tree, and what is joined times `top`; expects the rows whose
    conjugates are left out doubled."""
    for t in range(0, 5 * count, 5):
        _tree_inverse(z, trees[t], trees[t + 1], trees[t + 2], radices, trees[t + 3], tw, trees[t + 4], block, x,
                      stride, c)
    _join(a, z, height, top, block)
