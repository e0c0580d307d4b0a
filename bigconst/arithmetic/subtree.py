"""The numbers of a range of terms in memory: parts of it on single threads, then joined by products that threads share.
"""

import itertools
from collections.abc import Iterator

import numpy as np

from bigconst.arithmetic.faults import Wrong
from bigconst.arithmetic.machine import one_or_several, several
from bigconst.arithmetic.memory.machine import MemoryMachine, MemoryNumber
from bigconst.arithmetic.memory.products import Products, wrong_residue
from bigconst.arithmetic.planner import PlannedNumber, memory_trace
from bigconst.arithmetic.ranges import ranges
from bigconst.arithmetic.terms import Names, Terms, words_of
from bigconst.base import failpoints
from bigconst.runtime.arena import ALIGN_BYTES, Arena

Found = tuple[np.ndarray, int, int]
"""words of a number, its sign, and the residue of its magnitude"""

PART_WORDS = 500_000
"""Words of the longest numbers that a thread makes by itself, where there are enough of them for all threads."""
LEAST_PART_WORDS = 20_000
"""Words of the longest numbers for which no more threads are of use."""


class Subtree:
    """The numbers of a range of terms, which are computed all together when the first one is asked for."""

    def __init__(self, terms: Terms, start: int, stop: int, end: int, wanted: Names, part_words: int = 0):
        """The terms start .. stop - 1; lengths are those of as many terms before `end`."""
        self._terms, self._start, self._count, self._end, self._wanted = terms, start, stop - start, end, wanted
        self._part_words = part_words
        self._found: dict[str, Found] = {}

    def number(self, name: str, products: Products, memory: np.ndarray) -> Found:
        """A number, which is forgotten here."""
        if name not in self._found:
            self._found = dict(zip(self._wanted, self._computed(products, memory), strict=True))
        return self._found.pop(name)

    def _computed(self, products: Products, memory: np.ndarray) -> list[Found]:
        """All numbers of the range, in `memory` and about as much beside it as they take."""
        levels = self._levels(products)
        parts = self._parts(products, list(_parts(self._terms, self._start, self._count, self._wanted, levels)), memory)
        if levels == 0:
            return parts
        arguments = self._terms.layout, self._end, self._count, self._wanted, levels
        trace = memory_trace(products.format.base, joined, *arguments,
                             *(PlannedNumber("argument", len(words)) for words, _, _ in parts))
        machine = MemoryMachine(trace, products, Arena.over(memory), lambda event: None)
        made = machine.run(joined, *arguments, *(MemoryNumber("argument", *each, products.words) for each in parts))
        return [(each.words.copy(), each.sign, each.residue) for each in several(made)]

    def _levels(self, products: Products) -> int:
        """How often the range is halved."""
        most = self._part_words
        if not most:
            longest = self._words(self._count, products)
            most = min(PART_WORDS, max(LEAST_PART_WORDS, longest // (2 * products.words.pool.threads)))
        return next(level for level in itertools.count() if self._count >> level < 2 or self._words(
            -(-self._count >> level), products) <= most)

    def _words(self, count: int, products: Products) -> int:
        """Words of the longest number of so many terms."""
        return max(words_of(self._terms, name, self._end - count, self._end, products.format.radix)
                   for name in self._terms.names)

    def _parts(self, products: Products, parts: list[tuple[int, int, Names]], memory: np.ndarray) -> list[Found]:
        """The numbers of all parts, each of them by one thread."""
        words, radix = products.words, products.format.radix
        longest = max(stop - start for start, stop, _ in parts)
        layout = ranges(self._terms.layout, longest, self._end, radix, len(memory))
        size = -(-layout.bytes // ALIGN_BYTES) * ALIGN_BYTES
        made: list[list[Found]] = [[] for _ in parts]
        turn = itertools.count()

        def part(start: int, stop: int, wanted: Names, room: np.ndarray) -> list[Found]:
            for attempt in products.faults.attempts(f"terms {start} to {stop - 1}"):
                with attempt:
                    found, stats = layout.numbers(self._terms, start, stop, wanted, room)
                    rounded = products.rounded((0, *stats))
                    if failpoints.ACTIVE:
                        failpoints.touch("terms.words", f"{start}", found[0][0], radix)
                    right = self._terms.residues(start, stop, words.modulus.p)
                    residues = [words.modulus.residue_words(each, radix) for each, _ in found]
                    if isinstance(rounded, Wrong):
                        attempt.fail(rounded)
                    elif all((sign * residue - right[name]) % words.modulus.p == 0
                             for name, (_, sign), residue in zip(wanted, found, residues, strict=True)):
                        return [(each.copy(), sign, residue)
                                for (each, sign), residue in zip(found, residues, strict=True)]
                    else:
                        attempt.fail(wrong_residue(residues[0], words.format))

        def worker(room: np.ndarray) -> None:
            while (i := next(turn)) < len(parts):
                made[i] = part(*parts[i], room)

        count = max(1, min(words.pool.threads, len(parts), len(memory) // size))
        words.pool.run(worker, [(memory[i * size:(i + 1) * size],) for i in range(count)])
        return [each for found in made for each in found]


def _parts(terms: Terms, start: int, count: int, wanted: Names, levels: int) -> Iterator[tuple[int, int, Names]]:
    """The ranges that a range consists of, and which of their numbers are needed."""
    if levels == 0:
        yield start, start + count, wanted
        return
    for half, low, size in zip(terms.halves(wanted), (start, start + count // 2), (count // 2, count - count // 2),
                               strict=True):
        yield from _parts(terms, low, size, half, levels - 1)


def joined(machine, terms: Terms, end: int, count: int, wanted: Names, levels: int, *numbers):
    """The numbers of a range from those of its parts, which are given one after the other."""
    rest = iter(numbers)

    def tree(count: int, wanted: Names, levels: int) -> dict:
        if levels == 0:
            return {name: next(rest) for name in wanted}
        first, second = terms.halves(wanted)
        halves = tree(count // 2, first, levels - 1), tree(count - count // 2, second, levels - 1)
        words = [words_of(terms, name, end - count, end, machine.radix) for name in wanted]
        return dict(zip(wanted, terms.join(machine, *halves, wanted, words), strict=True))

    return one_or_several(list(tree(count, wanted, levels).values()))
