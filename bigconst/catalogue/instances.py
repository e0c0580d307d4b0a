"""The catalogue: packaged files, refreshed ones and the user's own machines in one value, and look-ups by name."""

import difflib
from dataclasses import dataclass
from datetime import date

from bigconst.base.errors import UsageError
from bigconst.catalogue import files
from bigconst.catalogue.machines import OWN, parse_machines
from bigconst.catalogue.machines import REMEDY as MACHINES_REMEDY
from bigconst.catalogue.merge import instances_of
from bigconst.catalogue.model import Instance, NetworkVolume
from bigconst.catalogue.tables import INSTANCES, PROCESSORS, PROVIDERS, SPOT, VOLUMES, RowT, Table, day_of

CLOUDS = (*PROVIDERS, OWN, "all")

MOST_NAMES = 4
"""Most names that an error suggests."""


@dataclass(frozen=True)
class Catalogue:
    """All machines and network volumes, and the paths of the files that describe them."""

    instances: tuple[Instance, ...]
    volumes: tuple[NetworkVolume, ...]
    files: tuple[str, ...]

    def find(self, name: str) -> Instance:
        """An instance by its name, or by name@region; without a region the cheapest of those with the newest date.

        Upper and lower case are not distinguished.  Raises UsageError, which suggests similar names.
        """
        wanted, at, region = name.lower().partition("@")
        found = [instance for instance in self.instances if instance.name.lower() == wanted]
        if not found:
            #: The message has names that there are. Your own machines go into `machines.toml`.
            raise UsageError(f"there is no instance {name[:80]!r} in the catalogue", self._similar(wanted))
        if at:
            there = [instance for instance in found if instance.region.lower() == region]
            if not there:
                choices = [f"{instance.name}@{instance.region}" for instance in found if instance.region]
                #: As for "there is no instance … in the catalogue".
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
        """The instances of a provider, the user's own for "own", or all for "all".  Raises UsageError otherwise."""
        if cloud not in CLOUDS:
            #: As for "there is no instance … in the catalogue".
            raise UsageError(f"there is no cloud {cloud[:80]!r} in the catalogue", f"choose {_listed(list(CLOUDS))}")
        return tuple(instance for instance in self.instances if cloud in ("all", instance.provider))

    def volumes_for(self, instance: Instance) -> tuple[NetworkVolume, ...]:
        """Network volumes of the provider of an instance, in its region or with a price for all regions."""
        return tuple(volume for volume in self.volumes
                     if volume.provider == instance.provider and volume.region in ("", instance.region))


def _listed(names: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def price_warning(price_date: str, today: date) -> str | None:
    """A warning for a price that is more than a year old or undated, else None; a bare year counts as its last day."""
    if not price_date:
        return "the price is undated"
    day = day_of(price_date)
    if (day.year + 1, day.month, day.day) < (today.year, today.month, today.day):
        return f"the price is of {price_date}, more than a year ago"
    return None


def load_catalogue() -> Catalogue:
    """The catalogue from packaged files, refreshed files and machines.toml.

    A machine of the user replaces all others of the same name.  Raises UsageError, which names file and line, for a
    damaged file, InputOutputError for a file that cannot be read.
    """
    paths: list[str] = []

    def stored(name: str, table: Table[RowT]) -> list[RowT]:
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
