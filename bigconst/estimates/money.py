"""The costs of machines and network volumes for the hours of a run.

Pure functions.  Hours are those of bigconst.estimates.model, prices those of
bigconst.catalogue; a volume is paid for by the hour, at a share of its price
per month.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from bigconst.catalogue.model import NetworkVolume

HOURS_PER_MONTH = 730
"""Hours of a month as providers count them: 365 * 24 / 12."""

OPERATION_BYTES = 256 << 10
"""Most bytes that a network volume moves in one operation, however long the request."""

_FACTS = {"usd_per_gb_month": "price of a GB", "gb_max": "largest size", "mb_s_max": "speed"}


@dataclass(frozen=True)
class Volumes:
    """Network volumes of one kind that are hired together."""

    name: str
    count: int
    size_gb: int
    """size of all together, in GB of 10^9 bytes; where a provider counts GiB, the price is a little too high"""
    mb_s: float
    """speed of all together, in 10^6 bytes a second"""
    usd_per_month: float
    """price of all together"""

    def usd(self, hours: float) -> float:
        """Dollars for `hours` hours."""
        return self.usd_per_month / HOURS_PER_MONTH * hours


def missing_facts(volume: NetworkVolume) -> list[str]:
    """Names of the facts that `hired` needs of a volume and that are unknown."""
    return [what for name, what in _FACTS.items() if getattr(volume, name) is None]


def is_speed_by_size(volume: NetworkVolume) -> bool:
    """Whether neither operations nor MB/s have a price, so that speed can only come with size."""
    return volume.usd_per_iops_month is None and volume.usd_per_mb_s_month is None


def hired(volume: NetworkVolume, size_bytes: int, bytes_per_s: float) -> Volumes:
    """The fewest volumes that together have this size and speed; `missing_facts(volume)` must be empty.

    If speed comes with size, each has its largest size.  Operations and MB/s that have a price are paid for, except
    those known to be free.
    """
    mb_s, size_gb = bytes_per_s / 1e6, ceil(size_bytes / 1e9)
    count = max(1, ceil(size_gb / volume.gb_max), ceil(mb_s / volume.mb_s_max))
    if is_speed_by_size(volume):
        size_gb = ceil(count * volume.gb_max)
    operations = bytes_per_s / OPERATION_BYTES
    usd = size_gb * volume.usd_per_gb_month
    usd += (volume.usd_per_mb_s_month or 0.0) * max(0.0, mb_s - count * (volume.free_mb_s or 0.0))
    usd += (volume.usd_per_iops_month or 0.0) * max(0.0, operations - count * (volume.free_iops or 0.0))
    return Volumes(volume.name, count, size_gb, mb_s, usd)


def kept_on(volumes: Iterable[NetworkVolume], size_bytes: int) -> Volumes | None:
    """The cheapest volume of this size, whatever its speed; None if no price is known."""
    size_gb = ceil(size_bytes / 1e9)
    return min((Volumes(volume.name, 1, size_gb, 0.0, size_gb * volume.usd_per_gb_month) for volume in volumes
                if volume.usd_per_gb_month is not None), key=lambda each: each.usd_per_month, default=None)


def expected_hours(hours: float, interruptions_per_day: float, loss_hours: float) -> float | None:
    """Expected hours of a run of `hours` that loses `loss_hours` at each interruption; None if it would never end.

    The result t satisfies t = hours + loss_hours * interruptions_per_day * t/24.
    """
    share = interruptions_per_day * loss_hours / 24
    return hours / (1 - share) if share < 1 else None


@dataclass(frozen=True)
class Bill:
    """The hours of a run, and the dollars they cost."""

    hours: float
    machine_usd: float
    volumes_usd: float

    @property
    def usd(self) -> float:
        """Dollars for machine and volumes."""
        return self.machine_usd + self.volumes_usd

    def digits_per_usd(self, digits: int) -> float:
        """Decimal digits for a dollar."""
        return digits / self.usd

    def usd_per_1e12_digits(self, digits: int) -> float:
        """Dollars for 10^12 digits, if each costs as much as one of `digits`."""
        return self.usd / digits * 1e12


def bill(hours: float, usd_per_hour: float, volumes: Iterable[Volumes]) -> Bill:
    """The bill for a machine, and for volumes that are hired for the same hours."""
    return Bill(hours, hours * usd_per_hour, sum(each.usd(hours) for each in volumes))


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the points that no other point beats, in ascending order of the first coordinate.

    Less is better; a point beats another if it is as good in both coordinates and better in one.
    """
    front: list[int] = []
    for index in sorted(range(len(points)), key=lambda i: points[i]):
        if not front or points[index][1] < points[front[-1]][1] or points[index] == points[front[-1]]:
            front.append(index)
    return front
