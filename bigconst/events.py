"""What a running computation tells its listeners.

The engine receives a callable `emit` and calls it with these values from its
main thread; it never prints.  `bigconst.progress` is one listener.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PlanMade:
    """The run begins; `plan` is the `bigconst.plan.Plan` it follows."""

    plan: Any


@dataclass(frozen=True)
class StageStarted:
    """Stage `index` (1-based) of `count` begins."""

    name: str
    index: int
    count: int


@dataclass(frozen=True)
class StageDone:
    """Stage `index` (1-based) of `count` took `seconds`."""

    name: str
    index: int
    count: int
    seconds: float


@dataclass(frozen=True)
class Fault:
    """A check caught a wrong value of `kind` (round-off, residue, ...) at `where`; it will be repeated."""

    kind: str
    where: str
    message: str


@dataclass(frozen=True)
class Finished:
    """All digits are computed and handed to the output."""


Event = PlanMade | StageStarted | StageDone | Fault | Finished
