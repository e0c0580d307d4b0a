"""Numbers and spectra on the volume, as programs have them (arithmetic.machine)."""

from dataclasses import dataclass, replace

import numpy as np

from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.disk.operand import Operand
from bigconst.arithmetic.disk.reader import Reader
from bigconst.arithmetic.disk.tiles import Tiles
from bigconst.arithmetic.machine import Signed
from bigconst.arithmetic.words import Words


@dataclass(frozen=True)
class DiskNumber(Signed):
    """A number on the volume, or what is made of it while it is read."""

    name: str
    """its name in the trace"""
    operand: Operand | None
    """None for a number that an earlier process has used for the last time"""
    sign: int = 1
    residue: int = 0
    """residue of the magnitude modulo 2^61 - 1"""

    @property
    def number(self) -> Number:
        """The stored number."""
        return self.operand.number

    @property
    def source(self) -> Words:
        """Operations on words."""
        return self.number.words

    @property
    def length(self) -> int:
        """Words of its chunks."""
        return self.operand.chunks * self.number.chunk_words

    @property
    def is_positive(self) -> bool:
        """Whether it is greater than 0."""
        return self.sign > 0 and bool(self.number.kinds.any())

    def high(self, count: int) -> "DiskNumber":
        """The part without the `count` lowest words, which are whole chunks, rounded towards 0."""
        if self.operand is None:
            return self
        operand = replace(self.operand, first=self.operand.first + count // self.number.chunk_words)
        return replace(self, operand=operand, residue=operand.residue())

    def plus(self, value: int) -> "DiskNumber":
        """The number, which is positive, plus a small integer, in its place."""
        self.number.add([(0, value)])
        return replace(self, residue=(self.residue + value) % self.number.words.modulus.p)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Words start .. stop-1 of the magnitude, zeros beyond it."""
        return self.reader(stop // self.number.chunk_words + 1)(start, stop)

    def reader(self, kept_chunks: int) -> Reader:
        """`read`, with a cache of chunks for threads that read near each other."""
        return Reader(self.operand, kept_chunks)

    def low_residue(self, count: int) -> int:
        """Residue of the `count` lowest words, for which a chunk that is cut is read."""
        words, whole = self.source, count - count % self.number.chunk_words
        low = self.residue - self.high(whole).residue * words.power(whole)
        return (low + words.residue(self.read(whole, count)) * words.power(whole)) % words.modulus.p

    def quotient_residue(self, count: int, divisor: int) -> int:
        """Residue of the magnitude divided by radix^count * divisor, rounded down; radix^count are whole chunks, and
        `divisor` divides the radix."""
        high, p = self.high(count), self.number.words.modulus.p
        return (high.residue - high.operand.first_word(0) % divisor) * pow(divisor, -1, p) % p


@dataclass(frozen=True)
class DiskSpectrum:
    """A transform on the volume of a number, which a repetition needs."""

    tiles: Tiles | None
    number: DiskNumber
