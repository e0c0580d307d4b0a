"""Packed words with all that is made and checked of them, span by span while they are in the nearest cache.

`describe_chunk` tells what need not be stored; `store_chunk` packs words, compares what it has packed with them, and
takes residue, parity and checksum; `load_chunk` unpacks them and takes the checksum.  The formats are those of `pack`,
`residue` and `checksum`.
"""

from .checksum import add_line, add_lines, differing, folded, keys_of, load_l, next_keys, store_l
from .jit import kernel
from .pack import differing_bits, limbs_of_64, pack_words, unpack_words
from .residue import SPAN, absorb_block
from .vector import zeros_l

ZEROS, STORED, NINES = 0, 1, 2
"""Kinds of chunks: all words 0; on the volume; all words radix - 1."""


@kernel("i8(int32[::1], i8, int32[::1])")
def describe_chunk(words, radix, edges):
    """The kind of a chunk; its first and its last word become `edges`."""
    edges[0], edges[1] = words[0], words[-1]
    if words[0] != words[-1] or (words[0] != 0 and words[0] != radix - 1):
        return STORED
    for j in range(words.size):
        if words[j] != words[0]:
            return STORED
    return ZEROS if words[0] == 0 else NINES


@kernel("i8(int32[::1], uint64[::1], i8, uint64[::1], uint64[::1], uint64[::1], uint32[::1], uint32[::1], uint64[::1])")
def store_chunk(words, limbs, radix, parity, found, residue, low, high, primes):
    """Pack `words`, each in 0 .. radix-1; returns 0 if the packed words are these, else another number.

    limbs              the packed words; limbs behind them become 0
    parity             becomes its exclusive or with all limbs
    found              its first element becomes the checksum of all limbs
    residue            `absorb_words`, with its tables
    """
    size = SPAN // 64 * limbs_of_64(radix)      # limbs of a span: whole lines
    wrong = 0
    total = zeros_l()
    stop = limbs.size
    for i in range((words.size - 1) // SPAN, -1, -1):
        part, packed = words[i * SPAN:min(words.size, (i + 1) * SPAN)], limbs[i * size:stop]
        absorb_block(residue, part, low, high, primes)
        pack_words(packed, part, radix)
        wrong |= differing_bits(part, packed, radix)
        keys = keys_of(i * size // 8)
        for j in range(i * size, stop, 8):
            line = load_l(limbs, j)
            total = add_line(total, line, keys)
            keys = next_keys(keys)
            store_l(parity, j, differing(load_l(parity, j), line))
        stop = i * size
    found[0] = folded(total, 8 * limbs.size)
    return wrong


@kernel("i8(int32[::1], uint64[::1], i8, uint64[::1])")
def load_chunk(words, limbs, radix, found):
    """Unpack `words` from limbs, put the checksum of all limbs into found[0]; returns the largest word."""
    size = SPAN // 64 * limbs_of_64(radix)
    spans = -(-words.size // SPAN)
    largest = 0
    total = zeros_l()
    for i in range(spans):
        packed = limbs[i * size:limbs.size if i == spans - 1 else (i + 1) * size]
        total = add_lines(total, packed, 0, packed.size // 8, keys_of(i * size // 8))
        largest = max(largest, unpack_words(words[i * SPAN:min(words.size, (i + 1) * SPAN)], packed, radix))
    found[0] = folded(total, 8 * limbs.size)
    return largest
