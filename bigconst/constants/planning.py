"""From a request to a plan: the program of the constant runs on a planner, which leaves its trace.

`make_plan` fixes every length, shape, address and byte count; nothing is decided later.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bigconst.arithmetic.diskplanner import DiskPlanner
from bigconst.arithmetic.machine import TooSmall
from bigconst.arithmetic.planner import MemoryPlanner
from bigconst.base.constant import Constant
from bigconst.base.errors import DoesNotFit
from bigconst.base.units import format_bytes, format_count, hex_digits
from bigconst.constants.bounds import Bounds, bounds_for
from bigconst.plans import diskplan
from bigconst.plans.diskplan import DiskPlan
from bigconst.plans.diskshape import chunk_bytes
from bigconst.plans.plan import DISK_PROCESS_BYTES, PROCESS_BYTES, SQUARE_WORDS_MAX, Plan

LEAST_BYTES = 20
"""Bytes that every computation in memory takes at least for each word of its digits: the digits, and a transform of a
square as long as them."""


def bounds_of(plan: Plan, certified: bool) -> Bounds:
    """The bounds with which the program of a plan runs; `certified` is whether a certificate is wanted."""
    return replace(bounds_for(plan.constant, plan.base, plan.digits, certified), words=plan.words)


def make_plan(constant: Constant, digits: int, base: int, threads: int, memory_bytes: int, *,
              workspace_bytes: int | None = None, disk: str | None = None, certified: bool = True,
              from_file: bool = False) -> Plan:
    """The plan for `digits` decimal digits of `constant`, or for base 16 the hexadecimal digits that hold as much.

    memory_bytes     bound on the process
    workspace_bytes  bound on the working arrays alone
    disk             "hdd" or "ssd" where there is scratch, for what memory does not hold; else None
    certified        whether the certificate is wanted, in addition to the digits, if the constant has any
    from_file        whether so many digits of `base` are read from a file, and nothing but their certificate is made
    Raises DoesNotFit when the run needs more memory than allowed, or a transform too long to be exact.
    """
    written = hex_digits(digits) if base == 16 and not from_file else digits
    constant = constant.from_file if from_file else constant
    certified = certified and constant.number is not None
    bounds, most = bounds_for(constant, base, written, certified), workspace_bytes or memory_bytes
    common = (constant, digits, base, threads, memory_bytes, written)
    if disk is None or bounds.words <= min(SQUARE_WORDS_MAX, most // LEAST_BYTES):
        for lean in (False, True):
            machine = MemoryPlanner(base, lean=lean)
            constant.program(machine, bounds)
            plan = Plan(*common, bounds.words, machine.trace(), certified, lean=lean)
            if plan.arena_bytes <= min(memory_bytes - PROCESS_BYTES, most) and plan.square_words <= SQUARE_WORDS_MAX:
                return plan
        if disk is None:
            _refuse(plan, workspace_bytes)
    search = _Search(constant.program, bounds, base, threads, disk, memory_bytes - DISK_PROCESS_BYTES, most)
    on_disk = search.best() or search.refuse()
    return Plan(*common, on_disk.words, on_disk.trace, certified, on_disk)


def _refuse(plan: Plan, workspace_bytes: int | None) -> None:
    """Raise DoesNotFit with the reason why a run without scratch does not fit memory."""
    remedy, digits = "name a scratch directory with --swap DIR, or ask for fewer digits", format_count(plan.digits)
    if plan.square_words > SQUARE_WORDS_MAX:
        #: Beyond this size only a run on disk is exact: name scratch directories with `--swap`.
        raise DoesNotFit(f"{digits} digits need a square of {format_count(plan.square_words)} words, "
                         f"the longest that is exact in memory has {format_count(SQUARE_WORDS_MAX)}", remedy)
    needed, allowed = plan.peak_memory_bytes, plan.memory_bytes
    if needed <= allowed:
        needed, allowed = plan.arena_bytes, workspace_bytes
    #: Name scratch directories with `--swap`, which do what memory cannot; or allow more with `--memory` (without it,
    #: 75 % of what is available).
    raise DoesNotFit(f"{digits} digits of {plan.constant.name} need {format_bytes(needed)} of memory, "
                     f"{format_bytes(allowed)} are allowed", remedy + ", or allow more with --memory")


@dataclass(frozen=True)
class _Search:
    """A search for the chunk length and the number of passes with which a program fits the memory."""

    program: Callable
    bounds: Bounds
    base: int
    threads: int
    kind: str
    memory_bytes: int
    """memory for working arrays and chunk records"""
    workspace_bytes: int
    """memory for working arrays alone"""

    def best(self) -> DiskPlan | None:
        """The plan on disk; None if the memory is too small.

        Chunks as long as the disks want are tried first, with transforms of two passes, then of three, and longer ones
        if they fit; after them shorter chunks.
        """
        preferred = diskplan.CHUNK_WORDS[self.kind][self.base]
        for passes in (2, 3):
            if (found := self._try(preferred, passes)) is not None:
                return self._longest(found, passes)
        shorter = [preferred >> i for i in range(1, 20) if preferred >> i >= diskplan.MIN_CHUNK_WORDS]
        for chunk, passes in (*((c, 2) for c in shorter), *((c, 3) for c in shorter)):
            if (found := self._try(chunk, passes)) is not None:
                return found
        return None

    def _longest(self, plan: DiskPlan, passes: int) -> DiskPlan:
        """The plan with the longest chunks that moves and takes up hardly more than `plan`: every chunk costs a fixed
        time, in one thread after the other."""
        def costs(one: DiskPlan) -> tuple[int, int]:
            return one.traffic.read_bytes + one.traffic.written_bytes, one.scratch_bytes

        found = plan
        while 2 * found.chunk_words <= diskplan.MAX_CHUNK_WORDS:
            known = found.known_bytes if found.known_bytes == found.record_bytes else 0
            longer = self._try(2 * found.chunk_words, passes, known)
            if longer is None or any(now > diskplan.LONGER_CHUNKS_COST * before for now, before in
                                     zip(costs(longer), costs(plan), strict=True)):
                break
            found = longer
        return found

    def _try(self, chunk: int, passes: int, least_record_bytes: int = 0) -> DiskPlan | None:
        words = -(-self.bounds.words // chunk) * chunk
        record_bytes = max(least_record_bytes, words // chunk * diskplan.CHUNK_RECORD_BYTES
                           + (diskplan.PARITY_CHUNKS + self.threads) * chunk_bytes(chunk, self.base))
        workspace = min(self.workspace_bytes, self.memory_bytes - record_bytes)
        if (diskplan.linear_bytes(chunk, self.base) > workspace
                or diskplan.files_bytes_of(chunk, self.threads) + record_bytes > self.memory_bytes):
            return None
        machine = DiskPlanner(self.base, self.threads, chunk, workspace, passes,
                              diskplan.piece_chunks_of(chunk, self.base, workspace))
        try:
            self.program(machine, replace(self.bounds, words=words))
        except TooSmall:
            return None
        disk = DiskPlan(self.kind, self.base, self.threads, chunk, words, workspace, record_bytes, machine.trace(),
                        machine.memory)
        if disk.known_bytes > record_bytes:     # more numbers exist at a time than those of a ladder
            return self._try(chunk, passes, disk.known_bytes)
        return disk

    def refuse(self):
        """Raise DoesNotFit, with the memory or the workspace that is enough."""
        what = f"{format_count(self.bounds.words)} words on disk need at least"
        memory = _least(lambda size: replace(self, memory_bytes=size, workspace_bytes=size))
        if memory > self.memory_bytes:
            needed = _whole_mib(memory + DISK_PROCESS_BYTES)
            #: The message has the value that `--memory` or `--workspace` needs at least. More is faster: less is moved.
            raise DoesNotFit(f"{what} {needed} of memory", f"allow it with --memory {needed}")
        workspace = _least(lambda size: replace(self, workspace_bytes=size))
        #: As for "… words on disk need at least …MiB of memory".
        raise DoesNotFit(f"{what} {_whole_mib(workspace)} of working memory",
                         f"allow it with --workspace {_whole_mib(workspace)}")


def _whole_mib(size_bytes: int) -> str:
    """A size rounded up to whole MiB, written as an option takes it."""
    return f"{-(-size_bytes >> 20)}MiB"


def _least(search: Callable[[int], _Search]) -> int:
    """A size in bytes for which search(size) finds something, less than a tenth above the least one."""
    size = diskplan.MIN_WORKSPACE_BYTES
    while search(size).best() is None:
        size *= 2
    smaller = size * 15 // 16
    while size > diskplan.MIN_WORKSPACE_BYTES and search(smaller).best() is not None:
        size, smaller = smaller, smaller * 15 // 16
    return size
