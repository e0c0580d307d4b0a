"""X and Y of the statement that digits are a quotient (plans.quotient), modulo primes, by recurrences.

The terms are cut into ranges, so that several threads may share the work:

    series               P, Q and T of a range (plans.series.SERIES)
    continued fraction   the product of the matrices (c, 1; 1, 0)
"""

from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np

from bigconst.arithmetic.residues import Modulus
from bigconst.kernels.recurrence import continued_fraction, hypergeometric
from bigconst.plans.claim import Claim
from bigconst.plans.quotient import Quotient
from bigconst.plans.series import (
    CHUDNOVSKY,
    CHUDNOVSKY_C,
    MATRICES,
    SERIES,
    Hypergeometric,
    Products,
    differences,
    joined,
    unit_power,
)
from bigconst.runtime.stream import in_order

RANGE_TERMS = 1 << 20


def quotient_residues(claim: Claim, statement: Quotient, moduli: Sequence[Modulus],
                      threads: int) -> dict[str, list[int]]:
    """X and Y modulo each of the primes: a second for 10^9 digits of pi and three primes, on two processors."""
    if claim.number.name == "pi":
        count, power = statement.terms(claim)
        sums = _over_ranges(1, count, moduli, threads, series_range, SERIES)
        pairs = [_pi(modulus.p, count, power, statement.reduced, *found[1:])
                 for modulus, found in zip(moduli, sums, strict=True)]
    else:
        count, = statement.terms(claim)
        products = _over_ranges(1, count + 1, moduli, threads, fraction_range, MATRICES)
        pairs = [((u - v) % modulus.p, (u + v) % modulus.p)
                 for modulus, (u, _, v, _) in zip(moduli, products, strict=True)]
    return {"X": [x for x, _ in pairs], "Y": [y for _, y in pairs]}


def _pi(p: int, count: int, power: int, reduced: bool, q: int, t: int) -> tuple[int, int]:
    """X and Y of pi modulo p, from Q and from the sum without its first term, times Q."""
    t = (t + CHUDNOVSKY.a[0] * q) % p
    if reduced:
        # Divided by F = (N - 1)!^3/24^(N - 1), Q becomes C^(3(N - 1)); no prime above 2^60 divides Q.
        e = pow(CHUDNOVSKY_C, 3 * (count - 1), p)
        q, t = e, t * e * pow(q, -1, p) % p
    above, below = unit_power(power, p)
    return t * below % p, 426880 * above * q % p


def _over_ranges(start: int, stop: int, moduli: Sequence[Modulus], threads: int, make: Callable,
                 rule: Products) -> list[tuple[int, ...]]:
    """What the terms start .. stop - 1 make modulo each of the primes."""
    cuts = [*range(start, stop, RANGE_TERMS), stop]
    found: list[list[tuple[int, ...]]] = [[] for _ in moduli]

    def piece(i: int, _slot: int) -> tuple[int, tuple[int, ...]]:
        k, which = divmod(i, len(moduli))
        return which, make(cuts[k], cuts[k + 1], moduli[which].p)

    in_order(threads, (len(cuts) - 1) * len(moduli), piece, lambda made: found[made[0]].append(made[1]))
    return [reduce(lambda one, other: tuple(each % modulus.p for each in joined(rule, one, other)), parts)
            for modulus, parts in zip(moduli, found, strict=True)]


def series_range(start: int, stop: int, p: int, series: Hypergeometric = CHUDNOVSKY) -> tuple[int, int, int]:
    """P, Q and T of the terms start .. stop - 1, T being the sum of their p .. p*A*q .. q."""
    scale = 1 << 64
    parts = [differences(series.p, start), differences(series.q, start), differences(series.a, start)]
    parts[2] = [scale * each for each in parts[2]]
    table = np.array([each % p for part in parts for each in part], np.uint64)
    sums = np.array([1, 1, 0], np.uint64)
    ends = np.cumsum([len(part) for part in parts])
    hypergeometric(sums, table, int(ends[0]), int(ends[1]), stop - start, p, -pow(p, -1, scale) % scale)
    power = pow(scale, stop - start, p)
    return tuple(int(each) * power % p for each in sums)


def fraction_range(start: int, stop: int, p: int) -> tuple[int, int, int, int]:
    """The product of the matrices (4k - 2, 1; 1, 0) for k = start .. stop - 1, row by row."""
    scale = 1 << 64
    columns = np.array([1, 0, 0, 1], np.uint64)
    continued_fraction(columns, (4 * (stop - 1) - 2) * scale % p, -4 * scale % p, stop - start, p,
                       -pow(p, -1, scale) % scale)
    a, c, b, d = map(int, columns)
    return a, b, c, d
