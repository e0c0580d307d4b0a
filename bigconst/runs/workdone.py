"""The share of a run that is done, and the time that the rest takes, for progress displays and `bigconst status`.

On disk the share is that of the scratch traffic, which the plan predicts and the volume counts, and of what is computed
in memory in between.  In memory it is that of the work of the levels, which the plan predicts; within a level the pace
of the levels before it is assumed.
"""

import time
from collections import Counter
from math import log2

from bigconst.base.events import Event, PlanMade, StageDone, StageStarted
from bigconst.plans.diskplan import DiskPlan
from bigconst.plans.plan import Plan
from bigconst.plans.trace import Step

SPLITTING = 9 / 4
"""Nine transforms on each of log N levels, which are half as long on average, and half as much work for each word."""
COMPUTED_BYTES = 0.25
"""Bytes of scratch that move in the time of a unit of work in memory: 6*10^9 units or 1.5*10^9 bytes a second on two
processors and a solid-state disk."""


def remaining_s(share: float, elapsed_s: float, share_before: float = 0.0) -> float | None:
    """The seconds that are left, at the pace at which `elapsed_s` brought the run from `share_before` to `share`.

    None where nothing is done yet.
    """
    done = share - share_before
    return elapsed_s * (1 - share) / done if done > 0 else None


def _work(step: Step) -> float:
    """A transform of N words counts N log N, terms of a series as many transforms as binary splitting takes, each half
    as much, everything else nothing."""
    if step.is_made:
        return SPLITTING * step.words * log2(step.words) ** 2 if step.words > 1 else 0.0
    return sum(words * log2(words) for name, words in step.operations if name in ("forward", "inverse"))


def computed_before(plan: DiskPlan) -> tuple[dict[str, int], int]:
    """What is computed in memory before a stage, by the names of stages of which there is one, and in all: as bytes
    that move in as much time."""
    traces = {call.title: plan.memory[call.path] for call in plan.trace.calls if call.is_in_memory}
    works = {trace: int(COMPUTED_BYTES * sum(map(_work, trace.steps))) for trace in set(traces.values())}
    counts, found, total = Counter(name for name, _ in plan.stages), {}, 0
    for name, _ in plan.stages:
        if counts[name] == 1:
            found[name] = total
        if name in traces:
            total += works[traces[name]]
    return found, total


def memory_work(plan: Plan) -> tuple[list[float], float]:
    """The work of each level of a plan in memory, with what comes before it, and that after the levels, in one unit."""
    works = [0.0]
    ends = {end for end, _ in plan.trace.parts}
    for done, step in enumerate(plan.trace.steps, 1):
        works[-1] += _work(step)
        if done in ends:
            works.append(0.0)
    return works[:-1], works[-1]


class MemoryWork:
    """A listener that knows how far a run in memory is.

    Like `bigconst.runs.scratch.RunScratch` for a run on disk it has share_done(), elapsed_s and remaining_s.
    """

    def __init__(self) -> None:
        self._began_s = time.perf_counter()
        self._works: list[float] = []
        self._rest = 0.0
        self._total = 1.0
        self._first: tuple[float, float] | None = None
        """work before the first level of this process, and the time when this level began"""
        self._pace = 0.0
        """work per second in the levels of this process"""
        # Another thread reads this: values that belong together change together.
        self._at = 0.0, 0.0, self._began_s
        """work done before the current stage, work of this stage, and the time when it began"""

    def receive(self, event: Event) -> None:
        """Receive an event of the engine."""
        now_s = time.perf_counter()
        match event:
            case PlanMade(plan):
                self._works, self._rest = memory_work(plan)
                self._total = sum(self._works) + self._rest or 1.0
            case StageStarted(_, index, _) if index <= len(self._works):
                done = sum(self._works[:index - 1])
                self._first = self._first or (done, now_s)
                if (self._at[0], self._at[1]) != (done, self._works[index - 1]) or index == 1:
                    self._at = done, self._works[index - 1], now_s
            case StageDone(_, index, count, _) if self._first is not None:
                done, (before, first_s) = sum(self._works[:index]), self._first
                self._pace = (done - before) / max(now_s - first_s, 1e-9)
                # What comes before a level belongs to it.
                self._at = done, self._rest if index == count else self._works[index], now_s

    def _stage(self) -> tuple[float, float, float]:
        """The work before the current stage, its estimated work until now, and its whole work."""
        done, whole, began_s = self._at
        return done, min(whole, self._pace * (time.perf_counter() - began_s)), whole

    def stage_share(self) -> float:
        """The share of the current stage that is done, from 0 to 1."""
        _, part, whole = self._stage()
        return part / whole if whole else 0.0

    def share_done(self) -> float:
        """The share of the planned work that is done, from 0 to 1."""
        done, part, _ = self._stage()
        return min(1.0, (done + part) / self._total)

    @property
    def elapsed_s(self) -> float:
        """Seconds since this object was made."""
        return time.perf_counter() - self._began_s

    @property
    def remaining_s(self) -> float | None:
        """Seconds that are left, at the pace since the first level began; None where nothing is done yet."""
        before, first_s = self._first or (0.0, self._began_s)
        return remaining_s(self.share_done(), time.perf_counter() - first_s, before / self._total)


class StageTraffic:
    """A listener that knows how far the current stage of a run on disk is, from the scratch traffic of the run."""

    def __init__(self) -> None:
        self._stages: list[tuple[str, int]] = []
        self._begin_bytes = self._planned_bytes = 0
        self._first = True

    def receive(self, event: Event, moved_bytes: int) -> None:
        """Receive an event of the engine, and the bytes that all processes of the run have moved until then."""
        match event:
            case PlanMade(plan):
                self._stages = [(name, each.read_bytes + each.written_bytes) for name, each in plan.disk.stages]
            case StageStarted(_, index, _):
                self._planned_bytes = self._stages[index - 1][1]
                self._begin_bytes = moved_bytes
                if self._first:         # an earlier process may have done some of it
                    before = sum(size for _, size in self._stages[:index - 1])
                    self._begin_bytes = min(moved_bytes, max(before, moved_bytes - self._planned_bytes))
                self._first = False

    def share(self, moved_bytes: int) -> float:
        """The share of the current stage that is done, from 0 to 1; repeated units may move more than planned."""
        return min(1.0, (moved_bytes - self._begin_bytes) / self._planned_bytes) if self._planned_bytes else 0.0
