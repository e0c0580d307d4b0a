"""One level of a transform tree, forward and inverse, for each radix.

A node of the tree is a polynomial of r*m coefficients modulo X^(r*m) - w^r; one
forward level replaces it by its residues modulo X^m - w*zeta^j, j = 0..r-1,
zeta = exp(2 pi i / r), stored one after the other:

    out_j[i] = sum_k  w^k * zeta^(jk) * in_k[i]        i = 0..m-1

so the twiddles w^k are constant over a node and the root decides which
transform it is: X^M - 1 the cyclic, X^M - i the right-angle (negacyclic) one.
The inverse level undoes it but for the factor 1/r.

All functions have one signature.  `count` Z8 vectors lie contiguously (16
doubles each) in every branch; branch k starts at `so + k*ss` of `src` and
`do + k*ds` of `dst` (offsets and steps in doubles; src may be dst at the same
place).  The powers w^k are scalars: real parts at tw[to + k], imaginary parts
at tw[to + 8 + k].  A forward level stores with `put`: `keep`, or `stream` past the
caches for data that is not touched again soon (dst 64-byte aligned).  Besides
the butterfly a level costs r-1 complex products; counts are as in `butterfly`.
`forward` and `inverse` take the radix as their first argument.
"""

from numba.core import types
from numba.extending import intrinsic

from .access import load_of, load_p, store_z, store_z_nt
from .butterfly import dft2, dft3, dft4, dft5, dft7, dft8
from .jit import helper
from .llvm import I64
from .vector import PART, PART_LANES, Z8, mul_conj


@helper
def keep(array, index, value):
    """Store through the caches."""
    store_z(array, index, value)


@helper
def stream(array, index, value):
    """Store past the caches."""
    store_z_nt(array, index, value)


def _kind(put):
    # Half a line at a time past the caches, of many lines in turns, would leave too few buffers for that.
    return Z8 if put.dispatcher is stream else PART


@intrinsic
def load(typingctx, put, array, index):
    """A PART, or a Z8 whose results are to be stored past the caches."""
    signature, codegen = load_of(_kind(put))(typingctx, array, index)
    return (signature.return_type(put, *signature.args),
            lambda context, builder, sig, args: codegen(context, builder, signature, args[1:]))


@intrinsic
def step(typingctx, put):
    """Doubles that `load` takes."""
    doubles = 2 * _kind(put).llvm.elements[0].count
    return types.int64(put), lambda context, builder, sig, args: I64(doubles)


@helper
def place(n):
    """Where the real parts begin of the PART or Z8 before which there are n doubles, counted in whole ones."""
    return n - (n >> 1 & 4)


@helper(fused=True)
def twiddle(tw, to, k):
    """w^k."""
    return complex(tw[to + k], tw[to + 8 + k])


@helper(fused=True)
def forward2(src, so, ss, dst, do, ds, count, tw, to, put):
    """Radix 2: 4a 4m for one vector of each branch, twiddles included."""
    w1 = twiddle(tw, to, 1)
    for n in range(0, 16 * count, step(put)):
        i = place(n)
        y0, y1 = dft2(load(put, src, so + i), load(put, src, so + ss + i) * w1)
        put(dst, do + i, y0)
        put(dst, do + ds + i, y1)


@helper(fused=True)
def inverse2(src, so, ss, dst, do, ds, count, tw, to):
    """Radix 2: 4a 4m for one vector of each branch, twiddles included."""
    w1 = twiddle(tw, to, 1)
    for n in range(0, 16 * count, 2 * PART_LANES):
        i = place(n)
        y0, y1 = dft2(load_p(src, so + i), load_p(src, so + ss + i))
        store_z(dst, do + i, y0)
        store_z(dst, do + ds + i, mul_conj(y1, w1))


