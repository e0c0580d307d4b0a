"""Squarings against published residues: transform lengths, threads and shifts of this machine."""

import csv
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any

from gmpy2 import mpz

from bigconst.mersenne.chain import ROUNDOFF_LIMIT
from bigconst.mersenne.test import LucasLehmer, Prp3

SHORT_EXPONENT = 3_000_000
"""The short form ends here, and so do the rows of 10,000 iterations."""

LONGEST_WORDS = 4096 << 10


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
    """A row on one length with so many threads."""

    row: Row
    shape: Any
    threads: int


@dataclass(frozen=True)
class Verdict:
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


def short_cases(dwt_shape: Callable, threads: list[int]) -> list[Case]:
    """The rows of 100 iterations with exponents up to three million."""
    return [Case(row, dwt_shape(row.exponent), count) for row in rows()
            if row.iterations == 100 and row.exponent < SHORT_EXPONENT for count in threads]


def long_cases(dwt_shape: Callable, longer: Callable, threads: list[int]) -> list[Case]:
    """Every row, and 100 iterations on every length up to 4096K with the largest exponent that it holds."""
    found = [Case(row, dwt_shape(row.exponent), count) for row in rows()
             if row.iterations < 10_000 or row.exponent < SHORT_EXPONENT for count in threads]
    short = sorted((row for row in rows() if row.iterations == 100), key=lambda row: row.exponent)
    shape = dwt_shape(short[0].exponent)
    while shape is not None and shape.words <= LONGEST_WORDS:
        largest = max(row.exponent for row in short if row.exponent <= shape.max_exponent)
        found += [Case(row, shape, count) for row in short if row.exponent == largest for count in threads
                  if Case(row, shape, count) not in found]
        shape = longer(shape)
    return found


def run(cases: list[Case], squarer: Callable) -> Iterator[Verdict]:
    """One after the other, each with a random shift."""
    for case in cases:
        row = case.row
        chain = LucasLehmer if row.kind == LucasLehmer.kind else Prp3
        shift = random.randrange(row.exponent)
        with squarer(row.exponent, case.shape, case.threads) as one:
            one.load(mpz(chain.start), shift)
            roundoff = one.iterate(row.iterations, chain.subtract)
            residue = one.value()
        found = (residue % 2**64, residue % (2**35 - 1), residue % (2**36 - 1))
        right = found == (row.res64, row.mod_2_35_1, row.mod_2_36_1)
        yield Verdict(case, shift, roundoff, right and roundoff <= ROUNDOFF_LIMIT)
