"""The self-test: computations on this machine, compared with gmpy2."""

import gmpy2
from gmpy2 import isqrt, mpz

from bigconst.constants import engine
from bigconst.constants.registry import parse
from bigconst.plans.dwtshape import dwt_shape
from bigconst.runs.kernels import DIGITS, SQUARINGS, load


def self_test() -> list[tuple[str, bool]]:
    """(name, passed) of each computation of the test; it loads the kernels for digits and squarings."""
    load(DIGITS, SQUARINGS)
    return _test_roots() + _test_series() + _test_squarings()


def _test_roots() -> list[tuple[str, bool]]:
    results = []
    for name, digits, base in (("phi", 200_000, 10), ("sqrt 2", 50_000, 16), ("sqrt 2147483647", 30_000, 10),
                               ("sqrt 12345", 1_000, 10)):
        constant = parse(name)
        whole, _, fraction = engine.compute(constant, digits, base, threads=2).partition(".")
        scale = mpz(base) ** len(fraction)
        expected = isqrt(constant.number.d * scale * scale)
        if name == "phi":
            expected = (scale + expected) // 2
        results.append((f"{name}, {digits} digits, base {base}", bool(mpz(whole + fraction, base) == expected)))
    return results


def _test_series() -> list[tuple[str, bool]]:
    results, digits, base = [], 100_000, 10
    for name, value in (("pi", gmpy2.const_pi), ("log 2", gmpy2.const_log2), ("gamma", gmpy2.const_euler)):
        whole, _, fraction = engine.compute(parse(name), digits, base, threads=2).partition(".")
        with gmpy2.context(precision=4 * digits):
            expected = mpz(gmpy2.floor(value() * gmpy2.mpfr(mpz(base) ** digits)))
        results.append((f"{name}, {digits} digits, base {base}", bool(mpz(whole + fraction, base) == expected)))
    return results


def _test_squarings() -> list[tuple[str, bool]]:
    from bigconst.arithmetic.memory.squarer import Squarer

    results = []
    for p, squarings, threads in ((4253, 300, 1), (216_091, 40, 2)):
        modulus = (mpz(1) << p) - 1
        expected = mpz(3)
        for _ in range(squarings):
            expected = (expected * expected - 2) % modulus
        with Squarer(p, dwt_shape(p), threads) as squarer:
            squarer.load(3, p // 3)
            squarer.iterate(squarings, 2)
            results.append((f"{squarings} squarings modulo 2^{p}-1", bool(squarer.value() == expected)))
    return results
