"""Mersenne tests in which one word of the residue is changed: which check notices it, and what comes out."""

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import gmpy2
from gmpy2 import mpz

from bigconst.arithmetic.memory.squarer import Squarer
from bigconst.base.errors import FaultError
from bigconst.base.events import Fault
from bigconst.mersenne.savefile import SaveFiles
from bigconst.mersenne.test import LucasLehmer, Prp3, outcome
from bigconst.plans.dwtshape import dwt_shape, longer

EXPONENTS = (4_253, 9_941, 20_011)
SAVE_EVERY_S = 0.01
JACOBI_EVERY_S = 0.02
"""A real test of an exponent of 58 million has 50 Jacobi symbols, four hours apart, and saves between them."""

SIZES = ((0, "1"), (6, "2 to 2^6"), (12, "2^7 to 2^12"), (18, "2^13 to 2^18"), (24, "2^19 to 2^24"),
         (30, "2^25 to 2^30"))
"""Classes of changes: the exponent of the largest power of two in each, and its name.  A word has about 20 bits."""

KINDS = {"LL": LucasLehmer, "PRP": Prp3}

OUTCOMES = REPAIRED, WRONG, UNNOTICED, HARMLESS, STOPPED = "repaired", "WRONG", "UNNOTICED", "harmless", "stopped"
"""Wrong: a check noticed something, but the residue is wrong all the same.  Unnoticed: it is wrong, and no check
noticed anything.  Stopped: the test ended with an error."""


@dataclass
class Change:
    """One word is changed by `amount` after squaring number `at` of a test, those of checks and repeats included."""

    at: int
    place: float
    """position of the word in the residue, from 0 to 1"""
    amount: int
    done: int = 0
    """squarings so far"""


class ChangingSquarer(Squarer):
    """A squarer that makes a change anywhere within a batch of squarings."""

    def __init__(self, p: int, shape, change: Change):
        super().__init__(p, shape)
        self._change = change

    def iterate(self, count: int, subtract: int) -> float:
        """Squarings before the change, the change, and those after it."""
        change = self._change
        before = change.at - change.done
        change.done += count
        if not 0 < before <= count:
            return super().iterate(count, subtract)
        first = super().iterate(before, subtract)
        self._words[int(change.place * len(self._words))] += change.amount
        second = super().iterate(count - before, subtract)
        return second if second != second else max(first, second)


@dataclass
class Trial:
    """One test and what became of it."""

    test: str
    exponent: int
    number: int
    at: int
    place: float
    change: int
    size: str
    checks: list[str] = field(default_factory=list)
    """checks that noticed something, in their order"""
    outcome: str = ""
    message: str = ""

    @property
    def check(self) -> str:
        """The first check that noticed something, "" if none did."""
        return self.checks[0] if self.checks else ""

    @property
    def is_failure(self) -> bool:
        """Whether this must not happen: of an LL test, a Jacobi symbol misses half of all errors, and it may stop."""
        return self.outcome == WRONG if self.test == "LL" else self.outcome not in (REPAIRED, HARMLESS)


def expected(kind: type, p: int, iterations: int | None = None) -> mpz:
    """The residue after so many iterations, or of the whole test, by the integers of gmpy2."""
    modulus, x = (mpz(1) << p) - 1, mpz(kind.start)
    full = p - kind.subtract
    for _ in range(full if iterations is None else iterations):
        square = x * x - kind.subtract
        x = (square & modulus) + (square >> p)
        if x >= modulus:
            x -= modulus
    is_whole = iterations in (None, full)
    return x * gmpy2.invert(9, modulus) % modulus if kind is Prp3 and is_whole else x


def _test(kind: type, p: int, change: Change, folder: Path, shift: int, emit) -> mpz:
    """The residue of a Mersenne test with a change."""
    options = {"jacobi_every_s": JACOBI_EVERY_S} if kind is LucasLehmer else {}
    folder.mkdir()
    with SaveFiles(str(folder), f"test{p}", kind.kind, p) as saves:
        chain = kind(p, make_squarer=lambda shape: ChangingSquarer(p, shape, change), shape=dwt_shape(p), longer=longer,
                     shift=shift, saves=saves, save_every_s=SAVE_EVERY_S, emit=emit, **options)
        residue = outcome(chain).residue
        saves.finish()
    folder.rmdir()
    return residue


class Target:
    """An exponent with its right residue, and the seconds and squarings of a test without a change."""

    def __init__(self, name: str, p: int, folder: Path):
        self._name, self._kind, self.p, self._folder = name, KINDS[name], p, folder
        self._right = expected(self._kind, p)
        change = Change(-1, 0.0, 0)
        began_s = time.perf_counter()
        residue = _test(self._kind, p, change, folder / f"{name}-{p}", p // 2, lambda event: None)
        self.elapsed_s = time.perf_counter() - began_s
        self.is_right, self.squarings = residue == self._right, change.done

    def trial(self, seed: int, number: int) -> Trial:
        """The test with a change that seed and number decide."""
        chance = random.Random(f"{seed} {self._name} {number}")
        index = chance.randrange(len(SIZES))
        power = chance.randint(SIZES[index - 1][0] + 1 if index else 0, SIZES[index][0])
        change = Change(chance.randint(1, self.squarings), chance.random(), chance.choice((-1, 1)) << power)
        trial = Trial(self._name, self.p, number, change.at, change.place, change.amount, SIZES[index][1])

        def emit(event) -> None:
            if isinstance(event, Fault):
                trial.checks.append(event.kind)

        try:
            residue = _test(self._kind, self.p, change, self._folder / f"{self._name}-{number}",
                            chance.randrange(self.p), emit)
        except FaultError as error:
            trial.outcome, trial.message = STOPPED, str(error)
            return trial
        is_right = residue == self._right
        if trial.checks:
            trial.outcome = REPAIRED if is_right else WRONG
        else:
            trial.outcome = HARMLESS if is_right else UNNOTICED
        return trial
