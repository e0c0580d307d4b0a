"""Bits flipped on disk: a volume that flips a bit of blocks after they were written, and sees whether they are read.

Two bad chunks of one number at the same time cannot be repaired and stop a run by design; they are not made here.
"""

import os
import random
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import damage

from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.disk.tiles import Tiles
from bigconst.base.events import Fault
from bigconst.storage.lane import DATA_NAME
from bigconst.storage.volume import BlockRequest, Volume

FLIPS_PER_RUN = 3


class Labelled(BlockRequest):
    """A request that says whose block it is."""

    label, number = "", None
    """what the block holds, and the name of the number whose chunk it is, if any"""


def label_requests() -> None:
    """Make numbers and transforms issue labelled requests."""
    for owner, name in ((Number, lambda number: (_name(number.name), number.name)), (Tiles, lambda t: ("tiles", None))):
        _label(owner, name)


def _label(owner, name) -> None:
    original = owner.request

    def request(self, *arguments, **named):
        labelled = Labelled(*original(self, *arguments, **named))
        labelled.label, labelled.number = name(self)
        return labelled

    owner.request = request


def _name(name: str) -> str:
    """The label of a number of a run, from its name."""
    if found := re.search(r", (e|u|v)\b", name):
        return f"chunk of {found[1]}"
    if ", proof" in name:
        return "chunk of the certificate"
    return "chunk of x" if name.startswith("root") else "chunk of y"


@dataclass
class Flip:
    """A flipped bit in the block from address `start` to address `stop` of the volume."""

    what: str
    """what the block holds"""
    start: int
    stop: int
    number: str | None
    read: bool = False
    repair: str = ""


class FlippingVolume(Volume):
    """A volume that flips one bit of block number n, in the order of writing, for each n in `targets`."""

    def __init__(self, directories, size_bytes, stripe_bytes, *, targets=(), chance=None):
        self._path = str(Path(directories[0]) / DATA_NAME)
        self.targets, self._chance, self.blocks, self.flips = set(targets), chance, 0, []
        super().__init__(directories, size_bytes, stripe_bytes)

    def write(self, requests, sums=None):
        requests = list(requests)
        for request in requests:
            stop = request.address + sum(view.nbytes for view in request.views)
            self.flips = [flip for flip in self.flips
                          if flip.read or flip.stop <= request.address or stop <= flip.start]
        chosen = [request for i, request in enumerate(requests, self.blocks) if i in self.targets]
        self.blocks += len(requests)
        return _Written(super().write(requests, sums), lambda: [self._flip(request) for request in chosen])

    def read(self, requests, sums=None):
        requests = list(requests)
        for request in requests:
            for flip in self.flips:
                flip.read = flip.read or flip.start == request.address
        return super().read(requests, sums)

    def _flip(self, request: BlockRequest) -> None:
        """Flip one bit in the file of the only lane, unless the number has a bad chunk already."""
        if request.number is not None and any(flip.number == request.number for flip in self.flips):
            return
        size = sum(view.nbytes for view in request.views)
        at = request.address + self._chance.randrange(size)     # an address of the volume and of its only lane
        fd = os.open(self._path, os.O_RDWR)
        try:
            byte = os.pread(fd, 1, at)[0]
            os.pwrite(fd, bytes([byte ^ 1 << self._chance.randrange(8)]), at)
            os.fsync(fd)        # the volume reads past the page cache
        finally:
            os.close(fd)
        self.flips.append(Flip(request.label, request.address, request.address + size, request.number))


class _Written:
    """A transfer that calls `then` once when it has ended."""

    def __init__(self, transfer, then):
        self._transfer, self._then = transfer, then

    def wait(self) -> None:
        self._transfer.wait()
        then, self._then = self._then, lambda: None
        then()


class Flips:
    """Trials with flipped bits."""

    def __init__(self, digits: int | None, folder: Path):
        self._digits, self._folder = digits, folder
        self._rights = damage.Rights(folder)
        self._blocks: dict[str, int] = {}
        label_requests()

    def carry_out(self, chance: random.Random, number: int) -> dict:
        """Run with FLIPS_PER_RUN flips, and return the row of the trial; flips that nobody reads are left out."""
        kind, plan = damage.plan_of(chance, self._digits)
        right, blocks = self._rights.of(plan), self._count(kind, plan)
        targets = chance.sample(range(blocks), FLIPS_PER_RUN)
        volumes: list[FlippingVolume] = []
        row = {"plan": kind, "flips": [], "message": ""}

        def volume(*arguments):
            volumes.append(FlippingVolume(*arguments, targets=targets, chance=chance))
            return volumes[0]

        def listen(event) -> None:
            if isinstance(event, Fault):
                _explain(volumes[0].flips, event.message, f"{event.kind}: {_shorter(event.message)}")

        folder = self._folder / f"trial{number}"
        try:
            files = damage.carry_out(plan, folder, volume, listen)
        except Exception as error:      # of any kind: which one is what the trial tells
            _explain(volumes[0].flips, str(error), f"stopped: {damage.check_of(error)}")
            row |= {"outcome": damage.STOPPED, "message": str(error)}
        else:
            same = files.contents() == right
            row["outcome"] = (damage.REPAIRED if any(f.repair for f in volumes[0].flips) else damage.HARMLESS)
            # Reads ahead of the end of a failed product do not count: such a run is repaired, not harmless.
            if row["outcome"] == damage.HARMLESS and any(flip.read for flip in volumes[0].flips):
                row["outcome"] = damage.UNNOTICED
            if not same:
                row["outcome"] = damage.WRONG
        # When a run stops it may have read ahead, or read a second bad chunk to rebuild the first one.
        without = {damage.STOPPED: "bad as well when the run stopped",
                   damage.REPAIRED: "read ahead of a repetition"}.get(row["outcome"], "not noticed")
        row["flips"] = [{"what": flip.what, "address": flip.start, "repair": flip.repair or without}
                        for flip in volumes[0].flips if flip.read]
        shutil.rmtree(folder, ignore_errors=True)
        return row

    def _count(self, kind: str, plan) -> int:
        """Blocks that an undisturbed run writes."""
        if kind not in self._blocks:
            volumes = []

            def volume(*arguments):
                volumes.append(FlippingVolume(*arguments))
                return volumes[0]

            damage.carry_out(plan, self._folder / "counted", volume, lambda event: None)
            shutil.rmtree(self._folder / "counted")
            self._blocks[kind] = volumes[0].blocks
        return self._blocks[kind]


def _explain(flips: list[Flip], message: str, repair: str) -> None:
    """Attribute a message to a flip: to that of the block whose offset it names, which is the address on the volume,
    or else to the first flip that was read and has no explanation yet."""
    named = re.search(r"starts at offset (\d+)", message)
    for flip in flips:
        if flip.read and (flip.start == int(named[1]) if named else not flip.repair):
            flip.repair = repair
            return


def _shorter(message: str) -> str:
    """The message without addresses and paths."""
    return re.sub(r"the block of .* starts at .* of \S+ ", "", message)[:60]