@helper(fused=True)
def forward3(src, so, ss, dst, do, ds, count, tw, to, put):
    """Radix 3: 10a 12m for one vector of each branch, twiddles included."""
    w1, w2 = twiddle(tw, to, 1), twiddle(tw, to, 2)
    for n in range(0, 16 * count, step(put)):
        i = place(n)
        y0, y1, y2 = dft3(
            load(put, src, so + i), load(put, src, so + ss + i) * w1, load(put, src, so + 2 * ss + i) * w2)
        put(dst, do + i, y0)
        put(dst, do + ds + i, y1)
        put(dst, do + 2 * ds + i, y2)


@helper(fused=True)
def inverse3(src, so, ss, dst, do, ds, count, tw, to):
    """Radix 3: 10a 12m for one vector of each branch, twiddles included."""
    w1, w2 = twiddle(tw, to, 1), twiddle(tw, to, 2)
    for n in range(0, 16 * count, 2 * PART_LANES):
        i = place(n)
        y0, y2, y1 = dft3(load_p(src, so + i), load_p(src, so + ss + i), load_p(src, so + 2 * ss + i))
        store_z(dst, do + i, y0)
        store_z(dst, do + ds + i, mul_conj(y1, w1))
        store_z(dst, do + 2 * ds + i, mul_conj(y2, w2))


@helper(fused=True)
def forward4(src, so, ss, dst, do, ds, count, tw, to, put):
    """Radix 4: 16a 12m for one vector of each branch, twiddles included."""
    w1, w2, w3 = twiddle(tw, to, 1), twiddle(tw, to, 2), twiddle(tw, to, 3)
    for n in range(0, 16 * count, step(put)):
        i = place(n)
        y0, y1, y2, y3 = dft4(
            load(put, src, so + i), load(put, src, so + ss + i) * w1, load(put, src, so + 2 * ss + i) * w2,
            load(put, src, so + 3 * ss + i) * w3)
        put(dst, do + i, y0)
        put(dst, do + ds + i, y1)
        put(dst, do + 2 * ds + i, y2)
        put(dst, do + 3 * ds + i, y3)


@helper(fused=True)
def inverse4(src, so, ss, dst, do, ds, count, tw, to):
    """Radix 4: 16a 12m for one vector of each branch, twiddles included."""
    w1, w2, w3 = twiddle(tw, to, 1), twiddle(tw, to, 2), twiddle(tw, to, 3)
    for n in range(0, 16 * count, 2 * PART_LANES):
        i = place(n)
        y0, y3, y2, y1 = dft4(
            load_p(src, so + i), load_p(src, so + ss + i), load_p(src, so + 2 * ss + i), load_p(src, so + 3 * ss + i))
        store_z(dst, do + i, y0)
        store_z(dst, do + ds + i, mul_conj(y1, w1))
        store_z(dst, do + 2 * ds + i, mul_conj(y2, w2))
        store_z(dst, do + 3 * ds + i, mul_conj(y3, w3))


@helper(fused=True)
def forward5(src, so, ss, dst, do, ds, count, tw, to, put):
    """Radix 5: 20a 32m for one vector of each branch, twiddles included."""
    w1, w2, w3, w4 = twiddle(tw, to, 1), twiddle(tw, to, 2), twiddle(tw, to, 3), twiddle(tw, to, 4)
    for n in range(0, 16 * count, step(put)):
        i = place(n)
        y0, y1, y2, y3, y4 = dft5(
            load(put, src, so + i), load(put, src, so + ss + i) * w1, load(put, src, so + 2 * ss + i) * w2,
            load(put, src, so + 3 * ss + i) * w3, load(put, src, so + 4 * ss + i) * w4)
        put(dst, do + i, y0)
        put(dst, do + ds + i, y1)
        put(dst, do + 2 * ds + i, y2)
        put(dst, do + 3 * ds + i, y3)
        put(dst, do + 4 * ds + i, y4)


