"""The events of a running computation.

The engine receives a callable `emit` and calls it with these values, always from
its main thread except for `Fault`; it never prints.  Listeners are
`bigconst.runs.progress`, `bigconst.runs.eventsfile` and `bigconst.runs.statusfile`.
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
    """A pass on disk has written unit `index` (1-based) of its `count`; `stage` may have several passes.

    `moved_bytes` of scratch were read and written since the last such event or the beginning of the stage.
    """

    stage: str
    index: int
    count: int
    moved_bytes: int


@dataclass(frozen=True)
class CheckpointMade:
    """So many `records` of finished work have become durable: they survive a power cut.

    A level that a run in memory has saved counts as one record.
    """

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
    """A listener that passes each event to all of these, in their order."""

    def tell(event: Any) -> None:
        for listener in listeners:
            listener(event)

    return tell
