"""Offers: the hours and dollars of a job on a machine of the catalogue, or the reason why there is no estimate.

Pure functions.  Missing facts are not made up: without them a machine is not estimable.  The notes of an offer say what
had to be assumed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from math import hypot

from bigconst.base.errors import DoesNotFit
from bigconst.base.units import format_bytes, format_terabytes
from bigconst.catalogue.instances import price_warning
from bigconst.catalogue.model import Instance, NetworkVolume
from bigconst.estimates import money
from bigconst.estimates.jobs import Job, Needs, pieces
from bigconst.estimates.model import SCALED_ERROR, estimate
from bigconst.estimates.money import Bill, Volumes
from bigconst.estimates.speeds import DiskSpeeds, Speeds, faster, sequential_disks, writing_at
from bigconst.estimates.work import Stage

NOT_ESTIMABLE, INFEASIBLE = "not estimable", "infeasible"

RESTART_S = 300
"""Seconds until a machine that was taken away is replaced and the run is resumed."""

HARD_DISK_VOLUMES = ("st1", "sc1", "pd-standard")
"""Network volumes on hard disks; all others are solid state."""

LOCAL, COORDINATOR = "local disks", "coordinator"

TAKEN_HALF = "cores unknown, counted as half its vCPUs: the compute time is an upper bound"
TOLD_SPEEDS = "disk speeds of which nothing is known are those of --disk-read and --disk-write"
FULL_SIZE = "network volumes whose speed has no price have their largest size, at which they are taken to have it"
UNKNOWN_FREE = "of network volumes all operations and MB/s are paid for that are not known to be free"
NOT_TRIED = "network volumes of which too little is known for an estimate"


@dataclass(frozen=True)
class Wishes:
    """Requirements and choices of the user for all machines."""

    today: date
    memory_bytes: int | None = None
    """most memory that the run may take; None for three quarters of the machine's"""
    read_bytes_per_s: float | None = None
    """read speed of disks for which the catalogue has none"""
    write_bytes_per_s: float | None = None
    """write speed of disks for which the catalogue has none"""
    is_spot: bool = False
    """whether machines are hired at spot prices, and interrupted"""
    interruptions_per_day: float = 1.0
    by_time: bool = False
    """whether the shortest offer is the best, not the cheapest"""


@dataclass(frozen=True)
class Offer:
    """A machine that can do a job."""

    instance: Instance
    factor: float
    """how many times as fast as the measured machine this one computes"""
    scaling: str
    """the facts from which the factor follows, in words"""
    threads: int
    needs: Needs
    place: str
    """place of scratch and files: LOCAL, COORDINATOR of a cluster, or number and name of network volumes"""
    volumes: tuple[Volumes, ...]
    """network volumes that are hired with the machine"""
    bound: str
    """compute, memory or disk: what takes most of the time"""
    error: float
    """relative error of hours and dollars"""
    usd_per_hour: float
    """price of one machine alone"""
    bare: Bill
    """bill for the result alone"""
    checked: Bill | None
    """bill for the result with its certificate, verified; for a test, with a second one; None if it is not verified"""
    interruptions: float
    """expected number of interruptions of the whole job, on all machines"""
    loss_hours: float
    """hours that a machine loses at each interruption"""
    notes: tuple[str, ...]

    @property
    def whole(self) -> Bill:
        """The bill for all that is asked for."""
        return self.checked or self.bare


@dataclass(frozen=True)
class Refusal:
    """A machine that cannot do a job, or for which that is not known."""

    instance: Instance
    status: str
    """NOT_ESTIMABLE or INFEASIBLE"""
    reason: str
    notes: tuple[str, ...]


def offer(job: Job, instance: Instance, volumes: Sequence[NetworkVolume], speeds: Speeds,
          wishes: Wishes) -> Offer | Refusal:
    """The best offer of `instance`, with `volumes` where its own disks do not suffice, or a refusal.

    `speeds` are those of the machine that was measured.
    """
    notes = list(instance.notes)
    warning = price_warning(instance.price_date, wishes.today)
    if instance.usd_per_hour is not None and warning is not None and not wishes.is_spot:
        notes.append(warning)
    uses_disks = job.machines is None
    missing = _missing(instance, wishes, uses_disks)
    if missing:
        return Refusal(instance, NOT_ESTIMABLE, f"{_listed(missing)} unknown", tuple(notes))
    if uses_disks and (instance.read_bytes_per_s is None or instance.write_bytes_per_s is None):
        notes.append(TOLD_SPEEDS)
    memory = wishes.memory_bytes or instance.memory_bytes * 3 // 4
    if instance.memory_bytes is not None and memory > instance.memory_bytes:
        return Refusal(instance, INFEASIBLE, f"--memory allows {format_bytes(memory)}, it has "
                                             f"{format_bytes(instance.memory_bytes)}", tuple(notes))
    case = _Case(job, instance, volumes, speeds, memory, wishes, tuple(notes))
    try:
        return case.worker() if not uses_disks else case.local() if case.has_room() else case.network()
    except DoesNotFit as error:
        return Refusal(instance, INFEASIBLE, str(error).partition("; ")[0], case.notes)
    except _Refused as refused:
        return Refusal(instance, refused.status, str(refused), case.notes)


