"""The checksum of blocks on the scratch volume, made where their bytes pass through registers or the nearest cache.

A block is lines of 64 bytes, each of eight little-endian 64-bit numbers d.  Every line has eight keys k, a Weyl
sequence for each lane, so that the same bytes count differently in another place:

    t = d + k, the halves of 32 bits each for itself;  h, l the upper and the lower half of t
    P = sum over all lines of  h*l + 2^32*l + h  =  (h + 2^32)*(l + 1) - 2^32   mod 2^64,   for each of the eight lanes

h*l is a term of NH (Black, Halevi, Krawczyk, Krovetz, Rogaway, UMAC: fast and secure message authentication, CRYPTO
'99), on which xxh3 is built, too.  P is a sum: parts of a block may be taken in any order, by several threads, and
added.  The eight P and the length are then folded, each step a permutation for given other values.

What is not noticed:

* a change within 32 aligned bits: always noticed.  If l changes by e, |e| < 2^32, P changes by e*(h + 2^32); neither
  factor has more than 31 and 32 factors 2, so the product is not 0 mod 2^64; the same for h, with l + 1 <= 2^32.
* a change of more: for random data, and for data written elsewhere or earlier, zeroed or swapped sectors, one in 2^64;
  for differences that repeat and fit the data in the worst way, one in 2^32: the bound of NH, whose keys do not depend
  on each other, which is not proved for these.
"""

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from .jit import helper, kernel
from .llvm import I32, LANES, VL, element, load_at, store_at
from .vector import L8, lane

LINE_BYTES = 64
NO_SUMS = np.empty(0, np.uint64)
"""For kernels that add to sums where there are some."""

# The first 64 bits of the fractional parts of square roots and cube roots of the first eight primes; steps are odd.
_KEYS = (0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
         0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179)
_STEPS = (0x428A2F98D728AE23, 0x7137449123EF65CD, 0xB5C0FBCFEC4D3B2F, 0xE9B5DBA58189DBBD,
          0x3956C25BF348B539, 0x59F111F1B605D019, 0x923F82A4AF194F9B, 0xAB1C5ED5DA6D8119)
_HALVES = ir.VectorType(I32, 2 * LANES)
_FOLD = np.uint64(0x9E3779B97F4A7C15)


def _constant(values) -> ir.Constant:
    return ir.Constant(VL, list(values))


@intrinsic
def keys_of(typingctx, line):
    """The keys of a line."""
    def codegen(context, builder, sig, args):
        one = builder.insert_element(ir.Constant(VL, ir.Undefined), args[0], I32(0))
        number = builder.shuffle_vector(one, ir.Constant(VL, ir.Undefined),
                                        ir.Constant(ir.VectorType(I32, LANES), [0] * LANES))
        return builder.add(builder.mul(number, _constant(_STEPS)), _constant(_KEYS))
    return L8(types.int64), codegen


@intrinsic
def next_keys(typingctx, keys):
    """The keys of the line that follows."""
    def codegen(context, builder, sig, args):
        return builder.add(args[0], _constant(_STEPS))
    return L8(L8), codegen


@intrinsic
def add_line(typingctx, total, data, keys):
    """The sums P with another line."""
    def codegen(context, builder, sig, args):
        total, data, keys = args
        t = builder.add(builder.bitcast(data, _HALVES), builder.bitcast(keys, _HALVES))
        turned = builder.shuffle_vector(t, t, ir.Constant(_HALVES, [i ^ 1 for i in range(2 * LANES)]))
        t, turned = builder.bitcast(t, VL), builder.bitcast(turned, VL)
        lower = _constant([0xFFFFFFFF] * LANES)
        product = builder.mul(builder.and_(t, lower), builder.and_(turned, lower))
        return builder.add(builder.add(total, product), turned)
    return L8(L8, L8, L8), codegen


@intrinsic
def load_l(typingctx, array, index):
    """A line of any array, from element `index` on."""
    def codegen(context, builder, sig, args):
        return load_at(builder, element(context, builder, sig.args[0], args[0], args[1], VL))
    return L8(array, types.int64), codegen


def _store(temporal: bool):
    def store(typingctx, array, index, value):
        def codegen(context, builder, sig, args):
            pointer = element(context, builder, sig.args[0], args[0], args[1], VL)
            store_at(builder, args[2], pointer, 8 if temporal else 64, temporal)
        return types.void(array, types.int64, L8), codegen
    return store


store_l = intrinsic(_store(True))
store_l_nt = intrinsic(_store(False))


@intrinsic
def differing(typingctx, a, b):
    """The bits in which two lines differ: their exclusive or."""
    return L8(L8, L8), lambda context, builder, sig, args: builder.xor(*args)


@intrinsic
def _plus(typingctx, a, b):
    return L8(L8, L8), lambda context, builder, sig, args: builder.add(*args)


@helper
def folded(total, size):
    """The checksum of a block of `size` bytes from its eight sums."""
    found = np.uint64(size)
    for j in range(LANES):
        found = (found ^ lane(total, j)) * _FOLD
        found ^= found >> np.uint64(32)
    return found


@helper
def add_lines(total, data, at, lines, keys):
    """The sums with `lines` lines of 64-bit elements, from data[at] on; `keys` are those of the first line."""
    for i in range(at, at + 8 * lines, 8):
        total = add_line(total, load_l(data, i), keys)
        keys = next_keys(keys)
    return total


@helper
def absorb(sums, s, data, at, lines, keys):
    """`add_lines` to the eight sums from sums[s] on."""
    store_l(sums, s, add_lines(load_l(sums, s), data, at, lines, keys))


@helper
def absorb_and_stream(sums, s, data, at, to, place, lines, keys):
    """`absorb`, and copy the lines to to[place] on, past the caches; 64-byte aligned."""
    total = load_l(sums, s)
    for i in range(0, 8 * lines, 8):
        line = load_l(data, at + i)
        total = add_line(total, line, keys)
        keys = next_keys(keys)
        store_l_nt(to, place + i, line)
    store_l(sums, s, total)


@kernel("void(uint64[::1], uint64[::1], i8)")
def absorb_lines(sums, data, line):
    """Add all of `data`, whole lines, to the eight sums of a block; the first is line `line` of it."""
    absorb(sums, 0, data, 0, data.size // 8, keys_of(line))


@kernel("void(uint64[::1], f8[::1], i8, i8, i8)")
def absorb_tiles(sums, data, size, start, stop):
    """Add tiles start .. stop-1, of `size` doubles each, to their sums, eight for each tile."""
    for i in range(start, stop):
        absorb(sums, 8 * i, data, i * size, size // 8, keys_of(0))


@kernel("void(uint64[:, ::1], uint64[::1], i8)")
def fold(sums, out, size):
    """The checksums out[i] of blocks of `size` bytes: sums[:, 8i:8i+8] are what some tasks have added to its sums."""
    flat, width = sums.reshape(-1), sums.shape[1]
    for i in range(out.size):
        total = load_l(flat, 8 * i)
        for t in range(1, sums.shape[0]):
            total = _plus(total, load_l(flat, t * width + 8 * i))
        out[i] = folded(total, size)


def checksum(*views: np.ndarray) -> int:
    """The checksum of a block, whose bytes are those of `views`, contiguous arrays of whole lines, one after another.

    Raises BufferError for a view that is not contiguous.
    """
    sums, out, line = np.zeros(8, np.uint64), np.empty(1, np.uint64), 0
    for view in views:
        data = np.frombuffer(view, np.uint64)
        absorb_lines(sums, data, line)
        line += data.size // 8
    fold(sums.reshape(1, -1), out, LINE_BYTES * line)
    return int(out[0])
