"""What tests look for in a plan: where steps keep what they make, and the levels of its ladder."""

from dataclasses import dataclass

from bigconst.plans.diskplan import DiskPlan
from bigconst.plans.diskshape import DiskShape
from bigconst.plans.shape import Shape
from bigconst.plans.trace import Trace


def place(disk: DiskPlan, stage: str, name: str, work: bool = False) -> int:
    """Address of what a step of a stage makes, or of the transform that it needs for itself."""
    step, = (step for step in disk.trace.steps if step.stage == stage and step.name.rpartition("/")[2] == name)
    return disk.places[step.temporary if work else step.name]


def trace_in_memory(disk: DiskPlan) -> Trace:
    """The trace of the ladder's beginning in memory; empty for a perfect square."""
    return next(iter(disk.memory.values()), Trace(()))


def memory_words(disk: DiskPlan) -> int:
    """Words of the last level of the ladder that is computed in memory; 0 for a perfect square."""
    return sum(step.words for step in disk.trace.steps if step.stage == "ladder in memory")


def square_of(disk: DiskPlan) -> DiskShape | None:
    """Transform of the square that is hardly ever needed; None for a perfect square."""
    return next((step.shape for step in disk.trace.steps if step.in_doubt and step.shape is not None), None)


@dataclass(frozen=True)
class Level:
    """One step of the ladder: from `words_in` to `words_out` correct words."""

    words_in: int
    words_out: int
    residual: Shape | DiskShape
    """transform for e = d*y^2 - B^(2k) modulo B^N + 1"""
    product: Shape | DiskShape
    """transform for u = y*e and v = top(u)*e, unwrapped"""


def ladder_levels(trace: Trace) -> tuple[Level, ...]:
    """The levels of a ladder."""
    made = trace.by_name
    found = []
    for step in trace.steps:
        if step.name.endswith("sum/y"):
            y, u = (made[name] for name in step.reads[:2])
            e = made[made[u.reads[1]].reads[0]]
            found.append(Level(y.words, step.words, e.shape, u.shape))
    return tuple(found)
