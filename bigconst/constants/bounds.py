"""How many words of a constant are computed, and what the digits below the last written one can decide."""

from dataclasses import dataclass, replace

from bigconst.base.constant import Constant
from bigconst.base.formats import WORDS


@dataclass(frozen=True)
class Bounds:
    """Lengths of the computation of a constant."""

    words: int
    """words after the point that are computed"""
    base: int
    digits: int
    """digits after the point that are written"""
    certified: bool
    """whether the certificate is wanted, in addition to the digits"""
    error: int
    """bound on the error of x, in units of its last word"""
    guard_digits: int = 0
    """digits behind those that are written that are wanted at least"""

    @property
    def radix(self) -> int:
        """One more than the largest word."""
        return WORDS[self.base].radix

    @property
    def width(self) -> int:
        """Digits of a word."""
        return WORDS[self.base].digits

    @property
    def text_words(self) -> int:
        """Words after the point that contain written digits."""
        return -(-self.digits // self.width)

    @property
    def spare(self) -> int:
        """Power of the base by which the last of them is longer than the digits."""
        return self.base ** (self.text_words * self.width - self.digits)

    @property
    def least_words(self) -> int:
        """Words after the point that are enough: with two guard words beyond the error, digits are in doubt once in
        10^9 times or less."""
        return max(self.text_words + words_for(self.error * self.radix**2, self.radix),
                   -(-(self.digits + self.guard_digits) // self.width))

    @property
    def guard_words(self) -> int:
        """Number of the lowest words of x that contain all digits below the last written one."""
        return self.words - self.text_words + 1

    @property
    def guard_range(self) -> int:
        """G: the digits of x below the last written one are an integer in 0 .. G-1."""
        return self.radix ** (self.words - self.text_words) * self.spare

    def guard(self, low: int) -> int:
        """These digits, from the integer of the `guard_words` lowest words of x."""
        return low % self.guard_range

    def correction(self, low: int) -> int | None:
        """The integer to be added to x where its guard digits, whose error is known, cannot decide the last written
        digit; None where they can.

        With it x is the multiple of G nearest to it, which has the right digits unless it is above the true number;
        then one less has.
        """
        guard, size = self.guard(low), self.guard_range
        if self.error <= guard < size - self.error:
            return None
        return -guard if 2 * guard < size else size - guard


def bounds_for(constant: Constant, base: int, digits: int, certified: bool) -> Bounds:
    """Bounds for `digits` digits after the point, derived in docs/newton.md; `words` may be made longer."""
    bounds = Bounds(0, base, digits, certified, constant.error, constant.guard_digits)
    return replace(bounds, words=bounds.least_words)


def words_for(bound: int, radix: int) -> int:
    """Smallest count with radix^count >= bound."""
    count, power = 0, 1
    while power < bound:
        power *= radix
        count += 1
    return count
