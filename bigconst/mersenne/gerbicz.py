"""Squarings modulo 2^p - 1 from any residue with the check of Gerbicz and Li.

With blocks of B squarings, d_t = x_0 x_B ... x_(tB) satisfies d_t = x_0 d_(t-1)^(2^B).  A wrong x or d passes only if
it is 0, which no x can be unless x_0 is a multiple of all prime factors of the modulus.  The squarings after the last
block are computed twice.
"""

import math

from gmpy2 import mpz

from bigconst.mersenne.chain import Chain
from bigconst.mersenne.faults import Bad
from bigconst.mersenne.savefile import Saved

BLOCK = 1000
"""Longest block of the Gerbicz-Li check, in iterations; checks are the square of a block apart."""

MIN_BLOCK = 8
"""Shortest block of the Gerbicz-Li check, in iterations."""


class CheckedSquarings(Chain):
    """Steps x -> x^2 from `start`, a residue other than 0; the result is the last residue."""

    kind, subtract = "Cert", 0
    IMPOSSIBLE: tuple[int, ...] = (0,)
    """Residues that cannot occur after the first squaring."""

    def __init__(self, p: int, start: int, count: int, *, block: int | None = None, **options):
        self.start = start
        super().__init__(p, count, **options)
        self.block = block or max(MIN_BLOCK, min(BLOCK, math.isqrt(count) // 2))

    @property
    def _last_block_end(self) -> int:
        return self.total - self.total % self.block

    def first(self) -> Saved:
        return Saved(self.kind, self.p, 0, mpz(self.start), mpz(self.start), self.block)

    def boundary(self, iteration: int) -> int:
        return min(self.total, iteration - iteration % self.block + self.block)

    def at_boundary(self) -> None:
        iteration, x = self.iteration, self.here().residue
        if iteration % self.block:
            return
        before, shift = self.product, self.shift
        self.product = self.multiply(before, x)
        is_check = iteration % self.block**2 == 0 or iteration == self._last_block_end or self._leave()
        if is_check:
            power = self.squared(before, self.block)
            if power * self.start % self.modulus != self.product or not self.product:
                raise Bad("gerbicz", iteration, int(x & (2**64 - 1)), "the Gerbicz-Li check failed")
        self.load(x, shift)     # multiply and squared have overwritten it
        if is_check:
            self.save(verified=True)

    def check(self, wanted: bool) -> None:
        """Do nothing: all checks are made at the ends of blocks."""

    def is_impossible(self, saved: Saved) -> bool:
        return (any(saved.residue == value % self.modulus for value in self.IMPOSSIBLE if saved.iteration)
                or saved.product is None or not saved.product)

    def finish(self) -> mpz:
        x, last = self.here().residue, self.verified
        if last.iteration < self.total:
            if last.iteration < self._last_block_end or self.squared(last.residue, self.total - last.iteration) != x:
                raise Bad("gerbicz", self.total, int(x & (2**64 - 1)),
                          "the last iterations came out differently when repeated")
        return x
