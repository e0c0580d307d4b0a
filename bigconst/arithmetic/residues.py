"""Residues of numbers and of digit text modulo primes below 2^61, from the kernels of `kernels.residue`."""

import secrets
from collections.abc import Iterable, Sequence
from functools import lru_cache

import gmpy2
import numpy as np

from bigconst.base.formats import WORDS
from bigconst.kernels.residue import SPAN, absorb_text, absorb_words
from bigconst.kernels.text import BLOCK


def random_prime(bits: int = 61) -> int:
    """A prime drawn uniformly from those in [2^(bits-1), 2^bits), from the operating system's entropy.

    Candidates are drawn until one is prime: the next prime after a random number
    would favour primes after a long gap, and an adversary knows which those are.
    bits >= 2.
    """
    while True:
        candidate = 1 << bits - 1 | secrets.randbits(bits - 1)
        if gmpy2.is_prime(candidate, 50):
            return candidate


class Modulus:
    """An odd prime p below 2^61 and arithmetic modulo it.

    Residues are ints in 0 .. p - 1.  `join` makes the residue of a long number from
    those of its parts, so that several threads may share the work.
    """

    def __init__(self, p: int):
        if not (2 < p < 1 << 61 and p % 2 == 1):
            raise ValueError(f"not an odd number below 2^61: {p}")
        self.p = p
        self._tables: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def power(self, base: int, exponent: int) -> int:
        """base^exponent mod p."""
        return pow(base, exponent, self.p)

    def table(self, radix: int) -> tuple[np.ndarray, np.ndarray]:
        """Low 31 and high 30 bits of radix^j 2^64 mod p for j = 0 .. SPAN, as uint32."""
        if radix not in self._tables:
            entry, entries = (1 << 64) % self.p, []
            for _ in range(SPAN + 1):
                entries.append(entry)
                entry = entry * radix % self.p
            powers = np.array(entries, np.uint64)
            low, high = powers & np.uint64((1 << 31) - 1), powers >> np.uint64(31)
            self._tables[radix] = low.astype(np.uint32), high.astype(np.uint32)
        return self._tables[radix]

    def tables(self, radix: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The arguments `low`, `high` and `primes` of the kernels (kernels.residue)."""
        return _stacked((self,), radix)

    def residue_words(self, words: np.ndarray, radix: int) -> int:
        """sum words[j] radix^j mod p; int32 words in 0 .. radix - 1, radix 10^5 or 2^16."""
        return residues_words((self,), words, radix)[0]

    def residue_text(self, text: np.ndarray, base: int) -> int:
        """The value of a uint8 slice of ASCII digits, most significant first, mod p; see `residues_text`."""
        return residues_text((self,), text, base)[0]

    def join(self, parts: Iterable[tuple[int, int]], radix: int) -> int:
        """The residue of a number from (residue, length in digits of `radix`) of its parts, most significant first."""
        total = 0
        for residue, length in parts:
            total = (total * pow(radix, length, self.p) + residue) % self.p
        return total


class ForeignCharacter(ValueError):
    """Digit text contains a character that is no digit; `index` is its position."""

    def __init__(self, index: int):
        super().__init__(f"character {index} of the text is no digit")
        self.index = index


@lru_cache(maxsize=8)
def _stacked(moduli: tuple[Modulus, ...], radix: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The arguments `low`, `high` and `primes` of the kernels for several moduli."""
    low, high = (np.concatenate(part) for part in zip(*(m.table(radix) for m in moduli), strict=True))
    primes = [x for m in moduli for x in (m.p, -pow(m.p, -1, 1 << 64) % (1 << 64))]
    return low, high, np.array(primes, np.uint64)


class Prefixes:
    """Residues of the integers that the leading digits of a text spell, for some numbers of digits."""

    def __init__(self, moduli: Sequence[Modulus], base: int, counts: Sequence[int], whole: int):
        """`counts` ascend; the digits stand behind the integer part `whole`."""
        self._moduli, self._base, self._counts = tuple(moduli), base, counts
        self._totals = [whole % modulus.p for modulus in moduli]
        self.found: dict[int, tuple[int, ...]] = {}
        """the residues modulo each of the moduli, by the counts that were reached"""

    def parts(self, digits: np.ndarray, first: int) -> list[tuple[int, int, tuple[int, ...]]]:
        """(begin, end, residues) of the parts into which the counts cut a piece of text that begins with digit `first`;
        threads may call this.  Raises ForeignCharacter, with the index in the piece."""
        ends = [*(count for count in self._counts if first < count < first + len(digits)), first + len(digits)]
        made, begin = [], first
        for end in ends:
            try:
                made.append((begin, end, residues_text(self._moduli, digits[begin - first:end - first], self._base)))
            except ForeignCharacter as error:
                raise ForeignCharacter(begin - first + error.index) from None
            begin = end
        return made

    def take(self, parts: list[tuple[int, int, tuple[int, ...]]]) -> None:
        """Add a piece; pieces come in order."""
        for begin, end, residues in parts:
            self._totals = [(total * pow(self._base, end - begin, modulus.p) + residue) % modulus.p
                            for modulus, total, residue in zip(self._moduli, self._totals, residues, strict=True)]
            if end in self._counts:
                self.found[end] = tuple(self._totals)


def residues_words(moduli: Sequence[Modulus], words: np.ndarray, radix: int) -> tuple[int, ...]:
    """sum words[j] radix^j modulo each of `moduli`, in one pass; int32 words in 0 .. radix - 1."""
    out = np.zeros(len(moduli), np.uint64)
    absorb_words(out, words, *_stacked(tuple(moduli), radix))
    return tuple(int(r) for r in out)


def residues_text(moduli: Sequence[Modulus], text: np.ndarray, base: int) -> tuple[int, ...]:
    """The value of a uint8 slice of ASCII digits of `base` 10 or 16 modulo each of `moduli`, in one pass.

    The most significant digit comes first, letters are lower case; the slice may have any length and be read-only.
    Raises ForeignCharacter, with the index in the slice, for any other character.
    """
    out = np.zeros(len(moduli), np.uint64)
    scratch = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.uint64)
    foreign = absorb_text(out, text, base, *scratch, *_stacked(tuple(moduli), WORDS[base].radix))
    if foreign >= 0:
        raise ForeignCharacter(foreign)
    return tuple(int(r) for r in out)
