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
cache when its product is taken and the way back begins.  The last levels are
those of the leaf (`leaf`).  The spectrum is scrambled, the same way for every
transform of one shape.

A node's twiddles are exp(2 pi i k (a + E)/P), k = 0..7, with E the node's
digit-reversed index and P the product of the radices so far: one product of two
table entries, base (shared by all rows) and row.
"""

from .access import load_z, prefetch, store_z
from .jit import kernel
from .leaf import BACKWARD, FORWARD, MULTIPLY, MULTIPLY_ADD, SQUARE, TILE, leaf
from .levels import forward2, forward4, forward8, inverse2, inverse4, inverse8, keep
from .vector import splat

__all__ = ["BACKWARD", "FORWARD", "MULTIPLY", "MULTIPLY_ADD", "SQUARE", "multiply_spectra", "rows", "scratch_doubles"]


def scratch_doubles(radices) -> int:
    """Size of the scratch memory that `rows` wants for these radices: twiddles of levels and of two leaves; a leaf."""
    return 16 * (len(radices) + 2) + TILE


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
    for r in range(start, stop):
        origin = r * stride
        row_at = r * (levels + 2) * 16
        root = complex(row[row_at + (levels + 1) * 16], row[row_at + (levels + 1) * 16 + 8])
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
            leaf(x, origin + v * 16, scratch, (levels + (v >> 3) % 2) * 16, (levels + 2) * 16, leaf_re, leaf_im, v,
                 root, scale, mode, other, added)
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
