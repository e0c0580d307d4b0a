"""Words <-> packed bits, the form in which numbers are stored.

    radix 10^5    17 bits a word: 64 words <-> 17 limbs of 64 bits, 0.425 byte/digit
    radix 2^16    16 bits a word:  4 words <->  1 limb

A decimal group holds the low 16 bits of its 64 words in order in limbs 0 .. 15,
and bit 16 of word j as bit j of limb 16: no word straddles two limbs, every
shift is constant or a lane number, and LLVM vectorises all of it.  The last
group (decimal) or limb (hexadecimal) is filled up with zero words.

Limbs are a uint64 array on a little-endian host; files hold the same bytes.
Threads may take any ranges that begin at a multiple of GROUP[radix] words.
Checksums and files are not known here.
"""

import numpy as np

from .jit import helper, kernel

GROUP = {10**5: 64, 2**16: 4}
"""Words of one packed group, by radix."""
GROUP_LIMBS = {10**5: 17, 2**16: 1}
"""Limbs of one packed group, by radix."""

U64 = np.uint64


def packed_limbs(words: int, radix: int) -> int:
    """Limbs that `words` words of `radix` take when packed."""
    return -(-words // GROUP[radix]) * GROUP_LIMBS[radix]


@helper
def _pack_group(shorts, limbs, words):
    """Pack at most 64 words into 68 shorts, which are the same memory as the 17 limbs."""
    top = U64(0)
    for j in range(words.size):
        shorts[j] = np.uint16(words[j])
        top |= (U64(np.uint32(words[j])) >> U64(16)) << U64(j)
    limbs[16] = top


@kernel("void(uint16[::1], uint64[::1], int32[::1])")
def pack17(shorts, limbs, words):
    """Pack `words`, each in 0 .. 2^17 - 1, into 17*ceil(words.size/64) limbs; `shorts` is `limbs` seen as uint16.

    64 words: 256 bytes read, 136 written, about 60 vector instructions.
    """
    groups = words.size // 64
    for g in range(groups):
        _pack_group(shorts[68 * g:68 * g + 68], limbs[17 * g:17 * g + 17], words[64 * g:64 * g + 64])
    if words.size > 64 * groups:
        shorts = shorts[68 * groups:68 * groups + 68]
        for j in range(64):
            shorts[j] = 0
        _pack_group(shorts, limbs[17 * groups:17 * groups + 17], words[64 * groups:words.size])


@helper
def _unpack_group(words, shorts, low, high, largest):
    """Unpack 68 shorts into at most 64 words, and return the larger of `largest` and these words.

    `low` and `high` are the halves of limb 16.
    """
    n = words.size
    for j in range(min(n, 32)):
        word = np.int32(shorts[j]) | np.int32(((low >> np.uint32(j)) & np.uint32(1)) << np.uint32(16))
        words[j] = word
        largest = max(largest, np.int32(word))
    for j in range(n - 32):
        word = np.int32(shorts[32 + j]) | np.int32(((high >> np.uint32(j)) & np.uint32(1)) << np.uint32(16))
        words[32 + j] = word
        largest = max(largest, np.int32(word))
    return largest


@kernel("int32(int32[::1], uint16[::1])")
def unpack17(words, shorts):
    """Unpack groups of 17-bit words (68 shorts each) into `words`.

    Returns the largest word, so that the caller detects words outside 0 .. radix-1.

    64 words: 136 bytes read, 256 written, about 70 vector instructions.
    """
    largest = np.int32(0)
    groups = words.size // 64
    for g in range(groups):
        s = shorts[68 * g:68 * g + 68]
        low = np.uint32(s[64]) | np.uint32(np.uint32(s[65]) << np.uint32(16))
        high = np.uint32(s[66]) | np.uint32(np.uint32(s[67]) << np.uint32(16))
        largest = _unpack_group(words[64 * g:64 * g + 64], s, low, high, largest)
    if words.size > 64 * groups:
        s = shorts[68 * groups:68 * groups + 68]
        low = np.uint32(s[64]) | np.uint32(np.uint32(s[65]) << np.uint32(16))
        high = np.uint32(s[66]) | np.uint32(np.uint32(s[67]) << np.uint32(16))
        largest = _unpack_group(words[64 * groups:words.size], s, low, high, largest)
    return largest


@helper
def _differs(words, shorts, low, high):
    """Bits in which at most 64 words differ from those packed in 68 shorts."""
    n = words.size
    bits = np.int32(0)
    for j in range(min(n, 32)):
        bits |= words[j] ^ np.int32(np.int32(shorts[j]) | np.int32(((low >> np.uint32(j)) & np.uint32(1))
                                                                    << np.uint32(16)))
    for j in range(n - 32):
        bits |= words[32 + j] ^ np.int32(np.int32(shorts[32 + j]) | np.int32(((high >> np.uint32(j)) & np.uint32(1))
                                                                             << np.uint32(16)))
    return bits


@kernel("int32(int32[::1], uint16[::1])")
def compare17(words, shorts):
    """0 if `unpack17` would give these words, else another number."""
    bits = np.int32(0)
    for g in range(-(-words.size // 64)):
        s = shorts[68 * g:68 * g + 68]
        low = np.uint32(s[64]) | np.uint32(np.uint32(s[65]) << np.uint32(16))
        high = np.uint32(s[66]) | np.uint32(np.uint32(s[67]) << np.uint32(16))
        bits |= _differs(words[64 * g:min(words.size, 64 * g + 64)], s, low, high)
    return bits


@kernel("int32(int32[::1], uint16[::1])")
def compare16(words, shorts):
    """0 if `unpack16` would give these words, else another number."""
    bits = np.int32(0)
    for j in range(words.size):
        bits |= words[j] ^ np.int32(shorts[j])
    return bits


@kernel("void(uint16[::1], int32[::1])")
def pack16(shorts, words):
    """Pack `words`, each in 0 .. 2^16 - 1, into `shorts`, with zeros after the last word."""
    for j in range(words.size):
        shorts[j] = np.uint16(words[j])
    for j in range(words.size, shorts.size):
        shorts[j] = 0


@kernel("int32(int32[::1], uint16[::1])")
def unpack16(words, shorts):
    """Unpack `shorts` into `words`, and return the largest word."""
    largest = np.int32(0)
    for j in range(words.size):
        word = np.int32(shorts[j])
        words[j] = word
        largest = max(largest, word)
    return largest


def pack(limbs: np.ndarray, words: np.ndarray, radix: int) -> None:
    """Pack `words` (int32, canonical) into `limbs` (uint64, exactly packed_limbs(words.size, radix) of them)."""
    if radix == 10**5:
        pack17(limbs.view(np.uint16), limbs, words)
    else:
        pack16(limbs.view(np.uint16), words)


def is_packed(limbs: np.ndarray, words: np.ndarray, radix: int) -> bool:
    """Whether unpacking `limbs` gives exactly these words."""
    compare = compare17 if radix == 10**5 else compare16
    return compare(words, limbs.view(np.uint16)) == 0


def unpack(words: np.ndarray, limbs: np.ndarray, radix: int) -> int:
    """Unpack `limbs` into `words` (int32).  Returns the largest word: if it is not below `radix`, limbs are damaged.

    There are at least packed_limbs(words.size, radix) limbs; packed words beyond words.size are ignored.
    """
    read = unpack17 if radix == 10**5 else unpack16
    return read(words, limbs.view(np.uint16))
