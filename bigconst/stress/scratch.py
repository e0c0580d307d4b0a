"""The test of disks: a volume is filled with patterns, synced, read back in another order and compared."""

import contextlib
import os
import random
from collections.abc import Callable, Sequence

import numpy as np

from bigconst.base.errors import ChecksumError, DiskFull, InputOutputError, VerificationError
from bigconst.base.units import format_bytes
from bigconst.kernels.checksum import checksum
from bigconst.runtime.arena import Arena
from bigconst.storage.lane import DATA_NAME
from bigconst.storage.volume import BlockRequest, Volume
from bigconst.stress.pattern import BLOCK_BYTES, BLOCK_WORDS, FillPattern

DIRECTORY = "bigconst.stress"
"""Name of the test's own directory in each directory of --swap, so that an interrupted run there is left alone."""

MOST_BYTES = 4 << 30
"""Most bytes of scratch in each directory; all directories together use at most a quarter of the free space."""

BATCH_BLOCKS = 32
"""Blocks that are transferred together."""
BUFFERS_BYTES = 2 * BATCH_BLOCKS * BLOCK_BYTES
"""Memory of two batches: while one is transferred, the next one is made."""

_DISK = "do not trust this machine: test the disk and its cable (smartctl, dmesg), then its memory"
_MEMORY = "do not trust this machine: test its memory"


