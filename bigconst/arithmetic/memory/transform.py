"""Transforms of words on a thread pool: the two passes over memory, cut into tasks.

A `Transform` belongs to one shape; it owns the tables and borrows all data.
The cuts depend on the shape alone.
"""

import threading

import numpy as np

from bigconst.arithmetic import tables
from bigconst.kernels.columns import columns_forward, columns_inverse, join_runs, resolve_carries
from bigconst.kernels.rows import FORWARD, MULTIPLY, SQUARE, rows
from bigconst.plans.shape import Shape
from bigconst.runtime.arena import HUGE_PAGE_BYTES, Arena
from bigconst.runtime.threads import Pool, split

TASK_WORDS = 1 << 17
"""Words of a task: a few hundred microseconds."""
TASKS = 32

_local = threading.local()


def thread_scratch(size: int) -> np.ndarray:
    """`size` doubles of this thread, on a huge page of its own so that they share no set of the second-level cache."""
    array = getattr(_local, "scratch", None)
    if array is None or len(array) < size:
        size = -(-8 * size // HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES // 8
        whole = Arena(8 * size + HUGE_PAGE_BYTES).take(size + HUGE_PAGE_BYTES // 8)
        skip = -whole.ctypes.data % HUGE_PAGE_BYTES // 8
        array = _local.scratch = whole[skip:skip + size]
    return array


class Transform:
    """Right-angle transforms of one shape."""

    def __init__(self, shape: Shape, pool: Pool):
        self.shape = shape
        self._pool = pool
        self._column_radices = np.array(shape.column_radices, dtype=np.int64)
        self._row_radices = np.array(shape.row_radices, dtype=np.int64)
        self._column_twiddles = tables.column_twiddles(shape.column_radices)
        self._base, self._leaf_re, self._leaf_im = tables.row_base(shape.row_radices)
        self._row_twiddles = tables.row_twiddles(
            *tables.child_numerators(shape.column_radices, *tables.ROOT), shape.row_radices)
        parts = min(TASKS, max(1, shape.words // TASK_WORDS))
        self._columns = split(shape.width, parts, shape.block)
        self._rows = split(shape.height, parts)
        self._buffer_size = 16 * (shape.height * shape.block + 1)
        self._scratch_size = 16 * (len(shape.row_radices) + 1)

    def forward(self, words: np.ndarray, radix: int, data: np.ndarray) -> None:
        """Words, at most shape.words of them, through the column pass into `data` (shape.data_bytes)."""
        s = self.shape

        def task(start: int, stop: int) -> None:
            columns_forward(words, len(words), radix, data, s.height, s.stride, s.width, self._column_radices,
                            self._column_twiddles, start, stop, s.block, thread_scratch(self._buffer_size))

        self._pool.run(task, self._columns)

    def _row_pass(self, data: np.ndarray, mode: int, other: np.ndarray) -> None:
        s = self.shape
        scale = 2.0 / s.words

        def task(start: int, stop: int) -> None:
            rows(data, start, stop, s.stride, s.width, self._row_radices, self._base, self._row_twiddles,
                 self._leaf_re, self._leaf_im, scale, mode, other, thread_scratch(self._scratch_size))

        self._pool.run(task, self._rows)

    def spectrum(self, data: np.ndarray) -> None:
        """Row pass forward only: `data` becomes the scrambled spectrum."""
        self._row_pass(data, FORWARD, data)

    def square(self, data: np.ndarray) -> None:
        """Row pass: forward, square, back."""
        self._row_pass(data, SQUARE, data)

    def multiply(self, data: np.ndarray, spectrum: np.ndarray) -> None:
        """Row pass: forward, times a spectrum of the same shape, back."""
        self._row_pass(data, MULTIPLY, spectrum)

    def inverse(self, data: np.ndarray, words: np.ndarray, radix: int) -> tuple[int, float, float]:
        """`data` back to shape.words canonical words, which must be 64-byte aligned.

        Returns (carry out of the top, largest |x - rint(x)|, largest |x|) over
        the coefficients x; the value is words + carry * radix^shape.words.
        """
        s = self.shape
        carries = np.zeros((len(self._columns), 2 * s.height))
        stats = np.zeros((len(self._columns), 2))

        def task(index: int, start: int, stop: int) -> None:
            columns_inverse(data, s.height, s.stride, s.width, self._column_radices, self._column_twiddles, start, stop,
                            s.block, thread_scratch(self._buffer_size), words, float(radix), carries[index],
                            stats[index])

        self._pool.run(task, [(i, a, b) for i, (a, b) in enumerate(self._columns)])
        ends = np.array([stop for _, stop in self._columns], dtype=np.int64)
        out = np.empty(2 * s.height, dtype=np.int64)
        resolve_carries(words, carries.reshape(-1), ends, s.height, s.width, radix, out)
        top = join_runs(words, out, 8 * s.width, radix)
        error, peak = stats.max(axis=0)     # a NaN wins
        return top, float(error), float(peak)
