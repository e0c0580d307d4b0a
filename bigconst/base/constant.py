"""Constants as plain values: what plans, files and reports say of them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import isqrt


@dataclass(frozen=True)
class Root:
    """A number of which certificates are made: the golden ratio (kind phi, d = 5), or the square root of d (sqrt)."""

    kind: str
    d: int

    @property
    def name(self) -> str:
        """The name in certificates."""
        return self.kind if self.kind == "phi" else f"{self.kind} {self.d}"

    @property
    def title(self) -> str:
        """The name for people."""
        return "Golden Ratio" if self.kind == "phi" else f"Square root of {self.d}"

    @property
    def floor(self) -> int:
        """The integer part."""
        root = isqrt(self.d)
        return (1 + root) // 2 if self.kind == "phi" else root


@dataclass(frozen=True)
class Limit:
    """A number of which certificates are made: one that rational numbers come near to (plans.quotient)."""

    name: str
    """the name in certificates"""
    title: str
    """the name for people"""
    floor: int
    """the integer part"""
    formula: object = field(repr=False)
    """how it comes near (plans.formula.Formula)"""


@dataclass(frozen=True)
class Constant:
    """A number that can be computed, and how."""

    name: str
    """name on the command line and in manifests"""
    title: str
    """name for people"""
    algorithm: str
    """method of computation, in words"""
    floor: int
    """integer part"""
    error: int
    """bound on the error of what the program computes, in units of its last word"""
    program: Callable = field(compare=False, repr=False)
    """program(machine, bounds), with a machine (arithmetic.machine) and the bounds of a run (constants.bounds)"""
    number: Root | Limit | None = None
    """the same number as certificates know it; None where there are none"""
    certifier: Callable | None = field(default=None, compare=False, repr=False)
    """program(machine, bounds) that makes the certificate of digits from a file; None where there are none"""
    guard_digits: int = 0
    """digits behind those that are written that the program needs at least"""
    text: str | None = None
    """the text of the file that defines it; None where its name says what it is"""
    stem: str | None = None
    """name of the digit file without its suffix, where it is not that of the number"""

    @property
    def from_file(self) -> "Constant":
        """The constant as it is certified: its digits are read from a file, and have no error of their own."""
        return replace(self, algorithm="one squaring of the digits", error=0, program=self.certifier)

    @property
    def file_stem(self) -> str:
        """Name of the digit file without its suffix."""
        return self.stem or self.name.partition(" by ")[0].replace(" ", "").replace("/", "_")


def integer_text(value: int, base: int) -> str:
    """An integer as text in base 10 or 16."""
    return format(value, "x" if base == 16 else "d")
