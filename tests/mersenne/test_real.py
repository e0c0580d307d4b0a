"""Both tests on the real squarer: against gmpy2, and with its words corrupted on the way."""

import random

import gmpy2
import pytest
from gmpy2 import mpz

from bigconst.arithmetic.squarer import Squarer
from bigconst.dwtshape import dwt_shape, longer
from bigconst.mersenne import chain as chains
from bigconst.mersenne.test import LucasLehmer, Prp3, outcome


def make(kind, p, squarer=Squarer, **options):
    return kind(p, make_squarer=lambda shape: squarer(p, shape, 1), shape=dwt_shape(p), longer=longer,
                shift=random.randrange(p), **options)


def expected(kind, p):
    modulus, x = (mpz(1) << p) - 1, mpz(kind.start)
    for _ in range(p - kind.subtract):
        x = (x * x - kind.subtract) % modulus
    return x if kind is LucasLehmer else x * gmpy2.invert(9, modulus) % modulus


SOME = [p for p in range(1024, 3000) if gmpy2.is_prime(p)][::9]


@pytest.mark.parametrize("kind", [LucasLehmer, Prp3])
def test_against_gmpy2(kind):
    for p in [*SOME, 4253, 4259]:
        done = outcome(make(kind, p))
        assert done.residue == expected(kind, p) and not done.errors, p
        assert done.is_prime == (p in (1279, 2203, 2281, 4253))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [LucasLehmer, Prp3])
def test_all_exponents_to_3000(kind):
    for p in filter(gmpy2.is_prime, range(1024, 3000)):
        assert outcome(make(kind, p)).residue == expected(kind, p), p


@pytest.mark.parametrize("kind", [LucasLehmer, Prp3])
def test_corrupted_words(kind, monkeypatch):
    """One word gets another value between two squarings.  Gerbicz and Li catch all of them, Jacobi half."""
    monkeypatch.setattr(chains, "BATCH_S", 0.0)
    rng, p, caught, runs = random.Random(5), 1279, 0, 40
    right = expected(kind, p)

    class Corrupted(Squarer):
        def iterate(self, count, subtract):
            left = self.at - self.done
            self.done += count
            if not 0 < left <= count:
                return super().iterate(count, subtract)
            first = super().iterate(left, subtract)
            self._words[rng.randrange(len(self._words))] ^= 1 << rng.randrange(2)
            return max(first, super().iterate(count - left, subtract))

    for _ in range(runs):
        Corrupted.at, Corrupted.done = rng.randrange(1, p - 2), 0

        def squarer(*arguments):
            one = Corrupted(*arguments)
            one.done = 0
            return one

        done = outcome(make(kind, p, squarer))
        assert done.residue == right or kind is LucasLehmer
        caught += bool(done.errors)
    if kind is Prp3:
        assert caught == runs
    else:
        assert runs // 4 < caught < runs
