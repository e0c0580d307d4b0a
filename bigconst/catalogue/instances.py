"""The catalogue: files that came with the package, newer ones, the user's own machines, and names looked up in it."""

import difflib
from dataclasses import dataclass
from datetime import date

from bigconst.base.errors import UsageError
from bigconst.catalogue import files
from bigconst.catalogue.machines import OWN, parse_machines
from bigconst.catalogue.machines import REMEDY as MACHINES_REMEDY
from bigconst.catalogue.merge import instances_of
from bigconst.catalogue.model import Instance, NetworkVolume
from bigconst.catalogue.tables import INSTANCES, PROCESSORS, PROVIDERS, SPOT, VOLUMES, Table, day_of

CLOUDS = (*PROVIDERS, OWN, "all")

MOST_NAMES = 4
"""That are suggested."""


@dataclass(frozen=True)
class Catalogue:
    """All machines and volumes, and the files they are from."""

    instances: tuple[Instance, ...]
    volumes: tuple[NetworkVolume, ...]
    files: tuple[str, ...]

    def find(self, name: str) -> Instance:
        """An instance by its name, or by name@region; without a region the cheapest of those with the newest date.

        Upper and lower case are one.  Raises UsageError with names that are similar.
        """
        wanted, at, region = name.lower().partition("@")
        found = [instance for instance in self.instances if instance.name.lower() == wanted]
        if not found:
            raise UsageError(f"there is no instance {name[:80]!r} in the catalogue", self._similar(wanted))
        if at:
            there = [instance for instance in found if instance.region.lower() == region]
            if not there:
                choices = [f"{instance.name}@{instance.region}" for instance in found if instance.region]
                raise UsageError(f"{found[0].name} is not in the catalogue for the region {region[:80]!r}",
                                 f"choose {_listed(choices[:MOST_NAMES]) or found[0].name}")
            return there[0]
        newest = max(day_of(instance.price_date) for instance in found)
        return min((instance for instance in found if day_of(instance.price_date) == newest),
                   key=lambda instance: (instance.usd_per_hour is None, instance.usd_per_hour, instance.region))

    def _similar(self, wanted: str) -> str:
        names = {instance.name.lower(): instance.name for instance in self.instances}
        near = difflib.get_close_matches(wanted[:80], names, MOST_NAMES)
        own = f"own machines go into {files.machines_path()}"
        return f"did you mean {_listed([names[name] for name in near])}? {own}" if near else own

    def of(self, cloud: str) -> tuple[Instance, ...]:
        """Those of a provider, the user's `own`, or `all`.  Raises UsageError for other names."""
        if cloud not in CLOUDS:
            raise UsageError(f"there is no cloud {cloud[:80]!r} in the catalogue", f"choose {_listed(list(CLOUDS))}")
        return tuple(instance for instance in self.instances if cloud in ("all", instance.provider))

    def volumes_for(self, instance: Instance) -> tuple[NetworkVolume, ...]:
        """Volumes of its provider, in its region or with a price for all regions."""
        return tuple(volume for volume in self.volumes
                     if volume.provider == instance.provider and volume.region in ("", instance.region))


def _listed(names: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def price_warning(price_date: str, today: date) -> str | None:
    """What to say of a price that is more than a year old, or undated; a bare year counts as its last day."""
    if not price_date:
        return "the price is undated"
    day = day_of(price_date)
    if (day.year + 1, day.month, day.day) < (today.year, today.month, today.day):
        return f"the price is of {price_date}, more than a year ago"
    return None


def load_catalogue() -> Catalogue:
    """What came with the package, what was refreshed, and machines.toml.

    A machine of the user takes the place of all others of its name.  Raises UsageError with file and line of what is
    damaged, InputOutputError for a file that cannot be read.
    """
    paths: list[str] = []

    def stored(name: str, table: Table) -> list:
        rows, newer = files.packaged_rows(name, table), files.refreshed_rows(name, table)
        paths.append(files.packaged_path(name))
        if newer is not None:
            paths.append(files.refreshed_path(name))
        return rows + (newer or [])

    instances, spot = stored("instances.csv", INSTANCES), stored("spot.csv", SPOT)
    volumes, processors = files.packaged_rows("volumes.csv", VOLUMES), files.packaged_rows("processors.csv", PROCESSORS)
    path = files.machines_path()
    data = files.read(path, MACHINES_REMEDY)
    own = () if data is None else parse_machines(data, path, processors)
    names = {machine.name.lower() for machine in own}
    hired = (instance for instance in instances_of(instances, spot, processors) if instance.name.lower() not in names)
    return Catalogue((*own, *hired), tuple(volumes),
                     (*paths, *map(files.packaged_path, ("volumes.csv", "processors.csv")),
                      *([path] if data is not None else [])))
