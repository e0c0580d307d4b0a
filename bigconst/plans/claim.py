"""What a digit file is said to hold, and the numbers of its certificate."""

from dataclasses import dataclass

from bigconst.base.constant import Limit, Root
from bigconst.base.formats import WORDS


@dataclass(frozen=True)
class Claim:
    """A digit file says that its P, with n = `digits` digits after the point, is floor(x*b^n)."""

    number: Root | Limit
    """x"""
    base: int
    digits: int

    @property
    def width(self) -> int:
        """Digits of a word."""
        return WORDS[self.base].digits

    @property
    def doubled(self) -> int:
        """2 for the golden ratio, since 2*phi - 1 is the root of 5; 1 for a root."""
        return 2 if self.number == Root("phi", 5) else 1


@dataclass(frozen=True)
class Packed:
    """A number in a certificate."""

    name: str
    digits: int
    """its length, in digits of the base"""
    top: int | None = None
    """its highest word is below this; None where that may be any word"""

    def words(self, base: int) -> int:
        """Words in which it is stored."""
        return -(-self.digits // WORDS[base].digits)