@helper(fused=True)
def inverse5(src, so, ss, dst, do, ds, count, tw, to):
    """Radix 5: 20a 32m for one vector of each branch, twiddles included."""
    w1, w2, w3, w4 = twiddle(tw, to, 1), twiddle(tw, to, 2), twiddle(tw, to, 3), twiddle(tw, to, 4)
    for n in range(0, 16 * count, 2 * PART_LANES):
        i = place(n)
        y0, y4, y3, y2, y1 = dft5(
            load_p(src, so + i), load_p(src, so + ss + i), load_p(src, so + 2 * ss + i), load_p(src, so + 3 * ss + i),
            load_p(src, so + 4 * ss + i))
        store_z(dst, do + i, y0)
        store_z(dst, do + ds + i, mul_conj(y1, w1))
        store_z(dst, do + 2 * ds + i, mul_conj(y2, w2))
        store_z(dst, do + 3 * ds + i, mul_conj(y3, w3))
        store_z(dst, do + 4 * ds + i, mul_conj(y4, w4))


@helper(fused=True)
def forward7(src, so, ss, dst, do, ds, count, tw, to, put):
    """Radix 7: 30a 60m for one vector of each branch, twiddles included."""
    w1, w2, w3 = twiddle(tw, to, 1), twiddle(tw, to, 2), twiddle(tw, to, 3)
    w4, w5, w6 = twiddle(tw, to, 4), twiddle(tw, to, 5), twiddle(tw, to, 6)
    for n in range(0, 16 * count, step(put)):
        i = place(n)
        y0, y1, y2, y3, y4, y5, y6 = dft7(
            load(put, src, so + i), load(put, src, so + ss + i) * w1, load(put, src, so + 2 * ss + i) * w2,
            load(put, src, so + 3 * ss + i) * w3, load(put, src, so + 4 * ss + i) * w4,
            load(put, src, so + 5 * ss + i) * w5, load(put, src, so + 6 * ss + i) * w6)
        put(dst, do + i, y0)
        put(dst, do + ds + i, y1)
        put(dst, do + 2 * ds + i, y2)
        put(dst, do + 3 * ds + i, y3)
        put(dst, do + 4 * ds + i, y4)
        put(dst, do + 5 * ds + i, y5)
        put(dst, do + 6 * ds + i, y6)


@helper(fused=True)
def inverse7(src, so, ss, dst, do, ds, count, tw, to):
    """Radix 7: 30a 60m for one vector of each branch, twiddles included."""
    w1, w2, w3 = twiddle(tw, to, 1), twiddle(tw, to, 2), twiddle(tw, to, 3)
    w4, w5, w6 = twiddle(tw, to, 4), twiddle(tw, to, 5), twiddle(tw, to, 6)
    for n in range(0, 16 * count, 2 * PART_LANES):
        i = place(n)
        y0, y6, y5, y4, y3, y2, y1 = dft7(
            load_p(src, so + i), load_p(src, so + ss + i), load_p(src, so + 2 * ss + i),
            load_p(src, so + 3 * ss + i), load_p(src, so + 4 * ss + i), load_p(src, so + 5 * ss + i),
            load_p(src, so + 6 * ss + i))
        store_z(dst, do + i, y0)
        store_z(dst, do + ds + i, mul_conj(y1, w1))
        store_z(dst, do + 2 * ds + i, mul_conj(y2, w2))
        store_z(dst, do + 3 * ds + i, mul_conj(y3, w3))
        store_z(dst, do + 4 * ds + i, mul_conj(y4, w4))
        store_z(dst, do + 5 * ds + i, mul_conj(y5, w5))
        store_z(dst, do + 6 * ds + i, mul_conj(y6, w6))


