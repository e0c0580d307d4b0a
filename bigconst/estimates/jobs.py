"""Jobs to be estimated, and what they need on a machine: a plan with its work, its room, and its pieces.

Pure functions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import heapreplace, nlargest
from math import log2
from typing import Protocol

from bigconst.base.constant import Constant
from bigconst.base.errors import DoesNotFit
from bigconst.base.units import format_count
from bigconst.constants.planning import make_plan
from bigconst.estimates import work
from bigconst.estimates.work import LEVELS, Stage
from bigconst.plans.dwtshape import DwtShape, dwt_shape, longer
from bigconst.plans.mersenneplan import DEFAULT_PART_S, MersennePlan, make_mersenne_plan
from bigconst.plans.plan import Plan
from bigconst.plans.proofplan import kept_bytes, proof_squarings

SAVE_FILES = 3
"""Save files of p bits each that are counted for a test."""


@dataclass(frozen=True)
class Needs:
    """The needs of a job on a machine."""

    plan: Plan | MersennePlan
    stages: tuple[Stage, ...]
    """stages of the run that is asked for"""
    bare: tuple[Stage, ...]
    """stages of a run without certificate"""
    check: tuple[Stage, ...]
    """stages of verifying the result; empty if it is not verified"""
    files_bytes: int
    """size of all files that are there at a time"""
    kept_bytes: int
    """size of the copies on network volumes from which a run can be resumed without its scratch"""
    save_every_s: float | None
    """seconds between such copies; None if one is made after each of `pieces`"""
    share: float = 1.0
    """part of the time of `bare` after which several machines have done it together"""

    @property
    def is_on_disk(self) -> bool:
        """Whether the run uses scratch."""
        return self.plan.disk is not None

    @property
    def scratch_bytes(self) -> int:
        """Bytes of scratch, journal included; 0 in memory."""
        if not self.is_on_disk:
            return 0
        held = self.plan if isinstance(self.plan, MersennePlan) else self.plan.disk
        return held.scratch_bytes + held.journal_bytes


class Job(Protocol):
    """A computation to be estimated."""

    @property
    def title(self) -> str:
        """The job in words, for people."""

    @property
    def digits(self) -> int | None:
        """Decimal digits that are computed; None for tests."""

    @property
    def machines(self) -> int | None:
        """Number of machines alike that share the job as workers of a cluster, without disks; None if one does all."""

    def needs(self, threads: int, memory_bytes: int, disk: str | None) -> Needs:
        """The needs of the job with scratch on `disk`, "hdd" or "ssd", or without scratch for None.

        Raises DoesNotFit, UsageError.
        """


@dataclass(frozen=True)
class ConstantJob:
    """Digits of a constant."""

    constant: Constant
    digits: int
    base: int
    certified: bool
    """whether a certificate is made, if the constant has any"""
    workspace_bytes: int | None = None
    machines: None = None

    @property
    def title(self) -> str:
        """The job in words, for people."""
        return (f"{self.constant.title}, {format_count(self.digits)} digits"
                + (" worth in base 16" if self.base == 16 else ""))

    def needs(self, threads: int, memory_bytes: int, disk: str | None) -> Needs:
        """The needs of the job, as in `Job.needs`.  Raises DoesNotFit."""
        def make(certified: bool) -> Plan:
            return make_plan(self.constant, self.digits, self.base, threads, memory_bytes,
                             workspace_bytes=self.workspace_bytes, disk=disk, certified=certified)

        plan = make(self.certified)
        stages = tuple(work.constant_work(plan))
        files = plan.text_bytes + (plan.certificate_bytes if plan.certified else 0)
        if not plan.certified:
            return Needs(plan, stages, stages, (), files, plan.checkpoint_bytes, None)
        return Needs(plan, stages, tuple(work.constant_work(make(False))), tuple(work.verification_work(plan)), files,
                     plan.checkpoint_bytes, None)


@dataclass(frozen=True)
class MersenneJob:
    """A test of a Mersenne number."""

    kind: str
    """LL or PRP-3"""
    exponent: int
    iterations: int
    words: int | None
    save_every_s: float
    workspace_bytes: int | None = None
    proof: int | None = None
    """power of the proof that is made"""
    digits: None = None
    machines: None = None

    @property
    def title(self) -> str:
        """The job in words, for people."""
        return f"{self.kind} test of M{self.exponent}, {format_count(self.iterations)} iterations"

    def needs(self, threads: int, memory_bytes: int, disk: str | None) -> Needs:
        """The needs of the job, as in `Job.needs`.  Raises DoesNotFit, UsageError."""
        def make(words: int | None) -> MersennePlan:
            return replace(self, words=words).plan(threads, memory_bytes, disk)

        plan = make(self.words)
        stages = tuple(work.mersenne_work(plan))
        return Needs(plan, stages, stages, self._second(plan, make), self.files_bytes, self.files_bytes,
                     self.save_every_s)

    def plan(self, threads: int, memory_bytes: int, disk: str | None) -> MersennePlan:
        """The plan of the test, with scratch on `disk` as in `Job.needs`.  Raises DoesNotFit, UsageError."""
        return make_mersenne_plan(self.exponent, self.iterations, threads, memory_bytes, products=self.kind != "LL",
                                  words=self.words, workspace_bytes=self.workspace_bytes, scratch=disk is not None)

    @property
    def files_bytes(self) -> int:
        """Size of the save files, and of the residues for a proof."""
        kept = 0 if self.proof is None else kept_bytes(self.exponent, self.proof)
        return SAVE_FILES * (self.exponent // 8) + kept

    def _second(self, plan: MersennePlan, make: Callable[[int], MersennePlan]) -> tuple[Stage, ...]:
        """Stages of the run that confirms a test, with the next longer transform; empty if no such run fits."""
        another = longer(plan.shape)
        if another is None or another.min_exponent > self.exponent:
            return tuple(work.mersenne_work(plan))      # it takes the next shorter transform, and no more time
        try:
            second = make(another.words)
        except DoesNotFit:
            return ()
        # Only the scratch of the first run is counted, so the second must lie in the same place.
        return tuple(work.mersenne_work(second)) if (second.disk is None) == (plan.disk is None) else ()


@dataclass(frozen=True)
class QueueJob:
    """The tests of a work file, one after the other or by workers of a cluster, each of which has one at a time.

    The coordinator of a cluster has the files and makes the proofs.
    """

    path: str
    tests: tuple[MersenneJob, ...]
    machines: int | None
    digits: None = None

    @property
    def title(self) -> str:
        """The job in words, for people."""
        where = "" if self.machines is None else f" on {_counted(self.machines, 'machine')}"
        return f"{_counted(len(self.tests), 'test')} of {self.path}{where}"

    @cached_property
    def _groups(self) -> list[tuple[MersenneJob, int, int]]:
        """Tests that have a plan in common, each time the largest one, the squarings of all, and their number."""
        groups: dict[tuple[bool, DwtShape], list[MersenneJob]] = {}
        for test in self.tests:
            groups.setdefault((test.kind == "LL", dwt_shape(test.exponent)), []).append(test)
        return [(max(group, key=lambda test: test.exponent), sum(map(self._squarings, group)), len(group))
                for group in groups.values()]

    @cached_property
    def _share(self) -> float:
        """Part of the time of all tests after which the machines have done them, each the next one of the file."""
        works, ends = [], [0.0] * (self.machines or 1)
        for test in self.tests:
            words = dwt_shape(test.exponent).words
            works.append(self._squarings(test) * words * log2(words))
            heapreplace(ends, ends[0] + works[-1])
        return max(ends) / sum(works)

    def _squarings(self, test: MersenneJob) -> int:
        is_proved_here = test.proof is not None and self.machines is None
        return test.iterations + (proof_squarings(test.exponent, test.proof) if is_proved_here else 0)

    def needs(self, threads: int, memory_bytes: int, disk: str | None) -> Needs:
        """The needs of the job, as in `Job.needs`.  Raises DoesNotFit, UsageError."""
        plans, stages = [], []
        for test, squarings, count in self._groups:
            plans.append(test.plan(threads, memory_bytes, disk))
            first, *last = work.mersenne_work(plans[-1])
            stages += [replace(first, times=squarings), *(replace(stage, times=count) for stage in last)]
        plan = max(plans, key=lambda each: (each.disk is not None, each.peak_memory_bytes))
        files = sum(nlargest(self.machines or 1, (test.files_bytes for test in self.tests)))
        return Needs(plan, tuple(stages), tuple(stages), (), files, 0, DEFAULT_PART_S, self._share)


def _counted(count: int, what: str) -> str:
    return f"{format_count(count)} {what}{'s' if count > 1 else ''}"


def pieces(stages: Sequence[Stage]) -> list[list[Stage]]:
    """Stages grouped by the copies between them: all of a level together, and of a ladder in memory each level."""
    groups: dict[str, list[Stage]] = {}
    for stage in stages:
        if stage.name == LEVELS:
            for i, step in enumerate(stage.steps):
                groups[f"{stage.name} {i}"] = [replace(stage, steps=(step,))]
        else:
            groups.setdefault(stage.name.partition(", ")[0], []).append(stage)
    return list(groups.values())
