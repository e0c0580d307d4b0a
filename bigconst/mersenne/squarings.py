"""Squarings modulo 2^p - 1 from any residue.  They are not a test and have none of the checks of a test."""

from gmpy2 import mpz

from bigconst.mersenne.chain import Chain
from bigconst.mersenne.factor import PLAIN_BELOW, plain_residue
from bigconst.mersenne.savefile import Saved
from bigconst.plans.dwtshape import dwt_shape, longer


class Squarings(Chain):
    """Steps x -> x^2 - subtract from any value.

    A batch with too large a round-off error is repeated, with a longer transform if need be.
    """

    kind = "squarings"

    def __init__(self, p: int, value: int, count: int, subtract: int, **options):
        self.start, self.subtract = value, subtract
        super().__init__(p, count, **options)

    def first(self) -> Saved:
        return Saved(self.kind, self.p, 0, mpz(self.start))

    def boundary(self, iteration: int) -> int:
        return self.total

    def at_boundary(self) -> None:
        """Do nothing: nothing is known about an intermediate residue."""

    def check(self, wanted: bool) -> None:
        """Do nothing: there is no check of an intermediate residue."""

    def is_impossible(self, saved: Saved) -> bool:
        return False

    def finish(self) -> mpz:
        return self.here().residue


def iterate(p: int, value: int, count: int, subtract: int = 0, threads: int = 1) -> int:
    """The residue after `count` steps x -> x^2 - subtract modulo 2^p - 1 from `value`.

    The kernels of tests must be loaded.  Raises UsageError if there is no transform for p, FaultError if round-off
    errors persist.
    """
    from bigconst.arithmetic.memory.squarer import Squarer

    if p < PLAIN_BELOW:
        return int(plain_residue(p, value, subtract, count))
    shape = dwt_shape(p)
    residue = int(mpz(value) % ((mpz(1) << p) - 1))
    if count == 0:
        return residue
    chain = Squarings(p, residue, count, subtract, shape=shape, longer=longer, shift=p // 3,
                      make_squarer=lambda shape: Squarer(p, shape, threads))
    return int(chain.run())
