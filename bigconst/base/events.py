"""What a running computation tells its listeners.

The engine receives a callable `emit` and calls it with these values from its
main thread, faults alone also from others; it never prints.  Listeners are
`bigconst.runs.progress`, `bigconst.runs.eventsfile` and the status file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PlanMade:
    """The run begins; `plan` is the `bigconst.plans.plan.Plan` it follows."""

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
class UnitDone:
    """On disk: unit `index` (1-based) of the `count` of a pass of `stage` is written; a stage has several passes.

    `moved_bytes` of scratch were read and written since the event before.
    """

    stage: str
    index: int
    count: int
    moved_bytes: int


@dataclass(frozen=True)
class CheckpointMade:
    """The `records` of what was finished last are safe: a power cut would not cost it.  In memory a level is one."""

    records: int


@dataclass(frozen=True)
class Fault:
    """A check caught a wrong value of `kind` (round-off, residue, ...) at `where`; it will be repeated."""

    kind: str
    where: str
    message: str


@dataclass(frozen=True)
class Finished:
    """All digits are computed and handed to the output."""


Event = PlanMade | StageStarted | StageDone | UnitDone | CheckpointMade | Fault | Finished


def together(*listeners: Callable[[Any], None]) -> Callable[[Any], None]:
    """A listener that tells each event to all of these, in their order."""

    def tell(event: Any) -> None:
        for listener in listeners:
            listener(event)

    return tell
