"""Which byte of the scratch volume lies on which lane: arithmetic only, no disk is touched here.

The volume is cut into units of `stripe_bytes`.  A pattern of lane numbers, one
for each unit of a period, is repeated over the volume, and every lane stores
its units one after another without gaps.  Where a byte lies is thus a formula,
and a lane that stands in the pattern more often takes more of the work: lanes
that are given units in proportion to their speed finish together.

Where a fast lane is small (a file system in memory, a disk that is nearly full),
the volume has zones: in the first one all lanes take part by their speed, until
one of them is full, in the next one the others.  Plans put what they need lowest
(plans.trace), so that the smaller levels of a run, and the part of the largest one
that fits, have the speed of all lanes together.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from bigconst.base.errors import DiskFull
from bigconst.base.units import format_bytes

PERIOD = 251
"""Units of a period.  Prime, because transforms are read at strides of 2^a*3^b*5^c*7^d units, which then
visit every slot of the period in turn; a period that divides the stride would put a whole slab on one lane."""

_LONGEST_PERIOD = 4096
"""Most units of the longer period that is tried where space is too tight for PERIOD units."""


class Zone(NamedTuple):
    """A part of a volume."""

    pattern: Sequence[int]
    """the lane of each unit of a period"""
    periods: int | None = None
    """number of periods; the last zone has none, it goes on"""


class Striping:
    """The map from an address in the volume to a lane and an offset in its file; `stripe_bytes` is the size of a unit.
    """

    def __init__(self, zones: Sequence[Zone], stripe_bytes: int):
        self.zones = tuple(Zone(tuple(pattern), periods) for pattern, periods in zones)
        self.stripe_bytes = stripe_bytes
        self.lanes = max(max(zone.pattern) for zone in self.zones) + 1
        self._starts = [0]
        """first unit of each zone"""
        self._slots: list[list[tuple[int, int, int]]] = []
        """for each zone, and each unit of its period: the lane, its units before that one, its units in a period"""
        below = [0] * self.lanes
        for pattern, periods in self.zones:
            counts, seen, slots = [pattern.count(lane) for lane in range(self.lanes)], list(below), []
            for lane in pattern:
                slots.append((lane, seen[lane], counts[lane]))
                seen[lane] += 1
            self._slots.append(slots)
            if periods is not None:
                self._starts.append(self._starts[-1] + periods * len(pattern))
                below = [base + periods * count for base, count in zip(below, counts, strict=True)]

    def split(self, address: int, length: int, most: int | None = None) -> list[tuple[int, int, int]]:
        """The pieces (lane, offset in its file, length) of a range of the volume, in order, none longer than `most`;
        all in bytes."""
        stripe, pieces = self.stripe_bytes, []
        end = address + length
        while address < end:
            unit, within = divmod(address, stripe)
            lane, place = self._place(unit)
            size = min(stripe - within, end - address)
            if most is not None and size > most:
                size = most
            pieces.append((lane, place * stripe + within, size))
            address += size
        return pieces

    def _place(self, unit: int) -> tuple[int, int]:
        """The lane of a unit, and how many units the lane has before it."""
        zone = bisect_right(self._starts, unit) - 1 if len(self._starts) > 1 else 0
        slots = self._slots[zone]
        period, slot = divmod(unit - self._starts[zone], len(slots))
        lane, before, count = slots[slot]
        return lane, before + period * count

    def lane_bytes(self, total_bytes: int) -> list[int]:
        """Bytes of every lane's file when the volume has `total_bytes`."""
        sizes = [0] * self.lanes
        for lane, unit in self.ends(total_bytes)[1].items():
            size = min(self.stripe_bytes, total_bytes - unit * self.stripe_bytes)
            sizes[lane] = self._place(unit)[1] * self.stripe_bytes + size
        return sizes

    def ends(self, total_bytes: int) -> tuple[dict[int, int], dict[int, int]]:
        """The first unit, and the last one, of each lane that has any where the volume has `total_bytes`."""
        units = -(-total_bytes // self.stripe_bytes)
        first, last = dict[int, int](), dict[int, int]()
        for start, stop, (pattern, _) in zip(self._starts, [*self._starts[1:], units], self.zones, strict=True):
            stop = min(stop, units)
            for unit in range(start, min(stop, start + len(pattern))):
                first.setdefault(self._place(unit)[0], unit)
            for unit in range(max(start, stop - len(pattern)), stop):
                last[self._place(unit)[0]] = unit
        return first, last


def make_zones(speeds: Sequence[float], free_bytes: Sequence[int], total_bytes: int, stripe_bytes: int) -> list[Zone]:
    """The zones by which lanes of these speeds finish together until the fast ones are full.

    Speeds in any common unit, above 0.  Raises DiskFull when the lanes together cannot hold `total_bytes`.
    """
    zones, left, rest = [], [free // stripe_bytes for free in free_bytes], -(-total_bytes // stripe_bytes)
    while len(zones) < len(speeds):
        counts = _shares(speeds, left)
        periods = min((room // count for room, count in zip(left, counts, strict=True) if count), default=0)
        if not periods or periods * PERIOD >= rest:
            break
        zones.append(Zone(_spread(counts), periods))
        left = [room - periods * count for room, count in zip(left, counts, strict=True)]
        rest -= periods * PERIOD
    try:
        last = make_pattern(speeds, [room * stripe_bytes for room in left], rest * stripe_bytes, stripe_bytes)
        return [*zones, Zone(last)]
    except DiskFull:        # what zones leave over on a lane may be too little for the next one
        return [Zone(make_pattern(speeds, free_bytes, total_bytes, stripe_bytes))]


def make_pattern(
    speeds: Sequence[float], free_bytes: Sequence[int], total_bytes: int, stripe_bytes: int
) -> tuple[int, ...]:
    """The pattern by which lanes of these speeds finish together, as far as their space allows, in one zone.

    Raises DiskFull when the lanes together cannot hold `total_bytes`.
    """
    check_room(free_bytes, total_bytes)
    if len(speeds) == 1:
        return (0,)
    units = max(1, -(-total_bytes // stripe_bytes))
    for period in (PERIOD, -(-units // -(-units // _LONGEST_PERIOD))):
        periods = -(-units // period)
        room = [free // (periods * stripe_bytes) for free in free_bytes]
        if sum(room) >= period:
            return _spread(_shares(speeds, room, period))
    check_room([each * periods * stripe_bytes for each in room], period * periods * stripe_bytes)
    raise AssertionError("room for every unit, yet none was found")


def _shares(speeds: Sequence[float], room: Sequence[int], units: int = PERIOD) -> list[int]:
    """How many of so many units each lane has: a unit goes where it is finished first, so that a lane too slow to help
    in time gets none; all 0 where there is no room for them."""
    counts = [0] * len(speeds)
    for lane in _deal(speeds, room, units, 1) if sum(room) >= units else ():
        counts[lane] += 1
    return counts


def _spread(counts: Sequence[int]) -> tuple[int, ...]:
    """A pattern with so many units of each lane, evenly apart: dealt by these counts, from the middle of each share."""
    return tuple(_deal(counts, counts, sum(counts), 0.5))


def _deal(weights: Sequence[float], room: Sequence[int], units: int, first: float) -> list[int]:
    """A lane for each unit: of those with room left, the one with the smallest (units it has + first) / weight."""
    given = [0] * len(weights)
    order = []
    for _ in range(units):
        open_lanes = [lane for lane, count in enumerate(given) if count < room[lane]]
        lane = min(open_lanes, key=lambda lane: (given[lane] + first) / weights[lane])
        given[lane] += 1
        order.append(lane)
    return order


def check_room(free_bytes: Sequence[int], total_bytes: int) -> None:
    """Raise DiskFull, with both numbers, unless the free bytes of all lanes together are enough."""
    free = sum(free_bytes)
    if total_bytes > free:
        #: As for "the scratch needs … (… bytes) with its journal, its disks have … (… bytes) free".
        raise DiskFull(
            f"the scratch volume needs {format_bytes(total_bytes)} ({total_bytes} bytes), "
            f"its disks have {format_bytes(free)} ({free} bytes) free"
        )
