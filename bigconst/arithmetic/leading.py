"""Binary splitting to a precision: of long numbers of ranges of terms the leading words alone.

All numbers of a range are cut at the same word, so that sums of products stay sums: as many words of Q are kept as
somebody asks for.  A range makes errors below a few units of the last word of Q, relative to Q, in what follows from
its numbers divided by Q; they add up, and are multiplied by no more than the sum itself grows by.
"""

from dataclasses import dataclass

from bigconst.arithmetic.machine import several
from bigconst.arithmetic.splitting import numbers_of_terms
from bigconst.arithmetic.terms import Names, Terms, words_of
from bigconst.base.units import format_count


@dataclass(frozen=True)
class Kept:
    """How many words of Q are kept, and what numbers may be cut by: the same for all ranges, also for those that fit
    memory, where numbers could be cut anywhere."""

    words: int
    unit: int
    radix: int

    @classmethod
    def on(cls, machine, words: int) -> "Kept":
        """So many words, or a few more, on a machine."""
        return cls(machine.round_up(words), machine.round_up(1), machine.radix)

    def cut(self, terms: Terms, start: int, stop: int) -> int:
        """The lowest words that the numbers of the terms start .. stop - 1 lack."""
        words = words_of(terms, "Q", start, stop, self.radix)
        if words <= self.words or stop - start < 4:
            return 0
        middle = (start + stop) // 2
        below = self.cut(terms, start, middle) + self.cut(terms, middle, stop)
        return max(below, (words - self.words) // self.unit * self.unit)


def leading_numbers(machine, terms: Terms, start: int, stop: int, wanted: Names, kept: Kept, end: int = 0):
    """The wanted numbers of the terms start .. stop - 1, all of them without their lowest words (Kept.cut).

    `end` is the term after the last one of all, if that is not `stop`.

    They are positive, and every term has a positive Q.
    """
    if words_of(terms, "Q", start, stop, machine.radix) <= kept.words or stop - start < 4:
        return numbers_of_terms(machine, terms, start, stop, wanted, end or stop)
    middle = (start + stop) // 2
    ranges, end = ((start, middle), (middle, stop)), end or stop
    made = [several(machine.call(name, leading_numbers, terms, *each, names, kept, end))
            for name, each, names in zip(("first half", "second half"), ranges, terms.halves(wanted), strict=True)]
    halves = [dict(zip(names, each, strict=True)) for names, each in zip(terms.halves(wanted), made, strict=True)]
    below = sum(kept.cut(terms, *each) for each in ranges)
    cut = kept.cut(terms, start, stop) - below
    # Each half may be a unit too small, never too large.
    words = [words_of(terms, name, start, stop, machine.radix) - below + 1 for name in wanted]
    with machine.stage(f"{format_count(stop - start)} terms"):
        made = terms.join(machine, *halves, wanted, words)
        if cut == 0:
            return made
        return tuple(machine.sum(f"{name}, cut", [(1, number, -cut)], size - cut)
                     for name, number, size in zip(wanted, made, words, strict=True))
