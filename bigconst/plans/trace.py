"""The trace of a program: its operations in order, with lengths, bytes and lifetimes, but no values.

A plan is made of it: what lies where, what moves, how long each part takes.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from bigconst.plans.accounts import Pass
from bigconst.plans.diskshape import DiskShape
from bigconst.plans.shape import Shape


@dataclass(frozen=True)
class Step:
    """An operation of a machine."""

    name: str
    """its scope and what it makes; no two steps of a trace have the same name"""
    stage: str
    """name for people of the part of the run that it belongs to"""
    reads: tuple[str, ...] = ()
    """names of the numbers and spectra that it reads, and of those that it needs to repeat itself"""
    out: str | None = None
    """name of the number or spectrum that it makes; None where it makes files"""
    out_bytes: int = 0
    temporary_bytes: int = 0
    """room that the step alone needs: a transform, beside its result"""
    words: int = 0
    """words of the result"""
    shape: Shape | DiskShape | None = None
    operands: int = 0
    """1 for the square of a number, 2 for a product; 0 without a transform"""
    passes: tuple[Pass, ...] = ()
    """passes over scratch"""
    operations: tuple[tuple[str, int], ...] = ()
    """operations in memory, and their words (estimates.work.OPERATIONS)"""
    journal_bytes: int = 0
    """most bytes of the journal, unless the step is repeated"""
    segment: str = ""
    """the call at whose end the journal begins anew"""
    replaces: str | None = None
    """name of an operand whose place in memory the result takes, if the operand dies here"""

    @property
    def temporary(self) -> str:
        """Name of its temporary room."""
        return f"{self.name}, temporary"


@dataclass(frozen=True)
class Trace:
    """Steps in the order in which they are carried out."""

    steps: tuple[Step, ...]
    results: tuple[str, ...] = ()
    """names of numbers that are used after the last step"""

    @cached_property
    def deaths(self) -> dict[str, int]:
        """Index of the last step that needs a number or spectrum, by its name."""
        last: dict[str, int] = {}
        for i, step in enumerate(self.steps):
            for name in (step.out, *step.reads):
                if name is not None:
                    last[name] = i
        return last | dict.fromkeys(self.results, len(self.steps))

    def stages(self) -> list[tuple[str, tuple[Step, ...]]]:
        """Name and steps of each stage, in order."""
        found: list[tuple[str, list[Step]]] = []
        for step in self.steps:
            if not found or found[-1][0] != step.stage:
                found.append((step.stage, []))
            found[-1][1].append(step)
        return [(name, tuple(steps)) for name, steps in found]

    def segments(self) -> Iterable[tuple[Step, ...]]:
        """The steps between two beginnings of the journal."""
        found: dict[str, list[Step]] = {}
        for step in self.steps:
            found.setdefault(step.segment, []).append(step)
        return map(tuple, found.values())

    def placed(self, unit: int) -> tuple[dict[str, int], int]:
        """Address of everything on a volume, in multiples of `unit` bytes, and the end of the highest.

        What is needed at the end lies lowest; after that comes the largest first, each at the lowest place that is free
        while it lives.
        """
        deaths, end = self.deaths, len(self.steps) - 1
        regions = [(name, -(-size // unit) * unit, i, last)
                   for i, step in enumerate(self.steps)
                   for name, size, last in ((step.out, step.out_bytes, deaths.get(step.out, i)),
                                            (step.temporary, step.temporary_bytes, i)) if size or name == step.out]
        placed: list[tuple[int, int, int, int]] = []
        addresses: dict[str, int] = {}
        for name, size, first, last in sorted(regions, key=lambda region: (region[3] < end, -region[1])):
            at = 0
            for start, stop, born, dead in sorted(placed):
                if born <= last and first <= dead:
                    if start - at >= size:
                        break
                    at = max(at, stop)
            placed.append((at, at + size, first, last))
            addresses[name] = at
        return addresses, max((stop for _, stop, *_ in placed), default=0)

    @cached_property
    def memory_bytes(self) -> int:
        """Most memory that numbers, spectra and temporary room take at a time.

        A result that takes the place of an operand shares its array from the beginning: the approximations of a ladder
        are one array.
        """
        deaths, arrays, root = self.deaths, dict[str, list[int]](), dict[str, str]()
        for i, step in enumerate(self.steps):
            if step.out is not None:
                first = step.out
                if step.replaces is not None and deaths[step.replaces] == i:
                    first = root[step.replaces]
                root[step.out] = first
                size, born, dead = arrays.get(first, (0, i, 0))
                arrays[first] = [max(size, step.out_bytes), born, max(dead, deaths[step.out])]
        changes = [0] * (len(self.steps) + 2)
        for size, born, dead in arrays.values():
            changes[born] += size
            changes[dead + 1] -= size
        taken = itertools.accumulate(changes)
        return max((now + step.temporary_bytes for now, step in zip(taken, self.steps, strict=False)), default=0)


def ladder_levels(trace: Trace) -> list[tuple[int, int, Shape | DiskShape, Shape | DiskShape]]:
    """(words in, words out, shape of the residual, shape of the products) of each level of a ladder."""
    made = {step.out: step for step in trace.steps}
    found = []
    for step in trace.steps:
        if step.stage.endswith(", sum"):
            y, u = (made[name] for name in step.reads[:2])
            e = made[made[u.reads[1]].reads[0]]
            found.append((y.words, step.words, e.shape, u.shape))
    return found
