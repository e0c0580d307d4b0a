"""Trees of binary splitting whose nodes single threads compute: all leaves, then level after level.

A node is a small program on a machine of its own, so that every product is checked like all others.
"""

import itertools
import threading

import numpy as np
from gmpy2 import mpz

from bigconst.arithmetic.leaves import unlocked
from bigconst.arithmetic.machine import several
from bigconst.arithmetic.memory.machine import MemoryMachine, MemoryNumber
from bigconst.arithmetic.memory.products import Products, wrong_residue
from bigconst.arithmetic.planner import PlannedNumber, memory_trace
from bigconst.arithmetic.terms import Names, Terms, joined, words_of
from bigconst.arithmetic.words import Words
from bigconst.base import failpoints
from bigconst.plans.trace import Trace
from bigconst.runtime.arena import Arena
from bigconst.runtime.threads import Pool

Found = tuple[np.ndarray, int, int]
"""words of a number, its sign, and the residue of its magnitude"""


class Subtree:
    """The numbers of a range of terms, which are computed all together when the first one is asked for."""

    def __init__(self, terms: Terms, start: int, stop: int, end: int, wanted: Names):
        """The terms start .. stop - 1; lengths are those of as many terms before `end`."""
        self._terms, self._start, self._stop, self._end, self._wanted = terms, start, stop, end, wanted
        self._found: dict[str, Found] = {}

    def number(self, name: str, products: Products, memory: np.ndarray) -> Found:
        """A number, which is forgotten here."""
        if name not in self._found:
            self._found = dict(zip(self._wanted, self._computed(products, memory), strict=True))
        return self._found.pop(name)

    def _computed(self, products: Products, memory: np.ndarray) -> list[Found]:
        """All numbers of the range, in `memory` and about as much beside it as they take."""
        terms, words, levels = self._terms, products.words, [_Level(
            self._terms, [(self._start, self._stop)], [self._wanted], self._end, products.format.radix)]
        while levels[-1].longest > terms.leaf_terms:
            levels.append(levels[-1].halves())
        leaves = levels[-1]
        found: list[list[Found]] = [[] for _ in leaves.ranges]

        def leaf(i: int) -> None:
            (start, stop), wanted = leaves.ranges[i], leaves.wanted[i]
            for attempt in products.faults.attempts(f"terms {start} to {stop - 1}"):
                with attempt, unlocked():
                    found[i] = [_words(words, each, leaves.words[name])
                                for name, each in zip(wanted, terms.leaf(start, stop, wanted), strict=True)]
                    if failpoints.ACTIVE:
                        failpoints.touch("terms.words", f"{start}", found[i][0][0], words.format.radix)
                    right = terms.residues(start, stop, words.modulus.p)
                    if all((sign * words.residue(array) - right[name]) % words.modulus.p == 0
                           for name, (array, sign, _) in zip(wanted, found[i], strict=True)):
                        return
                    attempt.fail(wrong_residue(words.residue(found[i][0][0]), words.format))

        words.pool.run(leaf, [(i,) for i in range(len(found))])
        workers = _Workers(products)
        for below, above in zip(levels[:0:-1], levels[-2::-1], strict=True):
            found = workers.nodes(terms, below, above, found, memory)
        workers.close()
        return found[0]


class _Level:
    """Ranges of terms that have one place in a tree."""

    def __init__(self, terms: Terms, ranges: list[tuple[int, int]], wanted: list[Names], end: int, radix: int):
        self._terms, self._end, self._radix = terms, end, radix
        self.ranges, self.wanted = ranges, wanted
        self.words: dict[str, int] = {}
        """words of the longest number of each name, which all have, so that all nodes have one shape"""
        for name in {name for names in wanted for name in names}:
            self.words[name] = words_of(terms, name, end - self.longest, end, radix)

    @property
    def longest(self) -> int:
        """Terms of the longest range."""
        return max(stop - start for start, stop in self.ranges)

    def halves(self) -> "_Level":
        """The level of the halves of all ranges."""
        return _Level(self._terms, [half for start, stop in self.ranges
                                    for half in ((start, (start + stop) // 2), ((start + stop) // 2, stop))],
                      [half for names in self.wanted for half in self._terms.halves(names)], self._end, self._radix)


class _Workers:
    """Products on single threads, each with its own tables and memory."""

    def __init__(self, products: Products):
        self._products, self._own = products, threading.local()
        self._all: list[Products] = []

    def close(self) -> None:
        """Take over what was seen."""
        for each in self._all:
            self._products.max_roundoff = max(self._products.max_roundoff, each.max_roundoff)

    def _of_thread(self) -> Products:
        if not hasattr(self._own, "products"):
            self._own.products = Products(Words(self._products.format, Pool(1)), lambda event: None,
                                          self._products.faults)
            self._all.append(self._own.products)
        return self._own.products

    def nodes(self, terms: Terms, below: _Level, above: _Level, found: list[list[Found]],
              memory: np.ndarray) -> list[list[Found]]:
        """The numbers of a level from those of its halves, which are forgotten on the way."""
        made: list[list[Found]] = [[] for _ in above.ranges]

        def arguments(i: int) -> tuple:
            return (terms, above.wanted[i], tuple(above.words[name] for name in above.wanted[i]),
                    (below.wanted[2 * i], below.wanted[2 * i + 1]))

        def trace(i: int) -> Trace:
            names = below.wanted[2 * i] + below.wanted[2 * i + 1]
            return memory_trace(self._products.format.base, joined, *arguments(i),
                                *(PlannedNumber("argument", below.words[name]) for name in names))

        def worker(room: np.ndarray) -> None:
            products = self._of_thread()
            while (i := next(turn)) < len(made):
                machine = MemoryMachine(trace(i), products, Arena.over(room), lambda event: None)
                given = [MemoryNumber("argument", words, sign, residue, products.words)
                         for words, sign, residue in (*found[2 * i], *found[2 * i + 1])]
                found[2 * i] = found[2 * i + 1] = []
                made[i] = [(each.words.copy(), each.sign, each.residue)
                           for each in several(machine.run(joined, *arguments(i), *given))]

        turn, pool = itertools.count(), self._products.words.pool
        size = max(trace(i).memory_bytes for i in range(len(made)))
        count = max(1, min(pool.threads, len(made), len(memory) // size))
        pool.run(worker, [(memory[i * size:(i + 1) * size],) for i in range(count)])
        return made


def _words(words: Words, value: mpz, length: int) -> Found:
    """An integer as so many words."""
    size = abs(value)
    return words.from_int(size, length), 1 if value >= 0 else -1, int(size % words.modulus.p)
