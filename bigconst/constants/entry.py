"""Constants as the command line has them: a word, an integer behind it where there is one, and what --help says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bigconst.base.constant import Constant


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
    formula: str
    source: str
    """who found it, and where it is published"""
    digits_per_term: str
    """how fast it comes near"""
    cost: float
    """processor time for 10^8 digits, beside that of pi (docs/performance.md)"""
    proof: str
    """what its certificate is"""
    make: Callable[..., Constant]
    """function that returns the constant; its argument is an integer D where there are `values`"""
    values: range | None = None
    """the integers D that may stand behind the word"""
    values_text: str = ""
    """these in words"""

    @property
    def usage(self) -> str:
        """The word, and D where there is one."""
        return self.word if self.values is None else f"{self.word} D"

    def takes(self, numbers: Sequence[str]) -> bool:
        """Whether these texts may stand behind the word."""
        if self.values is None:
            return not numbers
        return (len(numbers) == 1 and numbers[0].isdecimal() and len(numbers[0]) <= len(str(self.values[-1]))
                and int(numbers[0]) in self.values)
