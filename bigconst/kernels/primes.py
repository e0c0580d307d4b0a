"""Primes in an interval, and how often they divide quotients of factorials (plans.factorials)."""

import numpy as np

from .jit import helper, kernel

LIMIT = 1 << 48
"""Factors below this one are multiplied together."""


@kernel("void(u1[::1], i8, i8[::1])")
def sieve(composite, low, primes):
    """Mark the odd numbers that are no primes: composite[i] stands for low + 2i, `low` odd and above 1.

    `primes` are the odd ones up to the root of the largest number at least, in order.
    """
    composite[:] = 0
    last = low + 2 * (composite.size - 1)
    for prime in primes:
        if prime * prime > last:
            break
        first = max(prime * prime, (low + prime - 1) // prime * prime)
        if first % 2 == 0:
            first += prime
        for i in range((first - low) // 2, composite.size, prime):
            composite[i] = 1


@helper
def _height(rest, prime, jumps):
    """W(k, l) for k modulo l."""
    found = 0
    for i in range(jumps.shape[0]):
        if jumps[i, 0] * prime <= jumps[i, 1] * rest:
            found += jumps[i, 2]
    return found


@helper
def _in_common(start, stop, low, prime, jumps):
    """How often F(k) is divisible by a prime at all k of a range, at least."""
    if prime <= low or stop - start >= prime:
        return 0
    first = start % prime
    last = first + stop - 1 - start
    if last >= prime:
        return 0
    found = _height(first, prime, jumps)
    for i in range(jumps.shape[0]):
        rest = (jumps[i, 0] * prime + jumps[i, 1] - 1) // jumps[i, 1]
        if first < rest <= last:
            found = min(found, _height(rest, prime, jumps))
    return found


@helper
def _power(k, prime, most, jumps):
    """How often F(k) is divisible by a prime, which is above 1; `most` is the largest m of F."""
    found, power = 0, prime
    while power <= most * k:
        found += _height(k % power, power, jumps)
        power *= prime
    return found


@kernel("i8(i8[::1], f8[::1], u1[::1], i8, i8, i8[:,::1], i8[::1], i8)")
def factors(found, logarithm, composite, low, count, jumps, bounds, most):
    """The primes among `count` odd numbers from `low` on, each as often as it counts, multiplied together below LIMIT;
    returns how many products there are.  logarithm[0] is that of all.

    composite    as `sieve` leaves it; for low = 1 the number 1 stands for the prime 2
    jumps        of F (plans.factorials.Factorials)
    bounds       (start, stop, low) of two ranges, and k: a prime counts as often as it is in common in the second
                 range, less those in the first one, and for k > 0 those times it divides F(k)
    most         the largest m of F
    """
    at, product, total = 0, 1, 0.0
    for i in range(count):
        if composite[i] != 0:
            continue
        prime = low + 2 * i if low + 2 * i > 1 else 2
        times = (_in_common(bounds[3], bounds[4], bounds[5], prime, jumps)
                 - _in_common(bounds[0], bounds[1], bounds[2], prime, jumps))
        if bounds[6] > 0:
            times += _power(bounds[6], prime, most, jumps)
        if times > 0:
            total += times * np.log(float(prime))
        for _ in range(times):
            if product >= LIMIT // prime:
                found[at] = product
                at += 1
                product = 1
            product *= prime
    if product > 1:
        found[at] = product
        at += 1
    logarithm[0] = total
    return at
