"""Jobs to be estimated, and what they need on a machine: a plan with its work, its room, and its pieces.

Pure functions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bigconst.base.constant import Constant
from bigconst.base.errors import DoesNotFit
from bigconst.base.units import format_count
from bigconst.constants.planning import make_plan
from bigconst.estimates import work
from bigconst.estimates.work import LEVELS, Stage
from bigconst.plans.dwtshape import longer
from bigconst.plans.mersenneplan import MersennePlan, make_mersenne_plan
from bigconst.plans.plan import Plan

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
    """size of all files that are written"""
    kept_bytes: int
    """size of the copies from which a run can be resumed without its scratch"""
    save_every_s: float | None
    """seconds between such copies; None if one is made after each of `pieces`"""

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
        """Decimal digits that are computed; None for a test."""

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
    digits: None = None

    @property
    def title(self) -> str:
        """The job in words, for people."""
        return f"{self.kind} test of M{self.exponent}, {format_count(self.iterations)} iterations"

    def needs(self, threads: int, memory_bytes: int, disk: str | None) -> Needs:
        """The needs of the job, as in `Job.needs`.  Raises DoesNotFit, UsageError."""
        def make(words: int | None) -> MersennePlan:
            return make_mersenne_plan(self.exponent, self.iterations, threads, memory_bytes,
                                      products=self.kind != "LL", words=words, workspace_bytes=self.workspace_bytes,
                                      scratch=disk is not None)

        plan = make(self.words)
        stages, saved = tuple(work.mersenne_work(plan)), SAVE_FILES * (self.exponent // 8)
        return Needs(plan, stages, stages, self._second(plan, make), saved, saved, self.save_every_s)

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
