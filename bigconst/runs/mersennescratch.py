"""The transform of a Mersenne test: in memory, or on scratch disks from which a later process can resume."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from bigconst.base.events import Fault, StageStarted
from bigconst.base.hardware import available_memory_bytes
from bigconst.base.screen import note
from bigconst.base.units import format_count
from bigconst.base.version import __version__
from bigconst.mersenne.events import Advanced
from bigconst.plans.dwtdisk import dwt_disk
from bigconst.plans.dwtshape import DwtShape
from bigconst.plans.mersenneplan import MersennePlan, make_mersenne_plan
from bigconst.runs import interrupted, lanes
from bigconst.runs.lanes import ScratchDisks
from bigconst.runs.scratch import RunScratch

if TYPE_CHECKING:
    from bigconst.arithmetic.disk.squarer import DiskSquarer
    from bigconst.arithmetic.memory.squarer import Squarer

Emit = Callable[[object], None]


@dataclass(frozen=True)
class Resources:
    """What a Mersenne test may use."""

    swap: tuple[str, ...] = ()
    """scratch directories; without any, the default one if it exists"""
    memory_bytes: int | None = None
    """bound on the process"""
    workspace_bytes: int | None = None
    """bound on transform and residues in memory, or on the buffers of the passes over a transform on disk"""
    discard: bool = False
    """whether an interrupted run in the scratch directories is removed first"""
    command: str = ""
    """the command line, for the manifest in the scratch"""

    def bounded(self) -> Resources:
        """These resources with a bound on the memory, by default three quarters of what is available."""
        return replace(self, memory_bytes=self.memory_bytes or available_memory_bytes() * 3 // 4)


@dataclass(frozen=True)
class ChainIdentity:
    """The chain of squarings that a scratch belongs to."""

    kind: str
    """LL or PRP-3"""
    exponent: int
    iterations: int
    words: int
    """length of the transform"""
    stem: str
    """the name of the save files without their endings"""
    again: dict
    """fields from which `runs.mersenne.resumed` makes the request again"""

    def is_of(self, found: dict) -> bool:
        """Whether a manifest is of this chain, on any number of threads."""
        request = found["request"]
        return all(request.get(name) == getattr(self, name)
                   for name in ("kind", "exponent", "iterations", "words", "stem"))


def check_fits(chain: ChainIdentity, threads: int, resources: Resources) -> None:
    """Raise DoesNotFit where the resources allow the chain neither in memory nor on disk."""
    _plan(chain, threads, resources.bounded(), None, bool(lanes.directories(resources.swap)))


def goes_to_disk(chain: ChainIdentity, threads: int, resources: Resources) -> bool:
    """Whether the transform of a chain that begins now goes to the scratch directories.

    Raises DoesNotFit; UsageError where it has to, and they hold another run.
    """
    named = lanes.directories(resources.swap)
    return _start(chain, threads, resources.bounded(), named, interrupted.find(named)).disk is not None


def _start(chain: ChainIdentity, threads: int, resources: Resources, named: Sequence[str],
           found: dict | None) -> MersennePlan:
    """The plan of a chain where the scratch directories hold the run `found`."""
    same = found is not None and chain.is_of(found)
    plan = _plan(chain, threads, resources, found if same else None, bool(named))
    if plan.disk is not None and found is not None and not same:
        raise interrupted.occupied(found)
    return plan


@contextlib.contextmanager
def squarers(chain: ChainIdentity, threads: int, resources: Resources, stop: Callable[[], bool],
             emit: Emit) -> Iterator[tuple[Callable[[DwtShape], Squarer | DiskSquarer], Emit]]:
    """A context that gives make_squarer(shape) and a listener for a chain of squarings.

    The scratch of the interrupted chain is continued.  It is removed when the block ends without an exception, and
    stays otherwise.  Raises DoesNotFit; UsageError where a directory holds another run; the errors of RunScratch.
    """
    named = lanes.directories(resources.swap)
    resources = resources.bounded()
    if resources.discard:
        interrupted.discard(named)
    found = interrupted.find(named)
    plan = _start(chain, threads, resources, named, found)
    if plan.disk is None:
        from bigconst.arithmetic.memory.squarer import Squarer

        yield lambda shape: Squarer(plan.exponent, shape, threads), emit
        return
    from bigconst.arithmetic.disk.squarer import DiskSquarer

    with _scratch(plan, chain, resources, named, found) as scratch:
        note(plan.describe())
        listener = scratch.watched(emit)
        recorder = scratch.recorder(listener)

        def make(shape: DwtShape) -> DiskSquarer:
            disk = plan.disk if shape == plan.shape else dwt_disk(shape, threads, plan.products,
                                                                  plan.disk.workspace_bytes * 2)
            return DiskSquarer(plan.exponent, disk, scratch.volume, recorder,
                               lambda kind, where, message: listener(Fault(kind, where, message)), stop)

        yield make, _with_status(scratch, listener)
        scratch.finish()


def in_memory(p: int, count: int, threads: int) -> Callable[[DwtShape], Squarer]:
    """make_squarer(shape) for `count` squarings that are no test.  Raises DoesNotFit."""
    from bigconst.arithmetic.memory.squarer import Squarer

    make_mersenne_plan(p, count, products=True, words=None, scratch=False, threads=threads,
                       memory_bytes=Resources().bounded().memory_bytes, workspace_bytes=None)
    return lambda shape: Squarer(p, shape, threads)


def _with_status(scratch: RunScratch, listener: Emit) -> Emit:
    """A listener that also writes the iteration into the status file."""

    def receive(event: object) -> None:
        if isinstance(event, Advanced):
            scratch.status.receive(StageStarted(
                f"iteration {format_count(event.iteration)} of {format_count(event.total)}", 0, 0))
        listener(event)

    return receive


def _plan(chain: ChainIdentity, threads: int, resources: Resources, found: dict | None, scratch: bool) -> MersennePlan:
    """The plan of a chain; an interrupted run, whose manifest is `found`, is continued with the plan it began with."""
    first = {"threads": threads, "memory_bytes": resources.memory_bytes, "workspace_bytes": resources.workspace_bytes}
    if found is not None:
        first = {name: found["request"][name] for name in first}
    plan = make_mersenne_plan(chain.exponent, chain.iterations, products=chain.kind != "LL",
                              words=chain.words, scratch=scratch, **first)
    if found is not None:
        interrupted.check_plan(found, plan.fingerprint)
        plan = replace(plan, threads=threads, disk=replace(plan.disk, threads=threads))
        interrupted.check_memory(found, plan.peak_memory_bytes, resources.memory_bytes)
    return plan


def _scratch(plan: MersennePlan, chain: ChainIdentity, resources: Resources, named: Sequence[str],
             found: dict | None) -> RunScratch:
    directories = list(named)
    if found is None:
        disks = lanes.examine(directories, None)
        lanes.check_room(plan.scratch_bytes, plan.journal_bytes, directories, 0, directories[0])
        fields = {"run_id": interrupted.new_run_id(), "version": __version__, "plan": plan.fingerprint,
                  "request": asdict(chain) | {"threads": plan.threads, "workspace_bytes": resources.workspace_bytes,
                                              "memory_bytes": resources.memory_bytes},
                  "output": chain.again["directory"], "reason": disks.reason, "checkpoint": None, "parts": [],
                  "lanes": lanes.absolute(directories), "command": resources.command}
        return RunScratch(ScratchDisks(disks.directories, disks.kind, disks.reason), plan, fields,
                          plan.peak_memory_bytes)
    interrupted.check_lanes(found, directories)
    interrupted.check_idle(found["directory"])
    fields = {name: value for name, value in found.items() if name != "directory"}
    fields["lanes"] = lanes.absolute(directories)
    return RunScratch(ScratchDisks(tuple(directories), "ssd", found["reason"]), plan, fields, plan.peak_memory_bytes,
                      found)
