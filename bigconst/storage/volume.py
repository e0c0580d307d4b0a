"""The scratch volume: blocks with checksums, striped over lanes.

A request is one block, the unit that has a checksum.  Reading and writing
return at once; the threads of the lanes move the bytes.  Checksums are stored
by the caller, apart from the data, and made by the caller too where the data
is in a cache anyway, else by the threads of the lanes.  Requests are cut and
merged here to sizes that suit a disk: neighbours become one system call, and a
long request is shared by several threads.
"""

import itertools
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from bigconst.base.errors import ChecksumError, UsageError
from bigconst.storage.lane import BLOCK_BYTES, THREADS, Lane, Transfer
from bigconst.storage.striping import Striping, Zone, check_room, make_zones

LONGEST_BYTES = 8 << 20
"""Most bytes of a system call."""

_SHORTEST_BYTES = 1 << 20
"""A long request is not cut below this to occupy more threads."""


class BlockRequest(NamedTuple):
    """One block: `views` together are the bytes at `address` (bytes) of the volume.

    Every view is a C-contiguous buffer (any numpy type).  Its address in memory, its length in bytes and `address`
    are multiples of 4096.  The checksum of the block is entry `index` of the array of checksums.
    """

    address: int
    views: Sequence[Any]
    index: int


class Layout(NamedTuple):
    """The zones by which lanes share a volume, and their speeds (bytes/s read, written), by which they were made."""

    zones: tuple[Zone, ...]
    speeds: tuple[tuple[float, float], ...]


class _Block:
    """A request in progress: its bytes, how many of them are assigned to jobs, and how many jobs are not yet done."""

    __slots__ = ("address", "views", "index", "size_bytes", "jobs_left", "_view", "_used_bytes")

    def __init__(self, request: BlockRequest):
        self.address, views, self.index = request
        # numpy knows more types than a memoryview can cast.
        self.views = [memoryview(np.frombuffer(view, np.uint8)) for view in views]
        self.size_bytes = len(self.views[0]) if len(self.views) == 1 else sum(map(len, self.views))
        self.jobs_left = self._view = self._used_bytes = 0

    def take(self, length: int) -> list[memoryview]:
        """Views of the next `length` bytes, which are then assigned."""
        if length == self.size_bytes and len(self.views) == 1:
            return self.views
        out = []
        while length > 0:
            view = self.views[self._view]
            piece = view[self._used_bytes:self._used_bytes + length]
            out.append(piece)
            length -= len(piece)
            self._used_bytes += len(piece)
            if self._used_bytes == len(view):
                self._view, self._used_bytes = self._view + 1, 0
        return out

    def checksum(self) -> int:
        """The checksum of all bytes (kernels.checksum)."""
        from bigconst.kernels.checksum import checksum  # plans know volumes, too, and must not wait for numba

        return checksum(*self.views)


class _Job:
    """Adjacent bytes of one lane, moved by one thread in one system call if all goes well."""

    __slots__ = ("lane", "offset", "end", "views", "blocks")

    def __init__(self, lane: int, offset: int):
        self.lane, self.offset, self.end = lane, offset, offset
        self.views: list[memoryview] = []
        self.blocks: list[_Block] = []


