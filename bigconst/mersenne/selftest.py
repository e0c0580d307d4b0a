"""Squarings against published residues, and against themselves: lengths, threads and shifts on this machine."""

import csv
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

from gmpy2 import mpz

from bigconst.base.units import format_count
from bigconst.mersenne.chain import ROUNDOFF_LIMIT
from bigconst.mersenne.test import LucasLehmer, Prp3
from bigconst.plans.dwtshape import DwtShape, dwt_shape, lengths, longer

SHORT_EXPONENT = 3_000_000
"""The short form ends here, and so do the rows of 10,000 iterations."""

LONGEST_WORDS = 4096 << 10

LIMIT = 0.99
"""Of the largest exponent of a length: at that itself, one in 10,000 tests on a sound machine comes out too rough."""

BATCH = 1 << 26
"""Words times iterations of a call into the kernels: a fraction of a second, so that a signal is heard."""

SETUP_ITERATIONS = 12
"""What tables and conversions of a case cost, in iterations of its length."""

PACE_WORDS, PACE_ITERATIONS = 1 << 20, 20
"""How it is found out how long all will take."""

CHAINS = {chain.kind: chain for chain in (LucasLehmer, Prp3)}


@dataclass(frozen=True)
class Row:
    """A published residue."""

    kind: str
    exponent: int
    iterations: int
    res64: int
    mod_2_35_1: int
    mod_2_36_1: int


@dataclass(frozen=True)
class Case:
    """So many squarings on one length with so many threads.

    What has to come out is in `expected`; where that is None, what another shift and the next length find.
    """

    kind: str
    exponent: int
    iterations: int
    expected: tuple[int, int, int] | None
    shape: DwtShape
    threads: int

    def __str__(self) -> str:
        against = "" if self.expected else f" against {longer(self.shape)}"
        return (f"{self.kind} M{self.exponent}, {format_count(self.iterations)} iterations, {self.shape} words"
                f"{against}, {self.threads} thread{'s' if self.threads > 1 else ''}")

    @property
    def cost(self) -> int:
        """Words times iterations."""
        words = self.shape.words if self.expected else self.shape.words + longer(self.shape).words
        return words * (self.iterations + SETUP_ITERATIONS)


@dataclass(frozen=True)
class CaseResult:
    """How a case came out."""

    case: Case
    shift: int
    roundoff: float
    ok: bool


def rows() -> list[Row]:
    """All of them."""
    text = resources.files("bigconst.mersenne").joinpath("residues.csv").read_text()
    lines = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return [Row(line["chain"], int(line["exponent"]), int(line["iterations"]), int(line["res64"], 16),
                int(line["mod_2_35_1"]), int(line["mod_2_36_1"])) for line in lines]


def case_of(row: Row, shape: DwtShape, threads: int) -> Case:
    """A row on a length that holds it."""
    return Case(row.kind, row.exponent, row.iterations, (row.res64, row.mod_2_35_1, row.mod_2_36_1), shape, threads)


def residues(value: mpz) -> tuple[int, int, int]:
    """What rows tell of a residue: modulo 2^64, 2^35 - 1 and 2^36 - 1."""
    return int(value % 2**64), int(value % (2**35 - 1)), int(value % (2**36 - 1))


# -- cases ----------------------------------------------------------------------------

def short_cases(threads: Sequence[int]) -> list[Case]:
    """The rows of 100 iterations with exponents up to three million."""
    return [case_of(row, dwt_shape(row.exponent), count) for row in rows()
            if row.iterations == 100 and row.exponent < SHORT_EXPONENT for count in threads]


def long_cases(threads: Sequence[int]) -> list[Case]:
    """Every length up to 4096K with 100 iterations, then all other rows, in each part the cheapest first.

    A length computes the largest published exponent of either test that it holds, and nearly the largest that it
    holds at all, which nobody published: that twice.
    """
    published = [row for row in rows() if row.iterations < 10_000 or row.exponent < SHORT_EXPONENT]
    short = [row for row in published if row.iterations == 100]
    found = []
    for shape in (shape for shape in lengths() if shape.words <= LONGEST_WORDS):
        for kind in CHAINS:
            held = [row for row in short if row.kind == kind and row.exponent <= shape.max_exponent]
            found += [case_of(row, shape, 1) for row in sorted(held, key=lambda row: row.exponent)[-1:]]
        found.append(Case(LucasLehmer.kind, int(LIMIT * shape.max_exponent), 100, None, shape, 1))
    found += [case_of(row, dwt_shape(row.exponent), 1) for row in published]
    cases = [Case(case.kind, case.exponent, case.iterations, case.expected, case.shape, count)
             for case in dict.fromkeys(found) for count in threads]
    return sorted(cases, key=lambda case: (case.iterations > 100, case.cost, case.threads))


# -- running --------------------------------------------------------------------------

def compute(squarer: Callable, case: Case, shape: DwtShape, shift: int, start: int | None = None,
            between: Callable[[int], None] = lambda count: None) -> tuple[mpz, float]:
    """The residue, and the largest round-off error, of a case on `shape`, from `start` if that is not the chain's.

    `between` is called with the number of iterations of each batch behind it; what it raises ends the computation.
    """
    chain = CHAINS[case.kind]
    batch = max(1, BATCH // shape.words)
    errors = []
    with squarer(case.exponent, shape, case.threads) as one:
        one.load(mpz(chain.start if start is None else start), shift)
        for done in range(0, case.iterations, batch):
            count = min(batch, case.iterations - done)
            errors.append(one.iterate(count, chain.subtract))
            between(count)
        return one.value(), max(errors, key=lambda error: (error != error, error))     # what is no number wins


def run(cases: Sequence[Case], squarer: Callable) -> Iterator[CaseResult]:
    """One after the other, each with a random shift."""
    for case in cases:
        shift = random.randrange(case.exponent)
        residue, roundoff = compute(squarer, case, case.shape, shift)
        right = roundoff <= ROUNDOFF_LIMIT
        if case.expected is not None:
            right &= residues(residue) == case.expected
        else:
            other, error = compute(squarer, case, longer(case.shape), random.randrange(case.exponent))
            right &= residue == other and error <= ROUNDOFF_LIMIT
        yield CaseResult(case, shift, roundoff, right)


def paces(cases: Sequence[Case], squarer: Callable) -> list[float]:
    """Seconds that a word of each case takes in an iteration, as a few iterations with as many threads tell."""
    case = min(cases, key=lambda case: abs(case.shape.words - PACE_WORDS))
    found = {}
    for threads in sorted({case.threads for case in cases}):
        with squarer(case.exponent, case.shape, threads) as one:
            one.load(mpz(3))
            one.iterate(1, 0)
            began_s = time.perf_counter()
            one.iterate(PACE_ITERATIONS, 0)
            found[threads] = (time.perf_counter() - began_s) / (PACE_ITERATIONS * case.shape.words)
    return [found[case.threads] for case in cases]
