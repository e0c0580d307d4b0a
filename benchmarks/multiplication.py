"""Squares and products of n decimal digits beside GMP (gmpy2) and FLINT (python-flint).

    python benchmarks/multiplication.py [--digits 1e6 ...] [--threads N] [--runs 5] [--json FILE]

Ours: random words of radix 10^5, n/5 of them; the time is that of a checked
product as the program makes it (`Products.sum_of_products` with the shortest
transform that does not wrap): words to words, round-off and carries, and the
residues modulo 2^61 - 1 of the operands and of the product.  No transform is
reused: a product is three transforms, a square two.  Tables and memory exist
before.

Peers: random binary integers of as many bits as n digits have, multiplied by
`*`; nothing is converted and nothing is checked.  FLINT is given the same number
of threads; GMP has one always.  Ratios are peer over ours: above 1 we are faster.
"""

import math
import secrets

import numpy as np
from _common import Column, Report, add_threads, in_turns, make_parser, medians, optional, thread_counts

from bigconst.arithmetic.memory.products import Products, Term
from bigconst.arithmetic.words import Words
from bigconst.base.formats import WORDS
from bigconst.base.units import parse_count
from bigconst.plans.shape import shape_for
from bigconst.runtime.arena import ALIGN_BYTES, Arena
from bigconst.runtime.threads import Pool

SIZES = [10**k for k in range(4, 9)]
FORMAT = WORDS[10]


class Ours:
    """A checked square and a checked product of two random numbers."""

    def __init__(self, digits: int, pool: Pool, note):
        count = -(-digits // FORMAT.digits)
        self._words = Words(FORMAT, pool)
        self._products = Products(self._words, lambda event: note(f"{digits} digits: {event}"))
        self._shape = shape_for(2 * count)
        shape = self._shape
        arena = Arena(2 * 4 * count + 4 * shape.words + 2 * shape.data_bytes + 5 * ALIGN_BYTES)
        self._a, self._b = arena.take(count, np.int32), arena.take(count, np.int32)
        self._out = arena.take(shape.words, np.int32)
        self._work, self._spectrum = arena.take(shape.data_bytes // 8), arena.take(shape.data_bytes // 8)
        rng = np.random.default_rng(digits)
        for operand in (self._a, self._b):
            operand[:] = rng.integers(0, FORMAT.radix, count, dtype=np.int32)

    def _correct(self, expected: int) -> bool:
        return self._words.residue(self._out) == expected % self._words.modulus.p

    def square(self) -> None:
        """Compute a^2, which does not wrap: subtracting `top` from the lowest word must leave no carry."""
        words, residue = self._words, self._words.residue(self._a)
        self._products.sum_of_products(
            self._out, [Term(self._a, self._a, self._work)], self._shape, "square",
            lambda top: words.add_at(self._out, 0, -top) == 0 and self._correct(residue * residue))

    def product(self) -> None:
        """Compute a*b."""
        words, expected = self._words, self._words.residue(self._a) * self._words.residue(self._b)
        self._products.sum_of_products(
            self._out, [Term(self._a, self._b, self._work, self._spectrum)], self._shape, "product",
            lambda top: words.add_at(self._out, 0, -top) == 0 and self._correct(expected))


def random_bits(digits: int) -> int:
    """A random number of as many bits as `digits` digits have."""
    bits = math.ceil(digits * math.log2(10))
    return secrets.randbits(bits) | 1 << (bits - 1)


def contestants(ours: Ours, digits: int, threads: int, gmpy2, flint) -> dict[str, dict]:
    """Functions to time for "square" and for "product"."""
    out = {"square": {"bigconst": ours.square}, "product": {"bigconst": ours.product}}
    for name, make in (("gmp", gmpy2 and gmpy2.mpz), ("flint", flint and flint.fmpz)):
        if make:
            a, b = make(random_bits(digits)), make(random_bits(digits))
            out["square"][name] = lambda a=a: a * a
            out["product"][name] = lambda a=a, b=b: a * b
    if flint:
        flint.ctx.threads = threads
    return out


def main() -> None:
    """Measure and report."""
    parser = make_parser(__doc__)
    add_threads(parser)
    parser.add_argument("--digits", type=parse_count, action="append", metavar="N",
                        help="digits of an operand, repeatable (default 1e4, 1e5, ..., 1e8)")
    parser.add_argument("--runs", type=int, default=5, help="turns; 3 from 1e8 digits on (default 5)")
    arguments = parser.parse_args()
    sizes = arguments.digits or ([10**4, 30_000] if arguments.quick else SIZES)
    most, least_s = (2, 0.001) if arguments.quick else (arguments.runs, 0.02)
    report = Report("multiplication", arguments)
    gmpy2, flint = optional("gmpy2", report), optional("flint", report)
    names = ("bigconst", "gmp", "flint")
    for threads in thread_counts(arguments):
        section = report.section("multiplication", f"n digits times n digits, {threads} thread(s), milliseconds",
                                 [Column("digits", "digits", ",d", 11), Column("kind", "kind", width=7),
                                  *(Column(f"{name}_ms", name, ".3f", 10) for name in names),
                                  Column("ratio_gmp", "/gmp", ".1f", 6), Column("ratio_flint", "/flint", ".1f"),
                                  Column("turns", "turns")])
        with Pool(threads) as pool:
            for digits in sizes:
                runs = most if digits < 10**8 else min(most, 3)
                cases = contestants(Ours(digits, pool, report.note), digits, threads, gmpy2, flint)
                for kind, functions in cases.items():
                    times = in_turns(functions, runs, least_s)
                    middle = medians(times)
                    section.add(digits=digits, kind=kind, threads=threads, turns=runs, times_s=times,
                                **{f"{name}_ms": 1e3 * value for name, value in middle.items()},
                                **{f"ratio_{name}": middle[name] / middle["bigconst"] for name in functions
                                   if name != "bigconst"})
    report.close()


if __name__ == "__main__":
    main()
