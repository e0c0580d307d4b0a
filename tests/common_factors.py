"""What terms of the program's series have in common, by factorials and by Legendre's formula.

Which factorials and which D is taken from the program; test_factorials.py sees that they are right.
"""

from math import prod

import gmpy2
from gmpy2 import fac, mpz
from quotients import lcm_up_to

from bigconst.plans.formula import Series
from bigconst.plans.limits import limit


def series_of(name: str) -> Series:
    """The first series of the program's formula."""
    return next(part for part in limit(name).formula.parts if isinstance(part, Series))


def value_of(factorials, k: int) -> gmpy2.mpq:
    """F(k), by factorials."""
    return prod((gmpy2.mpq(fac(m * k)) ** e for m, e in factorials.powers), start=gmpy2.mpq(1))


def denominator_of(factorials, last: int) -> mpz:
    """D(last)."""
    return prod((lcm_up_to(last * v // u)**times for u, v, times in factorials.minima), start=mpz(1))


def in_common(factorials, start: int, stop: int, low: int, last: int) -> mpz:
    """The product of the primes above `low`, each as often as it divides all D(last)*F(k) of a range by Legendre's
    formula, without its higher powers."""
    found, prime = mpz(1), gmpy2.next_prime(low)
    while prime <= factorials.most * last:
        # Only where m*k passes a multiple of the prime does anything change.
        places = {start} | {-(-i * prime // m) for m, _ in factorials.powers
                            for i in range(m * start // prime, m * stop // prime + 1)}
        found *= prime ** (min(sum(e * (m * k // prime) for m, e in factorials.powers)
                               for k in places if start <= k < stop)
                           + sum(times for u, v, times in factorials.minima if prime * u <= last * v))
        prime = gmpy2.next_prime(prime)
    return found
