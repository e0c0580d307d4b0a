"""Linear operations on arrays of words, cut into pieces for the pool.

A number is a little-endian int32 array of canonical words, 0 .. radix-1.  Each
piece of a sequential operation starts with carry zero; the carries between
pieces are added afterwards and hardly ever ripple.
"""

import numpy as np
from gmpy2 import mpz

from bigconst.arithmetic.residues import Modulus
from bigconst.base.errors import FaultError
from bigconst.base.formats import WordFormat
from bigconst.kernels import linear, text
from bigconst.kernels.newton import BLOCK, newton_update
from bigconst.kernels.propagate import propagate
from bigconst.runtime.threads import Pool, split

MERSENNE_61 = 2**61 - 1
PIECES = 32
LINEAR_TASK_WORDS = 1 << 16


class Words:
    """Operations on words of one format, on the threads of one pool, with residues modulo 2^61 - 1."""

    def __init__(self, fmt: WordFormat, pool: Pool):
        self.format = fmt
        self.pool = pool
        self.modulus = Modulus(MERSENNE_61)

    def _pieces(self, length: int) -> list[tuple[int, int]]:
        return split(length, min(PIECES, max(1, length // LINEAR_TASK_WORDS)), 16)

    # -- conversions --------------------------------------------------------------

    def from_int(self, value: int, length: int) -> np.ndarray:
        """`length` words of an integer 0 <= value < radix^length."""
        out = np.empty(length, dtype=np.int32)
        digits = mpz(value).digits(self.format.base).rjust(self.format.digits * length, "0")
        text.read_text(out, np.frombuffer(digits.encode(), dtype=np.uint8), self.format.base)
        return out

    def to_int(self, words: np.ndarray) -> int:
        """The value of canonical words; raises FaultError for a word outside 0 .. radix-1."""
        digits = np.empty(self.format.digits * len(words), dtype=np.uint8)
        text.write_text(digits, words, self.format.base)
        try:
            return int(mpz(digits.tobytes() or b"0", self.format.base))
        except ValueError:
            #: Memory changed between two checks. Test it (`bigconst stress`), then run it again.
            raise FaultError("a number in memory holds a word out of range") from None

    def regroup(self, words: np.ndarray, digits_from: int, digits_to: int) -> np.ndarray:
        """A number in words of `digits_from` digits as a new array of words of `digits_to` digits."""
        out = np.zeros(-(-len(words) * digits_from // digits_to) + 1, dtype=np.int32)
        linear.regroup(out, words, digits_from, digits_to, self.format.base)
        return out

    # -- residues -----------------------------------------------------------------

    def power(self, exponent: int) -> int:
        """radix^exponent modulo 2^61 - 1."""
        return pow(self.format.radix, exponent, MERSENNE_61)

    def residue(self, words: np.ndarray) -> int:
        """The value of canonical words modulo 2^61 - 1."""
        if len(words) <= LINEAR_TASK_WORDS:     # short numbers are many
            return self.modulus.residue_words(words, self.format.radix) if len(words) else 0
        pieces = self._pieces(len(words))
        parts = [0] * len(pieces)

        def task(index: int, start: int, stop: int) -> None:
            parts[index] = self.modulus.residue_words(words[start:stop], self.format.radix)

        self.pool.run(task, [(i, a, b) for i, (a, b) in enumerate(pieces)])
        return sum(part * self.power(a) for part, (a, _) in zip(parts, pieces, strict=True)) % MERSENNE_61

    # -- carries ------------------------------------------------------------------

    def add_at(self, words: np.ndarray, at: int, value: int) -> int:
        """Add value * radix^at, value of either sign; returns the carry out of the top."""
        radix, top = self.format.radix, 0
        while abs(value) >= 1 << 62 and at < len(words):
            value, low = divmod(value, radix)
            top += propagate(words, at, len(words), low, radix)
            at += 1
        return top + (propagate(words, at, len(words), value, radix) if value and at < len(words) else value)

    def multiply_small(self, out: np.ndarray, words: np.ndarray, factor: int) -> int:
        """out = words*factor, 0 <= factor < 2^31; returns the carry out of the top.  out may be words."""
        return self._sequential(
            len(words), lambda a, b: linear.multiply_small(out[a:b], words[a:b], factor, 0, self.format.radix), out)

    def add_multiple(self, out: np.ndarray, words: np.ndarray, factor: int) -> int:
        """out += words*factor, |factor| <= 2^30, arrays of one length; returns the carry out of the top, of either
        sign."""
        return self._sequential(
            len(words), lambda a, b: linear.add_multiple(out[a:b], words[a:b], factor, 0, self.format.radix), out)

    def newton_update(self, y: np.ndarray, fresh: int, u: np.ndarray, v: np.ndarray, sign: int) -> int:
        """y = y*[j >= fresh] - sign*floor(u/2) + 3*floor(v/8): words j < fresh of y count as zero before.

        Returns the carry out of the top.
        """
        length = min(len(y), max(fresh, len(u), len(v)) + 1)
        carry = self._sequential(
            length, lambda a, b: newton_update(y, fresh, u, v, sign, a, b, self.format.radix,
                                               np.empty(2 * BLOCK, np.int32)), y[:length])
        return self.add_at(y, length, carry)

    def shift_bits(self, out: np.ndarray, words: np.ndarray, bits: int, above: int = 0) -> None:
        """out = floor(words/2^bits), 2^bits a divisor of the radix; out is another array, `above` the word after the
        last of `words`."""
        def task(start: int, stop: int) -> None:
            next_word = int(words[stop]) if stop < len(words) else above
            linear.shift_down(out[start:stop], words[start:stop], next_word, bits, self.format.radix)

        self.pool.run(task, self._pieces(len(words)))

    def shift_digits(self, out: np.ndarray, words: np.ndarray, digits: int) -> None:
        """out = floor(words/base^digits), fewer digits than a word has; out is another array."""
        if digits == 0:
            return self.pool.run(lambda a, b: np.copyto(out[a:b], words[a:b]), self._pieces(len(words)))
        if self.format.base == 16:
            return self.shift_bits(out, words, 4 * digits)
        divisor = 10**digits

        def task(start: int, stop: int) -> None:
            # The radix is a multiple of the divisor: what comes from above is the next word's remainder alone.
            above = int(words[stop]) % divisor if stop < len(words) else 0
            linear.divide_small(out[start:stop], words[start:stop], divisor, above, self.format.radix)

        self.pool.run(task, self._pieces(len(words)))

    def quotient(self, words: np.ndarray, digits: int, bits: int) -> np.ndarray:
        """floor(words/(base^digits 2^bits)) as a new array; fewer digits than a word has, 2^bits a divisor of the
        radix."""
        out = words.copy()
        if digits:
            linear.divide_small(out, out, self.format.base**digits, 0, self.format.radix)
        if bits:
            linear.shift_down(out, out, 0, bits, self.format.radix)
        return out

    def _sequential(self, length: int, piece, out: np.ndarray) -> int:
        pieces = self._pieces(length)
        carries = [0] * len(pieces)

        def task(index: int, start: int, stop: int) -> None:
            carries[index] = piece(start, stop)

        self.pool.run(task, [(i, a, b) for i, (a, b) in enumerate(pieces)])
        top = 0
        for carry, (_, stop) in zip(carries, pieces, strict=True):
            top += self.add_at(out, stop, int(carry))
        return top

    # -- modulo B^N + 1 -------------------------------------------------------------

    def sign_magnitude(self, words: np.ndarray, top: int) -> int:
        """Reduce words + top*B^N, N = len(words), modulo B^N + 1 to a value with |value| < B^N/2.

        Leaves its magnitude in `words` and returns its sign, 1 or -1.  The residue
        B^N, which is -1, has no canonical words: wrapping its carry alternates
        between 0 and all largest words for ever, hence the bound on the loop.
        """
        for _ in range(3):
            if top == 0:
                break
            top = self.add_at(words, 0, -top)
        else:
            words[:] = 0
            words[0] = 1
            return -1
        if 2 * int(words[-1]) < self.format.radix:
            return 1
        # B^N + 1 - words = complement + 2
        self.pool.run(lambda a, b: np.subtract(self.format.radix - 1, words[a:b], out=words[a:b]),
                      self._pieces(len(words)))
        self.add_at(words, 0, 2)
        return -1

    def add_wrapped(self, out: np.ndarray, words: np.ndarray | None, at: int, factor: int) -> int:
        """Add words*factor*B^at, |factor| <= 2^30, or factor*B^at where `words` is None, to out modulo B^N + 1,
        N = len(out); returns what top is greater by, where the value is out + top*B^N."""
        turns, at = divmod(at, len(out))
        factor, top = (-factor if turns % 2 else factor), 0
        if words is None:
            return self.add_at(out, at, factor)
        while len(words):
            piece = words[:len(out) - at]
            carry = self.add_multiple(out[at:at + len(piece)], piece, factor)
            top += self.add_at(out, at + len(piece), carry)
            words, at, factor = words[len(piece):], 0, -factor      # B^N is -1
        return top
