"""Squarings modulo 2^p - 1 in memory, on threads."""

import numpy as np
from gmpy2 import mpz

from bigconst.arithmetic.dwttables import DwtTables, from_words, to_words
from bigconst.base.hardware import caches
from bigconst.base.starting import executor
from bigconst.kernels.dwt import PRODUCT, SPECTRUM, SQUARES, iterate
from bigconst.plans.dwtshape import DwtShape, cached_bytes
from bigconst.runtime.arena import Arena


class Squarer:
    """A residue modulo 2^p - 1, stored multiplied by 2^shift.  A context manager: leaving it ends the threads."""

    def __init__(self, p: int, shape: DwtShape, threads: int = 1):
        """Results can be trusted for p up to shape.max_exponent, which is not checked."""
        self.p, self.shape = p, shape
        self.threads = min(threads, shape.width // shape.block)
        self.shift = 0
        self._tables = DwtTables(p, shape)
        self._layout = self._tables.layout(shape.stride, 8 * shape.stride * shape.rows <= cached_bytes(caches()))
        self._words = np.zeros(shape.words, np.int32)
        self._arena = Arena(shape.arena_bytes(self.threads, products=True))
        self._x = self._arena.take(shape.stride * shape.rows)
        self._spectrum: np.ndarray | None = None
        self._buffers = self._arena.take(self.threads * shape.buffer_doubles)
        self._starts = self._arena.take(self.threads * 8 * shape.block * shape.height)
        self._carries = np.zeros(self.threads * shape.height)
        self._stats, self._sync = np.zeros(8 * self.threads), np.zeros(8, np.int64)
        self._pool = executor(self.threads)     # its threads wait for each other inside the kernel

    def __enter__(self) -> "Squarer":
        return self

    def __exit__(self, *_exception) -> None:
        self._pool.shutdown()

    def restore(self, value: int, shift: int, iteration: int) -> int:
        """Start from the residue `value` of an iteration; returns the iteration reached.

        That is the same iteration: in memory nothing is left of earlier processes.
        """
        self.load(value, shift)
        return iteration

    def load(self, value: int, shift: int = 0, iteration: int | None = None) -> None:
        """Start from the residue `value`.  Its place in the chain, `iteration`, is used on disk alone, where a later
        process may resume (arithmetic.disk.squarer)."""
        self.shift = shift % self.p
        to_words(value, self.shift, self.p, self._words)

    def value(self) -> mpz:
        """The present residue, 0 <= value < 2^p - 1, without the shift."""
        return from_words(self._words, self.shift, self.p)

    def _run(self, goal: int, count: int, x: np.ndarray, words: np.ndarray, subtract: int = 0) -> float:
        self._stats[:] = 0
        self._sync[:] = 0

        def go(thread: int) -> None:
            iterate(thread, self.threads, goal, count, x, self._other, words,
                    *self._tables.columns(self._layout), *self._tables.rows, self._buffers, self._starts,
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
        """Square `count` times, subtracting `subtract` each time; returns the largest |x - rint(x)|."""
        if count == 0:
            return 0.0
        error = self._run(SQUARES, count, self._x, self._words, subtract)
        self.shift = self.shift * pow(2, count, self.p) % self.p
        return error

    def hold(self, factor: int) -> None:
        """Prepare for products by `factor`; here the residue stays."""
        if self._spectrum is None:
            self._spectrum = self._arena.take(self.shape.stride * self.shape.rows)
        words = np.empty_like(self._words)
        to_words(factor, 0, self.p, words)
        self._run(SPECTRUM, 0, self._spectrum, words)

    def times(self, squarings: int = 0) -> float:
        """Square so often, then multiply by the factor that is held; returns the largest |x - rint(x)|."""
        error = self._run(PRODUCT, squarings + 1, self._x, self._words)
        self.shift = self.shift * pow(2, squarings, self.p) % self.p
        return error
