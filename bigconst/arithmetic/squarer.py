"""Squarings modulo 2^p - 1 on threads: tables and memory for kernels.dwt, and conversion from and to integers."""

from concurrent.futures import ThreadPoolExecutor
from math import gcd

import numpy as np
from gmpy2 import mpz

from bigconst.arithmetic import tables
from bigconst.dwtshape import DwtShape
from bigconst.kernels.dwt import PRODUCT, SPECTRUM, SQUARES, from_limbs, iterate, to_limbs
from bigconst.runtime.arena import Arena


class Squarer:
    """A residue modulo 2^p - 1, kept multiplied by 2^shift.  A context manager: leaving it ends the threads."""

    def __init__(self, p: int, shape: DwtShape, threads: int = 1):
        """`p` at most shape.max_exponent for results that can be trusted; it is not checked."""
        self.p, self.shape = p, shape
        self.threads = min(threads, shape.width // shape.block)
        self.shift = 0
        self._modulus = (mpz(1) << p) - 1
        n, height, columns = shape.words, shape.height, 8 * shape.width
        self._words = np.zeros(n, np.int32)
        self._row_weights = _weights(np.array([-p * r * columns % n for r in range(height)], np.float64), n)
        self._column_weights = _weights(np.array([-p * c % n for c in range(columns)], np.float64), n)
        self._tree_tables()
        self._base, self._leaf_re, self._leaf_im = tables.row_base(shape.row_radices)
        half = 8 * shape.block * height
        size = -(-(half + max(16 * shape.block * shape.rows, 1024)) // 512) * 512
        self._layout = np.array([height, shape.width, shape.stride, shape.rows, shape.paired_rows, shape.block,
                                 len(shape.trees), n, p, size], np.int64)
        self._data_size = shape.stride * shape.rows
        self._arena = Arena(8 * (2 * self._data_size + self.threads * (size + half)) + 16 * 4096)
        self._x = self._arena.take(self._data_size)
        self._spectrum: np.ndarray | None = None
        self._buffers = self._arena.take(self.threads * size)
        self._starts = self._arena.take(self.threads * half)
        self._carries = np.zeros(self.threads * height)
        self._stats, self._sync = np.zeros(8 * self.threads), np.zeros(8, np.int64)
        self._pool = ThreadPoolExecutor(self.threads)

    def _tree_tables(self) -> None:
        """Twiddles of all trees, and of the rows that they end in."""
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
        self._trees, self._radices = np.array(trees, np.int64), np.array(radices, np.int64)
        self._twiddles = np.concatenate(twiddles) if twiddles else np.zeros(16)
        self._row_radices = np.array(self.shape.row_radices, np.int64)
        self._row_twiddles = tables.row_twiddles(numerators, common, self.shape.row_radices)

    def __enter__(self) -> "Squarer":
        return self

    def __exit__(self, *_exception) -> None:
        self._pool.shutdown()

    # -- residues ----------------------------------------------------------------------

    def load(self, value: int, shift: int = 0) -> None:
        """Begin with a residue."""
        self.shift = shift % self.p
        shifted = (mpz(value) << self.shift) % self._modulus
        limbs = np.zeros(-(-self.p // 64) + 1, np.uint64)
        data = int(shifted).to_bytes(8 * (len(limbs) - 1), "little")
        limbs[:-1] = np.frombuffer(data, np.uint64)
        from_limbs(limbs, self.p, self._words)

    def value(self) -> mpz:
        """The residue, 0 <= value < 2^p - 1, without the shift."""
        limbs = np.zeros(-(-self.p // 64) + 1, np.uint64)
        carry = to_limbs(self._words, self.p, limbs)
        found = (mpz(int.from_bytes(limbs.tobytes(), "little")) + carry) % self._modulus
        return (found << (self.p - self.shift)) % self._modulus

    # -- products -----------------------------------------------------------------------

    def _run(self, goal: int, count: int, x: np.ndarray, subtract: int) -> float:
        self._stats[:] = 0
        self._sync[:] = 0

        def go(thread: int) -> None:
            iterate(thread, self.threads, goal, count, x, self._other, self._words, self._layout, self._trees,
                    self._radices, self._twiddles, self._row_weights, self._column_weights, self._row_radices,
                    self._base, self._row_twiddles, self._leaf_re, self._leaf_im, self._buffers, self._starts,
                    self._carries, self._stats, self._sync, float(subtract), self.shift)

        if self.threads == 1:
            go(0)
        else:
            list(self._pool.map(go, range(self.threads)))
        return float(self._stats[::8].max())        # a NaN wins

    @property
    def _other(self) -> np.ndarray:
        return self._x if self._spectrum is None else self._spectrum

    def iterate(self, count: int, subtract: int) -> float:
        """Square `count` times, and subtract each time; the largest |x - rint(x)| met."""
        if count == 0:
            return 0.0
        error = self._run(SQUARES, count, self._x, subtract)
        self.shift = self.shift * pow(2, count, self.p) % self.p
        return error

    def multiply(self, a: int, b: int) -> tuple[mpz, float]:
        """a*b modulo 2^p - 1, and the largest |x - rint(x)|; what was loaded stays."""
        kept, shift = self._words.copy(), self.shift
        if self._spectrum is None:
            self._spectrum = self._arena.take(self._data_size)
        self.load(b)
        self._run(SPECTRUM, 0, self._spectrum, 0)
        self.load(a)
        error = self._run(PRODUCT, 1, self._x, 0)
        self.shift = 0
        product = self.value()
        self._words[:], self.shift = kept, shift
        return product, error


def _weights(e: np.ndarray, n: int) -> np.ndarray:
    """e, 2^(e/n) and 2^(-e/n), one after the other."""
    return np.concatenate([e, np.exp2(e / n), np.exp2(-e / n)])
