"""Measurements of terms of series and continued fractions: made as numbers, and checked modulo primes."""

from functools import partial

import numpy as np

from bigconst.arithmetic.limits import quotient_residues
from bigconst.arithmetic.machine import made_bytes
from bigconst.arithmetic.memory.products import Products
from bigconst.arithmetic.residues import Modulus, random_prime
from bigconst.arithmetic.subtree import Subtree
from bigconst.arithmetic.terms import FractionTerms, SeriesTerms, Terms, words_of
from bigconst.arithmetic.words import Words
from bigconst.base.formats import WORDS
from bigconst.bench.turns import Turns
from bigconst.plans.claim import Claim
from bigconst.plans.limits import CHUDNOVSKY, limit
from bigconst.plans.quotient import LEAST_GUARD, MARGIN, Quotient
from bigconst.runtime.arena import Arena
from bigconst.runtime.threads import Pool

TERMS = {"pi": tuple(1 << log for log in (11, 13, 15, 17)), "e": tuple(1 << log for log in (13, 15, 17, 19))}
"""Terms of ranges, which reach from the first one on."""
CHECKED_DIGITS = 1 << 22
"""Digits for which the terms of both are made modulo primes."""


def measure_terms(turns: Turns, few: slice) -> None:
    """Measure those of pi and of e, with `few` of the sizes."""
    for constant, terms, wanted in (("pi", SeriesTerms(CHUDNOVSKY.terms), "PQT"), ("e", FractionTerms(), "abcd")):
        for threads in turns.counts:
            for count in TERMS[constant][few]:
                turns.note(f"{count} terms of {constant}")
                _measure_range(turns, terms, count, tuple(wanted), threads)
            claim, statement = Claim(limit(constant), 10, CHECKED_DIGITS), Quotient(LEAST_GUARD, MARGIN)
            moduli = [Modulus(random_prime()) for _ in range(3)]
            turns.measure(statement.counts(claim)[0], threads, {
                f"check {terms.operation}": partial(quotient_residues, claim, statement, moduli, threads)})


def _measure_range(turns: Turns, terms: Terms, count: int, wanted: tuple[str, ...], threads: int) -> None:
    size = max(words_of(terms, name, 1, count + 1, WORDS[10].radix) for name in wanted)
    memory = Arena(made_bytes(size)).take(made_bytes(size) // 4096 * 4096, np.uint8)
    with Pool(threads) as pool:
        products = Products(Words(WORDS[10], pool), lambda event: None)

        def make() -> None:
            Subtree(terms, 1, count + 1, count + 1, wanted).number(wanted[0], products, memory)

        turns.measure(size, threads, {terms.operation: make})
