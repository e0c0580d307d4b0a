"""The numbers of which certificates are made as limits, with their formulas (docs/series.md, which names sources).

A number with several formulas has a name for each: `zeta3` is computed by the first one, `zeta3 by wedeniwski` by
another.

Pure: integers and decimal numbers.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from math import gcd

from bigconst.base.constant import Limit
from bigconst.plans.formula import Coth, Formula, Product, Series, UnitRoot, exact_enough
from bigconst.plans.logarithms import MOST, exponents, log_by_sum
from bigconst.plans.polynomials import product
from bigconst.plans.series import Hypergeometric

BY = " by "
"""What stands between the name of a number and that of a formula, if it is not the first one."""
CHUDNOVSKY_C = 640320


def _single(p: tuple, q: tuple, t: tuple, divisor: int = 1, first: int = 0) -> Formula:
    """(first + sum)/divisor; p, q and t are factors, coefficients from the constant up."""
    series = Series.of_factors(p, q, t, first)
    return Formula((Product(1, (exact_enough(series, 1 / Decimal(divisor)),)),), divisor)


_K, _2K = (0, 1), (-1, 2)
_P = (-1,), (-5, 6), _2K, (-1, 6)
CHUDNOVSKY = Series.of_factors(_P, ((CHUDNOVSKY_C**3 // 24,), _K, _K, _K), (*_P, (13591409, 545140134)), 13591409, 18)
"""A(0) + sum of A(k)*p(1)...p(k)/(q(1)...q(k)), A(k) = 13591409 + 545140134k."""


def _chudnovsky() -> Formula:
    """426880*sqrt(10005) divided by the series."""
    return Formula((Product(426880, (UnitRoot(4001, 40, 10005),), (CHUDNOVSKY,)),))


def _ramanujan() -> Formula:
    """9801*sqrt(2)/(4*sum of (1103 + 26390k)*(4k)!/(k!^4*396^(4k)))."""
    p = (8,), (-3, 4), _2K, (-1, 4)
    series = Series.of_factors(p, ((396**4,), _K, _K, _K), (*p, (1103, 26390)), 1103, 18)
    return Formula((Product(9801, (UnitRoot(3, 2, 2),), (series,)),), 4)


def _fourth_root() -> Formula:
    """1043320250^(-1/4)/sum; the root is 5208/935999 times the binomial series of (1 + e/935999^4)^(-1/4)."""
    b, a = 5208, 935999
    p = product((-(1043320250 * b**4 - a**4),), (-3, 4))
    root = Series(Hypergeometric(p, (0, 4 * a**4), p), 1)
    lower = Series(Hypergeometric(product((-3, 8), (-7, 8)), (0, 0, 1658944), (0, 0, -53536, 55296)))
    return Formula((Product(b, (root,), (lower,)),), a)


def _gauss() -> Formula:
    """8 arcsl(1/2) + 4 arcsl(7/23), arcsl(x) = x + sum of (2k)!/(k!^2*4^k)*x^(4k + 1)/(4k + 1)."""
    def arcsl(u: int, v: int) -> Series:
        p = product((u**4,), (-1, 2), (-3, 4))
        return Series(Hypergeometric(p, product((2 * v**4,), (0, 1), (1, 4)), p), 1)

    return Formula((Product(92, (arcsl(1, 2),)), Product(28, (arcsl(7, 23),))), 23)


_AMDEBERHAN = (0, 0, 0, 0, 0, 1)

FORMULAS: dict[str, tuple[str, dict[str, Callable[[], Formula]]]] = {
    "pi": ("Pi", {"chudnovsky": _chudnovsky, "ramanujan": _ramanujan}),
    "e": ("e", {
        "fraction": lambda: Formula((Product(1, (Coth(),)),)),
        "factorials": lambda: _single(((1,),), (_K,), ((1,),), 1, 1)}),
    "zeta3": ("Zeta(3)", {
        "zuniga": lambda: _single(
            ((-1,), *[_K] * 5, *[_2K] * 3, (-1, 3), (-2, 3), (-1, 4), (-3, 4), (-1, 6), (-5, 6)),
            ((270,), *((-i, 9) for i in (1, 2, 4, 5, 7, 8)), *((-i, 10) for i in (1, 3, 7, 9)),
             *((-i, 12) for i in (1, 5, 7, 11))),
            ((-3143448000, 156286859400, -3292502315430, 38721705264979, -282805786014979, 1352700034136826,
              -4348596587040104, 9451223531851808, -13684352515879536, 12632254526031264, -6719460725627136,
              1565994397644288),), 48),
        "wedeniwski": lambda: _single(
            ((-1,), *[_K] * 5, *[_2K] * 3), ((24,), (1, 3), (2, 3), *[(1, 4)] * 3, *[(3, 4)] * 3),
            ((-1,), *[_K] * 5, *[_2K] * 3, (12463, 104000, 336367, 531578, 412708, 126392)), 10368, 12463),
        "amdeberhan": lambda: _single(
            ((-1,), *[_K] * 5), ((32,), *[(1, 2)] * 5), ((-1,), _AMDEBERHAN, (77, 250, 205)), 64, 77)}),
    "catalan": ("Catalan's constant", {
        "pilehrood": lambda: _single(
            ((32,), *[_K] * 3, _2K), ((9,), *[(-1, 6)] * 2, *[(-5, 6)] * 2), ((15, -184, 580),), 2),
        "zuniga": lambda: _single(
            ((-128,), *[_K] * 3, _2K, (-1, 3), (-2, 3), (-1, 6), (-5, 6)),
            ((5,), *((-i, 10) for i in (1, 3, 7, 9)), *((-i, 12) for i in (1, 5, 7, 11))),
            ((17325, -536620, 6004944, -30494304, 76613904, -92809152, 43203456),), 6)}),
    "lemniscate": ("Lemniscate constant", {"fourth-root": _fourth_root, "gauss": _gauss}),
}
"""By their names the titles of numbers, and their formulas, the first one first."""

SINGLE_LOGARITHMS: dict[int, Callable[[], Formula]] = {
    2: lambda: _single((_K, _2K), ((216,), (-1, 6), (-5, 6)), ((-297, 1794),), 2),
    3: lambda: _single((_K, _2K, (-1, 6), (-5, 6)), ((120,), *((-i, 10) for i in (1, 3, 7, 9))),
                       ((-3040, 44804, -158016, 141168),)),
    5: lambda: _single(((-2,), _K, _2K), ((75,), (-1, 6), (-5, 6)), ((-124, 728),)),
}
"""Logarithms of integers by a series each."""
FASTER_SINGLE = 2, 5
"""Those of them that are faster than sums (docs/performance.md)."""


def _logarithm(a: int, b: int) -> dict[str, Callable[[], Formula]]:
    single = {"single": SINGLE_LOGARITHMS[a]} if b == 1 and a in SINGLE_LOGARITHMS else {}
    sums = {"sum": lambda: log_by_sum(a, b), "other-sum": lambda: log_by_sum(a, b, second=True)}
    return single | sums if a in FASTER_SINGLE else sums | single


def _known(name: str) -> tuple[str, dict[str, Callable[[], Formula]]] | None:
    """Title and formulas of a number; None where there is none of this name."""
    if name in FORMULAS:
        return FORMULAS[name]
    if match := re.fullmatch("log ([1-9][0-9]{0,9})(?:/([1-9][0-9]{0,9}))?", name):
        a, b = int(match[1]), int(match[2] or 1)
        if b < a < MOST and gcd(a, b) == 1 and match[2] != "1" and exponents(a, b):
            return f"Logarithm of {name[4:]}", _logarithm(a, b)
    return None


def formulas_of(name: str) -> list[str]:
    """The names of the formulas of a number, the first one first; none where there is no such number."""
    return list((_known(name) or ("", {}))[1])


@lru_cache(maxsize=256)
def limit(name: str) -> Limit | None:
    """The number of this name, like `pi`, `log 3/2` or `zeta3 by wedeniwski`; None where there is none."""
    number, *rest = name.split(BY)
    title, formulas = _known(number) or ("", {})
    if not formulas or len(rest) > 1 or rest == list(formulas)[:1]:
        return None
    if (make := formulas.get(*rest) if rest else next(iter(formulas.values()))) is None:
        return None
    formula = make()
    return Limit(name, title, int(formula.value), formula)
