"""Numbers of short ranges of terms as integers: blocks by a kernel, then products of integers."""

from collections.abc import Callable
from math import log2

import gmpy2
import numpy as np
from gmpy2 import mpz

from bigconst.kernels.terms import fraction_blocks, series_blocks
from bigconst.plans.series import Hypergeometric, joined_matrices, joined_series

BLOCK = 48
"""Terms whose numbers a kernel makes."""


def series_leaf(series: Hypergeometric, start: int, stop: int) -> tuple[mpz, mpz, mpz]:
    """P, Q and T of the terms start .. stop - 1.

    Raises ValueError for a series of which a block has not the sign of its first term.
    """
    p, q = (np.array(factors, np.int64).reshape(-1) for factors in (series.p_factors, series.q_factors))
    sign = 1 if series.p[-1] > 0 else -1
    p[1] = abs(p[1])        # where it is negative, this is a constant
    # P and Q are at most as many leading terms at the last k; T is less than Q or as many times that as A is.
    bits = max(log2(abs(each[-1])) + (len(each) - 1) * log2(stop) for each in (series.p, series.q))
    limbs, lengths = _room(start, stop, 3, bits)
    if series_blocks(limbs, lengths, start, stop, BLOCK, p, q, np.array(series.a, np.int64), sign):
        raise ValueError("the sum of a block has not the sign of its first term")
    signs = [sign ** (min(stop - start - i * BLOCK, BLOCK) % 2) for i in range(len(limbs))]
    return _folded([(s * p, q, sign * t) for s, (p, q, t) in zip(signs, _integers(limbs, lengths), strict=True)],
                   joined_series)


def fraction_leaf(start: int, stop: int) -> tuple[mpz, mpz, mpz, mpz]:
    """The product of the matrices (4k - 2, 1; 1, 0), row by row, for k = start .. stop - 1."""
    limbs, lengths = _room(start, stop, 4, log2(4 * stop))
    fraction_blocks(limbs, lengths, start, stop, BLOCK)
    return _folded(_integers(limbs, lengths), joined_matrices)


def _room(start: int, stop: int, numbers: int, bits: float) -> tuple[np.ndarray, np.ndarray]:
    """Limbs for so many numbers of every block, of so many bits a term, and their lengths."""
    limbs = np.empty((-(-(stop - start) // BLOCK), numbers, int(BLOCK * bits) // 64 + 4), np.uint64)
    return limbs, np.empty(limbs.shape[:2], np.int64)


def _integers(limbs: np.ndarray, lengths: np.ndarray) -> list[tuple[mpz, ...]]:
    """The numbers of blocks as integers."""
    return [tuple(mpz.from_bytes(number[:length].tobytes(), "little")
                  for number, length in zip(block, size, strict=True))
            for block, size in zip(limbs, lengths.tolist(), strict=True)]


def _folded(items: list[tuple], join: Callable[[tuple, tuple], tuple]) -> tuple:
    """The numbers of all blocks together."""
    while len(items) > 1:
        items = [join(*items[i:i + 2]) if i + 1 < len(items) else items[i] for i in range(0, len(items), 2)]
    return items[0]


def unlocked():
    """A context in which products of long integers let other threads run."""
    return gmpy2.context(gmpy2.get_context(), allow_release_gil=True)
