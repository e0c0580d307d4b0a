"""Which numbers can be computed: the golden ratio and square roots."""

from dataclasses import dataclass
from math import isqrt


@dataclass(frozen=True)
class Constant:
    """phi (d = 5) or the square root of d."""

    kind: str
    d: int

    @property
    def name(self) -> str:
        """As on the command line."""
        return "phi" if self.kind == "phi" else f"sqrt {self.d}"

    @property
    def title(self) -> str:
        """For people."""
        return "Golden Ratio" if self.kind == "phi" else f"Square root of {self.d}"

    @property
    def algorithm(self) -> str:
        """How it is computed."""
        if self.is_integer:
            return "perfect square"
        return f"third-order Newton ladder for 1/sqrt({self.d}), in the base of the digits"

    @property
    def file_stem(self) -> str:
        """Name of the digit file without its suffix."""
        return "phi" if self.kind == "phi" else f"sqrt{self.d}"

    @property
    def floor(self) -> int:
        """The part before the point."""
        root = isqrt(self.d)
        return (1 + root) // 2 if self.kind == "phi" else root

    @property
    def is_integer(self) -> bool:
        """The root of a perfect square."""
        return isqrt(self.d) ** 2 == self.d

    def integer_text(self, base: int) -> str:
        """The part before the point in base 10 or 16."""
        return format(self.floor, "x" if base == 16 else "d")
