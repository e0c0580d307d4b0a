"""Memory: filled with patterns, left alone while others compute, compared."""

import os
from collections.abc import Callable

import numpy as np

from bigconst.base.errors import VerificationError
from bigconst.runtime.arena import Arena
from bigconst.stress.pattern import BLOCK_BYTES, BLOCK_WORDS, FillPattern, checksum

_REMEDY = "do not trust this machine: exchange the module, or run its memory slower"

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_IN_MEMORY, _FRAME = 1 << 63, (1 << 55) - 1
"""Of an entry of /proc/self/pagemap."""


class Memory:
    """`size_bytes`, rounded down to whole blocks.  `fill` and `compare` may run on several threads, on other blocks."""

    def __init__(self, size_bytes: int, seed: int):
        self.blocks = size_bytes // BLOCK_BYTES
        self.words = Arena(self.blocks * BLOCK_BYTES).take(self.blocks * BLOCK_WORDS, np.uint64)
        self._seed = seed
        self._sums = np.zeros(self.blocks, np.uint64)
        self._turns = np.full(self.blocks, -1)
        """The round of each, -1 of one that was never filled."""

    def pattern(self) -> FillPattern:
        """For one thread."""
        return FillPattern(self._seed)

    def _block(self, number: int) -> np.ndarray:
        return self.words[number * BLOCK_WORDS:(number + 1) * BLOCK_WORDS]

    def fill(self, pattern: FillPattern, number: int, turn: int) -> None:
        """Write a block."""
        block = pattern.make(number, turn)
        # Of what it should be: a block that arrives wrong is to be seen.
        self._sums[number], self._turns[number] = checksum(block), turn
        self._block(number)[:] = block

    def compare(self, pattern: FillPattern, number: int) -> bool:
        """Compare a block; False where it was never filled.  Raises VerificationError."""
        if self._turns[number] < 0:
            return False
        if checksum(self._block(number)) == int(self._sums[number]):
            return True
        difference = pattern.difference(self._block(number), number, int(self._turns[number]))
        where = f"memory block {number} of {self.blocks}"
        if difference is None:
            raise VerificationError(f"{where} had a wrong checksum, and was right when it was read again",
                                    "do not trust this machine: a processor, a cache or a memory bus fails at times")
        address = self.words.ctypes.data + number * BLOCK_BYTES + difference.offset_bytes
        raise VerificationError(f"{where}, offset {difference.offset_bytes:#x} ({_place(address)}): {difference}",
                                _REMEDY)


def fill(memory: Memory, numbers: range, turn: int, stop: Callable[[], bool]) -> None:
    """Fill blocks until they are all or `stop` says so."""
    pattern = memory.pattern()
    for number in numbers:
        if stop():
            return
        memory.fill(pattern, number, turn)


def compare(memory: Memory, numbers: range, stop: Callable[[], bool], done: Callable[[int], None]) -> None:
    """Compare blocks; `done` gets the bytes of each.  Raises VerificationError."""
    pattern = memory.pattern()
    for number in numbers:
        if stop():
            return
        if memory.compare(pattern, number):
            done(BLOCK_BYTES)


def _place(address: int) -> str:
    """An address of this process, and where the system lets us know, the physical one, which tells the module."""
    physical = _physical(address)
    return f"address {address:#x}" + (f", physical {physical:#x}" if physical is not None else "")


def _physical(address: int) -> int | None:
    try:
        with open("/proc/self/pagemap", "rb") as file:
            file.seek(address // _PAGE_BYTES * 8)
            entry = int.from_bytes(file.read(8), "little")
    except OSError:
        return None
    # Without the right to know it, the number of the frame reads as 0.
    frame = entry & _FRAME
    return frame * _PAGE_BYTES + address % _PAGE_BYTES if entry & _IN_MEMORY and frame else None
