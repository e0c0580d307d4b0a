"""Where the transform of a test lies: in memory, or on scratch that a later process goes on from."""

import contextlib
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bigconst.base.errors import DoesNotFit, UsageError
from bigconst.base.hardware import available_memory_bytes
from bigconst.base.units import format_bytes, format_count
from bigconst.base.version import __version__
from bigconst.runs import held, lanes


@dataclass(frozen=True)
class Space:
    """What a test may use."""

    swap: tuple[str, ...] | None = None
    """scratch directories; None for the default one, if it is there"""
    memory_bytes: int | None = None
    workspace_bytes: int | None = None
    discard: bool = False
    argv: tuple[str, ...] = ()
    """the command, for those who find the scratch"""


@dataclass(frozen=True)
class ChainIdentity:
    """Which squarings; scratch that was interrupted belongs to the same ones."""

    kind: str
    """LL or PRP-3"""
    exponent: int
    iterations: int
    words: int
    stem: str
    """of the names of its save files"""
    again: dict
    """the request, to be made again from a manifest alone"""

    def is_of(self, found: dict) -> bool:
        """Whether a manifest is of this chain, whatever its threads."""
        request = found["request"]
        return all(request.get(name) == getattr(self, name)
                   for name in ("kind", "exponent", "iterations", "words", "stem"))


def check_fits(chain: ChainIdentity, threads: int, space: Space) -> None:
    """Raise DoesNotFit for a chain that memory, or passes over disk, would not hold."""
    _plan(chain, threads, _bounded(space), None, bool(lanes.directories(space.swap)))


def _bounded(space: Space) -> Space:
    return replace(space, memory_bytes=space.memory_bytes or available_memory_bytes() * 3 // 4)


@contextlib.contextmanager
def squarers(chain: ChainIdentity, threads: int, space: Space, stop: Callable[[], bool],
             emit: Callable) -> Iterator[tuple[Callable[[Any], Any], Callable]]:
    """make_squarer(shape) and a listener for a chain of squarings, for as long as it runs.

    RunScratch that holds it interrupted goes on; it is removed when the block ends well, and else stays.  Raises
    DoesNotFit, UsageError where a directory holds another run, what RunScratch raises.
    """
    named = lanes.directories(space.swap)
    space = _bounded(space)
    if space.discard:
        held.discard(named)
    found = held.interrupted(named)
    same = found is not None and chain.is_of(found)
    plan = _plan(chain, threads, space, found if same else None, bool(named))
    if plan.disk is None:
        from bigconst.arithmetic.memory.squarer import Squarer

        yield lambda shape: Squarer(plan.exponent, shape, threads), emit
        return
    if found is not None and not same:
        raise UsageError(f"{found['directory']} holds the interrupted run `{found['command']}`",
                         f"resume it with `bigconst resume {found['directory']}`, or add --discard")
    with _scratch(plan, chain, space, named, found) as scratch:
        print(plan.describe(), file=sys.stderr, flush=True)
        listener = scratch.watched(emit)
        recorder = scratch.recorder(listener)

        def note(kind: str, where: str, message: str) -> None:
            from bigconst.base.events import Fault

            listener(Fault(kind, where, message))

        def make(shape: Any):
            from bigconst.arithmetic.disk.squarer import DiskSquarer
            from bigconst.plans.dwtdisk import dwt_disk

            disk = plan.disk if shape == plan.shape else dwt_disk(shape, threads, plan.products,
                                                                  plan.disk.workspace_bytes * 2)
            return DiskSquarer(plan.exponent, disk, scratch.volume, recorder, note, stop)

        yield make, _telling(scratch, listener)
        scratch.finish()


def _telling(scratch: Any, listener: Callable) -> Callable:
    """A listener that has the status file say the iteration."""
    from bigconst.base.events import StageStarted
    from bigconst.mersenne.events import Advanced

    def hear(event: Any) -> None:
        if isinstance(event, Advanced):
            scratch.status.hear(StageStarted(
                f"iteration {format_count(event.iteration)} of {format_count(event.total)}", 0, 0))
        listener(event)

    return hear


def _plan(chain: ChainIdentity, threads: int, space: Space, found: dict | None, scratch: bool):
    """The plan; that of an interrupted run does not change."""
    from bigconst.plans.mersenneplan import make_mersenne_plan

    first = {"threads": threads, "memory_bytes": space.memory_bytes, "workspace_bytes": space.workspace_bytes}
    if found is not None:
        if found["version"] != __version__:
            raise UsageError(f"{found['directory']} holds a run of bigconst {found['version']}, this is {__version__}",
                             "resume it with that version, or add --discard")
        first = {name: found["request"][name] for name in first}
    plan = make_mersenne_plan(chain.exponent, chain.iterations, products=chain.kind != "LL",
                              words=chain.words, scratch=scratch, **first)
    if found is not None:
        plan = replace(plan, threads=threads, disk=replace(plan.disk, threads=threads))
        if plan.peak_memory_bytes > space.memory_bytes:
            raise DoesNotFit(f"the run in {found['directory']} needs {format_bytes(plan.peak_memory_bytes)} of "
                             f"memory, {format_bytes(space.memory_bytes)} are allowed", "allow more with --memory")
    return plan


def _scratch(plan: Any, chain: ChainIdentity, space: Space, named: Sequence[str], found: dict | None):
    from bigconst.runs.scratch import RunScratch

    directories = list(named)
    if found is None:
        disks = lanes.examine(directories, None)
        lanes.check_room(plan.scratch_bytes, plan.journal_bytes, directories, 0, directories[0])
        fields = {"run_id": held.new_run_id(), "version": __version__,
                  "request": asdict(chain) | {"threads": plan.threads, "workspace_bytes": space.workspace_bytes,
                                              "memory_bytes": space.memory_bytes},
                  "output": chain.again["directory"], "reason": disks.reason, "checkpoint": None, "parts": [],
                  "lanes": [os.path.abspath(directory) for directory in directories],
                  "command": shlex.join(["bigconst", *space.argv])}
        return RunScratch(lanes.ScratchDisks(disks.directories, disks.kind, disks.reason), plan, fields)
    held.check_lanes(found, directories)
    held.check_idle(found["directory"])
    fields = {name: value for name, value in found.items() if name != "directory"}
    fields["lanes"] = [os.path.abspath(directory) for directory in directories]
    return RunScratch(lanes.ScratchDisks(tuple(directories), "ssd", found["reason"]), plan, fields, found)
