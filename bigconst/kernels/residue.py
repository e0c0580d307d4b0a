"""Residues of numbers and of digit text modulo primes below 2^61.

Everything that proves a result goes through here: an identity between numbers
of any length is compared modulo random primes, in one pass over each of them.
What is compared, and with how many primes, is the caller's business.

    value(words) = sum_j w_j B^j,  B = 10^5 or 2^16,  B^j = l_j + 2^31 h_j modulo p

Two inner products of 17-bit words with 31-bit tables stay below 2^58 over a
block of 1024 words, so a block is a plain multiply-and-add loop of 32-bit
factors, which LLVM vectorises; there is one Montgomery reduction a block, and
blocks are joined by Horner's rule.  The tables hold B^j 2^64 mod p, so that the
reduction, which divides by 2^64, leaves the value itself.  Text becomes words
first, block by block.  All kernels serve several primes in one pass.

    P. L. Montgomery, Modular multiplication without trial division, Math. Comp. 44 (1985), 519-521.
"""

import secrets
from collections.abc import Iterable, Sequence
from functools import lru_cache

import gmpy2
import numpy as np

from .characters import digit_value
from .integers import mul_add_128
from .jit import helper, kernel
from .text import BLOCK, read_block
from .vector import prefetch

RADIX = {10: 10**5, 16: 2**16}
"""The radix of words, by base of their digits."""

_SPAN = 2 * BLOCK
"""Words of a block; a table holds the powers 0 .. _SPAN of the radix."""

U32, U64 = np.uint32, np.uint64


# --- kernels --------------------------------------------------------------------------

@helper
def _reduce(high, low, p, inverse):
    """(2^64 high + low)/2^64 mod p for a number below 2^64 p; `inverse` = -1/p mod 2^64."""
    high, low = mul_add_128(high, low, low * inverse, p)
    return high - p if high >= p else high


@helper
def _absorb(out, block, low, high, primes):
    """out[m] <- out[m]*B^block.size + value(block) modulo every prime, block.size <= _SPAN."""
    n = block.size
    for m in range(out.size):
        p, inverse = primes[2 * m], primes[2 * m + 1]
        start, stop = m * (_SPAN + 1), (m + 1) * (_SPAN + 1)
        lower, upper = low[start:stop], high[start:stop]
        low_sum = high_sum = U64(0)
        for j in range(n):
            low_sum += U64(U32(block[j])) * U64(lower[j])
            high_sum += U64(U32(block[j])) * U64(upper[j])
        top, bottom = mul_add_128(U64(0), low_sum, high_sum, U64(1 << 31))
        value = _reduce(top, bottom, p, inverse)
        shift = (U64(upper[n]) << U64(31)) | U64(lower[n])
        top, bottom = mul_add_128(U64(0), U64(0), out[m], shift)
        total = _reduce(top, bottom, p, inverse) + value
        out[m] = total - p if total >= p else total


@kernel("void(uint64[::1], int32[::1], uint32[::1], uint32[::1], uint64[::1])")
def absorb_words(out, words, low, high, primes):
    """out[m] <- out[m]*B^words.size + value(words) mod p_m; words in 0 .. 2^17 - 1.

    `low` and `high` hold _SPAN + 1 entries a prime, `primes` the pairs p,
    -1/p mod 2^64.  Two 32x32-bit products a word and prime.
    """
    stop = words.size
    while stop > 0:
        start = (stop - 1) // _SPAN * _SPAN
        # the next block lies in the page below, where the hardware does not look ahead
        for j in range(start - _SPAN, start, 16):
            prefetch(words, j)
        _absorb(out, words[start:stop], low, high, primes)
        stop = start


@kernel("int64(uint64[::1], Array(uint8, 1, 'C', readonly=True), int64, int32[::1], uint64[::1],"
        "uint32[::1], uint32[::1], uint64[::1])")
