"""Numbers packed piece by piece, as they are in a certificate file."""

import mmap
from collections.abc import Callable

import numpy as np

from bigconst.arithmetic.words import MERSENNE_61, Words
from bigconst.base.errors import FaultError
from bigconst.base.formats import PACKED_PIECE_WORDS, packed_bytes
from bigconst.kernels.pack import is_packed, pack
from bigconst.runtime.stream import in_order, slots
from bigconst.runtime.threads import split


def page_buffer(size_bytes: int) -> np.ndarray:
    """A uint8 array of `size_bytes` that begins at a page boundary."""
    return np.frombuffer(mmap.mmap(-1, max(size_bytes, 1)), dtype=np.uint8)


def pieces(words: int) -> list[tuple[int, int]]:
    """Ranges (start, stop) that cut so many words into pieces which are packed or read together."""
    return split(words, -(-words // PACKED_PIECE_WORDS), PACKED_PIECE_WORDS)


def write_packed(words: Words, length: int, read: Callable[[int, int], np.ndarray], file, hasher, offset: int) -> int:
    """Write `length` packed words by file.write_at, from `offset` on; `hasher` receives their bytes in order.

    read(start, stop) returns words start .. stop-1 and is called by several threads at once.  Returns the residue of
    all words modulo 2^61 - 1; raises FaultError when packed bytes are not the words that they were made of.
    """
    radix = words.format.radix
    ranges = pieces(length)
    size = packed_bytes(min(length, PACKED_PIECE_WORDS), words.format.base)
    buffers = [page_buffer(size) for _ in range(min(slots(words.pool.threads), len(ranges)))]
    total = 0

    def make(i: int, slot: int) -> tuple[np.ndarray, int, int]:
        start, stop = ranges[i]
        data = buffers[slot][:packed_bytes(stop - start, words.format.base)]
        piece = read(start, stop)
        pack(data.view(np.uint64), piece, radix)
        if not is_packed(data.view(np.uint64), piece, radix):
            #: As for "the integer part is wrong".
            raise FaultError("a piece of the certificate was packed wrongly")
        file.write_at(offset + packed_bytes(start, words.format.base), memoryview(data))
        return data, words.modulus.residue_words(piece, radix), start

    def take(made: tuple[np.ndarray, int, int]) -> None:
        nonlocal total
        data, residue, start = made
        hasher.update(memoryview(data))
        total = (total + residue * words.power(start)) % MERSENNE_61

    in_order(words.pool.threads, len(ranges), make, take)
    return total
