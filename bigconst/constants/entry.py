"""Constants as the command line has them: a word, a number behind it where there is one, and what --help says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bigconst.base.constant import Constant
from bigconst.base.errors import UsageError


@dataclass(frozen=True)
class Way:
    """A formula, and what is said of it."""

    formula: str
    source: str
    """who found it, and where it is published"""
    digits_per_term: str
    """how fast it comes near"""
    cost: float
    """processor time for 10^7 digits, beside that of pi (docs/performance.md)"""
    proof: str
    """what its certificate is"""
    name: str = ""
    """how it is chosen, where there are several"""


@dataclass(frozen=True)
class NumberBehind:
    """What stands behind the word of a command: a number, or a file that defines one."""

    metavar: str
    text: str
    """what it may be, in words"""
    parse: Callable[[str], object]
    """function of its text, which raises UsageError"""
    example: str | None
    """one that documents show; None where it depends on a file"""


@dataclass(frozen=True)
class Entry:
    """A command, and the constants that it computes."""

    word: str
    help: str
    """what is computed, in a few words for the list of commands"""
    description: str
    """the same as a sentence"""
    examples: str
    """commands and what they do, a line each"""
    ways: tuple[Way, ...]
    """the first one is used as a rule, where nothing else is asked for"""
    make: Callable[..., Constant]
    """function that returns the constant, of the operand, where there is one, and of the name of a way, if it is asked
    for: make(*operands, formula=name)"""
    operand: NumberBehind | None = None
    is_verified_twice: bool = False
    """whether --verify computes the same digits by the other one of two ways, where no certificate proves them"""

    @property
    def usage(self) -> str:
        """The word, and the operand where there is one."""
        return self.word if self.operand is None else f"{self.word} {self.operand.metavar}"

    @property
    def formulas(self) -> tuple[str, ...]:
        """The names of its ways; none where there is one way."""
        return tuple(way.name for way in self.ways if way.name)

    def constant(self, texts: Sequence[str], formula: str | None = None) -> Constant:
        """The constant with as many texts behind the word as it takes numbers; raises UsageError for those that are
        none, and for a formula that it has not."""
        numbers = [self.operand.parse(text) for text in texts] if self.operand else []
        if formula is None:
            return self.make(*numbers)
        if formula not in self.formulas:
            #: `bigconst constants` lists the formulas of each constant.
            raise UsageError(f"{self.word} has no formula {formula[:40]!r}",
                             f"it has {', '.join(self.formulas) or 'one'}")
        return self.make(*numbers, formula=formula)
