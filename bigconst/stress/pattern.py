"""What is written to memory and disks to be looked at later: blocks that tell their place and their round.

A block is a random one, the same for all, exclusive or a word that depends on
its number and on the round.  So blocks in the wrong place and old ones are
seen, and every second round is the complement of the one before: each bit
holds both values.
"""

from dataclasses import dataclass

import numpy as np
import xxhash

BLOCK_BYTES = 1 << 20
"""It stays in a second-level cache while it is made and summed up."""

BLOCK_WORDS = BLOCK_BYTES // 8

_SHOWN = 4
"""Wrong bits whose numbers are printed."""

_ODD = 0x9E3779B97F4A7C15
_ALL = 2**64 - 1


@dataclass(frozen=True)
class Difference:
    """Where a block is not what it should be."""

    offset_bytes: int
    """Of the first wrong word of 64 bits."""
    words: int
    bits: int
    first_bits: tuple[int, ...]
    """Of that word, 0 the lowest."""
    found: int
    expected: int

    def __str__(self) -> str:
        shown = ", ".join(map(str, self.first_bits[:_SHOWN])) + (", ..." if len(self.first_bits) > _SHOWN else "")
        more = f", {self.bits} wrong bits in {self.words} words of the block" if self.words > 1 else ""
        return (f"{self.found:016x} instead of {self.expected:016x}, wrong bit{'s' * (len(self.first_bits) > 1)} "
                f"{shown}{more}")


class FillPattern:
    """The blocks; `make` is for one thread, each has its own."""

    def __init__(self, seed: int):
        self._random = np.random.default_rng(seed).integers(0, 2**64, BLOCK_WORDS, np.uint64)
        self._block = np.empty(BLOCK_WORDS, np.uint64)

    def make(self, number: int, turn: int) -> np.ndarray:
        """Block `number` of round `turn`, which stays until the next call."""
        word = (number + 1 + (turn // 2 << 40)) * _ODD & _ALL
        if turn % 2:
            word ^= _ALL
        return np.bitwise_xor(self._random, np.uint64(word), out=self._block)

    def difference(self, found: np.ndarray, number: int, turn: int) -> Difference | None:
        """What is wrong with a block."""
        expected = self.make(number, turn)
        wrong = np.flatnonzero(found != expected)
        if not len(wrong):
            return None
        flipped = found[wrong] ^ expected[wrong]
        first = int(flipped[0])
        bits = tuple(bit for bit in range(64) if first >> bit & 1)
        at = int(wrong[0])
        return Difference(8 * at, len(wrong), sum(int(word).bit_count() for word in flipped), bits, int(found[at]),
                          int(expected[at]))


def checksum(block: np.ndarray) -> int:
    """xxh3_64."""
    return xxhash.xxh3_64_intdigest(block)
