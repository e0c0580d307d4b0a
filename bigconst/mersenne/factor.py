"""Facts about 2^p - 1 that need no transform: algebraic factors, small prime factors, tiny exponents.

For an odd prime p, every prime factor q of 2^p - 1 has the form 2kp + 1 and is 1 or 7 modulo 8.
"""

import numpy as np
from gmpy2 import is_prime, mpz, powmod

from bigconst.plans.dwtshape import MIN_WORDS

PLAIN_BELOW = MIN_WORDS
"""Exponents below this are left to plain integers: they do not fill the shortest transform."""

TRIAL_CANDIDATES = 400_000
"""Number of multipliers k that are tried."""

_SIEVE_PRIMES = tuple(int(p) for p in range(3, 400) if is_prime(p))


def smallest_divisor(n: int) -> int | None:
    """The smallest prime factor d of n > 1, None if n is a prime.  Then 2^d - 1 divides 2^n - 1."""
    if is_prime(n):
        return None
    d = 2
    while n % d:
        d += 1
    return d


def small_factor(p: int, candidates: int = TRIAL_CANDIDATES) -> int | None:
    """The smallest prime factor 2kp + 1 of 2^p - 1 with k <= `candidates`, p an odd prime; None if there is none.

    Nothing above the square root is tried, so a prime 2^p - 1 is not found as its own factor.
    """
    k = np.arange(1, candidates + 1, dtype=np.int64)
    q = 2 * p * k + 1
    kept = (q & 7 == 1) | (q & 7 == 7)
    for prime in _SIEVE_PRIMES:
        kept &= (q % prime != 0) | (q == prime)
    for each in q[kept]:
        factor = int(each)
        if 2 * (factor.bit_length() - 1) >= p:      # factor^2 > 2^p
            return None
        if powmod(2, p, factor) == 1:
            return factor
    return None


def plain_residue(p: int, start: int, subtract: int, iterations: int) -> mpz:
    """The residue after `iterations` steps x -> x^2 - subtract modulo 2^p - 1 from `start`, by plain integers."""
    modulus = (mpz(1) << p) - 1
    value = mpz(start) % modulus
    for _ in range(iterations):
        value = (value * value - subtract) % modulus
    return value
