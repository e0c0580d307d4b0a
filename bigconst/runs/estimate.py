"""An estimate for this machine, or for one that a request describes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bigconst.base.errors import BigconstError, UsageError
from bigconst.base.hardware import available_memory_bytes, default_threads
from bigconst.base.screen import note
from bigconst.base.units import format_rate
from bigconst.estimates.jobs import Job, MersenneJob, Needs, QueueJob
from bigconst.estimates.model import Estimate, estimate
from bigconst.estimates.speeds import Speeds, faster, sequential_disks, writing_at
from bigconst.estimates.work import Stage
from bigconst.plans.mersenneplan import DEFAULT_SAVE_EVERY_S
from bigconst.runs import lanes
from bigconst.runs.speeds import known_speeds


@dataclass(frozen=True)
class EstimateRequest:
    """A job and the machine that it is estimated for: this machine, except for what the fields describe."""

    job: Job
    threads: int | None = None
    memory_bytes: int | None = None
    """bound on the process"""
    swap: tuple[str, ...] = ()
    """scratch directories; without any, the default one if it exists"""
    disk: str | None = None
    """hdd or ssd, the kind of the scratch disks"""
    disk_read_bytes_per_s: float | None = None
    """speed at which described disks read; they replace `swap`"""
    disk_write_bytes_per_s: float | None = None
    """speed at which described disks write; given together with the speed of reading"""
    cores: int | None = None
    """number of cores of a described machine, whose cores are like those of this one"""
    gflops: float | None = None
    """speed of a described machine in GFLOP/s, all cores together"""
    usd_per_hour: float | None = None
    """price of the machine"""


@dataclass(frozen=True)
class HereEstimate:
    """The estimate of a job on a machine."""

    job: Job
    needs: Needs
    machine: str
    """its processors, in words for people"""
    disks: str
    """its scratch disks, in words for people; empty in memory"""
    threads: int
    memory_bytes: int
    """bound on the process"""
    whole: Estimate
    """the estimate of the whole job"""
    bare_s: float
    """seconds without a certificate"""
    check_s: float | None
    """seconds of verifying the result; None where there is no such check"""
    usd_per_hour: float | None
    notes: tuple[str, ...]
    """sentences for people, on why the run would be refused"""


def mersenne_job(kind: str, exponent: int, iterations: int | None = None, words: int | None = None,
                 workspace_bytes: int | None = None) -> MersenneJob:
    """A Mersenne test as a job.  Raises UsageError for an exponent that needs no transform or cannot be tested."""
    from bigconst.mersenne.factor import PLAIN_BELOW, smallest_divisor
    from bigconst.runs.mersenne import MersenneRequest, check

    request = MersenneRequest(kind, exponent, 1, iterations, words=words)
    if exponent < PLAIN_BELOW:
        #: So small an exponent takes no time: just test it.
        raise UsageError(f"M{exponent} is tested at once, without a transform",
                         f"estimate exponents from {PLAIN_BELOW} on")
    check(request)
    divisor = smallest_divisor(exponent)
    if divisor is not None:
        note(f"M{exponent} is composite: 2^{exponent}-1 is divisible by 2^{divisor}-1, and there will be no test of it")
    return MersenneJob(kind, exponent, request.total, words, DEFAULT_SAVE_EVERY_S, workspace_bytes)


def queue_job(directory: str, machines: int | None = None, workspace_bytes: int | None = None) -> QueueJob:
    """The tests of `directory`/worktodo.txt as a job, from their beginning, for a cluster of so many machines, or None.

    Lines that are not understood are named on stderr, and not counted.  Raises InputOutputError where the file cannot
    be read, UsageError where nothing in it takes any time.
    """
    from bigconst.mersenne import worktodo
    from bigconst.mersenne.factor import PLAIN_BELOW
    from bigconst.runs.mersennequeue import QueueRequest

    queue = QueueRequest(directory, 1, DEFAULT_SAVE_EVERY_S, None, 1)
    path, tests = queue.path(worktodo.NAME), []
    for line in worktodo.read(path):
        if isinstance(line, worktodo.NotUnderstood):
            note(f"{path}:{line.number}: {line.why}; not counted: {worktodo.shown(line.text.strip(), 200)}")
        elif line.exponent >= PLAIN_BELOW:
            test = queue.test(line)
            tests.append(MersenneJob(test.kind, test.exponent, test.total, test.words, test.save_every_s,
                                     workspace_bytes, test.proof))
    if not tests:
        #: It is empty, or has only lines that are not understood, or so small exponents that they take no time.
        raise UsageError(f"{path} has no work that takes any time",
                         f"write it there, a line each, like Test=57885161, with exponents from {PLAIN_BELOW} on")
    return QueueJob(path, tuple(tests), machines)


def check_machine(request: EstimateRequest) -> None:
    """Raise UsageError where the description of a machine is incomplete or contradicts itself."""
    if request.cores is not None and request.gflops is not None and request.threads is not None:
        raise UsageError("--gflops tells the speed, --cores and --threads both tell the threads",
                         "leave out --cores or --threads")
    if request.disk_read_bytes_per_s is not None and request.swap:
        raise UsageError("--disk-read and --disk-write describe the disks, --swap names some of this machine",
                         "leave out one or the other")
    if (request.cores is not None or request.gflops is not None) and request.memory_bytes is None:
        raise UsageError("--cores and --gflops describe another machine, of whose memory nothing is known",
                         "add --memory SIZE, which is what a run may use of it")


def estimate_here(request: EstimateRequest) -> HereEstimate:
    """Plan the job as its run would, and estimate it.  Raises DoesNotFit, UsageError, InputOutputError."""
    threads = request.threads or request.cores or default_threads()
    memory_bytes = request.memory_bytes or available_memory_bytes() * 3 // 4
    needs, kind, directories = _planned(request, threads, memory_bytes)
    speeds, disks = known_speeds(directories, kind)
    machine = f"{speeds.host['cpu'] or 'unknown processor'}, {speeds.threads} threads, measured {speeds.date} UTC"
    speeds, described = _described(request, speeds)
    about = f"{', '.join(directories)} ({kind})"
    read, write = request.disk_read_bytes_per_s, request.disk_write_bytes_per_s
    if read is not None:
        disks = sequential_disks(read, write, kind)
        speeds = writing_at(speeds, write)
        about = f"{format_rate(read)} read, {format_rate(write)} written ({kind})"

    def seconds(stages: Sequence[Stage]) -> float:
        return estimate(stages, speeds, disks, threads).seconds

    return HereEstimate(request.job, needs, f"{described}{machine}", about if needs.is_on_disk else "", threads,
                        memory_bytes, estimate(needs.stages, speeds, disks, threads), seconds(needs.bare),
                        seconds(needs.check) if needs.check else None, request.usd_per_hour,
                        _room(needs, directories))


def _planned(request: EstimateRequest, threads: int,
             memory_bytes: int) -> tuple[Needs, str | None, tuple[str, ...]]:
    """The needs of the job, the kind of its disks (None in memory), and its scratch directories, if there are any."""
    job = request.job
    if request.disk_read_bytes_per_s is not None:
        kind = request.disk or lanes.DEFAULT_KIND
        return job.needs(threads, memory_bytes, kind), kind, ()
    named = lanes.directories(request.swap)
    if not named:
        return job.needs(threads, memory_bytes, None), None, ()
    needs = job.needs(threads, memory_bytes, request.disk or lanes.DEFAULT_KIND)
    if not needs.is_on_disk:
        return needs, None, ()
    kind = lanes.examine(named, request.disk).kind
    return job.needs(threads, memory_bytes, kind), kind, named


def _described(request: EstimateRequest, speeds: Speeds) -> tuple[Speeds, str]:
    """The speeds of the described machine, scaled from those of this one, and words that say so."""
    if request.gflops is not None:
        factor, what = request.gflops / speeds.gflops, f"{request.gflops:g} GFLOP/s"
    elif request.cores is not None:
        factor = request.cores / (speeds.host["cores"] or speeds.threads)
        what = f"{request.cores} cores"
    else:
        return speeds, ""
    return faster(speeds, factor), f"{what}, {factor:.3g} times "


def _room(needs: Needs, directories: Sequence[str]) -> tuple[str, ...]:
    """A sentence on why the disks have no room for the run now; empty where they have."""
    if not directories:
        return ()
    try:
        lanes.check_room(needs.scratch_bytes, 0, directories, needs.files_bytes, ".")
    except BigconstError as error:
        return (f"a run would be refused now: {error}",)
    return ()
