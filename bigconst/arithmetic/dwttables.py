"""Tables of transforms modulo 2^p - 1 and conversions of residues, shared by squarings in memory and on disk."""

from math import gcd

import numpy as np
from gmpy2 import mpz

from bigconst.arithmetic import tables
from bigconst.kernels.wordbits import from_limbs, to_limbs
from bigconst.plans.dwtshape import DwtShape


class DwtTables:
    """Weights, twiddles and trees for one exponent and shape, in the form that kernels.dwt and kernels.rows take."""

    def __init__(self, p: int, shape: DwtShape):
        self.p, self.shape = p, shape
        n, columns = shape.words, 8 * shape.width
        by_eights = np.arange(shape.height).reshape(8, -1).T.ravel().tolist()       # kernels.carries
        self.row_weights = _weights(np.array([-p * r * columns % n for r in by_eights], np.float64), n)
        self.column_weights = _weights(np.array([-p * c % n for c in range(columns)], np.float64), n)
        self.row_radices = np.array(shape.row_radices, np.int64)
        self.row_base, self.leaf_re, self.leaf_im = tables.row_base(shape.row_radices)
        self._trees()

    def _trees(self) -> None:
        """Make the twiddles of all trees, and of the rows at their leaves."""
        trees, radices, twiddles, angles = [], [], [], []
        for tree in self.shape.trees:
            trees += [tree.base, tree.size, len(tree.radices), len(radices), sum(map(len, twiddles))]
            radices += tree.radices
            if tree.radices:
                twiddles.append(tables.level_twiddles(tree.radices, tree.numerator, 8))
            numerators, denominator = tables.child_numerators(tree.radices, tree.numerator, 8)
            angles += [(int(numerator), denominator) for numerator in numerators]
        common = 8
        for _, denominator in angles:
            common = common * denominator // gcd(common, denominator)
        numerators = np.array([numerator * (common // denominator) for numerator, denominator in angles], np.int64)
        self.trees, self.radices = np.array(trees, np.int64), np.array(radices, np.int64)
        self.twiddles = np.concatenate(twiddles) if twiddles else np.zeros(16)
        self.row_twiddles = tables.row_twiddles(numerators, common, self.shape.row_radices)

    def layout(self, stride: int, cached: bool) -> np.ndarray:
        """The integers of kernels.dwt.LAYOUT for transform data whose rows are `stride` doubles apart, and which is
        stored through the caches or past them."""
        s = self.shape
        return np.array([s.height, s.width, stride, s.rows, s.paired_rows, s.block, len(s.trees), s.words, self.p,
                         s.buffer_doubles, cached], np.int64)

    def columns(self, layout: np.ndarray) -> tuple[np.ndarray, ...]:
        """Arguments that every column kernel of kernels.dwt takes: layout, trees, radices, twiddles, weights."""
        return layout, self.trees, self.radices, self.twiddles, self.row_weights, self.column_weights

    @property
    def rows(self) -> tuple[np.ndarray, ...]:
        """Arguments of the row kernel: radices and tables, row twiddles included."""
        return self.row_radices, self.row_base, self.row_twiddles, self.leaf_re, self.leaf_im


def to_words(value: int, shift: int, p: int, words: np.ndarray) -> None:
    """Write value * 2^shift modulo 2^p - 1 into `words`, as balanced words."""
    shifted = _reduced(_reduced(mpz(value), p) << shift, p)
    limbs = np.zeros(-(-p // 64) + 1, np.uint64)
    limbs[:-1] = np.frombuffer(int(shifted).to_bytes(8 * (len(limbs) - 1), "little"), np.uint64)
    from_limbs(limbs, p, words)


def from_words(words: np.ndarray, shift: int, p: int) -> mpz:
    """The value, 0 <= value < 2^p - 1, of which balanced `words` hold value * 2^shift modulo 2^p - 1."""
    limbs = np.zeros(-(-p // 64) + 1, np.uint64)
    carry = to_limbs(words, p, limbs)
    found = _reduced(mpz(int.from_bytes(limbs.tobytes(), "little")) + carry, p)
    return _reduced(found << (p - shift), p)


def _reduced(x: mpz, p: int) -> mpz:
    """x modulo 2^p - 1, without a division, since 2^p = 1."""
    modulus = (mpz(1) << p) - 1
    while not 0 <= x <= modulus:
        x = (x & modulus) + (x >> p)        # for x < 0 as well: both operations are those of two's complement
    return x if x < modulus else mpz(0)


def _weights(e: np.ndarray, n: int) -> np.ndarray:
    """The arrays e, 2^(e/n) and 2^(-e/n), concatenated."""
    return np.concatenate([e, np.exp2(e / n), np.exp2(-e / n)])
