"""Estimates of a job for machines of the catalogue."""

from dataclasses import dataclass
from datetime import date

from bigconst.base.errors import UsageError
from bigconst.catalogue.instances import load_catalogue
from bigconst.estimates.jobs import Job
from bigconst.estimates.money import pareto_front
from bigconst.estimates.offers import Offer, Refusal, Wishes, offer, preference
from bigconst.runs.speeds import known_speeds


@dataclass(frozen=True)
class MarketRequest:
    """A job and the machines of the catalogue that it is estimated for."""

    job: Job
    instances: tuple[str, ...] = ()
    """names of machines: NAME or NAME@REGION"""
    cloud: str | None = None
    """provider whose machines are all taken, or `all`"""
    memory_bytes: int | None = None
    """bound on the process; three quarters of a machine's memory by default"""
    disk_read_bytes_per_s: float | None = None
    """speed at which network volumes read, and disks whose speed the catalogue does not know"""
    disk_write_bytes_per_s: float | None = None
    """speed at which they write"""
    is_spot: bool = False
    interruptions_per_day: float = 1.0
    by_time: bool = False
    """whether the fastest machine comes first instead of the cheapest"""


@dataclass(frozen=True)
class Market:
    """The estimates of a job on machines of the catalogue."""

    job: Job
    wishes: Wishes
    offers: tuple[Offer, ...]
    """best first"""
    refusals: tuple[Refusal, ...]
    front: tuple[int, ...]
    """indices of the offers that no other one beats in time and money"""
    measured: str
    """the machine that was measured, from which the others are scaled"""


def estimate_market(request: MarketRequest) -> Market:
    """Plan and estimate the job for each machine.  Raises UsageError for machines that the catalogue does not have."""
    catalogue = load_catalogue()
    chosen = [catalogue.find(name) for name in request.instances]
    chosen += catalogue.of(request.cloud) if request.cloud else ()
    if not chosen:
        raise UsageError(f"the catalogue has no machine of {request.cloud}", "docs/machines.md says how to add some")
    speeds, _ = known_speeds(())
    wishes = Wishes(date.today(), request.memory_bytes, request.disk_read_bytes_per_s, request.disk_write_bytes_per_s,
                    request.is_spot, request.interruptions_per_day, request.by_time)
    found = [offer(request.job, instance, catalogue.volumes_for(instance), speeds, wishes)
             for instance in dict.fromkeys(chosen)]
    offers = sorted((each for each in found if isinstance(each, Offer)),
                    key=lambda each: preference(each, wishes.by_time))
    front = pareto_front([(each.whole.hours, each.whole.usd) for each in offers])
    measured = f"{speeds.host['cpu'] or 'unknown processor'}, {speeds.threads} threads, measured {speeds.date} UTC"
    return Market(request.job, wishes, tuple(offers), tuple(each for each in found if isinstance(each, Refusal)),
                  tuple(front), measured)
