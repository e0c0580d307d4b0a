"""How much of a run is done, and how long the rest takes: what progress displays and `bigconst status` say.

On disk that is the scratch traffic, which the plan knows and the volume counts.  In memory it is the work of the
levels, which the plan knows and their ends tell; between two ends the pace of the levels before is assumed.
"""

import time
from math import log2
from typing import Any

from bigconst.base.events import Event, PlanMade, StageDone, StageStarted


def remaining_s(share: float, elapsed_s: float, share_before: float = 0.0) -> float | None:
    """Time that is left at the pace of those `elapsed_s` that brought the run from `share_before` to `share`.

    None where nothing is done yet.
    """
    done = share - share_before
    return elapsed_s * (1 - share) / done if done > 0 else None


def memory_work(plan: Any) -> tuple[list[float], float]:
    """Of a plan in memory: the work of each level, and that of what comes after them, in the same unit.

    A level squares at its residual's length (2 transforms) and multiplies twice by the same number at its product's
    (5); a certificate is one squaring.  A transform of N words is N log N.  Digits without a certificate are written
    in no time.
    """
    def transform(shape: Any) -> float:
        return shape.words * log2(shape.words)

    levels = [2 * transform(level.residual) + 5 * transform(level.product) for level in plan.levels]
    if not plan.certified or not levels:
        return levels, 0.0
    from bigconst.plans.plan import settling_shape

    return levels, 2 * transform(settling_shape(plan.words, plan.residual_guard_words))


class MemoryWork:
    """A listener that knows how far a run in memory is.

    It has what `bigconst.runs.scratch.RunScratch` has for a run on disk: share_done(), elapsed_s, remaining_s.
    """

    def __init__(self) -> None:
        self._began_s = time.perf_counter()
        self._works: list[float] = []
        self._rest = 0.0
        self._total = 1.0
        self._first: tuple[float, float] | None = None
        """work before the first level of this process, and when that began"""
        self._pace = 0.0
        """work a second, of the levels of this process"""
        # Another thread asks how far it is: what belongs together changes together.
        self._at = 0.0, 0.0, self._began_s
        """work done, work of the stage at hand, and when that began"""

    def hear(self, event: Event) -> None:
        """An event of the engine."""
        now_s = time.perf_counter()
        match event:
            case PlanMade(plan):
                self._works, self._rest = memory_work(plan)
                self._total = sum(self._works) + self._rest or 1.0
            case StageStarted(_, index, _):
                done = sum(self._works[:index - 1])
                self._first = self._first or (done, now_s)
                self._at = done, sum(self._works[index - 1:index]), now_s
            case StageDone(_, index, count, _) if self._first is not None:
                done, (before, first_s) = sum(self._works[:index]), self._first
                self._pace = (done - before) / max(now_s - first_s, 1e-9)
                self._at = done, self._rest if index == count else 0.0, now_s

    def _stage(self) -> tuple[float, float, float]:
        """Work done before the stage at hand, of it as the pace has it, and of it at its end."""
        done, whole, began_s = self._at
        return done, min(whole, self._pace * (time.perf_counter() - began_s)), whole

    def stage_share(self) -> float:
        """Of the stage at hand, from 0 to 1."""
        _, part, whole = self._stage()
        return part / whole if whole else 0.0

    def share_done(self) -> float:
        """Of the work that is planned, from 0 to 1."""
        done, part, _ = self._stage()
        return min(1.0, (done + part) / self._total)

    @property
    def elapsed_s(self) -> float:
        """Since this was made."""
        return time.perf_counter() - self._began_s

    @property
    def remaining_s(self) -> float | None:
        """None where nothing is done yet; what passed before the first level was not its pace."""
        before, first_s = self._first or (0.0, self._began_s)
        return remaining_s(self.share_done(), time.perf_counter() - first_s, before / self._total)


class StageTraffic:
    """A listener that knows how far the stage at hand of a run on disk is, from the scratch traffic of the run."""

    def __init__(self) -> None:
        self._stages: list[tuple[str, int]] = []
        self._begin_bytes = self._planned_bytes = 0
        self._first = True

    def hear(self, event: Event, moved_bytes: int) -> None:
        """An event of the engine, and what all processes of the run have moved by then."""
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
        """From 0 to 1.  Repeats may move more than planned."""
        return min(1.0, (moved_bytes - self._begin_bytes) / self._planned_bytes) if self._planned_bytes else 0.0
