"""Binary splitting: numbers of a range of terms (arithmetic.terms) from those of its halves.

Ranges that make numbers of at most machine.most_made words are made by single threads, each with nodes of its own
(arithmetic.subtree).  Longer nodes are operations of the machine, one after the other.
"""

from dataclasses import dataclass, field
from functools import partial

from bigconst.arithmetic.machine import made_bytes, one_or_several, several
from bigconst.arithmetic.terms import Names, Terms, words_of
from bigconst.base.units import format_count

NODE_BYTES = 28
"""Bytes that a node takes at least in memory for each word of its longest number: two transforms, the numbers that they
are made of, and what they make; those of pi and zeta(3) take 31.7 or more."""


@dataclass(frozen=True)
class Part:
    """A range of terms.  Lengths are those of the last range that has as many terms, so that what is planned for one
    range holds for all of them, which are equal."""

    count: int
    """number of terms"""
    end: int
    """the term after the last one of all"""
    start: int = field(compare=False)
    """the first term of the range"""

    def halves(self) -> "tuple[Part, Part]":
        """The terms of the range in two parts, which differ by one term at most."""
        low = self.count // 2
        return Part(low, self.end, self.start), Part(self.count - low, self.end, self.start + low)


def numbers_of_terms(machine, terms: Terms, start: int, stop: int, wanted: Names, end: int = 0, most: int = 0):
    """The numbers of the terms start .. stop - 1; those of at most `most` words, or machine.most_made where nothing is
    said, are made in memory of their own.

    Their lengths are those of as many terms before `end`, which is `stop` where nothing is said: what is planned for
    one range holds for all of as many terms with the same end.
    """
    return _called(machine, "terms", terms, Part(stop - start, end or stop, start), wanted,
                   most or machine.most_made, True)


def _called(machine, name: str, terms: Terms, part: Part, wanted: Names, most: int, is_last: bool):
    words = max(_lengths(machine, terms, part, wanted))
    least = NODE_BYTES * words if words > most else 0
    return machine.call(name, numbers_of, terms, part, wanted, most, is_last, least_bytes=least)


def _lengths(machine, terms: Terms, part: Part, wanted: Names) -> list[int]:
    return [words_of(terms, name, part.end - part.count, part.end, machine.radix) for name in wanted]


def numbers_of(machine, terms: Terms, part: Part, wanted: Names, most: int, is_last: bool):
    """The numbers of a range of terms; those of at most `most` words are made in memory of their own.

    The last products in memory take more of it than anything else, and are computed one by one there.
    """
    words = _lengths(machine, terms, part, wanted)
    # Memory for four numbers is meant; some terms have more.
    together = max(words) * max(4, len(terms.names)) // 4
    if together <= most or part.count == 1:
        tree = _Subtree(terms, part.start, part.start + part.count, part.end, wanted)
        # The first number that is asked for makes all of them.
        costs = [((terms.operation, max(words)),), *[()] * (len(wanted) - 1)]
        with machine.stage("terms"):
            return one_or_several([machine.made(name, partial(tree.number, name), size, made_bytes(together), cost)
                                   for name, size, cost in zip(wanted, words, costs, strict=True)])
    halves = [dict(zip(names, several(_called(machine, name, terms, half, names, most, not machine.in_memory)),
                       strict=True))
              for name, half, names in zip(("first half", "second half"), part.halves(), terms.halves(wanted),
                                           strict=True)]
    with machine.stage("terms" if machine.in_memory else f"{format_count(part.count)} terms"):
        return one_or_several(terms.join(machine, *halves, wanted, words, one_by_one=is_last and machine.in_memory))


class _Subtree:
    """arithmetic.subtree.Subtree, which is imported where it computes: plans need none of the kernels."""

    def __init__(self, *arguments):
        self._arguments, self._tree = arguments, None

    def number(self, name: str, products, memory):
        """As of Subtree."""
        if self._tree is None:
            from bigconst.arithmetic.subtree import Subtree

            self._tree = Subtree(*self._arguments)
        return self._tree.number(name, products, memory)
