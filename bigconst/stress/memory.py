"""The test of memory: it is filled with patterns, left alone while others compute, and compared."""

import os
from collections.abc import Callable

import numpy as np

from bigconst.base.errors import VerificationError
from bigconst.kernels.checksum import checksum
from bigconst.runtime.arena import Arena
from bigconst.stress.pattern import BLOCK_BYTES, BLOCK_WORDS, FillPattern

_REMEDY = "do not trust this machine: exchange the module, or run its memory slower"

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_IN_MEMORY, _FRAME = 1 << 63, (1 << 55) - 1
"""Bits of an entry of /proc/self/pagemap: the page is in memory; number of its frame."""


class Memory:
    """Memory under test: `size_bytes`, rounded down to whole blocks.

    Several threads may call `fill` and `compare` at once, for different blocks.
    """

    def __init__(self, size_bytes: int, seed: int):
        self.blocks = size_bytes // BLOCK_BYTES
        self.words = Arena(self.blocks * BLOCK_BYTES).take(self.blocks * BLOCK_WORDS, np.uint64)
        self._seed = seed
        self._sums = np.zeros(self.blocks, np.uint64)
        self._turns = np.full(self.blocks, -1)
        """Round in which each block was filled last; -1 for a block that was never filled."""

    def pattern(self) -> FillPattern:
        """A source of blocks, which one thread may use."""
        return FillPattern(self._seed)

    def _block(self, number: int) -> np.ndarray:
        return self.words[number * BLOCK_WORDS:(number + 1) * BLOCK_WORDS]

    def fill(self, pattern: FillPattern, number: int, turn: int) -> None:
        """Fill block `number` with the pattern of round `turn`."""
        block = pattern.make(number, turn)
        # The checksum is that of the pattern, so that a block that arrives wrong in memory is found.
        self._sums[number], self._turns[number] = checksum(block), turn
        self._block(number)[:] = block

    def compare(self, pattern: FillPattern, number: int) -> bool:
        """Compare a block; False if it was never filled.  Raises VerificationError if it has changed."""
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
        #: A bit of memory does not hold. The address is in parentheses, the bits behind the colon: exchange the module,
        #: or run it slower.
        raise VerificationError(f"{where}, offset {difference.offset_bytes:#x} ({_place(address)}): {difference}",
                                _REMEDY)


def fill(memory: Memory, numbers: range, turn: int, stop: Callable[[], bool]) -> None:
    """Fill the blocks in `numbers` for round `turn`, until all are filled or `stop` returns True."""
    pattern = memory.pattern()
    for number in numbers:
        if stop():
            return
        memory.fill(pattern, number, turn)


def compare(memory: Memory, numbers: range, stop: Callable[[], bool], done: Callable[[int], None]) -> None:
    """Compare the blocks in `numbers` until `stop` returns True; `done` receives the bytes of each.

    Raises VerificationError if one has changed.
    """
    pattern = memory.pattern()
    for number in numbers:
        if stop():
            return
        if memory.compare(pattern, number):
            done(BLOCK_BYTES)


def _place(address: int) -> str:
    """An address of this process and, if the system reveals it, the physical one, which identifies the module."""
    physical = _physical(address)
    return f"address {address:#x}" + (f", physical {physical:#x}" if physical is not None else "")


def _physical(address: int) -> int | None:
    try:
        with open("/proc/self/pagemap", "rb") as file:
            file.seek(address // _PAGE_BYTES * 8)
            entry = int.from_bytes(file.read(8), "little")
    except OSError:
        return None
    # For users without privileges the number of the frame reads as 0.
    frame = entry & _FRAME
    return frame * _PAGE_BYTES + address % _PAGE_BYTES if entry & _IN_MEMORY and frame else None
