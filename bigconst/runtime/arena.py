"""One block of memory on huge pages, handed out piece by piece.

Fresh pages cost more than arithmetic (the kernel clears them at a few GB/s,
4 KiB pages at a tenth of that), so everything large lives in one mapping that
is touched once and reused by every level.
"""

import mmap

import numpy as np

ALIGN_BYTES = 4096
HUGE_PAGE_BYTES = 2 << 20


class Arena:
    """`size_bytes` of anonymous memory; pieces are 4 KiB-aligned numpy views."""

    def __init__(self, size_bytes: int):
        self.size_bytes = max(size_bytes, ALIGN_BYTES)
        self._map = mmap.mmap(-1, self.size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            self._map.madvise(mmap.MADV_HUGEPAGE)
        self._bytes = np.frombuffer(self._map, dtype=np.uint8)
        self._used = 0

    @classmethod
    def over(cls, memory: np.ndarray) -> "Arena":
        """An arena in memory (uint8) that is there already, and begins where pages do."""
        arena = cls.__new__(cls)
        arena.size_bytes, arena._bytes, arena._used, arena._map = len(memory), memory, 0, None
        return arena

    def take(self, count: int, dtype=np.float64) -> np.ndarray:
        """The next `count` elements; MemoryError when the arena is exhausted."""
        size = -(-count * np.dtype(dtype).itemsize // ALIGN_BYTES) * ALIGN_BYTES
        if self._used + size > self.size_bytes:
            raise MemoryError(f"arena of {self.size_bytes} bytes exhausted: {self._used} used, {size} more wanted")
        piece = self._bytes[self._used:self._used + size].view(dtype)[:count]
        self._used += size
        return piece

    def mark(self) -> int:
        """The number of bytes taken so far, for `release`."""
        return self._used

    def release(self, mark: int) -> None:
        """Give back everything taken since `mark`."""
        self._used = mark

    def drop(self) -> None:
        """Give the memory back to the system; what is taken later reads as zero."""
        self._used = 0
        self._map.madvise(mmap.MADV_DONTNEED)
