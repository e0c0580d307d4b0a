"""Squarings modulo 2^p - 1 from any residue: no test, and thus without the checks that belong to one."""

from gmpy2 import mpz

from bigconst.mersenne.chain import Chain
from bigconst.mersenne.factor import PLAIN_BELOW, plain_residue
from bigconst.mersenne.savefile import Saved
from bigconst.plans.dwtshape import dwt_shape, longer


class Squarings(Chain):
    """x -> x^2 - subtract; a batch with too large a round-off is repeated, with a longer transform if need be."""

    kind = "squarings"

    def __init__(self, p: int, value: int, count: int, subtract: int, **options):
        self.start, self.subtract = value, subtract
        super().__init__(p, count, **options)

    def first(self) -> Saved:
        return Saved(self.kind, self.p, 0, mpz(self.start))

    def boundary(self, iteration: int) -> int:
        return self.total

    def at_boundary(self) -> None:
        """Nothing is known of a residue on the way."""

    def check(self, wanted: bool) -> None:
        """The same."""

    def is_impossible(self, saved: Saved) -> bool:
        return False

    def finish(self) -> mpz:
        return self.here().residue


def iterate(p: int, value: int, count: int, subtract: int = 0, threads: int = 1) -> int:
    """`count` times x -> x^2 - subtract from `value`, modulo 2^p - 1; needs the kernels of tests.

    Raises UsageError where there is no transform for p, FaultError where round-off errors do not go away.
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
