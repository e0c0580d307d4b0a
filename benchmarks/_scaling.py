"""What one of many threads has to do in an iteration, timed alone: for more threads than the machine has processors.

The thread with the most rows and blocks of columns does its passes on data of its own, without waiting and without
others that want the same memory.  What that leaves out is the bandwidth of memory and three barriers an iteration.
"""

import time

import numpy as np

from bigconst.arithmetic.dwttables import DwtTables
from bigconst.base.hardware import caches
from bigconst.kernels.dwt import columns_enter, columns_on
from bigconst.kernels.rows import SQUARE, rows
from bigconst.plans.dwtshape import DwtShape, cached_bytes
from bigconst.runtime.arena import Arena


class Share:
    """The work of one thread for the exponent p."""

    def __init__(self, p: int, shape: DwtShape):
        self._shape, self._tables = shape, DwtTables(p, shape)
        self._layout = self._tables.layout(shape.stride, 8 * shape.stride * shape.rows <= cached_bytes(caches()))
        arena = Arena(shape.arena_bytes(1, products=False))
        self._x = arena.take(shape.stride * shape.rows)
        self._buffer = arena.take(shape.buffer_doubles)
        self._start = arena.take(8 * shape.block * shape.height)
        self._words, self._carries, self._stats = np.zeros(16, np.int32), np.zeros(shape.height), np.zeros(8)

    def of(self, threads: int) -> dict[str, float]:
        """Seconds for its rows, for its columns, and to let carries into the first block of these."""
        s, x, buffer = self._shape, self._x, self._buffer
        columns = self._tables.columns(self._layout)
        row_count, blocks = -(-s.rows // threads), -(-(s.width // s.block) // threads)
        numbers = (*self._tables.rows, 0.0, SQUARE, x, x, buffer)      # all zero, so that none gets too large
        found = {"rows": _timed(lambda: rows(x, 0, row_count, s.stride, s.width, *numbers)),
                 "columns": _timed(lambda: columns_on(x, 0, blocks, 0, *columns, self._words, 0, buffer, self._start,
                                                      self._carries, 0, self._stats, 0.0, 0))}
        self._carries[:] = 1.0
        found["enter"] = _timed(lambda: columns_enter(x, 0, 0, *columns, self._words, 0, buffer, self._start,
                                                      self._carries, 0, 1))
        return found


def _timed(function) -> float:
    """Median seconds of a call, of as many as fill a quarter of a second."""
    times, until = [], time.perf_counter() + 0.25
    while len(times) < 5 or time.perf_counter() < until:
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return float(np.median(times))
