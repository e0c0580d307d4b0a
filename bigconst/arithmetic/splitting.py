"""Binary splitting: numbers of a range of terms (arithmetic.terms) from those of its halves.

Ranges that make numbers of at most machine.most_made words are made by single threads, each with nodes of its own
(arithmetic.subtree).  Longer nodes are operations of the machine, one after the other.
"""

from functools import partial

from bigconst.arithmetic.machine import MADE_BYTES, one_or_several, several
from bigconst.arithmetic.terms import Names, Terms, words_of

LEAST_WORK_BYTES = 1 << 18
"""Memory for a node of short numbers, whose arrays are whole pages."""


def numbers_of(machine, terms: Terms, start: int, stop: int, wanted: Names, most: int):
    """The numbers of the terms start .. stop - 1; those of at most `most` words are made by single threads."""
    words = [words_of(terms, name, start, stop, machine.radix) for name in wanted]
    if max(words) <= most or stop - start == 1:
        from bigconst.arithmetic.subtree import Subtree

        tree, work = Subtree(terms, start, stop, wanted), MADE_BYTES * max(words) + LEAST_WORK_BYTES
        return one_or_several([machine.made(name, partial(tree.number, name), size, work)
                               for name, size in zip(wanted, words, strict=True)])
    middle = (start + stop) // 2
    ranges = zip(terms.halves(wanted), ((start, middle), (middle, stop)), strict=True)
    halves = [dict(zip(names, several(machine.call(f"terms {first} to {end - 1}", numbers_of, terms, first, end, names,
                                                   most)), strict=True)) for names, (first, end) in ranges]
    with machine.stage(f"terms {start} to {stop - 1}"):
        return one_or_several(terms.join(machine, *halves, wanted, words))
