"""Lengths of transforms modulo 2^p - 1: which exist, how one is cut, and what exponents it holds.

Pure functions.  A transform of `words` real words is `height` rows of 8*width
columns (kernels.dwt); the columns are transformed by real radices of 8 and
complex trees, the rows, of a power of two, in a second-level cache.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import log, log2

from bigconst.base.errors import UsageError
from bigconst.base.units import format_count
from bigconst.plans.shape import LANES, PAD_VECTORS, powers_of_two_radices

MIN_WORDS = 1 << 10
ODD_PARTS = {1: MIN_WORDS, 3: MIN_WORDS, 5: MIN_WORDS, 7: 56 << 10, 9: MIN_WORDS, 15: 3840 << 10, 21: 336 << 10,
             25: 3200 << 10}
"""Odd parts of lengths, and for each the least length from which on no longer one is faster, as measured by
`benchmarks/mersenne.py --choose`; 27 and 35 are not worth their time anywhere."""
MAX_WORDS = 1 << 29
ROW_LOG = 13
"""Binary logarithm of the most columns of a row: 2^13 columns take 128 KiB."""
MAX_BLOCK = 8
BUFFER_BYTES = 1 << 19

ACCURACY, ACCURACY_LOG = 1.7, 0.0635
"""The accuracy in the bound of `bits_per_word` at 2^10 words, and its loss with every doubling.  They are calibrated so
that the largest round-off of a thousand squarings stays near 0.35, and a whole test meets one above 0.40625 a few times
at most."""


@dataclass(frozen=True)
class Tree:
    """A complex tree down the columns: rows base .. base+size-1, root Y^size - exp(2 pi i numerator/8)."""

    base: int
    size: int
    radices: tuple[int, ...]
    numerator: int
    is_pair: bool
    """whether its rows have conjugates, which are not stored"""


@dataclass(frozen=True)
class DwtShape:
    """A transform of height * 8 * width words: `height` rows of `width` vectors of 8 columns."""

    height: int
    width: int

    @property
    def words(self) -> int:
        """Length N of the transform in words."""
        return self.height * LANES * self.width

    @property
    def row_radices(self) -> tuple[int, ...]:
        """Radices of the vertical levels of a row."""
        return powers_of_two_radices((self.width // LANES).bit_length() - 1) if self.width > LANES else ()

    @property
    def stride(self) -> int:
        """Doubles from one row to the next."""
        return 16 * (self.width + PAD_VECTORS)

    @property
    def trees(self) -> tuple[Tree, ...]:
        """The complex trees, in the order of their rows; those without conjugates come last."""
        return _trees(self.height)

    @property
    def rows(self) -> int:
        """Number of rows of transform data."""
        return sum(tree.size for tree in self.trees)

    @property
    def paired_rows(self) -> int:
        """Number of rows whose conjugates are not stored; these are the first rows."""
        return sum(tree.size for tree in self.trees if tree.is_pair)

    @property
    def block(self) -> int:
        """Vectors of a row in one block of columns."""
        block = min(MAX_BLOCK, self.width)
        while block > 2 and 64 * block * self.height > BUFFER_BYTES:
            block //= 2
        return block

    @property
    def buffer_doubles(self) -> int:
        """Doubles of a thread's buffer: a block of words, then one of transform data; whole pages."""
        return -(-(8 * self.block * self.height + max(16 * self.block * self.rows, 1024)) // 512) * 512

    def arena_bytes(self, threads: int, products: bool) -> int:
        """Memory for transforms: transform data, a second copy of it for products, and the buffers of the threads."""
        doubles = ((2 if products else 1) * self.stride * self.rows
                   + threads * (self.buffer_doubles + 8 * self.block * self.height))
        return 8 * doubles + 16 * 4096

    @property
    def min_exponent(self) -> int:
        """The smallest p, which puts one bit into every word."""
        return self.words

    @property
    def max_exponent(self) -> int:
        """The largest p whose round-off is safe."""
        return int(self.words * bits_per_word(self.words))

    def __str__(self) -> str:
        return f"{self.words >> 10}K" if self.words % 1024 == 0 else str(self.words)


def cached_bytes(caches: Mapping[int, int]) -> int:
    """The longest transform data, in bytes, that is stored through caches of these sizes by level, where it stays until
    the next pass reads it.  What is longer is stored past them: it would be fetched once more before it is overwritten.

    A quarter of the last-level cache, which is often shared, or where there are no more than two levels all of it.
    """
    last = max(caches, default=0)
    return caches[last] // (4 if last > 2 else 1) if last > 1 else 0


def bits_per_word(words: int) -> float:
    """Most bits of a word for which the round-off of a transform of `words` words is safe.

    Crandall, Mayer and Papadopoulos, "The twenty-fourth Fermat number is composite", Math. Comp. 72 (2003), 6.
    """
    accuracy = ACCURACY - ACCURACY_LOG * (log2(words) - 10)
    return 0.5 * (53 - accuracy - 0.5 * (log2(words) + log2(log2(words))) - 1.5 * log2(log(log(words))))


def _radices(size: int) -> tuple[int, ...]:
    """Radices of a complex tree, as few as can be: powers of two first, and at the end one of those for the last level
    (kernels.widelevels)."""
    odd = []
    for q in (3, 5, 7):
        while size % q == 0:
            size //= q
            odd.append(q)
    log = size.bit_length() - 1
    if odd[:2] == [3, 3]:
        odd = [*odd[2:], 9]
    elif odd[:1] == [3] and log >= 2 and log % 3:
        odd, log = [*odd[1:], 12], log - 2
    elif odd[-1:] == [5] and log % 3 == 1:
        odd[-1], log = 10, log - 1
    return (powers_of_two_radices(log) if log else ()) + tuple(odd)


@lru_cache(maxsize=64)
def _trees(height: int) -> tuple[Tree, ...]:
    out, base, n = [], 0, height

    def add(size: int, numerator: int, is_pair: bool) -> None:
        nonlocal base
        out.append(Tree(base, size, _radices(size), numerator, is_pair))
        base += size

    while n % 8 == 0:
        m = n // 8
        for j in (1, 2, 3):
            add(m, j, True)
        if m % 2 == 0:
            add(m // 2, 2, True)        # Y^m + 1, folded to half its size (kernels.realcolumns)
        else:
            add(m, 4, False)
        n = m
    add(n, 0, False)
    return tuple(out)


def shape_of(odd: int, log: int) -> DwtShape:
    """The shape of odd * 2^log words: 8*odd rows for log < 12; above, rows and columns both grow with log, columns more
    where a block would not be of MAX_BLOCK vectors, until a row has 2^ROW_LOG columns."""
    columns_log = min(ROW_LOG, max(6, log - 3 if log < 12 else (log + 3) // 2))
    while columns_log < ROW_LOG and 64 * MAX_BLOCK * odd << (log - columns_log) > BUFFER_BYTES:
        columns_log += 1
    return DwtShape(odd << (log - columns_log), 1 << (columns_log - 3))


@lru_cache(maxsize=1)
def lengths() -> tuple[DwtShape, ...]:
    """Shapes of all lengths, shortest first."""
    found = []
    for odd, least in ODD_PARTS.items():
        log = 9
        while odd << log <= MAX_WORDS:
            if odd << log >= least:
                found.append(shape_of(odd, log))
            log += 1
    return tuple(sorted(found, key=lambda shape: shape.words))


def longer(shape: DwtShape) -> DwtShape | None:
    """The shape of the next length, or None."""
    return next((other for other in lengths() if other.words > shape.words), None)


def dwt_shape(p: int, words: int | None = None) -> DwtShape:
    """The shape of the shortest length that holds p, or that of exactly `words` words.

    Raises UsageError when p is below 1024 or too large, or `words` is no length or does not suit p.
    """
    if p < MIN_WORDS:
        #: Exponents below 1024 are tested with plain integers, which `ll` and `prp` do by themselves.
        raise UsageError(f"{p} is too small for a transform", f"use plain integers below {MIN_WORDS}")
    if words is not None:
        found = next((shape for shape in lengths() if shape.words == words), None)
        if found is None:
            raise UsageError(f"there is no transform of {format_count(words)} words",
                             "lengths are 1, 3, 5 or 9 times a power of two from 1K on, or a few others, like 3072K")
        if p < found.min_exponent:
            #: The message has the length that is right; without `--fft` it is taken.
            raise UsageError(f"a transform of {found} words is too long for {p}", f"{dwt_shape(p)} is enough")
        if found.max_exponent < p:
            #: As for "a transform of … words is too long for …".
            raise UsageError(f"{found} words hold exponents up to {format_count(found.max_exponent)}",
                             f"choose {dwt_shape(p)} or more")
        return found
    for shape in lengths():
        if p <= shape.max_exponent:
            return shape
    #: The message has the largest exponent that there is an exact transform for.
    raise UsageError(f"{format_count(p)} is too large",
                     f"the largest exponent is {format_count(lengths()[-1].max_exponent)}")
