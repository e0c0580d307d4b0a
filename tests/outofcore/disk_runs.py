"""Whole runs, on disk and in memory, kept as bytes."""

import os
from dataclasses import dataclass, field
from functools import lru_cache

from certificates import proves
from disk_parts import WatchedVolume

from bigconst.base.constant import Constant
from bigconst.constants import engine
from bigconst.constants.planning import make_plan
from bigconst.plans.plan import Plan
from bigconst.storage.lane import Lane
from bigconst.storage.volume import Volume

AMPLE = 1 << 60
MIB = 1 << 20
SMALL = 576 << 10
"""A workspace smaller than the program allows: short numbers have levels on disk, of few units."""
ONE_LEVEL, TWO_LEVELS, BETWEEN = 135_001, 420_001, 510_001
"""Decimal digits, about the fewest, that take one level in this workspace, two, and two with a pass between."""
REGROUPED, ROOMY = 940_000, 832 << 10
"""Digits, and a workspace, for which transforms of smaller words fit the memory of every one that is planned."""


class Sink:
    """A file in memory, which grows where more is written than was planned."""

    def __init__(self, size: int):
        self.data = bytearray(size)

    def write_at(self, offset: int, data) -> None:
        self.data.extend(bytes(max(0, offset + len(data) - len(self.data))))
        self.data[offset:offset + len(data)] = data


class FileSink:
    """A file on disk."""

    def __init__(self, path: str):
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)

    def write_at(self, offset: int, data) -> None:
        assert os.pwrite(self._fd, data, offset) == len(data)


class RecordingVolume(Volume):
    """Remembers how large it was."""

    def __init__(self, *arguments, **options):
        self.sizes: list[int] = []
        super().__init__(*arguments, **options)

    def resize(self, size_bytes: int) -> None:
        super().resize(size_bytes)
        self.sizes.append(self.allocated_bytes)


@dataclass
class Run:
    """What a run left."""

    plan: Plan
    text: bytes = b""
    certificate: bytes = b""
    outcome: engine.RunOutcome | None = None
    faults: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    """of the volume, after each time it was resized"""

    def files(self) -> tuple[bytes, bytes]:
        return self.text, self.certificate


def plan_on_disk(constant: Constant, digits: int, base: int = 10, workspace_bytes: int = SMALL, disk: str = "ssd",
                 threads: int = 1, certified: bool = True) -> Plan:
    plan = make_plan(constant, digits, base, threads, AMPLE, workspace_bytes=workspace_bytes, disk=disk,
                     certified=certified)
    assert plan.disk is not None
    return plan


def run(plan: Plan, volume, emit=lambda event: None) -> Run:
    """A run into memory; what fails is raised."""
    found = Run(plan)
    text = Sink(plan.text_bytes)
    certificate = Sink(plan.certificate_bytes) if plan.certified else None

    def listener(event):
        if type(event).__name__ == "Fault":
            found.faults.append(event.kind)
        emit(event)

    found.outcome = engine.run(plan, text, listener, certificate, volume)
    found.text, found.certificate = bytes(text.data), bytes(certificate.data) if certificate else b""
    return found


def run_on_lanes(plan: Plan, directory, lanes: int = 1, lane=Lane, emit=lambda event: None) -> Run:
    """A run on a real volume below `directory`, of which nothing is left."""
    places = [directory / f"lane{i}" for i in range(lanes)]
    for place in places:
        place.mkdir(exist_ok=True)
    try:
        with RecordingVolume(places, plan.disk.scratch_bytes, plan.disk.stripe_bytes, lane=lane) as volume:
            found = run(plan, volume, emit)
            found.sizes = volume.sizes
            return found
    finally:
        assert not [path for place in places for path in place.iterdir()], "scratch was left behind"


def run_watched(plan: Plan, seed: int = 0, emit=lambda event: None) -> Run:
    """A run on a volume in memory that watches it."""
    volume = WatchedVolume(plan.disk.scratch_bytes, seed)
    found = run(plan, volume, emit)
    assert not volume.under_way
    found.sizes = volume.sizes
    return found


@lru_cache(maxsize=64)
def in_memory(constant: Constant, digits: int, base: int = 10) -> tuple[bytes, bytes]:
    """Text and certificate of the engine in memory."""
    return run(make_plan(constant, digits, base, 2, AMPLE), None).files()


def are_right(files: tuple[bytes, bytes], constant: Constant, digits: int, base: int = 10) -> bool:
    """Whether the digits are those of a run in memory, and the certificate proves them, over the integers."""
    text, certificate = map(bytes, files)
    return same(text, in_memory(constant, digits, base)[0]) and proved(text, certificate)


proved = lru_cache(maxsize=64)(proves)


def same(a, b) -> bool:
    """Equality without pytest's attempt to explain a difference of a million characters."""
    return a == b
