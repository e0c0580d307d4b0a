"""Tests of Mersenne numbers in which one word of the residue is spoilt: which check notices, what comes out."""

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
"""A real test of 58 million has 50 Jacobi symbols, four hours apart, and saves between them."""

SIZES = ((0, "1"), (6, "2 to 2^6"), (12, "2^7 to 2^12"), (18, "2^13 to 2^18"), (24, "2^19 to 2^24"),
         (30, "2^25 to 2^30"))
"""Powers of two that a word is changed by: the largest of each class, and its name.  A word has about 20 bits."""

KINDS = {"LL": LucasLehmer, "PRP": Prp3}

OUTCOMES = REPAIRED, WRONG, UNNOTICED, HARMLESS, STOPPED = "repaired", "WRONG", "UNNOTICED", "harmless", "stopped"
"""Wrong: something was noticed, but the residue is wrong all the same."""


@dataclass
class Blow:
    """After squaring number `at` of a test, those of checks and repeats included, a word is changed by `change`."""

    at: int
    place: float
    """in the residue, from 0 to 1"""
    change: int
    done: int = 0
    """squarings so far"""


class Spoilt(Squarer):
    """A squarer that strikes a blow.  A batch is one call of the chain; the blow falls anywhere in it."""

    def __init__(self, p: int, shape, blow: Blow):
        super().__init__(p, shape)
        self._blow = blow

    def iterate(self, count: int, subtract: int) -> float:
        """Those before the blow, then those behind it."""
        blow = self._blow
        before = blow.at - blow.done
        blow.done += count
        if not 0 < before <= count:
            return super().iterate(count, subtract)
        first = super().iterate(before, subtract)
        self._words[int(blow.place * len(self._words))] += blow.change
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
    """that noticed something, in their order"""
    outcome: str = ""
    message: str = ""

    @property
    def check(self) -> str:
        """The first that noticed something."""
        return self.checks[0] if self.checks else ""

    @property
    def is_repaired(self) -> bool:
        """Whether there is nothing to complain of."""
        return self.outcome in (REPAIRED, HARMLESS)


def expected(kind: type, p: int, iterations: int | None = None) -> mpz:
    """What gmpy2's integers say: of so many iterations, or of the whole test."""
    modulus, x = (mpz(1) << p) - 1, mpz(kind.start)
    full = p - kind.subtract
    for _ in range(full if iterations is None else iterations):
        square = x * x - kind.subtract
        x = (square & modulus) + (square >> p)
        if x >= modulus:
            x -= modulus
    is_whole = iterations in (None, full)
    return x * gmpy2.invert(9, modulus) % modulus if kind is Prp3 and is_whole else x


def _test(kind: type, p: int, blow: Blow, folder: Path, shift: int, emit) -> mpz:
    """The residue."""
    options = {"jacobi_every_s": JACOBI_EVERY_S} if kind is LucasLehmer else {}
    folder.mkdir()
    with SaveFiles(str(folder), f"test{p}", kind.kind, p) as saves:
        chain = kind(p, make_squarer=lambda shape: Spoilt(p, shape, blow), shape=dwt_shape(p), longer=longer,
                     shift=shift, saves=saves, save_every_s=SAVE_EVERY_S, emit=emit, **options)
        residue = outcome(chain).residue
        saves.finish()
    folder.rmdir()
    return residue


class Target:
    """One exponent: its right residue, and how a test goes that nobody disturbs."""

    def __init__(self, name: str, p: int, folder: Path):
        self._name, self._kind, self.p, self._folder = name, KINDS[name], p, folder
        self._right = expected(self._kind, p)
        blow = Blow(-1, 0.0, 0)
        began_s = time.perf_counter()
        residue = _test(self._kind, p, blow, folder / f"{name}-{p}", p // 2, lambda event: None)
        self.elapsed_s = time.perf_counter() - began_s
        self.is_right, self.squarings = residue == self._right, blow.done

    def trial(self, seed: int, number: int) -> Trial:
        """The test with a blow that seed and number decide."""
        chance = random.Random(f"{seed} {self._name} {number}")
        index = chance.randrange(len(SIZES))
        power = chance.randint(SIZES[index - 1][0] + 1 if index else 0, SIZES[index][0])
        blow = Blow(chance.randint(1, self.squarings), chance.random(), chance.choice((-1, 1)) << power)
        trial = Trial(self._name, self.p, number, blow.at, blow.place, blow.change, SIZES[index][1])

        def emit(event) -> None:
            if isinstance(event, Fault):
                trial.checks.append(event.kind)

        try:
            residue = _test(self._kind, self.p, blow, self._folder / f"{self._name}-{number}",
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
