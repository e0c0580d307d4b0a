"""Words <-> packed bits, the form in which numbers are stored.

    radix 10^5    17 bits a word: 64 words <-> 17 limbs of 64 bits, 0.425 byte/digit
    radix 2^16    16 bits a word: 64 words <-> 16 limbs

The low 16 bits of 64 words stand in order in 16 limbs.  Behind them a decimal
group holds bit 16 of word j as bit j of limb 16: no word straddles two limbs,
and a group is a few vector instructions.  The last group (decimal) or limb
(hexadecimal) is filled up with zero words.

Limbs are a uint64 array on a little-endian host; files hold the same bytes.
Threads may take any ranges that begin at a multiple of GROUP[radix] words.
Checksums and files are not known here.
"""

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from .jit import helper, kernel
from .llvm import I32, I64, LANES, element, load_at, store_at
from .vector import I8, lane, zeros_i

GROUP = {10**5: 64, 2**16: 4}
"""Words that are packed into whole limbs, by radix."""
GROUP_LIMBS = {10**5: 17, 2**16: 1}
"""These limbs, by radix."""

U64 = np.uint64
_WORDS, _SHORTS, _BITS = (ir.VectorType(ir.IntType(bits), 64) for bits in (32, 16, 1))


def packed_limbs(words: int, radix: int) -> int:
    """Limbs that `words` words of `radix` take when packed."""
    return -(-words // GROUP[radix]) * GROUP_LIMBS[radix]


# --- 64 words --------------------------------------------------------------------


def _all(value: int, vector: ir.VectorType) -> ir.Constant:
    return ir.Constant(vector, [value] * vector.count)


def _joined(context, builder, types_, args):
    """The 64 words whose low halves begin at an element of an array, and whose bits 16 are those of one limb."""
    low = load_at(builder, element(context, builder, types_[0], args[0], args[1], _SHORTS))
    top = builder.select(builder.bitcast(args[2], _BITS), _all(1 << 16, _WORDS), _all(0, _WORDS))
    return builder.or_(builder.zext(low, _WORDS), top)


def _folded(builder, vector, combine):
    """Eight lanes, each of them the combination of every eighth lane."""
    while vector.type.count > LANES:
        half = vector.type.count // 2
        indices = ir.VectorType(I32, half)
        vector = combine(*(builder.shuffle_vector(vector, vector, ir.Constant(indices, list(range(i, i + half))))
                           for i in (0, half)))
    return vector


@intrinsic
def _split(typingctx, limbs, at, words, i):
    """Store the low halves of 64 words, from words[i] on, in 16 limbs; returns their bits 16 as a limb."""
    def codegen(context, builder, sig, args):
        group = load_at(builder, element(context, builder, sig.args[2], args[2], args[3], _WORDS), 4)
        store_at(builder, builder.trunc(group, _SHORTS),
                 element(context, builder, sig.args[0], args[0], args[1], _SHORTS))
        return builder.bitcast(builder.icmp_signed(">", group, _all(0xFFFF, _WORDS)), I64)
    return types.uint64(limbs, types.int64, words, types.int64), codegen


@intrinsic
def _join(typingctx, limbs, at, top, words, i, largest):
    """Store 64 words from words[i] on; returns the larger of `largest` and them, in each of eight lanes."""
    def codegen(context, builder, sig, args):
        def larger(a, b):
            return builder.select(builder.icmp_signed(">", a, b), a, b)

        group = _joined(context, builder, sig.args, args)
        store_at(builder, group, element(context, builder, sig.args[3], args[3], args[4], _WORDS), 4)
        return larger(args[5], _folded(builder, group, larger))
    return I8(limbs, types.int64, types.uint64, words, types.int64, I8), codegen


@intrinsic
def _differ(typingctx, limbs, at, top, words, i, bits):
    """`bits`, and those in which 64 words from words[i] on differ from the packed ones, in eight lanes."""
    def codegen(context, builder, sig, args):
        group = load_at(builder, element(context, builder, sig.args[3], args[3], args[4], _WORDS), 4)
        wrong = builder.xor(group, _joined(context, builder, sig.args, args))
        return builder.or_(args[5], _folded(builder, wrong, builder.or_))
    return I8(limbs, types.int64, types.uint64, words, types.int64, I8), codegen


# --- any number of words ---------------------------------------------------------


@helper
def limbs_of_64(radix):
    """Limbs that 64 words are packed into."""
    return 17 if radix == 100000 else 16


@helper
def _word(limbs, at, top, j):
    """Word j of a group that begins at limbs[at]."""
    return np.int32((limbs[at + j // 4] >> U64(16 * (j % 4))) & U64(0xFFFF) | ((top >> U64(j)) & U64(1)) << U64(16))


@helper
def pack_words(limbs, words, radix):
    """`pack` for other kernels."""
    size = limbs_of_64(radix)
    groups = words.size // 64
    for g in range(groups):
        top = _split(limbs, size * g, words, 64 * g)
        if size == 17:
            limbs[17 * g + 16] = top
    at = size * groups
    limbs[at:] = 0
    for j in range(words.size - 64 * groups):
        word = U64(words[64 * groups + j])
        limbs[at + j // 4] |= (word & U64(0xFFFF)) << U64(16 * (j % 4))
        if size == 17:
            limbs[at + 16] |= (word >> U64(16)) << U64(j)


@helper
def _read(words, limbs, radix, stores):
    """Unpack into `words` and return the largest word; or, where nothing is stored, the bits in which they differ."""
    size = limbs_of_64(radix)
    groups = words.size // 64
    lanes = zeros_i()
    for g in range(groups):
        top = limbs[17 * g + 16] if size == 17 else U64(0)
        if stores:
            lanes = _join(limbs, size * g, top, words, 64 * g, lanes)
        else:
            lanes = _differ(limbs, size * g, top, words, 64 * g, lanes)
    found = np.int32(0)
    for j in range(8):
        found = max(found, lane(lanes, j)) if stores else found | lane(lanes, j)
    if words.size > 64 * groups:
        top = limbs[17 * groups + 16] if size == 17 else U64(0)
        for j in range(words.size - 64 * groups):
            word = _word(limbs, size * groups, top, j)
            if stores:
                words[64 * groups + j] = word
                found = max(found, word)
            else:
                found |= words[64 * groups + j] ^ word
    return found


@helper
def unpack_words(words, limbs, radix):
    """`unpack` for other kernels."""
    return _read(words, limbs, radix, True)


@helper
def differing_bits(words, limbs, radix):
    """Bits in which any words differ from those that `unpack` would give."""
    return _read(words, limbs, radix, False)


@kernel("void(uint64[::1], int32[::1], i8)")
def _pack(limbs, words, radix):
    pack_words(limbs, words, radix)


@kernel("i8(int32[::1], uint64[::1], i8)")
def _unpack(words, limbs, radix):
    return unpack_words(words, limbs, radix)


@kernel("i8(int32[::1], uint64[::1], i8)")
def _compare(words, limbs, radix):
    return differing_bits(words, limbs, radix)


def pack(limbs: np.ndarray, words: np.ndarray, radix: int) -> None:
    """Pack `words` (int32, 0 .. radix-1) into `limbs` (uint64, at least packed_limbs(words.size, radix) of them).

    Limbs behind them become 0.
    """
    _pack(limbs, words, radix)


def is_packed(limbs: np.ndarray, words: np.ndarray, radix: int) -> bool:
    """Whether unpacking `limbs` gives exactly these words."""
    return _compare(words, limbs, radix) == 0


def unpack(words: np.ndarray, limbs: np.ndarray, radix: int) -> int:
    """Unpack `limbs` into `words` (int32).  Returns the largest word: if it is not below `radix`, limbs are damaged.

    There are at least packed_limbs(words.size, radix) limbs; packed words beyond words.size are ignored.
    """
    return _unpack(words, limbs, radix)
