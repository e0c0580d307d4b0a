"""X and Y of the statement that digits are a quotient (plans.quotient), modulo primes, by recurrences.

The terms of a part of the formula are cut into ranges, so that several threads may share the work:

    series               P, Q and T of a range (plans.series.SERIES)
    continued fraction   the product of the matrices (c, 1; 1, 0)
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from decimal import Decimal
from functools import partial, reduce
from math import fsum, log

import numpy as np

from bigconst.arithmetic.residues import Modulus
from bigconst.arithmetic.sieve import listed_of_denominator
from bigconst.kernels.recurrence import bilinear, continued_fraction, hypergeometric, product_modulo
from bigconst.plans.claim import Claim
from bigconst.plans.formula import FormulaPart, ReducedSeries, Series, UnitRoot
from bigconst.plans.polynomials import Polynomial, differences
from bigconst.plans.quotient import Quotient
from bigconst.plans.series import MATRICES, SERIES, Hypergeometric, Products, joined
from bigconst.runtime.stream import in_order
from bigconst.runtime.threads import Pool

RANGE_TERMS = 1 << 20


def quotient_residues(claim: Claim, statement: Quotient, moduli: Sequence[Modulus],
                      threads: int) -> tuple[dict[str, list[int]], float]:
    """X and Y without b^h modulo each of the primes, and by how much this X is shorter than its bound, as a decimal
    logarithm: a second for 10^9 digits of pi and three primes, on two processors."""
    formula, counts = statement.formula(claim), statement.counts(claim)
    parts = [_part(part, count, moduli, threads) for part, count in zip(formula.parts, counts, strict=True)]
    pairs = [formula.fraction(found, lambda c, numbers, p=modulus.p: reduce(lambda x, y: x * y % p, numbers, c) % p,
                              lambda one, other, p=modulus.p: _sum(one, other, p))
             for modulus, found in zip(moduli, zip(*(found for found, _ in parts), strict=True), strict=True)]
    return {"X": [x for x, _ in pairs], "Y": [y for _, y in pairs]}, sum(missing for _, missing in parts)


def shortage(claim: Claim, statement: Quotient, threads: int) -> float:
    """By how much X without b^h is shorter than its bound, as a decimal logarithm."""
    return sum(_common(part, count, [], threads)[1] for part, count in zip(
        statement.formula(claim).parts, statement.counts(claim), strict=True) if isinstance(part, ReducedSeries))


def _sum(one: tuple[int, int, int], other: tuple[int, int, int], p: int) -> tuple[int, int]:
    (c, y, x), (d, v, u) = one, other
    return x * u % p, (c * y * u + d * v * x) % p


def _part(part: FormulaPart, count: int, moduli: Sequence[Modulus], threads: int) -> tuple[
        list[tuple[int, int]], float]:
    """N and Q of so many terms, modulo each of the primes, and what the bound of Q is too long by."""
    if isinstance(part, UnitRoot):
        return [part.power(count, modulus.p) for modulus in moduli], 0.0
    if not isinstance(part, Series):
        products = _over_ranges(1, count + 1, moduli, threads, fraction_range, MATRICES)
        return [((u + v) % modulus.p, (u - v) % modulus.p)
                for modulus, (u, _, v, _) in zip(moduli, products, strict=True)], 0.0
    sums = _over_ranges(1, count + 1, moduli, threads, partial(series_range, series=part.terms), SERIES)
    pairs = [((part.first * q + t) % modulus.p, q) for modulus, (_, q, t) in zip(moduli, sums, strict=True)]
    if not isinstance(part, ReducedSeries):
        return pairs, 0.0
    common, missing = _common(part, count, moduli, threads)
    # No prime above 2^60 divides Q.
    return [(n * d * pow(q, -1, modulus.p) % modulus.p, d)
            for modulus, (n, q), d in zip(moduli, pairs, common, strict=True)], missing


def _common(part: ReducedSeries, count: int, moduli: Sequence[Modulus], threads: int) -> tuple[list[int], float]:
    """C*D*b^count modulo each of the primes, and what its bound is too long by."""
    factorials, logs = part.factorials, []
    found = [factorials.constant * pow(factorials.b, count, modulus.p) for modulus in moduli]
    if not factorials.minima:
        return found, 0.0
    with closing(Pool(threads)) as pool:
        for residues, logarithm in listed_of_denominator(factorials, count, pool, lambda values, logarithm: (
                [product_of(values, modulus.p) for modulus in moduli], logarithm)):
            found = [one * other % modulus.p for one, other, modulus in zip(found, residues, moduli, strict=True)]
            logs.append(logarithm)
    size = Decimal(fsum([log(factorials.constant), *logs]) / log(10))
    return found, float(factorials.log10_common(count) - size)


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


def series_range(start: int, stop: int, p: int, series: Hypergeometric) -> tuple[int, int, int]:
    """P, Q and T of the terms start .. stop - 1."""
    scale = 1 << 64
    parts = [differences(series.p, start), differences(series.q, start), differences(series.t, start)]
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


def range_of_terms(rule: Products, polynomials: Sequence[Polynomial], ones: str, start: int, stop: int,
                   p: int) -> dict[str, int]:
    """All numbers of the terms start .. stop - 1 of any kind; the numbers of a term are the values of polynomials, in
    the order of the rule, and those of no terms are 1 if they are among `ones`, or 0."""
    scale, names = 1 << 64, list(rule)
    parts = [differences(polynomial, start) for polynomial in polynomials]
    table = np.array([each % p for part in parts for each in part], np.uint64)
    numbers = np.array([int(name in ones) for name in names], np.uint64)
    pairs = np.array([[names.index(each) for each in (name, *pair)]
                      for name in names for pair in rule[name]], np.int64)
    bilinear(numbers, np.empty_like(numbers), table, np.cumsum([len(part) for part in parts]), pairs, stop - start, p,
             -pow(p, -1, scale) % scale)
    power = pow(scale, stop - start, p)
    return {name: int(each) * power % p for name, each in zip(names, numbers, strict=True)}


def product_of(values: np.ndarray, p: int) -> int:
    """The product of integers modulo a prime below 2^61."""
    scale = 1 << 64
    values = np.ascontiguousarray(values).view(np.uint64)
    found = product_modulo(values % np.uint64(p), 1, p, -pow(p, -1, scale) % scale)
    return int(found) * pow(scale, len(values), p) % p
