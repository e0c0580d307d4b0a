"""The two tests of Mersenne numbers: `LucasLehmer` and `Prp3`.

Each is a chain of squarings modulo M = 2^p - 1, p an odd prime:

    Lucas-Lehmer    S_0 = 4, S_(k+1) = S_k^2 - 2;   M is prime exactly when S_(p-2) = 0
    PRP, base 3     x_0 = 3, x_(k+1) = x_k^2;       M is a probable prime when 3^(M-1) = x_p / 9 = 1

`bigconst.mersenne.chain` squares and recovers from faults; this module defines
how each chain begins and how it is checked:

*   The Jacobi symbol of S_k - 2 over M is -1 for all k >= 1, since S_(k+1) - 2 = (S_k - 2) S_(k-1)^2 and
    S_1 - 2 = 12.  An error makes it +1 with probability 1/2.  S = 0 and -2 pass this check, 2 and -1 do not, but
    none of the four can occur before the end: 0 and -2 lead to 2, and 2 and -1 have the wrong symbol.
*   Squarings from 3 have the check of Gerbicz and Li (`bigconst.mersenne.gerbicz`).
"""

import math
import random
import time
from dataclasses import dataclass, field

import gmpy2
from gmpy2 import mpz

from bigconst.mersenne.chain import Chain
from bigconst.mersenne.faults import ZEROED, Bad
from bigconst.mersenne.gerbicz import CheckedSquarings
from bigconst.mersenne.prooffile import ProofFacts
from bigconst.mersenne.savefile import Saved


@dataclass(frozen=True)
class ChainOutcome:
    """The result of a run."""

    kind: str
    exponent: int
    iterations: int
    residue: mpz
    """residue after `iterations` squarings; in a finished PRP test divided by 9, so that it is 3^(M-1)"""
    finished: bool
    """False if fewer squarings were requested than the test has"""
    words: int
    shift: int
    max_roundoff: float
    errors: dict[str, int] = field(default_factory=dict)
    proof: ProofFacts | None = None
    """the proof that was made of a PRP test"""
    verified: bool = False
    """whether a second run with another shift and length found the same residues"""

    @property
    def is_prime(self) -> bool | None:
        """Whether M is a prime, in a PRP test a probable prime; None if the test is not finished."""
        if not self.finished:
            return None
        return self.residue == (0 if self.kind == LucasLehmer.kind else 1)

    def is_probable_cofactor(self, factors: list[int]) -> bool:
        """Whether M/f, f the product of `factors`, is a probable prime: 3^(M-1) = 3^(f-1) modulo M/f.

        The outcome must be that of a finished PRP test.  Raises ValueError if f is not a proper factor of M.
        """
        product = math.prod(factors)
        cofactor, rest = divmod((mpz(1) << self.exponent) - 1, product)
        if rest or cofactor == 1:
            raise ValueError("not a proper factor")
        return (self.residue - gmpy2.powmod(3, product - 1, cofactor)) % cofactor == 0


class LucasLehmer(Chain):
    """Lucas-Lehmer test, checked by Jacobi symbols.

    `jacobi_every_s` is the time between them in seconds; others are computed when a save is loaded and at the end.
    """

    kind, start, subtract = "LL", 4, 2
    IMPOSSIBLE = (0, 2, -2, -1)
    """Residues that cannot occur, except 0 at the end."""
    reading_verifies = True

    def __init__(self, p: int, *, jacobi_every_s: float = 4 * 3600.0, **options):
        super().__init__(p, p - 2, **options)
        self._jacobi_every_s = jacobi_every_s
        self._jacobi_at_s = time.monotonic()
        self._near_end = self.total - max(1, self.total // 1000)
        """Iteration from which the end is computed again if the result is 0, so that no late error finds a prime."""

    def boundary(self, iteration: int) -> int:
        return self._near_end if iteration < self._near_end else self.total

    def at_boundary(self) -> None:
        if self.iteration == self._near_end:
            self.mark()

    def check(self, wanted: bool) -> None:
        if wanted or time.monotonic() - self._jacobi_at_s >= self._jacobi_every_s:
            self._confirmed()
            self._jacobi_at_s = time.monotonic()
            self.save(verified=True)

    def _confirmed(self) -> Saved:
        saved = self.here()
        if not self.is_right(saved):
            raise Bad("Jacobi", saved.iteration, int(saved.residue & (2**64 - 1)), "the Jacobi symbol is wrong")
        return saved

    def is_right(self, saved: Saved) -> bool:
        if saved.iteration < 1:
            return saved.residue == self.start
        if self.is_impossible(saved):
            return False
        return gmpy2.jacobi(saved.residue - 2, self.modulus) == -1

    def is_impossible(self, saved: Saved) -> bool:
        is_last = saved.iteration == self.p - 2
        return any(saved.residue == value % self.modulus for value in self.IMPOSSIBLE if value or not is_last)

    def finish(self) -> mpz:
        saved = self._confirmed()
        if saved.residue == 0 and self.last_stretch_again() != 0:
            raise Bad(ZEROED, saved.iteration, 0, "the last iterations came out differently when repeated")
        return saved.residue


class Prp3(CheckedSquarings):
    """Base-3 probable prime test with Gerbicz-Li checking."""

    kind, start = "PRP-3", 3
    IMPOSSIBLE = (0, 1, -1)
    """Residues that cannot occur after the first squaring."""

    def __init__(self, p: int, **options):
        super().__init__(p, self.start, p, **options)

    def finish(self) -> mpz:
        x = super().finish()
        return x * gmpy2.invert(9, self.modulus) % self.modulus if self.total == self.p else x


def chain_of(kind: str, p: int, start: int, iterations: int | None, **options) -> Chain:
    """The chain of a kind of work: LL, PRP-3, or Cert, which has `iterations` squarings from `start`."""
    if kind == "Cert":
        return CheckedSquarings(p, start, iterations, **options)
    return {"LL": LucasLehmer, "PRP-3": Prp3}[kind](p, iterations=iterations, **options)


def outcome(chain: Chain) -> ChainOutcome:
    """Run a test to its end.  Raises Interrupted when asked to stop, FaultError when repeating does not help."""
    residue = chain.run()
    return ChainOutcome(chain.kind, chain.p, chain.total, residue, chain.total == chain.full, chain.words,
                   chain.saved.shift, chain.max_roundoff, dict(chain.errors))


def random_shift(p: int) -> int:
    """A random shift, 0 <= shift < p."""
    return random.SystemRandom().randrange(p)
