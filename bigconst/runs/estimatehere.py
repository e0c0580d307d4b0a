"""An estimate for this machine, or for one that the options describe."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bigconst.base.errors import BigconstError, UsageError
from bigconst.base.hardware import available_memory_bytes, default_threads
from bigconst.base.units import format_rate
from bigconst.runs import lanes


@dataclass(frozen=True)
class Here:
    """A job on a machine."""

    job: Any
    needs: Any
    machine: str
    """processors, for people"""
    disks: str
    """of the scratch; empty in memory"""
    threads: int
    memory_bytes: int
    """allowed"""
    whole: Any
    """bigconst.estimates.model.Estimate of what is asked for"""
    bare_s: float
    """without a certificate"""
    check_s: float | None
    """of verifying the result"""
    usd_per_hour: float | None
    notes: tuple[str, ...]


def check(arguments: argparse.Namespace) -> None:
    """Raise UsageError where a machine is described by halves."""
    if arguments.cores is not None and arguments.gflops is not None and arguments.threads is not None:
        raise UsageError("--gflops tells the speed, --cores and --threads both tell the threads",
                         "leave out --cores or --threads")
    if arguments.disk_read is not None and arguments.swap:
        raise UsageError("--disk-read and --disk-write describe the disks, --swap names some of this machine",
                         "leave out one or the other")
    if _is_other(arguments) and arguments.memory is None:
        raise UsageError("--cores and --gflops describe another machine, of whose memory nothing is known",
                         "add --memory SIZE, which is what a run may use of it")


def _is_other(arguments: argparse.Namespace) -> bool:
    return arguments.cores is not None or arguments.gflops is not None


def estimate_here(arguments: argparse.Namespace, job: Any) -> Here:
    """Plan as the run would, and estimate.  Raises DoesNotFit, UsageError, InputOutputError."""
    from bigconst.estimates.model import estimate
    from bigconst.estimates.speeds import sequential_disks, writing_at
    from bigconst.runs.speeds import known_speeds

    threads = arguments.threads or arguments.cores or default_threads()
    memory_bytes = arguments.memory or available_memory_bytes() * 3 // 4
    needs, kind, directories = _planned(arguments, job, threads, memory_bytes)
    speeds, disks = known_speeds(directories, kind)
    machine = f"{speeds.host['cpu'] or 'unknown processor'}, {speeds.threads} threads, measured {speeds.date} UTC"
    speeds, described = _described(arguments, speeds)
    about = f"{', '.join(directories)} ({kind})"
    if arguments.disk_read is not None:
        disks = sequential_disks(arguments.disk_read, arguments.disk_write, kind)
        speeds = writing_at(speeds, arguments.disk_write)
        about = f"{format_rate(arguments.disk_read)} read, {format_rate(arguments.disk_write)} written ({kind})"

    def seconds(stages: Sequence[Any]) -> float:
        return estimate(stages, speeds, disks, threads).seconds

    return Here(job, needs, f"{described}{machine}", about if needs.is_on_disk else "", threads, memory_bytes,
                estimate(needs.stages, speeds, disks, threads), seconds(needs.bare),
                seconds(needs.check) if needs.check else None, arguments.usd_per_hour, _room(needs, directories))


def _planned(arguments: argparse.Namespace, job: Any, threads: int,
             memory_bytes: int) -> tuple[Any, str | None, tuple[str, ...]]:
    """What the job needs, the kind of its disks, and the directories that are on them; without any in memory."""
    if arguments.disk_read is not None:
        kind = arguments.disk or lanes.DEFAULT_KIND
        return job.needs(threads, memory_bytes, kind), kind, ()
    named = lanes.directories(arguments.swap)
    if not named:
        return job.needs(threads, memory_bytes, None), None, ()
    needs = job.needs(threads, memory_bytes, arguments.disk or lanes.DEFAULT_KIND)
    if not needs.is_on_disk:
        return needs, None, ()
    kind = lanes.examine(named, arguments.disk).kind
    return job.needs(threads, memory_bytes, kind), kind, named


def _described(arguments: argparse.Namespace, speeds: Any) -> tuple[Any, str]:
    """Speeds of a machine with so many cores, or so many GFLOP/s; and what is said of it."""
    from bigconst.estimates.speeds import faster

    if arguments.gflops is not None:
        factor, what = arguments.gflops / speeds.gflops, f"{arguments.gflops:g} GFLOP/s"
    elif arguments.cores is not None:
        factor = arguments.cores / (speeds.host["cores"] or speeds.threads)
        what = f"{arguments.cores} cores"
    else:
        return speeds, ""
    return faster(speeds, factor), f"{what}, {factor:.3g} times "


def _room(needs: Any, directories: Sequence[str]) -> tuple[str, ...]:
    """What a run would be refused for."""
    if not directories:
        return ()
    try:
        lanes.check_room(needs.scratch_bytes, 0, directories, needs.files_bytes, ".")
    except BigconstError as error:
        return (f"a run would be refused now: {error}",)
    return ()
