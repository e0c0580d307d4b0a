"""Machines made from records: which price counts, which record a fact comes from, what is assumed.

The newest price of a type in a region makes an instance.  A fact that its record lacks may come from another record of
the same type, and a note says so.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import TypeVar

from bigconst.catalogue.model import Instance
from bigconst.catalogue.tables import KINDS_OF_DISK, InstanceRow, ProcessorRow, SpotRow, day_of

HDD_WRITES = "hard disks are taken to write as fast as they read"

_CLOCK = re.compile(r"@ ?(\d{1,2}(?:\.\d{1,3})?) ?GHz", re.ASCII | re.IGNORECASE)

T = TypeVar("T")


def clock_ghz(cpu: str) -> float | None:
    """The clock that the name of a processor states, like "@ 2.4GHz"; None if it states none."""
    match = _CLOCK.search(cpu)
    return float(match[1]) or None if match else None


def vector_bits(cpu: str, processors: Iterable[ProcessorRow]) -> int | None:
    """Width of a processor's vectors in bits, if all microarchitectures that its name mentions agree; else None."""
    widths = {row.vector_bits for row in processors if row.pattern.search(cpu)}
    return widths.pop() if len(widths) == 1 else None


def hdd_writes(disk_kind: str, read_bytes_per_s: float | None, write_bytes_per_s: float | None) -> bool:
    """Whether disks are assumed to write as fast as they read, which the note HDD_WRITES says."""
    return disk_kind == "hdd" and write_bytes_per_s is None and read_bytes_per_s is not None


def instances_of(rows: Iterable[InstanceRow], spot: Iterable[SpotRow],
                 processors: Sequence[ProcessorRow]) -> tuple[Instance, ...]:
    """The machines that records describe; of two records with the same date and key the later one counts."""
    types: dict[tuple, list[InstanceRow]] = {}
    for row in rows:
        types.setdefault((row.provider, row.type.lower()), []).append(row)
    spots = {(row.provider, row.type.lower(), row.region.lower()): (row.spot_min, row.spot_max) for row in spot}
    return tuple(_instance(row, _lenders(row, group), spots.get((*key, row.region.lower())), processors)
                 for key, group in types.items() for row in _own_rows(group))


def _day(row: InstanceRow) -> date:
    return day_of(row.price_date)


def _own_rows(group: list[InstanceRow]) -> list[InstanceRow]:
    """The newest record of each region with a price; if no record has one, the newest of each region.

    A record without a region is left out if one with a region is at least as new.
    """
    priced = [row for row in group if row.usd_per_hour is not None] or group
    newest = {row.region.lower(): row for row in sorted(priced, key=_day)}
    anywhere = newest.get("")
    if anywhere and any(row.region and _day(row) >= _day(anywhere) for row in newest.values()):
        del newest[""]
    return list(newest.values())


def _lenders(row: InstanceRow, group: list[InstanceRow]) -> list[InstanceRow]:
    """The other records of the type of `row`, newest first, from which missing facts are taken."""
    return [other for other in sorted(reversed(group), key=_day, reverse=True) if other is not row]


def _instance(row: InstanceRow, lenders: list[InstanceRow], spot: tuple[float, float] | None,
              processors: Sequence[ProcessorRow]) -> Instance:
    notes: list[str] = []

    def fact(what: str, of: Callable[[InstanceRow], T | None]) -> T | None:
        value = of(row)
        if value is None:
            for other in lenders:
                value = of(other)
                if value is not None:
                    notes.append(f"{what} from {_called(other)}")
                    break
        return value

    kind = KINDS_OF_DISK[fact("kind of disk", lambda row: row.disk_kind or None) or ""]

    def of_disks(what: str, of: Callable[[InstanceRow], T | None]) -> T | None:
        return fact(what, lambda row: of(row) if KINDS_OF_DISK[row.disk_kind] in (kind, "") else None)

    disk_bytes = 0 if kind == "network" else of_disks("size of disks", _disk_bytes)
    read = of_disks("read speed", lambda row: row.seq_read_mb_s and row.seq_read_mb_s * 1e6)
    write = of_disks("write speed", lambda row: row.seq_write_mb_s and row.seq_write_mb_s * 1e6)
    if hdd_writes(kind, read, write):
        write = read
        notes.append(HDD_WRITES)
    return Instance(
        provider=row.provider,
        region=row.region,
        name=row.type,
        vcpus=fact("vcpus", lambda row: row.vcpus),
        smt=fact("threads of a core", lambda row: row.smt),
        cpu=fact("processor", lambda row: row.cpu or None) or "",
        clock_ghz=fact("clock", lambda row: clock_ghz(row.cpu)),
        vector_bits=fact("width of vectors", lambda row: vector_bits(row.cpu, processors)),
        memory_bytes=fact("memory", lambda row: row.ram_gib and round(row.ram_gib * (1 << 30))),
        disk_kind=kind,
        disk_bytes=disk_bytes,
        read_bytes_per_s=read,
        write_bytes_per_s=write,
        network_bits_per_s=fact("network speed", lambda row: row.network_gbit_s and row.network_gbit_s * 1e9),
        usd_per_hour=row.usd_per_hour,
        price_date=row.price_date,
        spot_usd=spot,
        source=row.source,
        notes=tuple(notes),
    )


def _disk_bytes(row: InstanceRow) -> int | None:
    size_gb = row.disk_gb or (row.disk_count and row.disk_gb_each and row.disk_count * row.disk_gb_each)
    return round(size_gb * 1e9) if size_gb else None


def _called(row: InstanceRow) -> str:
    name = f"the row of {row.price_date}" if row.price_date else "an undated row"
    return f"{name} ({row.region})" if row.region else name
