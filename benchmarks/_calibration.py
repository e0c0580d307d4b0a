"""The largest round-off of many squarings, from random residues: what ACCURACY in bigconst.plans.dwtshape stands on."""

import statistics
from dataclasses import dataclass
from math import log, pi, sqrt

import numpy as np

from bigconst.arithmetic.memory.squarer import Squarer
from bigconst.plans.dwtshape import DwtShape

BATCH = 1000


@dataclass(frozen=True)
class Roundoff:
    """The largest error of each batch of squarings, every batch from another residue."""

    exponent: int
    largest: list[float]

    @property
    def of_a_test(self) -> float | None:
        """The expected largest error of the whole test, of p squarings; None from a single batch.

        The largest of many alike follow Gumbel's law: for n batches it is mean + s sqrt(6)/pi log(n), from mean and
        standard deviation s of one batch.
        """
        if len(self.largest) < 2:
            return None
        slope = statistics.stdev(self.largest) * sqrt(6) / pi
        return statistics.mean(self.largest) + slope * log(max(1.0, self.exponent / BATCH))


def measure(shape: DwtShape, p: int, threads: int, squarings: int) -> Roundoff:
    """Errors of at least `squarings` squarings: of whole batches, or of a single shorter one."""
    chance, largest = np.random.default_rng(p), []
    with Squarer(p, shape, threads) as squarer:
        for _ in range(-(-squarings // BATCH)):
            squarer.load(int.from_bytes(chance.bytes(p // 8), "little"), int(chance.integers(p)))
            largest.append(squarer.iterate(min(BATCH, squarings), 2))
    return Roundoff(p, largest)
