"""The numbers of ranges of terms on one thread each, by one call of a kernel.

Nothing is checked on the way; a range is checked as a whole by the recurrence of its terms.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bigconst.arithmetic.tables import tables_of
from bigconst.arithmetic.terms import ListedTerms, Names, Terms, words_of
from bigconst.kernels import nodes
from bigconst.kernels.checksum import NO_SUMS
from bigconst.kernels.terms import PAD, TILE, listed
from bigconst.plans.polynomials import differences
from bigconst.plans.shape import Shape, shape_for

SHORT_WORDS = 440, 110, 30
"""Words of the longest numbers that are multiplied digit by digit: what is fastest, and for little memory."""


@dataclass(frozen=True)
class _Places:
    """Arrays one after the other in a piece of memory, each at a whole cache line."""

    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    bytes: int

    @classmethod
    def of(cls, *sizes: int) -> "_Places":
        """For arrays of so many bytes."""
        offsets, end = [], 0
        for size in sizes:
            offsets.append(end)
            end += -(-size // 64) * 64
        return cls(tuple(offsets), sizes, end)

    def arrays(self, memory: np.ndarray, *types: type) -> list[np.ndarray]:
        """The arrays in `memory`, which begins at a whole cache line.  Raises ValueError where it is too short: kernels
        would write beyond it."""
        if len(memory) < self.bytes:
            raise ValueError(f"{self.bytes} bytes do not fit {len(memory)}")
        return [memory[at:at + size].view(kind)
                for at, size, kind in zip(self.offsets, self.sizes, types, strict=True)]


class Ranges:
    """How the numbers of ranges are computed that have at most so many terms, or one less, before the term `end`."""

    def __init__(self, terms: Terms, longest: int, end: int, radix: int, short_words: int = SHORT_WORDS[0]):
        """Numbers of up to `short_words` words are multiplied digit by digit."""
        self._terms, self._radix = terms, radix
        names = len(terms.names)

        def counts(count: int) -> list[int]:
            return [words_of(terms, name, end - count, end, radix) for name in terms.names]

        lengths = [counts(longest)]
        while max(lengths[-1]) > short_words and longest - 1 >= 1 << len(lengths):
            lengths.append(counts(-(-longest // (1 << len(lengths)))))
        lengths.reverse()
        self._levels = len(lengths) - 1
        self._counts = np.array(lengths, np.int64)
        shapes = [shape_for(max(each) + 1) for each in lengths[1:]]
        self._shapes, self._radices, self._tables = _stacked(shapes)
        short = -(-longest // (1 << self._levels))
        ranks = [max(counts(min(1 << rank, short))) for rank in range((short - 1).bit_length() + 1)]
        self._polynomials, self._differences = [], 0
        for name, polynomial in zip(terms.names, terms.polynomials, strict=True):
            values = differences(polynomial, end) or [terms.most]
            digits = max(len(_digits(value, radix)) for value in values) + 1
            ranks[0] = max(ranks[0], digits)
            self._polynomials.append((self._differences, len(polynomial) - 1, digits, name in terms.ones))
            self._differences += 8 * digits * len(polynomial)
        self._ranks, at = np.empty((len(ranks), 2), np.int64), 8 * PAD
        for rank, digits in enumerate(ranks):
            self._ranks[rank] = at, -(-(digits + 1) // TILE) * TILE
            at += (1 if rank + 1 == len(ranks) else 2) * names * 8 * (int(self._ranks[rank, 1]) + 2 * PAD)
        steps = [-(-max(lengths[0]) // 16) * 16, *(shape.words for shape in shapes)]
        ends = np.cumsum([(8 if level == 0 else 1 if level == self._levels else 2) * names * step
                          for level, step in enumerate(steps)]).tolist()
        self._layout = np.array(list(zip([0, *ends], steps, strict=False)), np.int64)
        spectrum = max([shape.data_bytes // 8 for shape in shapes], default=8)
        height = max([shape.height for shape in shapes], default=8)
        buffer = max(256, 8 * max(map(len, terms.polynomials)), *(16 * shape.height * shape.block for shape in shapes))
        self._places = _Places.of(4 * ends[-1], 8 * (2 * names + 1) * spectrum, 8 * at, 8 * buffer,
                                  16 * height, 16 * height)
        self.bytes = self._places.bytes
        """memory for a range, from a whole cache line on"""
        self._polynomials = np.array(self._polynomials, np.int64)
        self._pairs = np.array([(terms.names.index(name), terms.names.index(one), terms.names.index(other))
                                for name, pairs in terms.products.items() for one, other in pairs], np.int64)

    def numbers(self, terms: Terms, start: int, stop: int, wanted: Names, memory: np.ndarray) -> tuple[
            list[tuple[np.ndarray, int]], tuple[float, float]]:
        """Words, in `memory`, and sign of the wanted numbers of the terms start .. stop - 1, which are unlike the
        right ones where a product was; the largest error of rounding of all products, and the largest coefficient."""
        names = len(terms.names)
        first = (self._listed(terms.values[start:stop]) if isinstance(terms, ListedTerms)
                 else self._first_terms(start, stop - start))
        words, spectra, digits, buffer, carries, runs = self._places.arrays(
            memory, np.int32, np.float64, np.float64, np.float64, np.float64, np.int64)
        digits[:] = 0
        signs = np.ones((self._levels + 1, 8 * names), np.int64)
        stats = np.zeros(2)
        nodes.long_range(
            stop - start, self._levels, np.array([name in wanted for name in terms.names], np.int64), self._pairs,
            words, self._layout, self._counts, signs, self._shapes, self._radices, self._tables,
            first, self._polynomials.copy(), digits, self._ranks,
            spectra.reshape(2 * names + 1, -1), buffer, carries, runs, stats,
            np.empty(nodes.WORK, np.int64), NO_SUMS, self._radix)
        at, step = self._layout[-1].tolist()
        found = []
        for name in wanted:
            i = terms.names.index(name)
            found.append((words[at + i * step:][:self._counts[-1, i]], int(signs[-1, i])))
        return found, tuple(stats.tolist())

    def _first_terms(self, start: int, count: int) -> np.ndarray:
        """`differences` of kernels.terms for the first eight of so many terms' short ranges."""
        found, units = np.zeros((self._differences // 8, 8)), 1 << self._levels
        for lane in range(min(8, units)):
            for polynomial, (at, _, digits, _) in zip(self._terms.polynomials, self._polynomials.tolist(), strict=True):
                for i, value in enumerate(differences(polynomial, start + lane * count // units)):
                    each = _digits(value, self._radix)
                    row = at // 8 + i * digits
                    found[row:row + len(each), lane] = each
        return found.reshape(-1)


    def _listed(self, values: np.ndarray) -> np.ndarray:
        """`differences` of kernels.terms for integers, eight ranges of them after eight others."""
        units, digits = 1 << self._levels, int(self._polynomials[0, 2])
        cuts = [unit * len(values) // units for unit in range(units + 1)]
        found = []
        for group in range(0, units, 8):
            lanes = list(zip(cuts[group:group + 8], cuts[group + 1:group + 9], strict=False))
            found.append(np.zeros(max(stop - start for start, stop in lanes) * digits * 8))
            for lane, (start, stop) in enumerate(lanes):
                listed(found[-1], values, start, stop, lane, digits, self._radix)
        return np.concatenate(found)


def _digits(value: int, radix: int) -> list[int]:
    """The balanced digits of an integer."""
    found = []
    while value:
        found.append((value + radix // 2) % radix - radix // 2)
        value = (value - found[-1]) // radix
    return found


def _stacked(shapes: list[Shape]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The arguments `shapes`, `radices` and `tables` of kernels.nodes."""
    rows, radices, tables = np.zeros((len(shapes), nodes.FIELDS), np.int64), [], []
    for row, shape in zip(rows, shapes, strict=True):
        own = tables_of(shape)
        row[:nodes.RADICES] = shape.height, shape.stride, shape.width, shape.block, shape.words
        at = nodes.RADICES
        for arrays, into in ((own[:2], radices), (own[2:], tables)):
            for array in arrays:
                start = sum(map(len, into))
                row[at:at + 2] = start, start + len(array)
                into.append(array)
                at += 2
    return rows, np.concatenate([np.empty(0, np.int64), *radices]), np.concatenate([np.empty(0), *tables])


@lru_cache(maxsize=64)
def ranges(terms: Terms, longest: int, end: int, radix: int, most_bytes: int) -> Ranges:
    """The fastest way that takes at most so much memory, if there is one."""
    for short_words in SHORT_WORDS:
        found = Ranges(terms, longest, end, radix, short_words)
        if found.bytes <= most_bytes:
            break
    return found
