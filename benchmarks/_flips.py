"""Bits turned over on disk: a volume that spoils blocks which were written, and watches whether they are read.

Two bad chunks of one number at the same time stop a run, which is by design; they are not made here.
"""

import os
import random
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import _damage

from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.disk.tiles import Tiles
from bigconst.base.events import Fault
from bigconst.storage.lane import DATA_NAME
from bigconst.storage.volume import BlockRequest, Volume

FLIPS_A_RUN = 3


class Labelled(BlockRequest):
    """A request that knows whose block it is."""

    label, number = "", None
    """what it is, and the name of the number where it is a chunk"""


def label_requests() -> None:
    """Have numbers and transforms say so."""
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
    """Which of the numbers of a run it is."""
    if found := re.search(r", (e|u|v)\b", name):
        return f"chunk of {found[1]}"
    if name == "root":
        return "chunk of x"
    return "chunk of r" if name.startswith(("certificate", "settling")) else "chunk of y"


@dataclass
class Flip:
    """A bit that is not what was written."""

    what: str
    start: int
    """address of the block"""
    stop: int
    number: str | None
    read: bool = False
    repair: str = ""


class FlippingVolume(Volume):
    """Flips a bit of the written blocks of these numbers."""

    def __init__(self, directories, size_bytes, stripe_bytes, *, targets=(), chance=None):
        self._path = str(Path(directories[0]) / DATA_NAME)
        self.targets, self._chance, self.blocks, self.flips = set(targets), chance, 0, []
        super().__init__(directories, size_bytes, stripe_bytes)

    def write(self, requests, sums):
        requests = list(requests)
        for request in requests:
            stop = request.address + sum(view.nbytes for view in request.views)
            self.flips = [flip for flip in self.flips
                          if flip.read or flip.stop <= request.address or stop <= flip.start]
        chosen = [request for i, request in enumerate(requests, self.blocks) if i in self.targets]
        self.blocks += len(requests)
        return _Written(super().write(requests, sums), lambda: [self._flip(request) for request in chosen])

    def read(self, requests, sums):
        requests = list(requests)
        for request in requests:
            for flip in self.flips:
                flip.read = flip.read or flip.start == request.address
        return super().read(requests, sums)

    def _flip(self, request: BlockRequest) -> None:
        """One bit, in the file of the only lane; one bad chunk of a number at a time is what can be rebuilt."""
        if request.number is not None and any(flip.number == request.number for flip in self.flips):
            return
        size = sum(view.nbytes for view in request.views)
        at = request.address + self._chance.randrange(size)     # of the volume and of its only lane
        fd = os.open(self._path, os.O_RDWR)
        try:
            byte = os.pread(fd, 1, at)[0]
            os.pwrite(fd, bytes([byte ^ 1 << self._chance.randrange(8)]), at)
            os.fsync(fd)        # the volume reads past the page cache
        finally:
            os.close(fd)
        self.flips.append(Flip(request.label, request.address, request.address + size, request.number))


class _Written:
    """A transfer after which something is done, once."""

    def __init__(self, transfer, then):
        self._transfer, self._then = transfer, then

    def wait(self) -> None:
        self._transfer.wait()
        then, self._then = self._then, lambda: None
        then()


class Flips:
    """Trials."""

    def __init__(self, digits: int | None, folder: Path):
        self._digits, self._folder = digits, folder
        self._rights = _damage.Rights(folder)
        self._blocks: dict[str, int] = {}
        label_requests()

    def carry_out(self, chance: random.Random, number: int) -> dict:
        """A run with some flips; those that nobody reads do not count."""
        kind, plan = _damage.plan_of(chance, self._digits)
        right, blocks = self._rights.of(kind, plan), self._count(kind, plan)
        targets = chance.sample(range(blocks), FLIPS_A_RUN)
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
            files = _damage.carry_out(plan, folder, volume, listen)
        except Exception as error:      # of any kind: that is what is asked
            _explain(volumes[0].flips, str(error), f"stopped: {_damage.check_of(error)}")
            row |= {"outcome": _damage.STOPPED, "message": str(error)}
        else:
            same = files.contents() == right
            row["outcome"] = (_damage.REPAIRED if any(f.repair for f in volumes[0].flips) else _damage.HARMLESS)
            # What was read ahead when a product was given up is read for nothing.
            if row["outcome"] == _damage.HARMLESS and any(flip.read for flip in volumes[0].flips):
                row["outcome"] = _damage.UNNOTICED
            if not same:
                row["outcome"] = _damage.WRONG
        # When a run stops it may have read ahead, or read a second bad chunk to rebuild the first one.
        without = {_damage.STOPPED: "bad as well when the run stopped",
                   _damage.REPAIRED: "read ahead of a repetition"}.get(row["outcome"], "not noticed")
        row["flips"] = [{"what": flip.what, "address": flip.start, "repair": flip.repair or without}
                        for flip in volumes[0].flips if flip.read]
        shutil.rmtree(folder, ignore_errors=True)
        return row

    def _count(self, kind: str, plan) -> int:
        """Blocks that a run writes."""
        if kind not in self._blocks:
            volumes = []

            def volume(*arguments):
                volumes.append(FlippingVolume(*arguments))
                return volumes[0]

            _damage.carry_out(plan, self._folder / "counted", volume, lambda event: None)
            shutil.rmtree(self._folder / "counted")
            self._blocks[kind] = volumes[0].blocks
        return self._blocks[kind]


def _explain(flips: list[Flip], message: str, repair: str) -> None:
    """What was noticed belongs to the flip of the block that the message names (the only lane's offset is the address
    of the volume), else to the first one that was read and has no explanation."""
    named = re.search(r"starts at offset (\d+)", message)
    for flip in flips:
        if flip.read and (flip.start == int(named[1]) if named else not flip.repair):
            flip.repair = repair
            return


def _shorter(message: str) -> str:
    """Without addresses and paths."""
    return re.sub(r"the block of .* starts at .* of \S+ ", "", message)[:60]
