"""Terms of series and of continued fractions: how the numbers of a range follow from those of its halves.

    series               P = P1*P2, Q = Q1*Q2, T = T1*Q2 + P1*T2          (plans.series.Hypergeometric)
    continued fraction   the matrices (c, 1; 1, 0) multiplied
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from bigconst.arithmetic.machine import one_or_several
from bigconst.plans.series import PRECISION, Hypergeometric, log10_factorial, words_for_log10

if TYPE_CHECKING:
    from gmpy2 import mpz

Names = tuple[str, ...]


class Terms(Protocol):
    """Terms whose numbers over a range follow from those over its halves; numbers have names, like P, Q, T."""

    leaf_terms: int
    """terms of a range whose numbers are made of integers"""
    operation: str
    """name under which estimates know the time for a range"""

    def log10(self, name: str, start: int, stop: int) -> Decimal:
        """Bound on log10 of a number of the terms start .. stop - 1."""

    def leaf(self, start: int, stop: int, wanted: Names) -> tuple[mpz, ...]:
        """The numbers of these terms."""

    def residues(self, start: int, stop: int, p: int) -> dict[str, int]:
        """All numbers of these terms modulo a prime, by their recurrence."""

    def halves(self, wanted: Names) -> tuple[Names, Names]:
        """What is needed of the first half and of the second one."""

    def join(self, machine, left: dict, right: dict, wanted: Names, words: Sequence[int]) -> tuple:
        """The numbers of a range, of so many words at most, from those of its halves."""


@dataclass(frozen=True)
class SeriesTerms:
    """A hypergeometric series."""

    series: Hypergeometric
    leaf_terms: int = 1024
    operation = "series"

    def log10(self, name: str, start: int, stop: int) -> Decimal:
        """As of Terms."""
        return self.series.log10(name, start, stop)

    def leaf(self, start: int, stop: int, wanted: Names) -> tuple[mpz, ...]:
        """As of Terms."""
        from bigconst.arithmetic.leaves import series_leaf

        found = dict(zip("PQT", series_leaf(self.series, start, stop), strict=True))
        return tuple(found[name] for name in wanted)

    def residues(self, start: int, stop: int, p: int) -> dict[str, int]:
        """As of Terms."""
        from bigconst.arithmetic.limits import series_range

        return dict(zip("PQT", series_range(start, stop, p, self.series), strict=True))

    def halves(self, wanted: Names) -> tuple[Names, Names]:
        """As of Terms."""
        first, second = {"P": "P", "Q": "Q", "T": "TP"}, {"P": "P", "Q": "Q", "T": "TQ"}
        return tuple(tuple(name for name in "PQT" if any(name in needs[each] for each in wanted))
                     for needs in (first, second))

    def join(self, machine, left: dict, right: dict, wanted: Names, words: Sequence[int]) -> tuple:
        """As of Terms: the spectra of Q2 and P1 serve two products."""
        room, size, made = max(words) + 1, dict(zip(wanted, words, strict=True)), {}
        shared = 2 if "T" in wanted else 1
        q = machine.spectrum("q", right["Q"], room, shared) if "Q" in wanted or "T" in wanted else None
        p = machine.spectrum("p", left["P"], room, shared) if "P" in wanted or "T" in wanted else None
        if "P" in wanted:
            made["P"] = machine.products("P", [(right["P"], p)], size["P"])
        if "Q" in wanted:
            made["Q"] = machine.products("Q", [(left["Q"], q)], size["Q"])
        if "T" in wanted:
            made["T"] = machine.products("T", [(left["T"], q), (right["T"], p)], size["T"])
        return tuple(made[name] for name in wanted)


@dataclass(frozen=True)
class FractionTerms:
    """The continued fraction [c(1); c(2), ...], c(k) = 4k - 2: matrices (a, b; c, d)."""

    leaf_terms: int = 2048
    operation = "fraction"

    def log10(self, name: str, start: int, stop: int) -> Decimal:
        """As of Terms: all entries are at most the product of 4k."""
        with localcontext(PRECISION):
            return (stop - start) * Decimal(4).log10() + log10_factorial(stop - 1) - log10_factorial(start - 1)

    def leaf(self, start: int, stop: int, wanted: Names) -> tuple[mpz, ...]:
        """As of Terms."""
        from bigconst.arithmetic.leaves import fraction_leaf

        found = dict(zip("abcd", fraction_leaf(start, stop), strict=True))
        return tuple(found[name] for name in wanted)

    def residues(self, start: int, stop: int, p: int) -> dict[str, int]:
        """As of Terms."""
        from bigconst.arithmetic.limits import fraction_range

        return dict(zip("abcd", fraction_range(start, stop, p), strict=True))

    def halves(self, wanted: Names) -> tuple[Names, Names]:
        """As of Terms: a number needs its column of the second half."""
        return tuple("abcd"), tuple(name for column in ("ac", "bd") for name in column if set(column) & set(wanted))

    def join(self, machine, left: dict, right: dict, wanted: Names, words: Sequence[int]) -> tuple:
        """As of Terms: every spectrum of the second half serves two products."""
        spectra = {name: machine.spectrum(name, number, max(words) + 1, 2) for name, number in right.items()}
        rows, columns = {"a": "ab", "b": "ab", "c": "cd", "d": "cd"}, {"a": "ac", "b": "bd", "c": "ac", "d": "bd"}
        return tuple(machine.products(f"{name} of both", [(left[one], spectra[other]) for one, other in zip(
            rows[name], columns[name], strict=True)], size) for name, size in zip(wanted, words, strict=True))


@lru_cache(maxsize=1 << 12)
def words_of(terms: Terms, name: str, start: int, stop: int, radix: int) -> int:
    """Words that a number of the terms start .. stop - 1 has at most."""
    return words_for_log10(terms.log10(name, start, stop), radix)


def joined(machine, terms: Terms, wanted: Names, words: tuple[int, ...], names: tuple[Names, Names], *numbers):
    """A node alone: the numbers of its halves are given one after the other."""
    left, right = dict(zip(names[0], numbers, strict=False)), dict(zip(names[1], numbers[len(names[0]):], strict=True))
    return one_or_several(terms.join(machine, left, right, wanted, words))
