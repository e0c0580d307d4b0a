"""The public list of AWS instances, instances.json of instances.vantage.sh, as records of the catalogue.

Its fields that are used are instance_type, vCPU, cores, memory (GiB), physical_processor, clock_speed_ghz ("2.4 GHz"),
intel_avx512, network_performance ("25 Gigabit"), storage (devices, size of each in GB, ssd, nvme_ssd; null without
local disks), ebs_baseline_throughput (MB/s), and of pricing, region by region, linux: ondemand, spot_min, spot_max (USD
an hour).
A fact that is missing, null, zero or "N/A" is unknown; a value of another type is an error.
"""

import json
import math
import re
from collections.abc import Iterable

from bigconst.base.errors import UsageError
from bigconst.catalogue.tables import LARGEST, InstanceRow, SpotRow, check_name, check_text, decode

PROVIDER = "aws"

_CLOCK = re.compile(r"(\d{1,2}(?:\.\d{1,3})?) ?GHz", re.ASCII)
_NETWORK = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) Gigabit", re.ASCII)


class _Wrong(Exception):
    """An error in an entry of the list, without the name of the entry."""


class _Entry:
    """A JSON object whose values are read with their types; an unknown one is None or an empty text."""

    def __init__(self, values: dict[str, object], path: str = ""):
        self._values, self._path = values, path

    def wrong(self, key: str, what: str) -> _Wrong:
        return _Wrong(f"{self._path}{key}: {str(self._values.get(key))[:40]!r} is not {what}")

    def text(self, key: str) -> str:
        value = self._values.get(key)
        try:
            if not isinstance(value, str | None):
                raise ValueError
            return "" if value in (None, "N/A", "NA") else check_text(value.strip())
        except ValueError:
            raise self.wrong(key, "a line of text") from None

    def flag(self, key: str) -> bool | None:
        value = self._values.get(key)
        if not isinstance(value, bool | None):
            raise self.wrong(key, "true or false")
        return value

    def number(self, key: str) -> float | None:
        value = self._values.get(key)
        try:
            if value in (None, "", "N/A", "NA"):
                return None
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                raise ValueError
            number = float(value)
            if not (math.isfinite(number) and 0 <= number <= LARGEST):
                raise ValueError
            return number or None
        except (ValueError, OverflowError):
            raise self.wrong(key, "a number") from None

    def stated(self, pattern: re.Pattern, key: str) -> float | None:
        """A number, or that in a text which matches `pattern`, so not in "up to ..." or "4x ..."; else None."""
        if isinstance(self._values.get(key), int | float):
            return self.number(key)
        match = pattern.fullmatch(self.text(key))
        return float(match[1]) or None if match else None

    def whole(self, key: str) -> int | None:
        number = self.number(key)
        if number is not None and number != int(number):
            raise self.wrong(key, "a whole number")
        return None if number is None else int(number)

    def entry(self, key: str) -> "_Entry | None":
        value = self._values.get(key)
        if not isinstance(value, dict | None):
            raise self.wrong(key, "an object")
        return None if value is None else _Entry(value, f"{self._path}{key}.")


def records(data: bytes, path: str, regions: Iterable[str], price_date: str,
            remedy: str) -> tuple[list[InstanceRow], list[SpotRow]]:
    """Instances with a price, and spot prices, in these regions; all entries are checked before anything is returned.

    `price_date` is the date of the list.  Raises UsageError with `path`, the place in it, what is wrong, and `remedy`.
    """
    try:
        entries = json.loads(decode(data, path, remedy))
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}, line {error.lineno}: {error.msg}", remedy) from error
    except (ValueError, RecursionError) as error:       # a number of thousands of digits, or thousands of brackets
        #: As for "…, line 1: it is not a list of instances".
        raise UsageError(f"{path}: what it holds cannot be read", remedy) from error
    if not isinstance(entries, list):
        #: The list given to `--refresh` is not of the form it was, or was cut off. The catalogue stays as it was; try
        #: again later, or with another file.
        raise UsageError(f"{path}, line 1: it is not a list of instances", remedy)
    instances, spot, names = [], [], set()
    for number, values in enumerate(entries, 1):
        where = f"instance {number}"
        try:
            if not isinstance(values, dict):
                raise _Wrong("is not an object")
            entry = _Entry(values)
            name = _name(entry)
            where = f"instance {name}"
            if name.lower() in names:
                raise _Wrong("there are two of this name")
            names.add(name.lower())
            _read(entry, name, sorted(regions), price_date, instances, spot)
        except _Wrong as wrong:
            #: As for "…, line 1: it is not a list of instances".
            raise UsageError(f"{path}, {where}: {wrong}", remedy) from wrong
    return instances, spot


def _name(entry: _Entry) -> str:
    try:
        return check_name(entry.text("instance_type"))
    except ValueError:
        raise entry.wrong("instance_type", "a name") from None


def _read(entry: _Entry, name: str, regions: list[str], price_date: str, instances: list[InstanceRow],
          spot: list[SpotRow]) -> None:
    source = f"instances.vantage.sh/instances.json of {price_date}"
    facts = {"provider": PROVIDER, "type": name, "source": source, "price_date": price_date,
             "cpu": _cpu(entry), "ram_gib": entry.number("memory"), **_threads(entry), **_disks(entry),
             "network_gbit_s": entry.stated(_NETWORK, "network_performance")}
    pricing = entry.entry("pricing") or _Entry({})
    for region in regions:
        prices = (pricing.entry(region) or _Entry({})).entry("linux") or _Entry({})
        usd_per_hour = prices.number("ondemand")
        lowest, highest = prices.number("spot_min"), prices.number("spot_max")
        if usd_per_hour is not None:
            instances.append(InstanceRow(region=region, usd_per_hour=usd_per_hour, **facts))
        if lowest is not None and highest is not None:
            if lowest > highest:
                raise prices.wrong("spot_max", "at least spot_min")
            spot.append(SpotRow(PROVIDER, region, name, lowest, highest, source))


def _cpu(entry: _Entry) -> str:
    """The processor with its clock and its vectors, as the cpu texts of the catalogue give them."""
    clock_ghz = entry.stated(_CLOCK, "clock_speed_ghz")
    return " ".join(filter(None, (entry.text("physical_processor"), f"@ {clock_ghz:g}GHz" if clock_ghz else "",
                                  "(AVX-512)" if entry.flag("intel_avx512") else "")))


def _threads(entry: _Entry) -> dict[str, int | None]:
    vcpus, cores = entry.whole("vCPU"), entry.whole("cores")
    return {"vcpus": vcpus, "smt": vcpus // cores if vcpus and cores and vcpus % cores == 0 else None}


def _disks(entry: _Entry) -> dict[str, str | int | float | None]:
    storage = entry.entry("storage")
    if storage is None:
        # An instance of which nothing is known has null, too; a known one has a limit for its volumes.
        limit = entry.number("ebs_baseline_throughput")
        return {"disk_kind": "EBS" if limit else "", "seq_read_mb_s": limit, "seq_write_mb_s": limit,
                "disk_count": None, "disk_gb_each": None, "disk_gb": None}
    # Hard disks on NVMe are listed as nvme_ssd, too.
    solid, nvme = storage.flag("ssd"), storage.flag("nvme_ssd")
    kind = "HDD" if solid is False else "NVMe" if nvme else "SSD" if solid else ""
    size_gb = storage.number("size") if storage.text("size_unit") in ("", "GB") else None
    return {"disk_kind": kind, "seq_read_mb_s": None, "seq_write_mb_s": None,
            "disk_count": storage.whole("devices"), "disk_gb_each": size_gb, "disk_gb": None}
