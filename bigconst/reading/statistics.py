"""The distribution of digits: singly, in pairs, in triples, in runs.

Pairs and triples overlap and are not independent, so the chi-square of their
counts does not have the chi-square distribution.  Good's differences do: with

    psi2(m) = b^m/n sum_t (count(t) - n/b^m)^2

over all b^m tuples t of m digits, counted in the text as a circle,
psi2(m) - psi2(m - 1) is distributed like chi-square with b^m - b^(m - 1)
degrees of freedom for large n; psi2(0) = 0, and psi2(1) is the usual test.

    I. J. Good, The serial test for sampling numbers and other tests for randomness,
    Proc. Cambridge Philos. Soc. 49 (1953), 276-284.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from bigconst.kernels.search import QUADS, count_triples, longest_run
from bigconst.reading.chisquare import p_value
from bigconst.reading.source import DigitText, in_pieces
from bigconst.runtime.stream import slots

LEAST_EXPECTED = 5
"""Least expected count of each tuple at which a p-value is meaningful."""

FOLD_DIGITS = 1 << 31
"""Digits after which a table of 32-bit counters is added to the totals and cleared, so that none overflows."""


@dataclass(frozen=True)
class SerialTest:
    """Good's serial test of tuples of `length` digits."""

    length: int
    psi2: float
    chi_square: float
    """psi2 of this length minus that of the length before"""
    degrees: int
    """degrees of freedom of chi_square"""
    p: float | None
    """probability that random digits have a chi-square at least as large; None if there are too few digits"""


@dataclass(frozen=True)
class Runs:
    """Runs of equal digits, each as long as possible."""

    count: int
    """number of runs"""
    sigmas: float
    """standard deviations by which the count is above what random digits have; 0 for one digit"""
    longest: int
    """length of the longest run"""
    digit: str
    """digit of the first of the longest runs"""
    position: int
    """position of that run, from 1"""


@dataclass(frozen=True)
class Statistics:
    """Statistics of the digits after the point."""

    base: int
    digits: int
    """number of digits"""
    counts: tuple[int, ...]
    """how often each digit occurs"""
    tests: tuple[SerialTest, ...]
    """tests of single digits, pairs and triples"""
    runs: Runs

    def sigmas(self, digit: int) -> float:
        """Standard deviations by which the count of a digit is above what random digits have."""
        mean = self.digits / self.base
        return (self.counts[digit] - mean) / math.sqrt(mean * (1 - 1 / self.base))


class _Longest:
    """The first longest run of equal digits in all pieces so far, runs across their borders included."""

    def __init__(self):
        self.length = self.first = 0
        self._open = 0
        """length of the run at the end of the last piece, whose digit is `_digit`"""
        self._digit = -1

    def add(self, start: int, digits: np.ndarray, length: int, index: int, lead: int, tail: int) -> None:
        """Add the next piece; length, index, lead and tail are what `kernels.search.longest_run` found in it."""
        continues = digits[0] == self._digit
        before = self._open if continues else 0
        if before + lead > self.length:
            self.length, self.first = before + lead, start - before
        if length > self.length:
            self.length, self.first = length, start + index
        self._open = before + len(digits) if tail == len(digits) else tail
        self._digit = digits[-1]


def measure(text: DigitText, threads: int, done: Callable[[int], None] = lambda digits: None) -> Statistics:
    """Compute all statistics in one pass; `done` receives the number of digits counted.

    Raises InputOutputError when a character is no digit.
    """
    tables = np.zeros((slots(threads), QUADS), dtype=np.uint32)
    counted = [0] * len(tables)
    """digits counted in each table since it was cleared"""
    quads, threes = np.zeros(QUADS, dtype=np.int64), np.zeros((16, 16, 16), dtype=np.int64)
    longest = _Longest()
    first, last = b"", b""
    """The first two digits of the text, and the last two of the pieces taken so far."""

    def make(slot: int, start: int, digits: np.ndarray) -> tuple[int, int, np.ndarray, list[int]]:
        few = np.zeros(1 << 12, dtype=np.uint32)
        foreign = count_triples(tables[slot], few, digits, text.base)
        out = np.zeros(4, dtype=np.int64)
        if foreign < 0:
            longest_run(out, digits)
        return foreign, slot, few, out.tolist()

    def across(characters: bytes) -> None:
        for triple in zip(*(characters[i:] for i in range(3)), strict=False):
            threes[tuple(int(chr(c), 16) for c in triple)] += 1

    def take(start: int, digits: np.ndarray, made: tuple[int, int, np.ndarray, list[int]]) -> None:
        nonlocal first, last, quads
        foreign, slot, few, run = made
        if foreign >= 0:
            text.check(start, digits)
        counted[slot] += len(digits)
        if counted[slot] >= FOLD_DIGITS:
            quads += tables[slot]
            tables[slot] = counted[slot] = 0
        threes[...] += few.reshape(16, 16, 16)
        longest.add(start, digits, *run)
        head, tail = digits[:2].tobytes(), digits[-2:].tobytes()
        # Triples across the border begin in `last` and end in the first two digits of this piece.
        across(last + head)
        first = (first + head)[:2]
        last = (last + tail)[-2:]

    in_pieces(text, 0, text.digits, threads, make, take, done)
    across(last + (2 * first)[:2])
    quads += tables.sum(axis=0, dtype=np.int64)
    four = quads.reshape(16, 16, 16, 16)
    threes += four.sum(axis=3) + four.sum(axis=0)
    return _evaluate(text, threes[:text.base, :text.base, :text.base], last[-1:], first[:1], longest)


def _evaluate(text: DigitText, triples: np.ndarray, end: bytes, begin: bytes, longest: _Longest) -> Statistics:
    """Statistics from the counts of triples around a circle, in which the digit `begin` follows the digit `end`."""
    n, b = text.digits, text.base
    pairs, singles = triples.sum(axis=2), triples.sum(axis=(1, 2))
    tests, before = [], Fraction(0)
    for length, counts in enumerate((singles, pairs, triples), 1):
        psi2 = Fraction(b**length * sum(c * c for c in counts.ravel().tolist()), n) - n
        degrees = b**length - b**(length - 1)
        chi_square = float(psi2 - before)
        p = p_value(chi_square, degrees) if n >= LEAST_EXPECTED * b**length else None
        tests.append(SerialTest(length, float(psi2), chi_square, degrees, p))
        before = psi2
    # Neighbours that differ; end and beginning are neighbours around the circle, but not in the text.
    changes = n - int(pairs.trace()) - (begin != end)
    sigmas = (changes - (n - 1) * (1 - 1 / b)) / math.sqrt((n - 1) * (b - 1) / b**2) if n > 1 else 0.0
    runs = Runs(changes + 1, sigmas, longest.length, text.digits_at(longest.first, 1), longest.first + 1)
    return Statistics(b, n, tuple(singles.tolist()), tuple(tests), runs)
