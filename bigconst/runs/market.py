"""Estimates of a job for machines of the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass

from tqdm import tqdm

from bigconst.base.errors import UsageError
from bigconst.catalogue.instances import load_catalogue
from bigconst.estimates.jobs import Job
from bigconst.estimates.money import pareto_front
from bigconst.estimates.offers import Offer, Refusal, Wishes, offer, preference
from bigconst.runs.speeds import known_speeds


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


def estimate_market(job: Job, wishes: Wishes, instances: Sequence[str] = (), cloud: str | None = None) -> Market:
    """Plan and estimate a job for machines of the catalogue.

    `instances` are names, NAME or NAME@REGION; `cloud` is a provider all of whose machines are taken, or `all`.  Raises
    UsageError for machines that the catalogue does not have.
    """
    catalogue = load_catalogue()
    chosen = [catalogue.find(name) for name in instances]
    chosen += catalogue.of(cloud) if cloud else ()
    if not chosen:
        raise UsageError(f"the catalogue has no machine of {cloud}", "docs/machines.md says how to add some")
    speeds, _ = known_speeds(())
    shown = tqdm(dict.fromkeys(chosen), "planning", leave=False, delay=2, disable=None, unit=" machines")
    found = [offer(job, instance, catalogue.volumes_for(instance), speeds, wishes) for instance in shown]
    offers = sorted((each for each in found if isinstance(each, Offer)),
                    key=lambda each: preference(each, wishes.by_time))
    front = pareto_front([(each.whole.hours, each.whole.usd) for each in offers])
    measured = f"{speeds.host['cpu'] or 'unknown processor'}, {speeds.threads} threads, measured {speeds.date} UTC"
    return Market(job, wishes, tuple(offers), tuple(each for each in found if isinstance(each, Refusal)),
                  tuple(front), measured)
