"""What the programs of square roots and of the golden ratio have in common: bounds, the last digit, the proof."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt

from bigconst.arithmetic.ladder import LadderBounds
from bigconst.base.formats import WordFormat
from bigconst.plans.plan import Y_ERROR, words_for


@dataclass(frozen=True)
class RootBounds:
    """Lengths of a computation of sqrt(d) and what is made of it, in words."""

    ladder: LadderBounds
    words: int
    """words after the point that are computed"""
    text_words: int
    """words after the point that contain written digits"""
    spare: int
    """power of the base by which the last of them is longer than the digits"""
    certified: bool
    """whether the remainder is wanted, in addition to the digits"""
    radix: int

    @property
    def x_error(self) -> int:
        """Bound on the error of x, in units of its last word."""
        return (Y_ERROR + 1) * self.ladder.d

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

        With it x is the multiple of G nearest to it, which has the right digits unless it is above the true root; then
        one less has.
        """
        guard, size = self.guard(low), self.guard_range
        if self.x_error <= guard < size - self.x_error:
            return None
        return -guard if 2 * guard < size else size - guard

    @property
    def square_words(self) -> int:
        """Length of z^2 - d*B^(2*words), where z is right down to its written digits."""
        return 2 * self.words - self.text_words + self.ladder.guard + 2


def root_bounds(d: int, fmt: WordFormat, digits: int, certified: bool) -> RootBounds:
    """Bounds for `digits` digits after the point, derived in docs/newton.md; `words` may be made longer."""
    text_words = -(-digits // fmt.digits)
    guard_words = words_for((Y_ERROR + 1) * d * fmt.radix, fmt.radix)
    ladder = LadderBounds(d, words_for(1000 * d, fmt.radix), words_for(8 * Y_ERROR * (isqrt(d) + 1), fmt.radix))
    return RootBounds(ladder, text_words + guard_words, text_words, fmt.base ** (text_words * fmt.digits - digits),
                      certified, fmt.radix)


def settled(machine, bounds: RootBounds, x, z_of: Callable):
    """x, corrected where its guard digits cannot decide the last written one (docs/floor.md).

    z_of(machine, bounds, x) is the root of d that x stands for.
    """
    return machine.corrected("settled", x, bounds.guard_words, bounds.correction,
                             lambda x: _remainder(machine, bounds, z_of(machine, bounds, x)))


def digits_and_proof(machine, bounds: RootBounds, x, z_of: Callable) -> None:
    """The digits of x, and z^2 - d*B^(2*words) for the root z of d that is cut after the last of them."""
    machine.text(x)
    if bounds.certified:
        with machine.stage("remainder"):
            z = z_of(machine, bounds, x, zero_below=bounds.words - bounds.text_words, divisor=bounds.spare)
            r = _remainder(machine, bounds, z)
        machine.certificate(r, x)


def _remainder(machine, bounds: RootBounds, z):
    return machine.products("r", [(z, z)], bounds.square_words, plus=[(-bounds.ladder.d, None, 2 * bounds.words)])
