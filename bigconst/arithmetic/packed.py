"""The words of r packed into a certificate file, and read back piece by piece."""

import mmap

import numpy as np

from bigconst.arithmetic.words import Words
from bigconst.formats import HEADER_BYTES, packed_bytes
from bigconst.kernels.pack import pack
from bigconst.runtime.stream import in_order, slots
from bigconst.runtime.threads import split

PIECE_WORDS = 1 << 19
"""A whole number of groups and of pages: 1.06 MiB of decimal words."""


def page_buffer(size_bytes: int) -> np.ndarray:
    """`size_bytes` of uint8 that begin at a page border."""
    return np.frombuffer(mmap.mmap(-1, max(size_bytes, 1)), dtype=np.uint8)


def pieces(words: int) -> list[tuple[int, int]]:
    """Ranges of words that are packed and read together."""
    return split(words, -(-words // PIECE_WORDS), PIECE_WORDS)


def write_packed(words: Words, r: np.ndarray, file, hasher) -> None:
    """Pack r into file.write_at behind the header, and its bytes in order into `hasher`."""
    radix = words.format.radix
    ranges = pieces(len(r))
    size = packed_bytes(min(len(r), PIECE_WORDS), words.format.base)
    buffers = [page_buffer(size) for _ in range(min(slots(words.pool.threads), len(ranges)))]

    def make(i: int, slot: int) -> np.ndarray:
        start, stop = ranges[i]
        data = buffers[slot][:packed_bytes(stop - start, words.format.base)]
        pack(data.view(np.uint64), r[start:stop], radix)
        file.write_at(HEADER_BYTES + packed_bytes(start, words.format.base), memoryview(data))
        return data

    in_order(words.pool.threads, len(ranges), make, lambda data: hasher.update(memoryview(data)))
