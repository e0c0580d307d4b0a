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
def _in_denominator(power, last, minima):
    """How many of the lcm(1, 2, .. ) of D are multiples of a power of a prime."""
    found = 0
    for i in range(minima.shape[0]):
        if power * minima[i, 0] <= last * minima[i, 1]:
            found += minima[i, 2]
    return found


@helper
def _in_common(start, stop, low, prime, jumps, last, minima):
    """How often D*F(k) is divisible at all k of a range, at least, by a prime above `low`, which is above all u*v."""
    if prime <= low:
        return 0
    first = start % prime
    end = first + stop - 1 - start          # below 2*prime
    height = passed = 0
    lowest = LIMIT
    for i in range(jumps.shape[0]):         # in order, and no two of them at the same k
        height += jumps[i, 2]
        at = (jumps[i, 0] * prime - 1) // jumps[i, 1] + 1
        if at <= first:
            passed = height
        if first < at <= end or at + prime <= end:
            lowest = min(lowest, height)
    return min(lowest, passed) + _in_denominator(prime, last, minima)


@helper
def _power(k, prime, most, jumps, last, minima):
    """How often D*F(k) is divisible by a prime; `most` is the largest m of F."""
    found, power = 0, prime
    while power <= most * last:
        found += _in_denominator(power, last, minima)
        if power <= most * k:
            found += _height(k % power, power, jumps)
        power *= prime
    return found


@kernel("i8(i8[::1], f8[::1], u1[::1], i8, i8, i8[:,::1], i8[:,::1], i8[::1], i8)")
def factors(found, logarithm, composite, low, count, jumps, minima, bounds, most):
    """The primes among `count` odd numbers from `low` on, each as often as it counts, multiplied together below LIMIT;
    returns how many products there are.  logarithm[0] is that of all.

    composite    as `sieve` leaves it; for low = 1 the number 1 stands for the prime 2
    jumps        of F (plans.factorials.Factorials)
    minima       places of D
    bounds       (start, stop, low) of two ranges, K, and 1 or 0: a prime counts as often as it is in common in the
                 second range, less those in the first one, and for 1 those times it divides D(K)*F(start of the first)
    most         the largest m of F
    """
    at, product, total = 0, 1, 0.0
    for i in range(count):
        if composite[i] != 0:
            continue
        prime = low + 2 * i if low + 2 * i > 1 else 2
        times = -_in_common(bounds[0], bounds[1], bounds[2], prime, jumps, bounds[6], minima)
        if bounds[7] > 0:
            times += _power(bounds[0], prime, most, jumps, bounds[6], minima)
        else:
            times += _in_common(bounds[3], bounds[4], bounds[5], prime, jumps, bounds[6], minima)
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
