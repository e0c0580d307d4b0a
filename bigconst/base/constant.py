"""The numbers that can be computed: the golden ratio and square roots."""

from dataclasses import dataclass
from math import isqrt

from bigconst.base.errors import UsageError

MAX_D = 2**31 - 1
"""Largest number whose square root can be computed."""


@dataclass(frozen=True)
class Constant:
    """phi (d = 5) or the square root of d."""

    kind: str
    d: int

    @property
    def name(self) -> str:
        """The name on the command line."""
        return "phi" if self.kind == "phi" else f"sqrt {self.d}"

    @property
    def title(self) -> str:
        """The name for people."""
        return "Golden Ratio" if self.kind == "phi" else f"Square root of {self.d}"

    @property
    def algorithm(self) -> str:
        """The method of computation, in words."""
        if self.is_integer:
            return "perfect square"
        return f"third-order Newton ladder for 1/sqrt({self.d}), in the base of the digits"

    @property
    def file_stem(self) -> str:
        """Name of the digit file without its suffix."""
        return "phi" if self.kind == "phi" else f"sqrt{self.d}"

    @property
    def floor(self) -> int:
        """The integer part."""
        root = isqrt(self.d)
        return (1 + root) // 2 if self.kind == "phi" else root

    @property
    def is_integer(self) -> bool:
        """Whether d is a perfect square."""
        return isqrt(self.d) ** 2 == self.d

    def integer_text(self, base: int) -> str:
        """The integer part as text in base 10 or 16."""
        return format(self.floor, "x" if base == 16 else "d")


def parse_constant(text: str) -> Constant:
    """The constant named `phi` or `sqrt D`, 1 <= D < 2^31; raises UsageError for anything else."""
    words = text.split()
    if words == ["phi"]:
        return Constant("phi", 5)
    if len(words) == 2 and words[0] == "sqrt" and words[1].isdecimal() and len(words[1]) <= 10 \
            and 1 <= int(words[1]) <= MAX_D:
        return Constant("sqrt", int(words[1]))
    #: Constants are `phi` and `"sqrt D"`, in quotation marks because of the space, with 1 <= D < 2^31.
    raise UsageError(f"unknown constant {text[:80]!r}", 'it is phi, or "sqrt D" with 1 <= D < 2^31')
