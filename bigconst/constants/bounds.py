"""How many words of a constant are computed, and what the digits below the last written one can decide."""

from dataclasses import dataclass

from bigconst.base.constant import Constant
from bigconst.base.formats import WordFormat


@dataclass(frozen=True)
class Bounds:
    """Lengths of the computation of a constant, in words."""

    words: int
    """words after the point that are computed"""
    text_words: int
    """words after the point that contain written digits"""
    spare: int
    """power of the base by which the last of them is longer than the digits"""
    certified: bool
    """whether the remainder is wanted, in addition to the digits"""
    radix: int
    error: int
    """bound on the error of x, in units of its last word"""

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


def bounds_for(constant: Constant, fmt: WordFormat, digits: int, certified: bool) -> Bounds:
    """Bounds for `digits` digits after the point, derived in docs/newton.md; `words` may be made longer."""
    text_words = -(-digits // fmt.digits)
    return Bounds(text_words + words_for(constant.error * fmt.radix, fmt.radix), text_words,
                  fmt.base ** (text_words * fmt.digits - digits), certified, fmt.radix, constant.error)


def words_for(bound: int, radix: int) -> int:
    """Smallest count with radix^count >= bound."""
    count, power = 0, 1
    while power < bound:
        power *= radix
        count += 1
    return count
