"""Products of primes, each as often as quotients of factorials have it in common (plans.factorials).

The primes are looked for where it follows from the factorials that some may count.  What they make together is cut into
cells, of equal lengths nearly, which are made in memory each.
"""

from dataclasses import dataclass, field, replace
from functools import partial
from math import log

from bigconst.arithmetic.machine import MADE_BYTES, MOST_MADE, made_bytes
from bigconst.plans.factorials import SEGMENT, Bounds, Factorials
from bigconst.plans.series import words_for_log

CELL_BYTES = 60
"""Bytes of memory for each word of a long cell: of all primes together, which take half of their room at least, 48."""
LEAST_SEGMENT = 1 << 6
"""Integers of a segment where memory is for short numbers only, at least."""


@dataclass(frozen=True)
class PrimeProduct:
    """A product of primes.  Those that have the same length are equal.

    g of a range is the product of the primes l above its bound that divide all D*F(k) there, D = D(last), each to the
    power that is the least one of W(k, l), and as often as D has it as a prime.  The product is g of `half` divided by
    that of `whole`, or where there is no half D*F(k) for the first k of `whole` divided by its g.
    """

    factorials: Factorials
    last: int
    """no k is larger"""
    log: float
    """bound of its logarithm"""
    whole: Bounds = field(compare=False)
    half: Bounds | None = field(compare=False, default=None)

    def words(self, radix: int) -> int:
        """Words that it has at most."""
        return words_for_log(self.log, radix)

    def log_of_segment(self, size: int) -> float:
        """Bound of the logarithm of what the primes of a segment make: there are less than 2*y/log y among y integers
        (H. L. Montgomery, R. C. Vaughan, The large sieve, Mathematika 20 (1973), 119-134), and a prime divides D*F(k)
        at most as often as its largest power that is not above m*k is above 1, times the height of W."""
        height = sum(step.times for step in self.factorials.rises)
        return 2 * size / log(size) * height * log(self.factorials.most * self.last + 1)


@dataclass(frozen=True)
class _Cells:
    """Some of the cells of a product."""

    product: PrimeProduct
    segment: int
    """integers of a segment; a cell has whole ones"""
    log_of_segment: float
    of: int
    """cells of the whole product"""
    count: int
    start: int = field(compare=False)

    def words(self, radix: int) -> int:
        """Words of what they make at most."""
        whole = self.product.log
        return words_for_log(min(whole, self.count * (whole / self.of + self.log_of_segment)), radix)


def product_of_primes(machine, name: str, product: PrimeProduct, most: int):
    """The product, of at most product.words(machine.radix) words, where memory is enough for several numbers of `most`
    words."""
    segment, cells = SEGMENT, 1
    if most >= MOST_MADE:
        most = most * MADE_BYTES // CELL_BYTES
    while segment > LEAST_SEGMENT and 4 * words_for_log(product.log_of_segment(segment), machine.radix) > most:
        segment //= 2
    while product.words(machine.radix) > cells * (most - most // 4):
        cells *= 2
    return machine.call(name, _cells, _Cells(product, segment, product.log_of_segment(segment), cells, cells, 0))


def _cells(machine, cells: _Cells):
    words = cells.words(machine.radix)
    if cells.count == 1:
        with machine.stage("primes"):
            # One number, instead of the three of a series.
            return machine.made("cell", partial(_made, cells), words, _cell_bytes(words), (("series", -(-words // 3)),))
    half = cells.count // 2
    one, other = (machine.call(name, _cells, replace(cells, count=half, start=start)) for name, start in
                  (("first half", cells.start), ("second half", cells.start + half)))
    with machine.stage("primes"):
        return machine.products("product", [(one, other)], words)


def _cell_bytes(words: int) -> int:
    """Memory for a cell while it is made."""
    return max(made_bytes(min(words, MOST_MADE)), CELL_BYTES * words)


def _made(cells: _Cells, products, memory):
    """The product of a cell; plans need none of the kernels."""
    from bigconst.arithmetic.cells import cell
    from bigconst.arithmetic.sieve import PrimesOf

    product = cells.product
    primes = PrimesOf(product.factorials, product.last, product.whole, product.half, cells.segment)
    return cell(primes, cells.of, cells.start, products, memory)
