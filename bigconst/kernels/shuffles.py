"""Transposition of 8 x 8 numbers that eight vectors (kernels.vector) hold: rows become lanes.

Three rounds of shuffles: neighbouring rows exchange lanes, then rows two and four apart exchange pairs of lanes.  Where
there is arithmetic to put between the rounds they are written out (`rows`).
"""

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from .llvm import I32, pack
from .vector import F8, I8, complex_of, parts_of


def _shuffled(builder, a, b, lanes):
    """These lanes of a and b, of which a has the first ones."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, len(lanes)), lanes))


def _lanes(builder, a, b):
    """Even lanes of both, odd lanes of both."""
    n = a.type.count
    return (_shuffled(builder, a, b, [k for i in range(0, n, 2) for k in (i, n + i)]),
            _shuffled(builder, a, b, [k for i in range(1, n, 2) for k in (i, n + i)]))


def _pairs(builder, a, b):
    """Even pairs of lanes of both, odd pairs of both."""
    n = 2 * a.type.count
    return (_shuffled(builder, a, b, [k for k in range(n) if k % 4 < 2]),
            _shuffled(builder, a, b, [k for k in range(n) if k % 4 >= 2]))


def _transposed(builder, rows):
    """The 8x8 transpose: neighbouring rows in pairs, then 4x4 blocks of two lanes; 24 shuffles."""
    out = [None] * 8
    columns = zip(*(_lanes(builder, rows[i], rows[i + 1]) for i in range(0, 8, 2)), strict=True)
    for parity, (r0, r2, r4, r6) in enumerate(columns):
        for i, t in zip((0, 2), zip(_pairs(builder, r0, r2), _pairs(builder, r4, r6), strict=True), strict=True):
            out[i + parity], out[i + 4 + parity] = _pairs(builder, *t)
    return out


def _mix(mix):
    def both(typingctx, a, b):
        def codegen(context, builder, sig, args):
            parts = [mix(builder, *p) for p in zip(*(parts_of(builder, z) for z in args), strict=True)]
            return pack(context, builder, sig.return_type, [complex_of(builder, *p) for p in zip(*parts, strict=True)])
        return types.UniTuple(a, 2)(a, a), codegen
    return both


mix_lanes = intrinsic(_mix(_lanes))
mix_pairs = intrinsic(_mix(_pairs))


def _transpose(kind):
    def transpose(typingctx, a, b, c, d, e, f, g, h):
        result = types.UniTuple(kind, 8)
        return result(*[kind] * 8), lambda context, builder, sig, args: pack(context, builder, result,
                                                                              _transposed(builder, args))
    return transpose


transpose_f = intrinsic(_transpose(F8))
transpose_i = intrinsic(_transpose(I8))
