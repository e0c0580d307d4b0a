"""The statement that digits are the quotient of two integers, which their number alone determines.

Numbers like pi and e are limits of rational numbers x_N = Y/X.  With g guard digits behind the n digits of P, G,

    D = P*b^g + G,      D*X + r = b^(n+g)*Y                                                 (docs/certificate.md)

    pi   X = T*q, Y = 426880*p*Q    T/Q the first N terms of the series, p/q near sqrt 10005
    e    X = u - v, Y = u + v       u/v = [2; 6, 10, .. 4J - 2], near coth(1/2)

and so for all numbers with a formula (plans.formula, plans.limits).  Numbers of terms and the length of r follow from n
and g, and are not in the file; a verifier makes X and Y modulo its primes by recurrences (arithmetic.limits).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, localcontext
from math import log2, log10
from typing import ClassVar

from bigconst.base.constant import Limit
from bigconst.plans.claim import Claim, Packed
from bigconst.plans.formula import Formula, ReducedSeries
from bigconst.plans.polynomials import PRECISION
from bigconst.plans.series import words_for_log10

LEAST_GUARD, MOST_GUARD = 20, 100
"""Bounds of g."""
MARGIN = 1000
"""Distance that G keeps from both ends of its range."""
MAX_PADDING = 10**15
"""Bound of h."""
TOLERANCE = 1e-3
"""Error of the decimal logarithm of X, a sum of as many logarithms of primes as it has, up to 10^12 digits and more."""


@dataclass(frozen=True)
class Quotient:
    """The statement that P and the guard digits are the quotient of b^(n+g)*Y by X, or nearly so."""

    name: ClassVar[str] = "quotient"

    g: int
    """guard digits"""
    G: int
    """these digits as an integer"""
    reduced: bool = False
    """whether X and Y are divided by a factor of both, where it is known (plans.formula.ReducedSeries)"""
    h: int = 0
    """X and Y are multiplied by b^h, so that X is about as long as its bound; 0 where the bound is its length"""

    def wrong(self, claim: Claim) -> str | None:
        """The condition that the statement does not meet for this claim; None where it meets all of them."""
        if not isinstance(claim.number, Limit):
            return "the constant has such a statement"
        if self.reduced and claim.number.formula.reduced is None:
            return "this formula can be reduced"
        if not LEAST_GUARD <= self.g <= MOST_GUARD:
            return f"{LEAST_GUARD} <= g <= {MOST_GUARD}"
        most = MAX_PADDING if self.is_padded(claim) else 0
        if not 0 <= self.h <= most:
            return f"0 <= h <= {most}"
        return None if MARGIN <= self.G <= claim.base**self.g - MARGIN else f"{MARGIN} <= G <= b^g - {MARGIN}"

    def is_padded(self, claim: Claim) -> bool:
        """Whether X is known by a bound only, before h is known."""
        return any(isinstance(part, ReducedSeries) and part.factorials.minima for part in self.formula(claim).parts)

    def padding(self, claim: Claim, shortage: float) -> int:
        """The right h, for X that is so much shorter than its bound, as a decimal logarithm."""
        return max(0, int(shortage / log10(claim.base)))

    def is_long(self, claim: Claim, shortage: float) -> bool:
        """Whether b^h*X is at most as long as its bound, and shorter by a digit at most."""
        rest = shortage - self.h * log10(claim.base)
        return not self.is_padded(claim) or -TOLERANCE <= rest <= log10(claim.base) + TOLERANCE

    def padding_words(self, claim: Claim, radix: int) -> int:
        """Words of b^h at most."""
        with localcontext(PRECISION):
            return words_for_log10(sum((part.factorials.log10_uncertain(count) for part, count in zip(
                self.formula(claim).parts, self.counts(claim), strict=True) if isinstance(part, ReducedSeries)),
                Decimal(0)), radix)

    def formula(self, claim: Claim) -> Formula:
        """The formula of X and Y."""
        formula = claim.number.formula
        return formula.reduced if self.reduced else formula

    def counts(self, claim: Claim) -> tuple[int, ...]:
        """Terms of the parts of the formula."""
        return self.formula(claim).counts(claim.digits + self.g, claim.base)

    def numbers(self, claim: Claim) -> tuple[Packed, ...]:
        """r, of so many digits that it may be any number below X, and none from 101*X on, or, where X is padded, from
        264*X on."""
        size = self.formula(claim).log10_x(self.counts(claim))
        with localcontext(PRECISION):
            digits = int((size / Decimal(claim.base).log10() + Decimal("0.001")).to_integral_value(ROUND_CEILING))
        return (Packed("r", digits, claim.base ** ((digits - 1) % claim.width + 1)),)

    def prefixes(self, claim: Claim) -> tuple[int, ...]:
        """Numbers of leading digits after the point, ascending, whose residues the identity needs."""
        return (claim.digits,)

    def sides(self, claim: Claim, p: int, prefixes: Sequence[int], numbers: Mapping[str, int]) -> tuple[int, int]:
        """Both sides of the identity modulo p, from residues of the integer that the text spells, and of r, X and Y."""
        d, padding = prefixes[-1] * pow(claim.base, self.g, p) + self.G, pow(claim.base, self.h, p)
        return ((d * numbers["X"] * padding + numbers["r"]) % p,
                pow(claim.base, claim.digits + self.g, p) * numbers["Y"] * padding % p)

    def describe(self, claim: Claim) -> tuple[str, str, list[str]]:
        """Both sides as formulas, and the bounds that were checked."""
        rational = f"Y/X from {self.formula(claim).describe(self.counts(claim))}"
        size = self.numbers(claim)[0].digits
        if self.is_padded(claim):
            sides, below = ("(P b^g + G) b^h X + r", "b^(n+g+h) Y"), f"h = {self.h}, r < b^{size} < 264 b^h X"
        else:
            sides, below = ("(P b^g + G) X + r", "b^(n+g) Y"), f"r < b^{size} < 101 X"
        return *sides, [rational, f"{MARGIN} <= G = {self.G} <= b^{self.g} - {MARGIN}", below]

    def difference_bits(self, claim: Claim) -> float:
        """Bits of the largest difference of the sides."""
        return (claim.digits + self.g + self.numbers(claim)[0].digits + 2) * log2(claim.base)
