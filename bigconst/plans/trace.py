"""The trace of a program: its operations in order, with lengths, bytes and lifetimes, but no values.

A plan is made of it: what lies where, what moves, how long each part takes.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from bigconst.base.units import format_count
from bigconst.plans.accounts import Pass
from bigconst.plans.diskshape import DiskShape
from bigconst.plans.shape import Shape

PAGE_BYTES = 4096
PERIOD = 64
"""Steps of a period: what is placed is looked up by periods."""

FILES_STAGE = "files"
"""Name of the stage in which files are written."""


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
    """room that the step alone needs: transforms, beside its result"""
    temporary_count: int = 1
    """number of equal parts of this room"""
    shared_bytes: int = 0
    """room that the step alone needs, in which its result begins in the end"""
    words: int = 0
    """words of the result"""
    shape: Shape | DiskShape | None = None
    operands: int = 0
    """transforms that are multiplied: 1 for the square of a number, 2 for each product; 0 without a transform"""
    full: int = 0
    """HALF_FACTOR (plans.shape) for each product in memory whose operands may both fill the transform, 1 for others"""
    added: int = 0
    """numbers that are added while a transform becomes a number on disk"""
    passes: tuple[Pass, ...] = ()
    """passes over scratch"""
    operations: tuple[tuple[str, int], ...] = ()
    """operations in memory, and their words (estimates.work.OPERATIONS)"""
    journal_bytes: int = 0
    """most bytes of the journal, unless the step is repeated"""
    segment: str = ""
    """the call at whose end the journal begins anew"""
    replaces: str | None = None
    """name of an operand, which the result may be written over if it dies here: in memory it takes its place"""
    file_bytes: int = 0
    """size of the certificate, where the step makes it"""
    in_doubt: bool = False
    """whether it is hardly ever carried out: it has a place, but neither traffic nor time"""

    @property
    def is_made(self) -> bool:
        """Whether it makes numbers in memory of their own (arithmetic.machine)."""
        return self.shape is None and self.temporary_bytes > 0 and bool(self.operations)

    @property
    def temporary(self) -> str:
        """Name of its temporary room."""
        return f"{self.name}, temporary"

    @property
    def shared(self) -> str:
        """Name of the room in which its result begins."""
        return f"{self.name}, shared"


@dataclass(frozen=True)
class Call:
    """A subprogram that a machine has entered."""

    path: str
    """its scope"""
    title: str
    """name under which its result is recorded, or saved; empty where it is not"""
    results: tuple[str, ...]
    """names of the numbers that it made"""
    end: int
    """number of steps that have been carried out when it ends"""
    is_part: bool = False
    """whether the names of its stages begin with the title"""
    is_in_memory: bool = False
    """whether it is computed in memory, and its result stored on the volume"""


@dataclass(frozen=True)
class Trace:
    """Steps in the order in which they are carried out, and calls in the order in which they end."""

    steps: tuple[Step, ...]
    calls: tuple[Call, ...] = ()
    results: tuple[str, ...] = ()
    """names of numbers that are used after the last step"""

    def __hash__(self) -> int:
        """Made of little, not of thousands of steps."""
        return hash((len(self.steps), self.results))

    @cached_property
    def by_name(self) -> dict[str, Step]:
        """The steps by name."""
        return {step.name: step for step in self.steps}

    @cached_property
    def positions(self) -> dict[str, int]:
        """Index of each step, by its name."""
        return {step.name: i for i, step in enumerate(self.steps)}

    @cached_property
    def parts(self) -> tuple[tuple[int, str], ...]:
        """The parts of a run in memory that people see, in order: the number of steps that are done at its end, and the
        path of a numbered call, or the name of the first of numbers that are made together."""
        made = [(i, step.name) for i, step in enumerate(self.steps, 1) if step.is_made]
        return tuple(sorted([*made, *((call.end, call.path) for call in self.calls if call.is_part)]))

    @property
    def what_is_made(self) -> tuple:
        """The steps without what they cost, and the calls: what a run stores is of these."""
        return tuple((step.name, step.reads, step.words, step.shape) for step in self.steps), self.calls

    @cached_property
    def deaths(self) -> dict[str, int]:
        """Index of the last step that needs a number or spectrum, by its name."""
        last: dict[str, int] = {}
        for i, step in enumerate(self.steps):
            for name in (step.out, *step.reads):
                if name is not None:
                    last[name] = i
        return last | dict.fromkeys(self.results, len(self.steps))

    def alive(self, weight: Callable[[Step], int], before: bool = False) -> list[int]:
        """For each step, and for the end, the sum of weight(step) over those whose results are needed then or later and
        have been made `before` it, or else before it or by it."""
        changes = [0] * (len(self.steps) + 2)
        for i, step in enumerate(self.steps):
            if step.out is not None:
                changes[i + before] += weight(step)
                changes[max(self.deaths[step.out] + 1, i + before)] -= weight(step)
        return list(itertools.accumulate(changes))

    def stages(self) -> list[tuple[str, tuple[Step, ...]]]:
        """Name and steps of each stage, in order, without those in doubt."""
        found: list[tuple[str, list[Step]]] = []
        for step in self.steps:
            if step.in_doubt:
                continue
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
        """Address of everything on a volume, in multiples of `unit` bytes, and the end of the highest."""
        # A step has two parts: in the first one it reads, in the second it writes a result over what it replaces.
        deaths = self.deaths
        over = {step.out: i for i, step in enumerate(self.steps)
                if step.replaces is not None and deaths[step.replaces] == i}
        under = {self.steps[i].replaces for i in over.values()}
        results = [(step.out, [_Room(step.out_bytes, 2 * i + (step.out in over),
                                     2 * deaths[step.out] + (step.out not in under))])
                   for i, step in enumerate(self.steps) if step.out is not None]
        temporary = [(name, [_Room(size, 2 * i, 2 * i + 1)]) for name, size, i in self._temporary()]
        return _place([*results, *temporary], unit)

    @cached_property
    def arrays(self) -> dict[str, tuple[int, int]]:
        """Offset and size in memory, in bytes, of everything.

        A number that takes the place of another one, by linear operations, shares its array from the beginning: the
        approximations of a ladder are one array.  A product that takes the place of a transform begins where that does.
        """
        deaths, first, rooms, sizes = self.deaths, dict[str, str](), dict[str, list[_Room]](), dict[str, int]()
        for i, step in enumerate(self.steps):
            if step.out is None:
                continue
            root, room = step.out, _Room(step.out_bytes, i, deaths[step.out])
            if step.replaces is not None and deaths[step.replaces] == i:
                root = first[step.replaces]
            known = rooms.setdefault(root, [])
            if known and step.shape is None:
                room = _Room(max(each.size for each in (*known, room)), known[0].born, room.dead)
                known.clear()
            known.append(room)
            if step.shared_bytes:
                known.append(_Room(step.shared_bytes, i, i))
                sizes[step.shared] = step.shared_bytes
                first[step.shared] = root
            first[step.out] = root
            sizes[step.out] = room.size
        temporary = self._temporary()
        addresses, _ = _place([*rooms.items(), *((name, [_Room(size, i, i)]) for name, size, i in temporary)],
                              PAGE_BYTES)
        for name, root in first.items():
            if len(rooms[root]) == 1:
                sizes[name] = rooms[root][0].size
        return ({name: (addresses[root], sizes[name]) for name, root in first.items()}
                | {name: (addresses[name], size) for name, size, _ in temporary})

    @cached_property
    def memory_bytes(self) -> int:
        """Memory for all arrays."""
        return max((offset + size for offset, size in self.arrays.values()), default=0)

    def _temporary(self) -> list[tuple[str, int, int]]:
        """Name, bytes and step of all temporary room."""
        return [(step.temporary, step.temporary_bytes, i) for i, step in enumerate(self.steps) if step.temporary_bytes]


class _Room(NamedTuple):
    """So many bytes from one step to another."""

    size: int
    born: int
    dead: int


def _place(regions: Sequence[tuple[str, list[_Room]]], unit: int) -> tuple[dict[str, int], int]:
    """Address of each region, in multiples of `unit`, and the end of the highest; all room of a region begins at its
    address.

    The largest comes first, each at the lowest place that is free while it lives.
    """
    # Only what lives at the same time is looked at, by periods of the steps.
    placed: dict[int, list[tuple[int, int, int, int]]] = {}
    addresses: dict[str, int] = {}
    end = 0

    for name, rooms in sorted(regions, key=lambda region: -max(room.size for room in region[1])):
        rooms = [room._replace(size=-(-room.size // unit) * unit) for room in rooms]
        # It cannot begin between these addresses.
        taken = sorted({(start - size, stop) for size, born, dead in rooms
                        for period in range(born // PERIOD, dead // PERIOD + 1)
                        for start, stop, other_born, other_dead in placed.get(period, ())
                        if other_born <= dead and born <= other_dead})
        at = 0
        for low, high in taken:
            if at <= low:
                break
            at = max(at, high)
        for size, born, dead in rooms:
            for period in range(born // PERIOD, dead // PERIOD + 1):
                placed.setdefault(period, []).append((at, at + size, born, dead))
        addresses[name], end = at, max(end, at + max(room.size for room in rooms))
    return addresses, end


def transform_rows(trace: Trace, text: Callable[[Shape | DiskShape], str]) -> list[tuple[str, str]]:
    """The transforms of a trace as rows to print: for each part of it the words that it makes, and the shapes by what
    they are for, as text(shape).  Parts of one kind that have the same transforms are shown once."""
    words = {call.title: trace.by_name[call.results[0]].words for call in trace.calls if call.is_part}
    parts: dict[tuple[str, str], list[list[str]]] = {}
    longest: dict[tuple[str, str], int] = {}
    for step in trace.steps:
        if step.shape is None:
            continue
        scope, _, name = step.name.rpartition("/")
        part = (step.segment, "") if step.segment in words else (step.stage, scope)
        shown = text(step.shape) + (", hardly ever" if step.in_doubt else "")
        rows = parts.setdefault(part, [])
        longest[part] = words.get(part[0], max(step.words, longest.get(part, 0)))
        if rows and rows[-1][1] == shown:
            rows[-1][0] += f", {name}"
        else:
            rows.append([name, shown])
    alike: dict[tuple, list[tuple[str, str]]] = {}
    for part, rows in parts.items():
        alike.setdefault((part[0], *map(tuple, rows)), []).append(part)
    found = []
    for (first, *others), (title, *rows) in zip(alike.values(), alike, strict=True):
        found.append((title.capitalize() + (f", {len(others) + 1} times" if others else ""),
                      f"{format_count(longest[first])} words"))
        found += [(f"  {names}", shown) for names, shown in rows]
    return found
