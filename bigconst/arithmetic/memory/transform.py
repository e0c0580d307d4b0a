"""Transforms of words on a thread pool: the two passes over memory, cut into tasks.

A `Transform` belongs to one shape; it owns the tables and borrows all data.
The cuts depend on the shape alone, not on the number of threads.
"""

import numpy as np

from bigconst.arithmetic import tables
from bigconst.base import failpoints
from bigconst.kernels.checksum import NO_SUMS
from bigconst.kernels.columns import columns_forward, columns_inverse, join_runs, resolve_carries
from bigconst.kernels.rows import FORWARD, MULTIPLY, MULTIPLY_ADD, SQUARE, multiply_spectra, rows, scratch_doubles
from bigconst.plans.shape import Shape
from bigconst.runtime.threads import Pool, split

TASK_WORDS = 1 << 17
"""Words of a task: a few hundred microseconds."""
TASKS = 32

class Transform:
    """Right-angle transforms of one shape."""

    def __init__(self, shape: Shape, pool: Pool):
        self.shape = shape
        self._pool = pool
        self._tables = tables.tables_of(shape)
        parts = min(TASKS, max(1, shape.words // TASK_WORDS))
        self._columns = split(shape.width, parts, shape.block)
        self._rows = split(shape.height, parts)
        self._buffer_size = 16 * shape.height * shape.block
        self._scratch_size = scratch_doubles(shape.row_radices)

    def forward(self, words: np.ndarray, radix: int, data: np.ndarray) -> None:
        """Column pass: `words`, at most shape.words of them, into `data` (shape.data_bytes)."""
        s = self.shape
        self._pool.run(columns_forward, [
            (words, len(words), radix, data, s.height, s.stride, s.width, self._tables.column_radices,
             self._tables.columns, start, stop, s.block, NO_SUMS) for start, stop in self._columns],
            self._buffer_size)

    def _row_pass(self, data: np.ndarray, mode: int, other: np.ndarray, added: np.ndarray) -> None:
        s, own = self.shape, self._tables
        self._pool.run(rows, [
            (data, start, stop, s.stride, s.width, own.row_radices, own.base, own.rows, own.leaf_re, own.leaf_im,
             2.0 / s.words, mode, other, added) for start, stop in self._rows], self._scratch_size)

    def spectrum(self, data: np.ndarray) -> None:
        """Row pass, forward only: `data` becomes the scrambled spectrum."""
        self._row_pass(data, FORWARD, data, data)
        if failpoints.ACTIVE:
            failpoints.touch("transform.spectrum", f"{self.shape.words} words", data)

    def square(self, data: np.ndarray) -> None:
        """Row pass: forward, square, back."""
        self._row_pass(data, SQUARE, data, data)

    def multiply(self, data: np.ndarray, spectrum: np.ndarray, added: np.ndarray | None = None) -> None:
        """Row pass: forward, times a spectrum of the same shape, plus the spectrum `added`, back."""
        if added is None:
            self._row_pass(data, MULTIPLY, spectrum, spectrum)
        else:
            self._row_pass(data, MULTIPLY_ADD, spectrum, added)

    def multiply_spectra(self, out: np.ndarray, a: np.ndarray, b: np.ndarray, factor: int, adds: bool) -> None:
        """Spectrum of factor*a*b, or of out + factor*a*b where `adds`, from spectra; out may be a or b."""
        s = self.shape
        self._pool.run(multiply_spectra, [
            (out, a, b, float(factor), start * s.stride // 16, stop * s.stride // 16, adds)
            for start, stop in self._rows])

    def inverse(self, data: np.ndarray, words: np.ndarray, radix: int) -> tuple[int, float, float]:
        """Column pass back: `data` into shape.words canonical words, an array that must be 64-byte aligned.

        Returns (carry out of the top, largest |x - rint(x)|, largest |x|) over
        the coefficients x; the value is words + carry * radix^shape.words.
        """
        s = self.shape
        if failpoints.ACTIVE:
            failpoints.touch("transform.data", f"{s.words} words", data)
        carries = np.zeros((len(self._columns), 2 * s.height))
        stats = np.zeros((len(self._columns), 2))
        self._pool.run(columns_inverse, [
            (data, s.height, s.stride, s.width, self._tables.column_radices, self._tables.columns, start, stop, s.block,
             words, float(radix), carries[i], stats[i], NO_SUMS)
            for i, (start, stop) in enumerate(self._columns)], self._buffer_size)
        ends = np.array([stop for _, stop in self._columns], dtype=np.int64)
        out = np.empty(2 * s.height, dtype=np.int64)
        resolve_carries(words, carries.reshape(-1), ends, s.height, s.width, radix, out)
        if failpoints.ACTIVE:
            failpoints.touch("transform.carries", f"{s.words} words", out)
        top = join_runs(words, out, 8 * s.width, radix)
        error, peak = stats.max(axis=0)     # a NaN wins
        return top, float(error), float(peak)