class Volume:
    """`size_bytes` of scratch space (rounded up to 4096) in `directories`, each on its own disk.

    `stripe_bytes`, a multiple of 4096, is what a lane takes before it is the next one's turn; how often it is
    its turn follows its speed, measured here in a fraction of a second, and its free space.  `note` receives
    one line for whatever is slower than it need be.  `lane(directory, note)` makes a lane.  `kept`, the layout of an
    earlier volume in these directories, reopens it.

    All space is reserved when the volume is made.  Raises UsageError when a directory is named twice,
    InputOutputError when one cannot be used, DiskFull when together they have no room.
    """

    def __init__(
        self,
        directories: Sequence[str | os.PathLike],
        size_bytes: int,
        stripe_bytes: int,
        note: Callable[[str], None] = lambda line: None,
        lane: Callable[..., Lane] = Lane,
        kept: "Layout | None" = None,
    ):
        if stripe_bytes <= 0 or stripe_bytes % BLOCK_BYTES:
            raise ValueError(f"stripe unit of {stripe_bytes} bytes is no multiple of {BLOCK_BYTES}")
        self.size_bytes = 0
        self._note = note
        self._closed = False
        self._kept = kept is not None
        self._settling = threading.Lock()
        self._lanes: list[Lane] = []
        _refuse_duplicates(directories)
        try:
            if kept is not None:
                self._reopen(directories, size_bytes, stripe_bytes, kept, lane)
                return
            for directory in directories:
                self._lanes.append(lane(directory, note))
            self._note_shared_disks()
            size_bytes = _round_up(size_bytes)
            check_room(self._free_bytes(), size_bytes)
            self.speeds = [each.measure(min(free, size_bytes // len(self._lanes)))
                           for each, free in zip(self._lanes, self._free_bytes(), strict=True)]
            # Scratch is written once and read once: the time for both counts.
            zones = make_zones([1 / (1 / read + 1 / written) for read, written in self.speeds],
                               self._free_bytes(), size_bytes, stripe_bytes)
            self.striping = Striping(zones, stripe_bytes)
            self.resize(size_bytes)
        except BaseException:
            self.close(delete=kept is None)
            raise

    def _reopen(self, directories: Sequence[str | os.PathLike], size_bytes: int, stripe_bytes: int, kept: "Layout",
                lane: Callable[..., Lane]) -> None:
        """Open the files of the lanes at their present sizes; where space was given back, only reading fails."""
        self.striping = Striping(kept.zones, stripe_bytes)
        self.speeds = [tuple(speed) for speed in kept.speeds]
        for directory in directories:
            self._lanes.append(lane(directory, self._note, keep=True))
        self.size_bytes = _round_up(size_bytes)

    @property
    def layout(self) -> "Layout":
        """The layout, which is needed to reopen the volume."""
        return Layout(self.striping.zones, tuple(self.speeds))

    def sync(self) -> None:
        """Return when everything that was written is on the disks."""
        for lane in self._lanes:
            lane.sync()

    # --- space -------------------------------------------------------------------------

    def _note_shared_disks(self) -> None:
        first: dict[int, Lane] = {}
        for lane in self._lanes:
            other = first.setdefault(lane.device, lane)
            if other is not lane:
                self._note(f"{other.directory} and {lane.directory} are on the same disk: one of them is enough")

    def _free_bytes(self) -> list[int]:
        """Bytes that each lane can have, those it has included; lanes on one disk share what is free there."""
        sharing = Counter(lane.device for lane in self._lanes)
        return [lane.allocated_bytes + lane.free_bytes() // sharing[lane.device] for lane in self._lanes]

    @property
    def allocated_bytes(self) -> int:
        """Bytes reserved on all disks."""
        return sum(lane.allocated_bytes for lane in self._lanes)

    @property
    def in_memory_bytes(self) -> int:
        """Those of them that take up memory of this machine."""
        return sum(lane.allocated_bytes for lane in self._lanes if lane.in_memory)

    def resize(self, size_bytes: int) -> None:
        """Reserve more at the end, or give back what is beyond `size_bytes`; no transfer may be in progress there.

        Raises DiskFull or InputOutputError.
        """
        size_bytes = _round_up(size_bytes)
        sizes = self.striping.lane_bytes(size_bytes)
        for lane, size in itertools.zip_longest(self._lanes, sizes, fillvalue=0):   # the last lanes may have no share
            # A reopened volume may have been larger before: the data it has there stays.
            if not self._kept or size_bytes < self.size_bytes or size > lane.allocated_bytes:
                lane.resize(size)
        self.size_bytes = size_bytes

    def close(self, delete: bool = True) -> None:
        """End the threads, close, and with `delete` remove all files; transfers in progress fail."""
        for lane in self._lanes:
            for line in lane.close(delete):
                self._note(line)
        self._closed = True

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def __enter__(self) -> "Volume":
        return self

    def __exit__(self, *_exception) -> None:
        self.close()

    # --- moving blocks -----------------------------------------------------------------

    @property
    def read_bytes(self) -> int:
        """Bytes that the system calls of all lanes have read since the volume was made."""
        return sum(lane.read_bytes for lane in self._lanes)

    @property
    def written_bytes(self) -> int:
        """Bytes that the system calls of all lanes have written since the volume was made."""
        return sum(lane.written_bytes for lane in self._lanes)

    def read(self, requests: Iterable[BlockRequest], sums: np.ndarray | None = None) -> Transfer:
        """Fill the views of all requests, and compare each block with its entry of `sums` (uint64), if there are any.

        Returns at once; views and sums belong to the transfer until its `wait` has returned, which raises
        InputOutputError or ChecksumError.  A block must not be read before the transfer that writes it is done.
        """
        jobs, transfer = self._prepare(requests, sums)
        for job in jobs:
            lane = self._lanes[job.lane]
            lane.submit_read(transfer, partial(self._perform, lane.read, job, self._verify, sums))
        return transfer

    def write(self, requests: Iterable[BlockRequest], sums: np.ndarray | None = None) -> Transfer:
        """Write all requests, and put the checksum of each block into its entry of `sums` (uint64), if there are any.

        Returns at once; views and sums belong to the transfer until its `wait` has returned, which raises
        InputOutputError.
        """
        jobs, transfer = self._prepare(requests, sums)
        for job in jobs:
            lane = self._lanes[job.lane]
            lane.submit_write(transfer, partial(self._perform, lane.write, job, self._record, sums))
        return transfer

    def _prepare(self, requests: Iterable[BlockRequest], sums: np.ndarray | None) -> tuple[list[_Job], Transfer]:
        if self._closed:
            raise ValueError("the volume is closed")
        if sums is not None and sums.dtype != np.uint64:
            raise ValueError(f"checksums are uint64, not {sums.dtype}")
        blocks = [_Block(request) for request in requests]
        for block in blocks:
            if block.address % BLOCK_BYTES or any(len(view) % BLOCK_BYTES for view in block.views):
                raise ValueError(f"the block at {block.address} is not cut at multiples of {BLOCK_BYTES} bytes")
            if not 0 <= block.address < block.address + block.size_bytes <= self.size_bytes:
                raise ValueError(f"the block at {block.address} is not within the {self.size_bytes} bytes there are")
        jobs = self._jobs(blocks)
        return jobs, Transfer(len(jobs))

    def _jobs(self, blocks: list[_Block]) -> list[_Job]:
        """Jobs that move the blocks, in order: neighbours on a lane are merged, long ones are cut."""
        share = sum(block.size_bytes for block in blocks) // (len(self._lanes) * THREADS)
        most = min(LONGEST_BYTES, max(_SHORTEST_BYTES, _round_up(share)))
        jobs: list[_Job] = []
        last: dict[int, _Job] = {}
        for block in blocks:
            for lane, offset, length in self.striping.split(block.address, block.size_bytes, most):
                job = last.get(lane)
                if job is None or job.end != offset or offset + length - job.offset > most:
                    job = last[lane] = _Job(lane, offset)
                    jobs.append(job)
                job.views += block.take(length)
                job.end += length
                if not job.blocks or job.blocks[-1] is not block:
                    job.blocks.append(block)
                    block.jobs_left += 1
        return jobs

    def _perform(self, move: Callable, job: _Job, settle: Callable, sums: np.ndarray | None) -> None:
        """Move the bytes of a job, in a lane's thread; where there are sums, the last job of a block also calls
        settle(block, sums)."""
        move(job.offset, job.views)
        for block in job.blocks if sums is not None else ():
            with self._settling:
                block.jobs_left -= 1
                complete = block.jobs_left == 0
            if complete:
                settle(block, sums)

    def _record(self, block: _Block, sums: np.ndarray) -> None:
        sums[block.index] = block.checksum()

    def _verify(self, block: _Block, sums: np.ndarray) -> None:
        if block.checksum() != int(sums[block.index]):
            raise self.changed(block.address, block.size_bytes, block.index)

    def changed(self, address: int, size_bytes: int, index: int) -> ChecksumError:
        """The error for a block that does not have its checksum."""
        lane, offset, _ = self.striping.split(address, BLOCK_BYTES)[0]
        #: The disk, its cable or a cache has changed data. It was read twice. Test the disk, then resume.
        return ChecksumError(f"the block of {size_bytes} bytes that starts at offset {offset} of "
                             f"{self._lanes[lane].path} is not what was written", index)


def _round_up(size_bytes: int) -> int:
    return -(-size_bytes // BLOCK_BYTES) * BLOCK_BYTES


def _refuse_duplicates(directories: Sequence[str | os.PathLike]) -> None:
    seen: set[str] = set()
    for directory in directories:
        path = os.path.realpath(directory)
        if path in seen:
            #: Name each directory once. Links to one directory are one directory.
            raise UsageError(f"the scratch directory {os.fspath(directory)} is named twice", "name each disk once")
        seen.add(path)
