"""The operand of a transform: a stored number, with changes made while it is read, without another pass over it; and
numbers that are added to what a transform makes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bigconst.arithmetic.disk.fetch import Fetch
from bigconst.arithmetic.disk.number import Number
from bigconst.kernels.chunk import NINES, ZEROS
from bigconst.kernels.linear import add_multiple, complement, multiply_small, set_all


@dataclass(frozen=True)
class Operand:
    """A number from chunk `first` on; the changes are made in the order of the fields."""

    number: Number
    first: int = 0
    complement: bool = False
    """whether every word w becomes radix - 1 - w, which is -number - 1 modulo a power of the radix"""
    zero_below: int = 0
    """index of a word below which all words become 0"""
    divisor: int = 1
    """word `zero_below` is rounded down to a multiple of this"""
    double: bool = False
    """whether the number is multiplied by 2"""
    minus_one_at: int | None = None
    """index of a word from which 1 is subtracted: the first word of a chunk, not 0 by then"""

    @property
    def chunks(self) -> int:
        """Number of chunks from `first` on; beyond them all words are 0."""
        return self.number.chunks - self.first

    @property
    def reach(self) -> int:
        """Number of chunks up to the last one whose words are not all 0."""
        stored = np.flatnonzero(self.number.kinds[self.first:] != (NINES if self.complement else ZEROS))
        return int(stored[-1]) + 1 if len(stored) else 0

    def is_stored(self, chunk: int) -> bool:
        """Whether the chunk has to be read."""
        return (self.number.is_stored(self.first + chunk)
                and (chunk + 1) * self.number.chunk_words > self.zero_below)

    def fill(self, chunk: int, packed: np.ndarray, out: np.ndarray) -> None:
        """Fill `out` with the changed words of a chunk, from its packed bytes if it is stored."""
        size, radix = self.number.chunk_words, self.number.radix
        if chunk >= self.chunks or (chunk + 1) * size <= self.zero_below:
            set_all(out, 0)
        else:
            self.number.unpack(self.first + chunk, packed, out)
            if self.complement:
                complement(out, radix - 1)
            if chunk * size <= self.zero_below:
                at = self.zero_below - chunk * size
                set_all(out[:at], 0)
                out[at] -= out[at] % self.divisor
        if self.double:
            multiply_small(out, out, 2, int(2 * self._before(chunk) >= radix), radix)
        if self.minus_one_at == chunk * size:
            out[0] -= 1

    def residue(self) -> int:
        """The words from `first` on modulo 2^61 - 1, complemented where they are, before all other changes."""
        words, found = self.number.words, self.number.residue(self.first)
        if not self.complement:
            return found
        return (words.power(self.chunks * self.number.chunk_words) - 1 - found) % words.modulus.p

    def first_word(self, chunk: int) -> int:
        """The first word of a chunk, complemented where it is, before all other changes; 0 beyond the number."""
        if not 0 <= chunk < self.chunks:
            return 0
        word = self.number.first_word(self.first + chunk)
        return self.number.radix - 1 - word if self.complement else word

    def _before(self, chunk: int) -> int:
        """The last word before a chunk, with all changes before `double`."""
        at = chunk * self.number.chunk_words - 1
        if at < self.zero_below or chunk > self.chunks:
            return 0
        word = self.number.last_word(self.first + chunk - 1)
        if self.complement:
            word = self.number.radix - 1 - word
        return word - word % self.divisor if at == self.zero_below else word

    def carries_into(self, chunk: int) -> bool:
        """Whether the word before a chunk is half the radix or more, so that balancing it carries 1 into the chunk."""
        if chunk == 0:
            return False
        radix, word = self.number.radix, self._before(chunk)
        # A carry into the doubled word would not change the answer: half the radix is even.
        return 2 * (2 * word % radix if self.double else word) >= radix


@dataclass(frozen=True)
class Addend:
    """A number that is added, times a small factor, to what an inverse transform makes."""

    operand: Operand
    factor: int
    """absolutely at most 2^30"""
    shift: int
    """chunks by which it is shifted up, or down where this is below 0"""

    def fetch(self, wanted: Sequence[tuple[int, np.ndarray]]) -> Fetch:
        """Start reading what is added to chunks, given as pairs (chunk, packed)."""
        return self.operand.number.fetch([
            (self.operand.first + chunk - self.shift, packed) for chunk, packed in wanted
            if chunk >= self.shift and self.operand.is_stored(chunk - self.shift)])

    def add(self, run: np.ndarray, first: int, packed: np.ndarray) -> int:
        """Add to a run of words that begins with chunk `first`; returns the carry out of it."""
        number, carry, size = self.operand.number, 0, self.operand.number.chunk_words
        words = np.empty(size, np.int32)
        for i, chunk in enumerate(range(first - self.shift, first - self.shift + len(packed))):
            part = run[i * size:(i + 1) * size]
            if 0 <= chunk < self.operand.chunks:
                self.operand.fill(chunk, packed[i], words)
                carry = add_multiple(part, words, self.factor, carry, number.radix)
            elif carry:
                carry = number.words.add_at(part, 0, carry)
        return carry
