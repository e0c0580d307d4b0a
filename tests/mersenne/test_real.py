"""Both tests on the real squarer: against gmpy2, and with its words corrupted on the way."""

import random

import gmpy2
import pytest
from gmpy2 import mpz

from bigconst.arithmetic.memory.squarer import Squarer
from bigconst.mersenne.test import LucasLehmer, Prp3, outcome
from bigconst.plans.dwtshape import dwt_shape, longer
from bigconst.runs.mersenne import MersenneRequest, completed


def make(kind, p, squarer=Squarer, threads=1, **options):
    options.setdefault("shift", random.randrange(p))
    return kind(p, make_squarer=lambda shape: squarer(p, shape, threads), shape=dwt_shape(p), longer=longer, **options)


def expected(kind, p):
    modulus, x = (mpz(1) << p) - 1, mpz(kind.start)
    for _ in range(p - kind.subtract):
        x = x * x - kind.subtract
        x = (x & modulus) + (x >> p)        # 2^p is 1
        x -= modulus if x >= modulus else 0
    return x % modulus if kind is LucasLehmer else x * gmpy2.invert(9, modulus) % modulus


def primes(low, high):
    return [p for p in range(low, high) if gmpy2.is_prime(p)]


SOME = primes(1024, 3000)[::20]
KNOWN = (2, 3, 5, 7, 13, 17, 19, 31, 61, 89, 107, 127, 521, 607, 1279, 2203, 2281, 3217, 4253, 4423, 9689, 9941, 11213,
         19937, 21701, 23209, 44497, 86243, 110503)
"""All exponents up to there whose Mersenne number is prime."""


@pytest.mark.parametrize("kind", [LucasLehmer, Prp3])
def test_against_gmpy2(kind):
    for p in [*SOME, 4253, 4259]:
        done = outcome(make(kind, p))
        assert done.residue == expected(kind, p) and not done.errors, p
        assert done.is_prime == (p in KNOWN)


@pytest.mark.parametrize("kind", [LucasLehmer, Prp3])
def test_exponents_below_a_transform(kind):
    """Plain integers; base 3 against gmpy2's own power."""
    for p in primes(2, 1024):
        with completed(MersenneRequest(kind.kind, p, 1), lambda: False, lambda event: None) as done:
            pass
        assert done.is_prime == (p in KNOWN), p
        if p == 2:
            continue        # 3 is 0 modulo 3
        if kind is Prp3:
            assert done.residue == gmpy2.powmod(3, mpz(2)**p - 2, mpz(2)**p - 1)
        else:
            assert done.residue == expected(kind, p)


@pytest.mark.slow
@pytest.mark.parametrize("kind, first", [(LucasLehmer, 0), (Prp3, 1)])
def test_exponents_to_3000(kind, first):
    """Every fourth of them, those of the two kinds in turns; one in eight with two threads."""
    for number, p in enumerate(primes(1024, 3000)[2 * first::4]):
        done = outcome(make(kind, p, threads=2 if number % 8 == 0 else 1))
        assert done.residue == expected(kind, p) and done.is_prime == (p in KNOWN) and not done.errors, p


@pytest.mark.slow
@pytest.mark.parametrize("kind, first", [(LucasLehmer, 0), (Prp3, 1)])
def test_some_exponents_to_23209(kind, first):
    for p in random.sample(primes(3000, 23209), 2):
        done = outcome(make(kind, p, threads=random.choice([1, 2])))
        assert done.residue == expected(kind, p) and done.is_prime == (p in KNOWN) and not done.errors, p
    for p in [p for p in KNOWN if 3000 < p <= 23209][first::2]:
        done = outcome(make(kind, p, threads=random.choice([1, 2])))
        assert done.is_prime and not done.errors, p


@pytest.mark.slow
@pytest.mark.parametrize("kind, p", [(Prp3, 23209), (LucasLehmer, 44497)])
def test_large_primes(kind, p):
    done = outcome(make(kind, p, threads=2))
    assert done.is_prime and not done.errors


@pytest.mark.parametrize("kind, runs", [(LucasLehmer, 24), (Prp3, 12)])
def test_corrupted_words(kind, runs):
    """One word gets another value between two squarings.  Gerbicz and Li catch all of them, Jacobi half."""
    rng, p, caught = random.Random(5), 1031, 0
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

        done = outcome(make(kind, p, squarer, shift=rng.randrange(p)))
        assert done.residue == right or kind is LucasLehmer
        caught += bool(done.errors)
    if kind is Prp3:
        assert caught == runs
    else:
        assert runs // 4 < caught < runs
