"""Self-tests: squarings compared with published residues or computed twice, with many lengths, threads and shifts."""

import csv
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import resources

from gmpy2 import mpz

from bigconst.base.units import format_count
from bigconst.mersenne.chain import ROUNDOFF_LIMIT, ChainSquarer
from bigconst.mersenne.test import LucasLehmer, Prp3
from bigconst.plans.dwtshape import DwtShape, dwt_shape, lengths, longer

SHORT_EXPONENT = 3_000_000
"""Exponents from here on are left out of the short self-test, and of the long one for 10,000 or more iterations."""

LONGEST_WORDS = 4096 << 10
"""Longest transform that is tested at its largest exponents."""

LIMIT = 0.99
"""Share of the largest exponent of a length that is tested.  At the largest exponent itself, the round-off error would
exceed its limit in one of 10,000 tests on a sound machine."""

BATCH = 1 << 26
"""Words times iterations of a call into the kernels: a fraction of a second, so that signals do not wait long."""

SETUP_ITERATIONS = 12
"""Cost of the tables and conversions of a case, in iterations of its length."""

PACE_WORDS, PACE_ITERATIONS = 1 << 20, 20
"""Approximate length and number of the iterations that are timed to predict how long all cases take."""

CHAINS = {chain.kind: chain for chain in (LucasLehmer, Prp3)}
"""The chain of each kind."""

MakeSquarer = Callable[[int, DwtShape, int], AbstractContextManager[ChainSquarer]]
"""Makes a squarer for an exponent, the shape of a transform and a number of threads."""


@dataclass(frozen=True)
class Row:
    """A published residue: the chain, the iterations, and the residue modulo 2^64, 2^35 - 1 and 2^36 - 1."""

    kind: str
    exponent: int
    iterations: int
    res64: int
    mod_2_35_1: int
    mod_2_36_1: int


@dataclass(frozen=True)
class Case:
    """Squarings with a transform of one shape and a number of threads.

    The result must be `expected` (modulo 2^64, 2^35 - 1 and 2^36 - 1); if that is None, it must be what another shift
    and the next longer transform give.
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
        """Words times iterations, with those of the next longer transform if the case is computed twice."""
        words = self.shape.words if self.expected else self.shape.words + longer(self.shape).words
        return words * (self.iterations + SETUP_ITERATIONS)


@dataclass(frozen=True)
class CaseResult:
    """The result of a case."""

    case: Case
    shift: int
    roundoff: float
    """largest |x - rint(x)| with `shift`"""
    ok: bool


def rows() -> list[Row]:
    """All published residues of residues.csv."""
    text = resources.files("bigconst.mersenne").joinpath("residues.csv").read_text()
    lines = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return [Row(line["chain"], int(line["exponent"]), int(line["iterations"]), int(line["res64"], 16),
                int(line["mod_2_35_1"]), int(line["mod_2_36_1"])) for line in lines]


def case_of(row: Row, shape: DwtShape, threads: int) -> Case:
    """The case of a published residue with a transform that holds its exponent."""
    return Case(row.kind, row.exponent, row.iterations, (row.res64, row.mod_2_35_1, row.mod_2_36_1), shape, threads)


def residues(value: mpz) -> tuple[int, int, int]:
    """A residue modulo 2^64, 2^35 - 1 and 2^36 - 1, as residues are published."""
    return int(value % 2**64), int(value % (2**35 - 1)), int(value % (2**36 - 1))


# -- cases ----------------------------------------------------------------------------

def short_cases(threads: Sequence[int]) -> list[Case]:
    """Cases of the short self-test: published residues after 100 iterations, with each number of `threads`."""
    return [case_of(row, dwt_shape(row.exponent), count) for row in rows()
            if row.iterations == 100 and row.exponent < SHORT_EXPONENT for count in threads]


def long_cases(threads: Sequence[int]) -> list[Case]:
    """Cases of the long self-test: first those of 100 iterations, then the others; in both parts the cheapest first.

    Every length up to LONGEST_WORDS computes the largest published exponent of either test that it holds, and nearly
    the largest exponent that it holds at all.  The residue of the latter is not published, so it is computed twice.
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

def compute(squarer: MakeSquarer, case: Case, shape: DwtShape, shift: int, start: int | None = None,
            between: Callable[[int], None] = lambda count: None) -> tuple[mpz, float]:
    """The residue of a case, computed with a transform of `shape`, and the largest round-off error.

    `start` replaces the first value of the chain.  `between` is called after each batch with the number of its
    iterations; what it raises ends the computation.
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
        return one.value(), max(errors, key=lambda error: (error != error, error))     # a NaN counts as the largest


def run(cases: Sequence[Case], squarer: MakeSquarer) -> Iterator[CaseResult]:
    """Compute the cases one after the other, each with a random shift."""
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


def paces(cases: Sequence[Case], squarer: MakeSquarer) -> list[float]:
    """Seconds per word and iteration of each case, from a few iterations timed with its number of threads."""
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