class ScratchTest:
    """A test volume in `directories`, for one thread.  A context manager: leaving it removes everything.

    Raises UsageError when a directory is named twice, InputOutputError when one cannot be used, DiskFull when there is
    too little room for a test.
    """

    def __init__(self, directories: Sequence[str], seed: int, note: Callable[[str], None] = lambda line: None):
        self._paths = [os.path.join(directory, DIRECTORY) for directory in directories]
        self._made: list[str] = []
        self._pattern = FillPattern(seed)
        self._buffers = Arena(BUFFERS_BYTES).take(2 * BATCH_BLOCKS * BLOCK_WORDS, np.uint64)
        try:
            for path in self._paths:
                self._make(path)
            free = min(os.statvfs(path).f_bavail * os.statvfs(path).f_frsize for path in self._paths)
            # Several directories may be on one disk, so their free space is not added up.
            self.size_bytes = min(MOST_BYTES * len(self._paths), free // 4) // BLOCK_BYTES * BLOCK_BYTES
            if self.size_bytes < BATCH_BLOCKS * BLOCK_BYTES:
                #: As for "a benchmark needs 256 MiB free in …".
                raise DiskFull(f"a test of disks takes a quarter of what is free, at least "
                               f"{format_bytes(BATCH_BLOCKS * BLOCK_BYTES)}, there are {format_bytes(free)} free in "
                               f"{' and '.join(directories)}", "make room there, or name another directory with --swap")
            self.volume = Volume(self._paths, self.size_bytes, BLOCK_BYTES, note)
        except BaseException:
            self._remove()
            raise
        blocks = self.size_bytes // BLOCK_BYTES
        self._batches = [range(first, min(first + BATCH_BLOCKS, blocks)) for first in range(0, blocks, BATCH_BLOCKS)]

    def _make(self, path: str) -> None:
        try:
            os.mkdir(path)
        except FileExistsError:
            pass        # left by a killed process, or in use by another one, which its lock shows
        except OSError as error:
            raise InputOutputError(f"cannot create {path}: {error.strerror}",
                                   "name a directory that is there and writable with --swap") from error
        self._made.append(path)

    def _remove(self) -> None:
        for path in self._made:
            with contextlib.suppress(OSError):      # not empty if another process uses it
                os.rmdir(path)

    def __enter__(self) -> "ScratchTest":
        return self

    def __exit__(self, *_exception) -> None:
        self.volume.close()
        self._remove()

    @property
    def moved_bytes(self) -> int:
        """Bytes written and read so far."""
        return self.volume.written_bytes + self.volume.read_bytes

    def turn(self, turn: int, enough: Callable[[], bool], aborted: Callable[[], bool]) -> None:
        """Write round `turn` until `enough` returns True, sync it, read and compare it until `aborted` returns True.

        Raises VerificationError, which names file and offset, and InputOutputError.
        """
        written = self._pass(self._write, self._batches, turn, enough)
        self.volume.sync()
        if not aborted():
            # The random order makes hard disks seek.
            self._pass(self._compare, random.sample(written, len(written)), turn, aborted)

    def _pass(self, begin: Callable[[list[np.ndarray], range, int], Callable[[], None]], batches: Sequence[range],
              turn: int, stop: Callable[[], bool]) -> list[range]:
        """Transfer batches until `stop` returns True; returns those that were transferred.

        `begin` starts the transfer of a batch and returns a function that waits for its end.
        """
        done, finish = [], None
        for half, numbers in enumerate(batches):
            if stop():
                break
            following = begin(self._views(half % 2, len(numbers)), numbers, turn)
            if finish is not None:
                finish()
            finish = following
            done.append(numbers)
        if finish is not None:
            finish()
        return done

    def _views(self, half: int, count: int) -> list[np.ndarray]:
        starts = [(half * BATCH_BLOCKS + i) * BLOCK_WORDS for i in range(count)]
        return [self._buffers[start:start + BLOCK_WORDS] for start in starts]

    def _write(self, views: list[np.ndarray], numbers: range, turn: int) -> Callable[[], None]:
        expected, found = np.zeros(len(numbers), np.uint64), np.zeros(len(numbers), np.uint64)
        for i, number in enumerate(numbers):
            block = self._pattern.make(number, turn)
            expected[i], views[i][:] = checksum(block), block
        transfer = self.volume.write(_requests(views, numbers), found)

        def finish() -> None:
            transfer.wait()
            for i in np.flatnonzero(expected != found):
                difference = self._pattern.difference(views[i], numbers[i], turn)
                #: It was wrong before the disk had it: test the memory.
                raise VerificationError(f"the block for address {numbers[i] * BLOCK_BYTES} of the scratch changed in "
                                        f"memory: {difference or 'its checksum was wrong, it is right now'}", _MEMORY)

        return finish

    def _compare(self, views: list[np.ndarray], numbers: range, turn: int) -> Callable[[], None]:
        sums = np.zeros(len(numbers), np.uint64)
        for i, number in enumerate(numbers):
            sums[i] = checksum(self._pattern.make(number, turn))
            views[i][:] = 0
        transfer = self.volume.read(_requests(views, numbers), sums)

        def finish() -> None:
            try:
                transfer.wait()
            except ChecksumError as error:
                raise self._fault(views, numbers, turn, error) from error

        return finish

    def _fault(self, views: list[np.ndarray], numbers: range, turn: int, error: ChecksumError) -> VerificationError:
        """The error that names the exact place, found in the buffers that were read."""
        # Only this block: others of the batch may not have been read after the error.
        number = numbers[error.index]
        if (difference := self._pattern.difference(views[error.index], number, turn)) is not None:
            address = number * BLOCK_BYTES + difference.offset_bytes
            lane, offset, _ = self.volume.striping.split(address, 1)[0]
            #: The file on that disk is not what was written. Test the disk and its cable (`smartctl`, `dmesg`); when
            #: it was right the second time, test the memory.
            return VerificationError(f"{os.path.join(self._paths[lane], DATA_NAME)}, offset {offset}: {difference}",
                                     _DISK)
        #: As for "…, offset …: …".
        return VerificationError(str(error).split(";")[0] + ", but was right when it was read again", _MEMORY)


def _requests(views: list[np.ndarray], numbers: range) -> list[BlockRequest]:
    return [BlockRequest(number * BLOCK_BYTES, [views[i]], i) for i, number in enumerate(numbers)]
