"""Proofs of probable prime tests: how one is made of the residues of a test, and what is left of it to compute.

K. Pietrzak, "Simple verifiable delay functions" (ITCS 2019), without interaction.  That 3^(2^P) = B is shown by halves:
for the residue M_0 in the middle, both 3^(2^(P/2)) = M_0 and M_0^(2^(P/2)) = B are shown at once, by

    (3^h M_0)^(2^(P/2)) = M_0^h B,     h a hash of all that is known so far (mersenne.prooffile),

and the residue in the middle of that, M_1 = r[1/4]^h r[3/4], begins the next half.  Where a span is odd, B is squared
first.  After k halves 2^(P/2^k) squarings are left to do for who checks it.
"""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from gmpy2 import mpz

from bigconst.base.errors import FaultError, Interrupted
from bigconst.mersenne.chain import ROUNDOFF_LIMIT, ChainSquarer
from bigconst.mersenne.prooffile import Proof
from bigconst.plans.dwtshape import DwtShape


class Multiplier:
    """Products modulo 2^p - 1 by a squarer.  A context manager: leaving it ends the squarer.

    A round-off that is too large is met by longer transforms; FaultError is raised where there is none.
    """

    def __init__(self, p: int, make_squarer: Callable[[DwtShape], AbstractContextManager[ChainSquarer]],
                 shape: DwtShape, longer: Callable[[DwtShape], DwtShape | None], stop: Callable[[], bool]):
        """`stop` is called before every product; True raises Interrupted."""
        self.p = p
        self._make_squarer, self._shape, self._longer, self._stop = make_squarer, shape, longer, stop
        self._open, self._squarer = ExitStack(), None

    def __enter__(self) -> "Multiplier":
        return self

    def __exit__(self, *_exception) -> None:
        self._open.close()

    def power_times(self, x: mpz, h: int, y: mpz) -> mpz:
        """x^h * y, from the highest bit of h on.

        For 64 bits 63 squarings and 32 products, in 32 calls of the squarer.
        """
        if self._stop():
            raise Interrupted("interrupted while a proof is made", "the same command goes on from there",
                              resumable=True)
        while True:
            if self._squarer is None:
                self._squarer = self._open.enter_context(self._make_squarer(self._shape))
            found, roundoff = self._computed(x, h, y)
            if roundoff <= ROUNDOFF_LIMIT:
                return found
            longer = self._longer(self._shape)
            if longer is None:
                #: The longest transform is not long enough. Please report it.
                raise FaultError(f"M{self.p}: round-off error {roundoff} in a proof, and there is no longer transform")
            self._open.close()
            self._shape, self._squarer = longer, None

    def _computed(self, x: mpz, h: int, y: mpz) -> tuple[mpz, float]:
        """x^h * y, and the largest round-off, which may be NaN."""
        squarer, errors = self._squarer, [0.0]
        if h == 0:
            return y, 0.0
        squarer.hold(x)
        squarer.load(x, random.randrange(self.p))
        for run in bin(h)[3:].split("1")[:-1]:
            errors.append(squarer.times(len(run) + 1))
        left = len(bin(h)) - len(bin(h).rstrip("0"))
        errors.append(squarer.iterate(left, 0))
        power = squarer.value()
        squarer.hold(y)
        squarer.load(power, random.randrange(self.p))
        errors.append(squarer.times())
        # Not max(), which can lose a NaN.
        return squarer.value(), next((each for each in errors if not each <= ROUNDOFF_LIMIT), 0.0)


def middle(level: int, power: int, challenges: list[int], kept: Callable[[int], mpz | None],
           multiplier: Multiplier, tick: Callable[[], None]) -> mpz | None:
    """M_level of a proof, from kept(r), residue r of 1 .. 2^power; None if one of those it is made of is missing.

    `challenges` are those of the levels above; `tick` is called after each of 2^level - 1 products.
    """
    stack: list[mpz] = []
    step = 2 ** (power - level)
    for i in range(2**level):
        residue = kept(step // 2 + i * step)
        if residue is None:
            return None
        stack.append(residue)
        bit = 0
        while i >> bit & 1:     # two neighbours are one half of the level above
            right = stack.pop()
            stack[-1] = multiplier.power_times(stack[-1], challenges[level - 1 - bit], right)
            bit += 1
            tick()
    return stack[0]


def halved(proof: Proof, multiplier: Multiplier, tick: Callable[[], None] = lambda: None) -> tuple[mpz, mpz, int]:
    """(a, b, n): the proof holds if a^(2^n) = b.  `tick` is called after each half."""
    a, b, span = mpz(3), proof.last, proof.exponent
    for each, h in zip(proof.middles, proof.challenges(), strict=True):
        if span % 2:
            b = multiplier.power_times(b, 1, b)
        a, b = multiplier.power_times(a, h, each), multiplier.power_times(each, h, b)
        span = -(-span // 2)
        tick()
    return a, b, span