def counted_cores(instance: Instance) -> int:
    """The cores of an instance; if they are unknown, half its vCPUs, the least there can be."""
    return instance.cores or max(1, instance.vcpus // 2)


def scale(speeds: Speeds, instance: Instance) -> tuple[float, str]:
    """The speed of an instance relative to the measured machine, and the facts from which it follows, in words."""
    factor, parts = 1.0, []
    for name, unit, here, there in (
            ("cores", "", speeds.host.get("cores"), counted_cores(instance)),
            ("clock", " GHz", speeds.host.get("clock_ghz"), instance.clock_ghz),
            ("vectors", " bits", speeds.host.get("vector_bits"), instance.vector_bits)):
        if here and there:
            factor *= there / here
            parts.append(f"{name} {there:g}/{here:g}{unit}")
        else:
            parts.append(f"{name} unknown")
    return factor, ", ".join(parts)


def preference(each: Offer, by_time: bool) -> tuple[float, float]:
    """Key for sorting offers, best first: (hours, dollars) if `by_time`, else (dollars, hours)."""
    point = each.whole.hours, each.whole.usd
    return point if by_time else point[::-1]


class _Refused(Exception):
    """The reason why there is no offer."""

    def __init__(self, status: str, reason: str):
        super().__init__(reason)
        self.status = status


def _missing(instance: Instance, wishes: Wishes, uses_disks: bool) -> list[str]:
    price = instance.spot_usd if wishes.is_spot else instance.usd_per_hour
    speeds = {"read speed of its disks": instance.read_bytes_per_s or wishes.read_bytes_per_s,
              "write speed of its disks": instance.write_bytes_per_s or wishes.write_bytes_per_s}
    if not any(speeds.values()):
        speeds = {"disk speeds": None}
    facts = {"vCPUs": instance.vcpus, "memory": instance.memory_bytes or wishes.memory_bytes,
             **(speeds if uses_disks else {}), "spot price" if wishes.is_spot else "price": price}
    return [name for name, value in facts.items() if value is None]


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


class _Case:
    """A job on an instance."""

    def __init__(self, job: Job, instance: Instance, volumes: Sequence[NetworkVolume], speeds: Speeds,
                 memory_bytes: int, wishes: Wishes, notes: tuple[str, ...]):
        self._job, self._instance, self._volumes = job, instance, volumes
        self._wishes, self._memory_bytes, self.notes = wishes, memory_bytes, notes
        factor, self._scaling = scale(speeds, instance)
        self._speeds = faster(speeds, factor)
        self._threads = counted_cores(instance)
        self._by_kind: dict[str, Needs] = {}
        self._has_disks = instance.disk_kind in ("hdd", "ssd")
        self._read = instance.read_bytes_per_s or wishes.read_bytes_per_s
        self._write = instance.write_bytes_per_s or wishes.write_bytes_per_s

    def _needs(self, kind: str) -> Needs:
        if kind not in self._by_kind:
            self._by_kind[kind] = self._job.needs(self._threads, self._memory_bytes, kind)
        return self._by_kind[kind]

    def _short_bytes(self) -> int:
        needs = self._needs(self._instance.disk_kind)
        return needs.scratch_bytes + needs.files_bytes - self._instance.disk_bytes

    def has_room(self) -> bool:
        """Whether scratch and files fit on the instance's own disks."""
        return self._has_disks and self._instance.disk_bytes is not None and self._short_bytes() <= 0

    def worker(self) -> Offer:
        """The offer of instances without disks, as workers of a cluster.  Raises _Refused, DoesNotFit."""
        needs = self._job.needs(self._threads, self._memory_bytes, None)
        return self._offer(needs, self._speeds, None, COORDINATOR, ())

    def local(self) -> Offer:
        """The offer with the instance's own disks.  Raises _Refused, DoesNotFit."""
        kind = self._instance.disk_kind
        return self._offer(self._needs(kind), writing_at(self._speeds, self._write),
                           sequential_disks(self._read, self._write, kind), LOCAL, ())

    def network(self) -> Offer:
        """The best offer with network volumes.  Raises _Refused, DoesNotFit."""
        own = self._without_volumes()
        # The catalogue does not say how fast an instance with disks of its own can use network volumes.
        if self._instance.disk_kind != "network" and not (self._wishes.read_bytes_per_s
                                                          and self._wishes.write_bytes_per_s):
            raise own
        skipped = [volume for volume in self._volumes if money.missing_facts(volume)]
        offers = [self._on(volume) for volume in self._volumes if volume not in skipped]
        if skipped:
            self.notes += (f"{NOT_TRIED}: {'; '.join(map(_lacking, skipped))}",)
        if not offers:
            raise _Refused(own.status, f"{own}, and no network volume of which enough is known")
        best = min(offers, key=lambda each: preference(each, self._wishes.by_time))
        return replace(best, notes=tuple(dict.fromkeys((*self.notes, *best.notes))))

    def _without_volumes(self) -> _Refused:
        """The reason why the instance's own disks do not suffice."""
        if not self._has_disks:
            return _Refused(NOT_ESTIMABLE, "no disks of its own" if self._instance.disk_kind else "disks unknown")
        if self._instance.disk_bytes is None:
            return _Refused(NOT_ESTIMABLE, "size of its disks unknown")
        return _Refused(INFEASIBLE, f"scratch too small by {format_terabytes(self._short_bytes())}")

    def _on(self, volume: NetworkVolume) -> Offer:
        kind = "hdd" if volume.name in HARD_DISK_VOLUMES else "ssd"
        needs = self._needs(kind)
        is_told = self._instance.disk_kind != "network"
        read = self._wishes.read_bytes_per_s if is_told else self._read
        write = self._wishes.write_bytes_per_s if is_told else self._write
        limit = min(read, write)
        bought = money.hired(volume, needs.scratch_bytes + needs.files_bytes, limit)
        notes = [f"network volumes {volume.name}: {warning}"] if (
            warning := price_warning(volume.price_date, self._wishes.today)) else []
        notes += [TOLD_SPEEDS] if is_told else []
        if money.is_speed_by_size(volume):
            notes.append(FULL_SIZE)
        elif (volume.usd_per_iops_month and volume.free_iops is None
              or volume.usd_per_mb_s_month and volume.free_mb_s is None):
            notes.append(UNKNOWN_FREE)
        return self._offer(needs, writing_at(self._speeds, limit), sequential_disks(limit, limit, kind),
                           f"{bought.count} x {volume.name}", (bought,), notes)

    def _offer(self, needs: Needs, speeds: Speeds, disks: DiskSpeeds | None, place: str, hired: tuple[Volumes, ...],
               notes: Sequence[str] = ()) -> Offer:
        def hours(stages: Sequence[Stage]) -> float:
            return estimate(stages, speeds, disks, self._threads).seconds / 3600

        whole = estimate(needs.stages, speeds, disks, self._threads)
        machines = self._job.machines or 1
        bare = hours(needs.bare) * needs.share
        checked = whole.seconds / 3600 + hours(needs.check) if needs.check else None
        price, loss, per_day = self._instance.usd_per_hour, 0.0, 0.0
        if self._wishes.is_spot:
            price, per_day = self._instance.spot_usd[1], self._wishes.interruptions_per_day
            loss = RESTART_S / 3600     # data on network volumes survives
            if place == LOCAL or not needs.is_on_disk:
                if needs.kept_bytes:
                    hired = (*hired, self._survivor(needs))
                loss += (needs.save_every_s / 3600 if needs.save_every_s is not None
                         else max(map(hours, pieces(needs.stages)))) / 2
            bare, checked = (None if each is None else self._with_interruptions(each, loss)
                             for each in (bare, checked))
        bill = partial(money.bill, usd_per_hour=machines * price, volumes=hired)
        return Offer(
            self._instance, self._speeds.factor, self._scaling, self._threads, needs, place, hired, whole.bound,
            max(whole.error, hypot(SCALED_ERROR, speeds.spread)), price, bill(bare),
            None if checked is None else bill(checked), (checked or bare) / 24 * per_day * machines, loss,
            (*self.notes, *([TAKEN_HALF] if self._instance.cores is None else []), *notes))

    def _survivor(self, needs: Needs) -> Volumes:
        """The network volume on which copies of levels survive the machine.  Raises _Refused."""
        kept = money.kept_on(self._volumes, needs.kept_bytes)
        if kept is None:
            raise _Refused(NOT_ESTIMABLE, "no network volume for a checkpoint has a known price")
        return kept

    def _with_interruptions(self, hours: float, loss_hours: float) -> float:
        expected = money.expected_hours(hours, self._wishes.interruptions_per_day, loss_hours)
        if expected is None:
            raise _Refused(INFEASIBLE, "it would be interrupted faster than it computes: "
                                       f"each time costs {loss_hours:.3g} h")
        return expected


def _lacking(volume: NetworkVolume) -> str:
    return f"{volume.name} ({_listed(money.missing_facts(volume))} unknown)"