def absorb_text(out, text, base, words, scratch, low, high, primes):
    """out[m] <- out[m]*base^text.size + value(text) mod p_m; the index of the first foreign character, or -1.

    Any text.size if `out` is zero, else a multiple of the characters of a word.
    `words` (int32) and `scratch` (uint64) are BLOCK long; the rest as in `absorb_words`.
    """
    width = 5 if base == 10 else 4
    first = text.size % width
    lead = 0
    for j in range(first):
        digit = digit_value(text[j], base)
        if digit < 0:
            return j
        lead = base * lead + digit
    if first > 0:
        words[0] = lead
        _absorb(out, words[:1], low, high, primes)
    left = (text.size - first) // width
    while left > 0:
        count = (left - 1) % BLOCK + 1
        foreign = read_block(words[:count], text[first:first + width * count], scratch, base)
        if foreign >= 0:
            return first + foreign
        _absorb(out, words[:count], low, high, primes)
        first += width * count
        left -= count
    return -1


# --- primes and tables ------------------------------------------------------------------

def random_prime(bits: int = 61) -> int:
    """A prime drawn uniformly from those in [2^(bits-1), 2^bits), from the operating system's entropy.

    By rejection: the next prime after a random number would favour those after
    a long gap, and an adversary knows which.  bits >= 2.
    """
    while True:
        candidate = 1 << bits - 1 | secrets.randbits(bits - 1)
        if gmpy2.is_prime(candidate, 50):
            return candidate


class Modulus:
    """An odd prime p below 2^61 and arithmetic modulo it.

    Residues are ints in 0 .. p - 1.  The residue of a long number is made of the
    residues of its parts, most significant first, by `join`, so threads may share it.
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
        """Low 31 and high 30 bits of radix^j 2^64 mod p for j = 0 .. _SPAN, as uint32."""
        if radix not in self._tables:
            entry, entries = (1 << 64) % self.p, []
            for _ in range(_SPAN + 1):
                entries.append(entry)
                entry = entry * radix % self.p
            powers = np.array(entries, np.uint64)
            self._tables[radix] = (powers & U64((1 << 31) - 1)).astype(np.uint32), (powers >> U64(31)).astype(np.uint32)
        return self._tables[radix]

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
    """A character of digit text is no digit; `index` says which."""

    def __init__(self, index: int):
        super().__init__(f"character {index} of the text is no digit")
        self.index = index


@lru_cache(maxsize=8)
def _stacked(moduli: tuple[Modulus, ...], radix: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`low`, `high` and `primes` of the kernels."""
    low, high = (np.concatenate(part) for part in zip(*(m.table(radix) for m in moduli), strict=True))
    primes = [x for m in moduli for x in (m.p, -pow(m.p, -1, 1 << 64) % (1 << 64))]
    return low, high, np.array(primes, np.uint64)


def residues_words(moduli: Sequence[Modulus], words: np.ndarray, radix: int) -> tuple[int, ...]:
    """sum words[j] radix^j modulo each of `moduli`, in one pass; int32 words in 0 .. radix - 1."""
    out = np.zeros(len(moduli), np.uint64)
    absorb_words(out, words, *_stacked(tuple(moduli), radix))
    return tuple(int(r) for r in out)


def residues_text(moduli: Sequence[Modulus], text: np.ndarray, base: int) -> tuple[int, ...]:
    """The value of a uint8 slice of ASCII digits of `base` 10 or 16 modulo each of `moduli`, in one pass.

    Most significant digit first, any length, may be read-only; lower case letters only.  Raises
    ForeignCharacter, with its index in the slice, for anything else.
    """
    out = np.zeros(len(moduli), np.uint64)
    scratch = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.uint64)
    foreign = absorb_text(out, text, base, *scratch, *_stacked(tuple(moduli), RADIX[base]))
    if foreign >= 0:
        raise ForeignCharacter(foreign)
    return tuple(int(r) for r in out)
