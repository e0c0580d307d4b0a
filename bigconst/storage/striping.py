"""Which byte of the scratch volume lies on which lane: arithmetic only, no disk is touched here.

The volume is cut into units of `stripe_bytes`.  A pattern of lane numbers, one
for each unit of a period, is repeated over the volume, and every lane stores
its units one after another without gaps.  Where a byte lies is thus a formula,
and a lane that stands in the pattern more often takes more of the work: lanes
that are given units in proportion to their speed finish together.
"""

import itertools
from collections.abc import Sequence

from bigconst.base.errors import DiskFull
from bigconst.base.units import format_bytes

PERIOD = 251
"""Units of a period.  Prime, because transforms are read at strides of 2^a*3^b*5^c*7^d units, which then
visit every slot of the period in turn; a period that divides the stride would put a whole slab on one lane."""

_LONGEST_PERIOD = 4096
"""Most units of the longer period that is tried where space is too tight for PERIOD units."""


class Striping:
    """The map from an address in the volume to a lane and an offset in its file.

    `pattern[i]` is the lane of unit i of every period; `stripe_bytes` is the size of a unit.
    """

    def __init__(self, pattern: Sequence[int], stripe_bytes: int):
        self.pattern = tuple(pattern)
        self.stripe_bytes = stripe_bytes
        self.lanes = max(self.pattern) + 1
        self._counts = [self.pattern.count(lane) for lane in range(self.lanes)]
        seen = [0] * self.lanes
        self._ranks = []
        for lane in self.pattern:
            self._ranks.append(seen[lane])
            seen[lane] += 1

    def split(self, address: int, length: int) -> list[tuple[int, int, int]]:
        """The pieces (lane, offset in its file, length) of a range of the volume, in order; all in bytes."""
        pieces = []
        end = address + length
        while address < end:
            unit, within = divmod(address, self.stripe_bytes)
            period, slot = divmod(unit, len(self.pattern))
            lane = self.pattern[slot]
            size = min(self.stripe_bytes - within, end - address)
            offset = (period * self._counts[lane] + self._ranks[slot]) * self.stripe_bytes + within
            pieces.append((lane, offset, size))
            address += size
        return pieces

    def lane_bytes(self, total_bytes: int) -> list[int]:
        """Bytes of every lane's file when the volume has `total_bytes`."""
        units, rest = divmod(total_bytes, self.stripe_bytes)
        periods, slots = divmod(units, len(self.pattern))
        sizes = [periods * count for count in self._counts]
        for lane in itertools.islice(self.pattern, slots):
            sizes[lane] += 1
        sizes = [size * self.stripe_bytes for size in sizes]
        sizes[self.pattern[slots]] += rest
        return sizes


def make_pattern(
    speeds: Sequence[float], free_bytes: Sequence[int], total_bytes: int, stripe_bytes: int
) -> tuple[int, ...]:
    """The pattern by which lanes of these speeds finish together, as far as their space allows.

    Speeds in any common unit, above 0.  Raises DiskFull when the lanes together cannot hold `total_bytes`.
    """
    check_room(free_bytes, total_bytes)
    if len(speeds) == 1:
        return (0,)
    units = max(1, -(-total_bytes // stripe_bytes))
    for period in (PERIOD, -(-units // -(-units // _LONGEST_PERIOD))):
        periods = -(-units // period)
        room = [free // (periods * stripe_bytes) for free in free_bytes]
        if sum(room) >= period:
            # A unit goes where it is finished first: a lane too slow to help in time gets none.
            counts = [0] * len(speeds)
            for lane in _deal(speeds, room, period, 1):
                counts[lane] += 1
            # Dealt again by these counts, from the middle of each share, the units of a lane lie evenly apart.
            return tuple(_deal(counts, counts, period, 0.5))
    check_room([each * periods * stripe_bytes for each in room], period * periods * stripe_bytes)
    raise AssertionError("room for every unit, yet none was found")


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
