"""Test patterns for memory and disks: blocks whose content depends on their place and on the round.

A block is the exclusive or of a random block, the same for all, and a word that
depends on the number of the block and on the round.  So a block in the wrong
place, or of an earlier round, is found.  Every second round is the complement
of the one before, so that each bit holds both values.
"""

from dataclasses import dataclass

import numpy as np

BLOCK_BYTES = 1 << 20
"""A block stays in a second-level cache while it is made and its checksum is computed."""

BLOCK_WORDS = BLOCK_BYTES // 8

_SHOWN = 4
"""Most wrong bits whose numbers are printed."""

_ODD = 0x9E3779B97F4A7C15
_ALL = 2**64 - 1


@dataclass(frozen=True)
class Difference:
    """The difference between a block and its pattern."""

    offset_bytes: int
    """place of the first wrong word of 64 bits in the block"""
    words: int
    """wrong words in the block"""
    bits: int
    """wrong bits in the block"""
    first_bits: tuple[int, ...]
    """wrong bits of the first wrong word, 0 the lowest"""
    found: int
    """the first wrong word"""
    expected: int
    """the word that should be there"""

    def __str__(self) -> str:
        shown = ", ".join(map(str, self.first_bits[:_SHOWN])) + (", ..." if len(self.first_bits) > _SHOWN else "")
        more = f", {self.bits} wrong bits in {self.words} words of the block" if self.words > 1 else ""
        return (f"{self.found:016x} instead of {self.expected:016x}, wrong bit{'s' * (len(self.first_bits) > 1)} "
                f"{shown}{more}")


class FillPattern:
    """A source of blocks.  It has one buffer, so each thread needs a source of its own."""

    def __init__(self, seed: int):
        self._random = np.random.default_rng(seed).integers(0, 2**64, BLOCK_WORDS, np.uint64)
        self._block = np.empty(BLOCK_WORDS, np.uint64)

    def make(self, number: int, turn: int) -> np.ndarray:
        """Block `number` of round `turn`, BLOCK_WORDS uint64, valid until the next call."""
        word = (number + 1 + (turn // 2 << 40)) * _ODD & _ALL
        if turn % 2:
            word ^= _ALL
        return np.bitwise_xor(self._random, np.uint64(word), out=self._block)

    def difference(self, found: np.ndarray, number: int, turn: int) -> Difference | None:
        """The difference between a block that was found and its pattern; None if they are equal."""
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
