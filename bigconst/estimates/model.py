"""Seconds of the stages of a plan on a machine, and what bounds each.

Pure functions.  Within a step processors and disks work at the same time: it
takes the longer of their two times, and the share of the shorter one that the
benchmark found to be lost when they wait for each other.  The time that Python
takes for each block that is moved does not shrink with more threads.  Nothing
here is fitted to runs: all speeds are those of the benchmark, and
docs/estimates.md compares the estimates with runs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import hypot

from bigconst.estimates.speeds import DiskSpeeds, Speeds
from bigconst.estimates.work import MEMORY_BYTES, Stage, WorkStep
from bigconst.plans.accounts import Traffic

MODEL_ERROR = 0.1
"""Relative error of an estimate for a machine that was measured, besides the spread of its measurements."""
SCALED_ERROR = 0.3
"""Relative error of an estimate for a machine that is known from a table alone."""

CACHED_WORDS = 1 << 16
"""Words of a number that stays in the caches."""

JOURNAL_RUN_BYTES = 8 << 20
"""Size of a journal record with the chunks of a batch."""

NO_DISKS = DiskSpeeds((), "ssd", (), (), 0.0)
"""The disks of a run without scratch."""


@dataclass(frozen=True)
class StageEstimate:
    """The estimate of one stage."""

    name: str
    seconds: float
    compute_s: float
    """seconds that processors need"""
    memory_s: float
    """seconds that memory would need if nothing else took time; part of compute_s"""
    disk_s: float
    """seconds that disks need, files included"""
    bound: str
    """compute, memory or disk: what takes longest"""
    read_bytes: int
    written_bytes: int


@dataclass(frozen=True)
class Estimate:
    """The estimate of a run on a machine."""

    stages: tuple[StageEstimate, ...]
    error: float
    """relative error of the seconds"""

    @property
    def seconds(self) -> float:
        """Seconds of all stages together."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def bound(self) -> str:
        """What bounds the largest part of the seconds: compute, memory or disk."""
        return max(("compute", "memory", "disk"), key=lambda bound: sum(
            stage.seconds for stage in self.stages if stage.bound == bound))


def estimate(stages: Sequence[Stage], speeds: Speeds, disks: DiskSpeeds | None, threads: int) -> Estimate:
    """The estimate of these stages and of loading kernels before them; `disks` are those of the scratch, if any."""
    start = StageEstimate("start", speeds.start_s, speeds.start_s, 0.0, 0.0, "compute", 0, 0)
    spread = hypot(speeds.spread, disks.spread if disks is not None else 0.0)
    error = hypot(MODEL_ERROR if speeds.factor is None else SCALED_ERROR, spread)
    known: dict[int, tuple[float, ...]] = {}        # a long series has one step thousands of times

    def costs(step: WorkStep) -> tuple[float, ...]:
        if id(step) not in known:
            known[id(step)] = _costs(step, speeds, disks or NO_DISKS, threads)
        return known[id(step)]

    return Estimate((start, *(_stage(stage, map(costs, stage.steps)) for stage in stages)), error)


def _stage(stage: Stage, costs: Iterable[tuple[float, ...]]) -> StageEstimate:
    seconds, compute, memory, cached, disk, read, written = (stage.times * sum(column)
                                                             for column in zip(*costs, strict=True))
    bound = "disk" if disk > compute else "memory" if memory > cached else "compute"
    return StageEstimate(stage.name, seconds, compute, memory, disk, bound, read, written)


def _costs(step: WorkStep, speeds: Speeds, disks: DiskSpeeds, threads: int) -> tuple[float, ...]:
    """Seconds of a step, those of processors, of memory, of processors if all were in caches, of disks, and the bytes
    that are read and written."""
    compute_s = max(_compute_s(step, speeds, disks, threads), _blocks_s(step, speeds))
    disk_s, moved = _disk_s(step, speeds, disks), _moved(step)
    loss = disks.overlap_loss if step.moves else speeds.file_overlap_loss
    return (_together(step, compute_s, disk_s, loss) + step.syncs * disks.sync_s, compute_s, _memory_s(step, speeds),
            _cached_s(step, speeds, threads), disk_s, moved.read_bytes, moved.written_bytes)


def _moved(step: WorkStep) -> Traffic:
    return sum((move.traffic for move in step.moves), Traffic())


def _together(step: WorkStep, compute_s: float, disk_s: float, loss: float) -> float:
    if not step.at_once:
        return compute_s + disk_s
    return max(compute_s, disk_s) + loss * min(compute_s, disk_s)


def _compute_s(step: WorkStep, speeds: Speeds, disks: DiskSpeeds, threads: int) -> float:
    lanes = sum(disks.cpu_s(move.traffic, move.block_bytes) for move in step.moves)
    return (sum(speeds.seconds(name, words, threads) for name, words in step.operations)
            + lanes / min(threads, speeds.threads))


def _blocks_s(step: WorkStep, speeds: Speeds) -> float:
    """Seconds that Python takes for the blocks that are moved, however many threads there are."""
    return speeds.block_s * sum((move.traffic.read_bytes + move.traffic.written_bytes) / move.block_bytes
                                for move in step.moves)


def _disk_s(step: WorkStep, speeds: Speeds, disks: DiskSpeeds) -> float:
    files = (step.text_bytes / speeds.text_bytes_per_s + step.certificate_bytes / speeds.certificate_bytes_per_s
             + step.file_read_bytes / speeds.text_bytes_per_s)
    if not step.moves:
        return files
    # The time as if all requests were as long as the longest, and what shorter ones take beyond that.
    longest = max(move.run_bytes for move in step.moves)
    more = sum(disks.seconds(move.traffic, move.run_bytes) - disks.seconds(move.traffic, longest)
               for move in step.moves)
    journal = disks.seconds(Traffic(0, step.journal_bytes), JOURNAL_RUN_BYTES)
    return files + disks.seconds(_moved(step), longest) + more + journal


def _memory_s(step: WorkStep, speeds: Speeds) -> float:
    return sum(words * MEMORY_BYTES.get(name, 0) for name, words in step.operations) / speeds.copy_bytes_per_s


def _cached_s(step: WorkStep, speeds: Speeds, threads: int) -> float:
    """Seconds of the operations if all were as fast as on numbers that stay in the caches of one thread."""
    return sum(words / CACHED_WORDS * speeds.seconds(name, CACHED_WORDS, 1) / min(threads, speeds.threads)
               for name, words in step.operations if name in MEMORY_BYTES)
