"""The checkpoint drill: before a run computes, all that is needed to resume it is written, read back and compared.

A disk that loses writes, a file system that refuses what a checkpoint needs, a
directory that two machines write to: all of that is found in the first second,
not when the run is to be resumed.
"""

import json
import mmap
import os
from collections.abc import Sequence

import numpy as np

from bigconst.base.errors import BigconstError, FaultError
from bigconst.runtime.checkpoint import Checkpoint
from bigconst.storage.journal import read_journal
from bigconst.storage.lane import BLOCK_BYTES
from bigconst.storage.manifest import NAME, read_manifest
from bigconst.storage.volume import BlockRequest, Volume

DRILL_KEY = "drill"
"""Key of the drill's record in the journal, which no step of a run asks for."""
DRILL_BYTES = 256 << 10
"""Bytes of a block: long enough to occupy a disk, short enough for a few dozen to take no time."""
SPREAD = 16
"""Blocks that are spread from the beginning of the scratch to its end, in addition to those of each lane."""

_REMEDY = "see that no other machine writes there, and test its disk"


def drill(volume: Volume, checkpoint: Checkpoint, copies: Sequence[tuple[str, dict]] = ()) -> None:
    """Write blocks all over the volume and a record of the journal, read these and the manifests back, and compare.

    The blocks are overwritten.  `copies` are (directory, fields) of other manifests of the run.
    Raises FaultError or InputOutputError.
    """
    try:
        _drill(volume, checkpoint, [(checkpoint.directory, checkpoint.fields), *copies])
    except BigconstError as error:
        what, _, remedy = str(error).partition("; ")
        #: The disk, or the file system, does not give back what it was given. What exactly stands behind the colon;
        #: test the disk, or use another.
        failed = type(error)(f"the checkpoint drill failed before anything was computed: {what}", remedy)
        failed.exit_code = error.exit_code      # a full disk has another than a failing one
        raise failed from error


def _drill(volume: Volume, checkpoint: Checkpoint, manifests: Sequence[tuple[str, dict]]) -> None:
    addresses, size = places(volume)
    data = np.frombuffer(mmap.mmap(-1, len(addresses) * size), np.uint8).reshape(len(addresses), size)
    data[:] = np.frombuffer(os.urandom(data.size), np.uint8).reshape(data.shape)
    sums = np.zeros(len(addresses), np.uint64)
    requests = [BlockRequest(address, [data[i]], i) for i, address in enumerate(addresses)]
    volume.write(requests, sums).wait()
    volume.sync()
    record = {"key": DRILL_KEY}, {"addresses": np.array(addresses), "sums": sums}
    checkpoint.append(*record)
    path = os.path.join(checkpoint.directory, checkpoint.fields["journal"])
    _compare_journal(path, record)
    for directory, fields in manifests:
        _compare_manifest(directory, fields)
    # The journal gave these checksums back, so blocks that have them are what was written.
    data[:] = 0
    volume.read(requests, sums).wait()


def places(volume: Volume) -> tuple[list[int], int]:
    """Addresses of blocks that do not overlap, and their size, in bytes.

    They are spread from the beginning of the volume to its end, and lie in the first and the last stripe of each lane.
    No block is on two lanes, so that an error names the right one.
    """
    stripe, total = volume.striping.stripe_bytes, volume.size_bytes
    size = max(BLOCK_BYTES, _whole(min(DRILL_BYTES, stripe, total // SPREAD)))
    last = total - size
    wanted = {last * i // (SPREAD - 1) for i in range(SPREAD)}
    for units in volume.striping.ends(total):
        wanted |= {unit * stripe for unit in units.values()}
    found: list[int] = []
    for address in sorted({_within_stripe(each, size, stripe, total) for each in wanted}):
        if not found or address >= found[-1] + size:
            found.append(address)
    return found, size


def _within_stripe(address: int, size: int, stripe: int, total: int) -> int:
    """The address near `address` from which on a block lies within one stripe."""
    unit, within = divmod(address, stripe)
    room = min(stripe, total - unit * stripe)
    if room < size:         # the last stripe may be short
        unit, within, room = unit - 1, stripe, stripe
    return unit * stripe + _whole(min(within, room - size))


def _whole(size_bytes: int) -> int:
    """`size_bytes` rounded down to whole blocks of the disk."""
    return size_bytes // BLOCK_BYTES * BLOCK_BYTES


def _compare_journal(path: str, record: tuple[dict, dict]) -> None:
    found = [record for record, _ in read_journal(path)]
    if not found or found[-1][0] != record[0] or any(
            not np.array_equal(found[-1][1].get(name), array) for name, array in record[1].items()):
        #: Another machine writes to the same directory (network disks), or the disk lies. Nothing was computed yet.
        raise FaultError(f"{path} does not give back the record that was written", _REMEDY)


def _compare_manifest(directory: str, fields: dict) -> None:
    _forget(os.path.join(directory, NAME))
    found = read_manifest(directory)
    if found is None or found != _plain(fields):
        #: As for "… does not give back the record that was written".
        raise FaultError(f"{os.path.join(directory, NAME)} does not give back what was written", _REMEDY)


def _plain(fields: dict) -> dict:
    """`fields` as JSON gives them back, with lists for tuples."""
    return json.loads(json.dumps(fields))


def _forget(path: str) -> None:
    """Discard the cached pages of a file, as far as the system does it, so that the next read comes from the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)
