"""Logarithms of rational numbers as sums of L(x) = log((x + 1)/(x - 1)) for large x.

The factors of x - 1 and of x + 1 are small primes, so that a few such logarithms make that of any number of these
primes.  Each is the series of arXiv 2506.08245 for log(u/v) with u = x + 1 and v = x - 1.

Pure: integers and decimal numbers.
"""

from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import chain, combinations
from math import gcd, lcm

from bigconst.plans.formula import Formula, Product, Series, exact_enough
from bigconst.plans.polynomials import PRECISION

ARGUMENTS = {
    7: (8749, 4801, 449, 251, 244, 161, 127, 99, 97, 71, 55, 49, 41, 31, 29, 26),
    11: (19601, 8749, 6049, 4801, 1079, 881, 769, 485, 449, 351, 251, 244, 241),
    13: (246401, 21295, 19601, 13311, 8749, 8449, 8191, 6049, 4801, 4159, 3431, 2001, 1574, 1457),
}
"""By their largest prime the largest x for which x - 1 and x + 1 have no other primes but for a common factor 2."""
PRIMES = 2, 3, 5, 7, 11, 13
"""Primes of which there are sums."""
MOST = 2**31
"""Bound on the integers A and B of log A/B."""


def exponents(a: int, b: int = 1) -> tuple[int, ...] | None:
    """Those of PRIMES in a/b; None where there are other primes."""
    found = []
    for prime in PRIMES:
        count = 0
        while a % prime == 0:
            a, count = a // prime, count + 1
        while b % prime == 0:
            b, count = b // prime, count - 1
        found.append(count)
    return tuple(found) if a == b == 1 else None


def acoth(x: int) -> tuple[Series, Fraction]:
    """A series, and what its sum is to be multiplied by to be L(x)."""
    w = x * x - 1
    common = gcd(8, 3 * x * x * w * w)
    steps = 2 * (9 * x**4 - 15 * x**2 + 4)
    series = Series.of_factors(((8 // common,), (0, 1), (-1, 2)),
                               ((3 * x * x * w * w // common,), (-5, 6), (-1, 6)),
                               ((15 * x**4 - 25 * x**2 + 8 - steps, steps),))
    return series, Fraction(2 * x, common)


def log_by_sum(a: int, b: int, second: bool = False) -> Formula:
    """log a/b as the sum of fewest and fastest series; a second one uses none of the first one's.

    Raises ValueError where a/b has other primes than PRIMES.
    """
    wanted = exponents(a, b)
    if wanted is None:
        raise ValueError(f"{a}/{b}")
    largest = max([7, *(prime for prime, count in zip(PRIMES, wanted, strict=True) if count)])
    arguments = ARGUMENTS[largest]
    weights = _weights(arguments, wanted)
    if second:
        weights = _weights([x for x in arguments if x not in weights], wanted)
    series = {x: acoth(x) for x in weights}
    factors = {x: weight * series[x][1] for x, weight in weights.items()}
    divisor = lcm(*(factor.denominator for factor in factors.values()))
    products = []
    for x, factor in sorted(factors.items(), key=lambda each: each[1] < 0):     # the first one has to be above 0
        c = int(factor * divisor)
        products.append(Product(c, (exact_enough(series[x][0], Decimal(c) / divisor),)))
    return Formula(tuple(products), divisor)


def _weights(arguments: Sequence[int], wanted: Sequence[int]) -> dict[int, Fraction]:
    """By their x the factors of those L(x) whose sum is the wanted logarithm, at the least cost."""
    rows = {x: exponents(x + 1, x - 1) for x in arguments}
    costs = {x: _cost(x) for x in arguments}
    needed = [i for i, row in enumerate(zip(*rows.values(), strict=True)) if any(row)]
    sets = chain.from_iterable(combinations(arguments, size) for size in range(1, len(needed) + 1))
    for chosen in sorted(sets, key=lambda chosen: sum(costs[x] for x in chosen)):
        found = _solved([rows[x] for x in chosen], wanted)
        if found is not None and all(found):
            return dict(zip(chosen, found, strict=True))
    raise ValueError("no sum of these makes it")


def _cost(x: int) -> Decimal:
    """Digits of the numbers of a series for each digit of its sum, at 10^7 digits or so."""
    with localcontext(PRECISION):
        return 1 + 12 / (6 * Decimal(x).log10() + Decimal("0.83"))


def _solved(rows: Sequence[Sequence[int]], wanted: Sequence[int]) -> list[Fraction] | None:
    """The factors with which rows add up to what is wanted, if there is one choice of them."""
    columns = [*rows, wanted]
    table = [[column[i] for column in columns] for i in range(len(wanted))]
    if any(row[-1] and not any(row[:-1]) for row in table):
        return None
    for i in range(len(rows)):
        at = next((at for at in range(i, len(table)) if table[at][i]), None)
        if at is None:
            return None
        table[i], table[at] = table[at], table[i]
        pivot = table[i]
        for j, row in enumerate(table):
            if j != i and row[i]:
                table[j] = [pivot[i] * one - row[i] * other for one, other in zip(row, pivot, strict=True)]
    if any(row[-1] for row in table[len(rows):]):
        return None
    return [Fraction(row[-1], row[i]) for i, row in enumerate(table[:len(rows)])]