@helper(fused=True)
def forward8(src, so, ss, dst, do, ds, count, tw, to, put):
    """Radix 8: 44a 36m for one vector of each branch, twiddles included."""
    w1, w2, w3, w4 = twiddle(tw, to, 1), twiddle(tw, to, 2), twiddle(tw, to, 3), twiddle(tw, to, 4)
    w5, w6, w7 = twiddle(tw, to, 5), twiddle(tw, to, 6), twiddle(tw, to, 7)
    for n in range(0, 16 * count, step(put)):
        i = place(n)
        y0, y1, y2, y3, y4, y5, y6, y7 = dft8(
            load(put, src, so + i), load(put, src, so + ss + i) * w1, load(put, src, so + 2 * ss + i) * w2,
            load(put, src, so + 3 * ss + i) * w3, load(put, src, so + 4 * ss + i) * w4,
            load(put, src, so + 5 * ss + i) * w5, load(put, src, so + 6 * ss + i) * w6,
            load(put, src, so + 7 * ss + i) * w7)
        put(dst, do + i, y0)
        put(dst, do + ds + i, y1)
        put(dst, do + 2 * ds + i, y2)
        put(dst, do + 3 * ds + i, y3)
        put(dst, do + 4 * ds + i, y4)
        put(dst, do + 5 * ds + i, y5)
        put(dst, do + 6 * ds + i, y6)
        put(dst, do + 7 * ds + i, y7)


@helper(fused=True)
def inverse8(src, so, ss, dst, do, ds, count, tw, to):
    """Radix 8: 44a 36m for one vector of each branch, twiddles included."""
    w1, w2, w3, w4 = twiddle(tw, to, 1), twiddle(tw, to, 2), twiddle(tw, to, 3), twiddle(tw, to, 4)
    w5, w6, w7 = twiddle(tw, to, 5), twiddle(tw, to, 6), twiddle(tw, to, 7)
    for n in range(0, 16 * count, 2 * PART_LANES):
        i = place(n)
        y0, y7, y6, y5, y4, y3, y2, y1 = dft8(
            load_p(src, so + i), load_p(src, so + ss + i), load_p(src, so + 2 * ss + i),
            load_p(src, so + 3 * ss + i), load_p(src, so + 4 * ss + i), load_p(src, so + 5 * ss + i),
            load_p(src, so + 6 * ss + i), load_p(src, so + 7 * ss + i))
        store_z(dst, do + i, y0)
        store_z(dst, do + ds + i, mul_conj(y1, w1))
        store_z(dst, do + 2 * ds + i, mul_conj(y2, w2))
        store_z(dst, do + 3 * ds + i, mul_conj(y3, w3))
        store_z(dst, do + 4 * ds + i, mul_conj(y4, w4))
        store_z(dst, do + 5 * ds + i, mul_conj(y5, w5))
        store_z(dst, do + 6 * ds + i, mul_conj(y6, w6))
        store_z(dst, do + 7 * ds + i, mul_conj(y7, w7))


@helper(fused=True)
def forward(r, src, so, ss, dst, do, ds, count, tw, to, put):
    """Forward level of radix r, one of 2, 3, 4, 5, 7, 8."""
    if r == 8:
        forward8(src, so, ss, dst, do, ds, count, tw, to, put)
    elif r == 4:
        forward4(src, so, ss, dst, do, ds, count, tw, to, put)
    elif r == 2:
        forward2(src, so, ss, dst, do, ds, count, tw, to, put)
    elif r == 3:
        forward3(src, so, ss, dst, do, ds, count, tw, to, put)
    elif r == 5:
        forward5(src, so, ss, dst, do, ds, count, tw, to, put)
    else:
        forward7(src, so, ss, dst, do, ds, count, tw, to, put)


@helper(fused=True)
def inverse(r, src, so, ss, dst, do, ds, count, tw, to):
    """Inverse level of radix r, one of 2, 3, 4, 5, 7, 8."""
    if r == 8:
        inverse8(src, so, ss, dst, do, ds, count, tw, to)
    elif r == 4:
        inverse4(src, so, ss, dst, do, ds, count, tw, to)
    elif r == 2:
        inverse2(src, so, ss, dst, do, ds, count, tw, to)
    elif r == 3:
        inverse3(src, so, ss, dst, do, ds, count, tw, to)
    elif r == 5:
        inverse5(src, so, ss, dst, do, ds, count, tw, to)
    else:
        inverse7(src, so, ss, dst, do, ds, count, tw, to)
