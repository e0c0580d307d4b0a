"""Binary splitting to a precision: of long numbers of ranges of terms the leading words alone.

All numbers of a range are cut at the same word, so that sums of products stay sums: as many words of Q are kept as
somebody asks for.  A range makes errors below a few units of the last word of Q, relative to Q, in what follows from
its numbers divided by Q; they add up, and are multiplied by no more than the sum itself grows by.
"""

from dataclasses import dataclass

from bigconst.arithmetic.machine import several
from bigconst.arithmetic.splitting import Part, numbers_of_terms
from bigconst.arithmetic.terms import Names, Terms, words_of
from bigconst.base.units import format_count

SPARE = 8
"""Words by which numbers of a range may be longer than those of the one by which it is planned."""

WORTH_CUTTING = 1.25
"""Numbers are cut that have more words, at least so many times those that are kept: others are hardly shorter then."""


@dataclass(frozen=True)
class Kept:
    """How many words of Q are kept, and what numbers may be cut by: the same for all ranges, also for those that fit
    memory, where numbers could be cut anywhere."""

    words: int
    unit: int
    radix: int
    alike: bool = False
    """whether what is planned for a range has to hold for all of as many terms with the same end, whose numbers are
    about as long beside Q"""

    @classmethod
    def on(cls, machine, words: int, alike: bool = False) -> "Kept":
        """So many words, or a few more, on a machine."""
        return cls(machine.round_up(words), machine.round_up(1), machine.radix, alike)

    def fits(self, terms: Terms, part: Part) -> bool:
        """Whether the numbers of a range are not cut, nor those of its halves."""
        words = self._planned(terms, "Q", part)
        return part.count < 4 or words < max(self.words + self.unit, self.words * WORTH_CUTTING)

    def cut(self, terms: Terms, part: Part) -> int:
        """The lowest words that the numbers of a range lack."""
        if self.fits(terms, part):
            return 0
        words = words_of(terms, "Q", part.start, part.start + part.count, self.radix)
        return max(sum(self.cut(terms, half) for half in part.halves()),
                   (words - self.words) // self.unit * self.unit)

    def length(self, terms: Terms, name: str, part: Part) -> int:
        """Words of a number of a range, as it is planned."""
        whole = self._planned(terms, name, part)
        if self.fits(terms, part):
            return whole
        return self.words + self.unit + SPARE + max(0, whole - self._planned(terms, "Q", part))

    def _planned(self, terms: Terms, name: str, part: Part) -> int:
        start = part.end - part.count if self.alike else part.start
        return words_of(terms, name, start, start + part.count, self.radix)


def leading_numbers(machine, terms: Terms, part: Part, wanted: Names, kept: Kept, most: int = 0,
                    is_last: bool = True):
    """The wanted numbers of a range of terms, all of them without their lowest words (Kept.cut).

    Every term has a positive Q.
    """
    if kept.fits(terms, part):
        return numbers_of_terms(machine, terms, part.start, part.start + part.count, wanted, part.end, most)
    names = terms.halves(wanted)
    made = [several(machine.call(name, leading_numbers, terms, half, each, kept, most, False))
            for name, half, each in zip(("first half", "second half"), part.halves(), names, strict=True)]
    halves = [dict(zip(each, numbers, strict=True)) for each, numbers in zip(names, made, strict=True)]
    left, right = ({name: kept.length(terms, name, half) for name in each}
                   for half, each in zip(part.halves(), names, strict=True))
    # Each half may be a unit too small, never too large.
    words = [max(left[one] + right[other] for one, other in terms.products[name]) + 1 for name in wanted]
    cut = kept.cut(terms, part) - sum(kept.cut(terms, half) for half in part.halves())
    with machine.stage("terms" if machine.in_memory else f"{format_count(part.count)} terms"):
        made = terms.join(machine, *halves, wanted, words, one_by_one=is_last and machine.in_memory)
        return tuple(machine.sum(f"{name}, cut", [(1, number.magnitude(), -cut)], kept.length(terms, name, part))
                     .with_signs(number) for name, number in zip(wanted, made, strict=True))
