"""The user's own machines, from machines.toml.

    [[machine]]
    name = "cellar"
    cores = 16                  # or vcpus = 32 and smt = 2
    memory = "256GiB"
    disk = "hdd"                # or ssd
    disk_size = "16TB"          # all disks together, as are the speeds
    disk_read = "1.2GB/s"
    disk_write = "1.1GB/s"
    usd_per_hour = 0.35
    price_date = "2026-11-01"
    cpu = "AMD EPYC 9354 (Genoa)"
    clock_ghz = 3.25
    vector_bits = 512
    region = "home"

Everything but the name can be left out and is then unknown.
"""

import math
import re
import tomllib
from collections.abc import Callable, Sequence
from typing import TypeVar

from bigconst.base.errors import UsageError
from bigconst.base.units import parse_rate, parse_size
from bigconst.catalogue import tables
from bigconst.catalogue.merge import HDD_WRITES, clock_ghz, hdd_writes, vector_bits
from bigconst.catalogue.model import Instance
from bigconst.catalogue.tables import ProcessorRow

OWN = "own"
REMEDY = "correct it; docs/machines.md has an example"

_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*machine[ \t]*\]\]", re.MULTILINE)
_AT_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


T = TypeVar("T")


def _text(check: Callable[[str], T]) -> Callable[[object], T]:
    def convert(value: object) -> T:
        if not isinstance(value, str):
            raise ValueError("is not a text in quotation marks")
        return check(value)
    return convert


def _size(value: str) -> int:
    size_bytes = parse_size(value)
    if size_bytes == 0:
        raise ValueError("is not a size")
    return size_bytes


def _count(value: object) -> int:
    if type(value) is not int or not 1 <= value < 10**9:
        raise ValueError("is not a whole number from 1 on")
    return value


def _positive(value: object) -> float:
    if type(value) not in (int, float) or not (math.isfinite(value) and 0 < value <= tables.LARGEST):
        raise ValueError("is not a number above 0")
    return float(value)


def _one_of(*choices: T) -> Callable[[object], T]:
    def convert(value: object) -> T:
        if type(value) is not type(choices[0]) or value not in choices:
            raise ValueError(f"is not one of {', '.join(map(str, choices))}")
        return value
    return convert


_KEYS = {
    "name": _text(tables.check_name), "cores": _count, "vcpus": _count, "smt": _count, "memory": _text(_size),
    "disk": _one_of("ssd", "hdd"), "disk_size": _text(_size), "disk_read": _text(parse_rate),
    "disk_write": _text(parse_rate), "usd_per_hour": _positive, "price_date": _text(tables.check_date),
    "cpu": _text(tables.check_text), "clock_ghz": _positive, "vector_bits": _one_of(128, 256, 512),
    "region": _text(tables.check_name),
}
"""The keys of a machine, and what checks and converts their values; it raises ValueError or UsageError."""


class _Wrong(Exception):
    """An error in the file, with the machine (from 0) and the key where it is, and its remedy."""

    def __init__(self, what: str, machine: int | None = None, key: str | None = None, remedy: str = REMEDY):
        super().__init__(what)
        self.machine, self.key, self.remedy = machine, key, remedy


def parse_machines(data: bytes, path: str, processors: Sequence[ProcessorRow]) -> tuple[Instance, ...]:
    """The machines of a file.  Raises UsageError with `path`, the line, and what is wrong there."""
    text = tables.decode(data, path, REMEDY)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _AT_LINE.search(str(error))
        line = int(at[1]) if at and at[1] else text.rstrip().count("\n") + 1
        raise UsageError(f"{path}, line {line}: {_AT_LINE.sub('', str(error))}", REMEDY) from error
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, or thousands of brackets: Python does not say where, but its line is long.
        lines = text.split("\n")
        line = lines.index(max(lines, key=len)) + 1
        #: As for "…, line …: a NUL byte".
        raise UsageError(f"{path}, line {line}: what it holds cannot be read", REMEDY) from error
    try:
        return _machines(document, path, processors)
    except _Wrong as wrong:
        line = _line(text, wrong.machine, wrong.key)
        #: Correct that line of `machines.toml`; [machines.md](machines.md) has an example with all keys.
        raise UsageError(f"{path}, line {line}: {wrong}", wrong.remedy) from wrong


def _machines(document: dict, path: str, processors: Sequence[ProcessorRow]) -> tuple[Instance, ...]:
    for key in document:
        if key != "machine":
            raise _Wrong(f"{key[:40]!r} is unknown, machines begin with [[machine]]", key=key)
    listed = document.get("machine", [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise _Wrong("machines begin with [[machine]]", key="machine")
    machines: dict[tuple[str, str], Instance] = {}
    for number, entry in enumerate(listed):
        machine = _machine(_values(entry, number), path, processors)
        key = machine.name.lower(), machine.region.lower()
        if key in machines:
            raise _Wrong(f"there are two machines {machine.name!r} in one region", number, "name")
        machines[key] = machine
    return tuple(machines.values())


def _values(entry: dict[str, object], number: int) -> dict[str, str | int | float]:
    values = {}
    for key, value in entry.items():
        if key not in _KEYS:
            raise _Wrong(f"{key[:40]!r} is unknown, there are {', '.join(_KEYS)}", number, key)
        try:
            values[key] = _KEYS[key](value)
        except UsageError as error:         # a parser of units knows a better remedy
            what, _, remedy = str(error).partition("; ")
            raise _Wrong(f"{key}: {what}", number, key, remedy) from error
        except ValueError as error:
            raise _Wrong(f"{key}: {_shown(value)} {error}", number, key) from error
    if "name" not in values:
        raise _Wrong("a machine without a name", number)
    if "cores" in values and ("vcpus" in values or "smt" in values):
        #: Give `cores`, or `vcpus` and `smt`.
        raise _Wrong("cores: there are vcpus or smt, too", number, "cores", "give cores, or vcpus and smt")
    if values.get("vcpus", 0) % values.get("smt", 1):
        raise _Wrong(f"smt: {values['vcpus']} vcpus are not {values['smt']} for each core", number, "smt")
    return values


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:40]}..."


def _machine(values: dict[str, str | int | float], path: str,
             processors: Sequence[ProcessorRow]) -> Instance:
    cpu, kind, read = values.get("cpu", ""), values.get("disk", ""), values.get("disk_read")
    assumed = hdd_writes(kind, read, values.get("disk_write"))
    return Instance(
        provider=OWN,
        region=values.get("region", ""),
        name=values["name"],
        vcpus=values.get("vcpus", values.get("cores")),
        smt=1 if "cores" in values else values.get("smt"),
        cpu=cpu,
        clock_ghz=values.get("clock_ghz", clock_ghz(cpu)),
        vector_bits=values.get("vector_bits", vector_bits(cpu, processors)),
        memory_bytes=values.get("memory"),
        disk_kind=kind,
        disk_bytes=values.get("disk_size"),
        read_bytes_per_s=read,
        write_bytes_per_s=read if assumed else values.get("disk_write"),
        network_bits_per_s=None,
        usd_per_hour=values.get("usd_per_hour"),
        price_date=values.get("price_date", ""),
        spot_usd=None,
        source=path,
        notes=(HDD_WRITES,) if assumed else (),
    )


def _line(text: str, machine: int | None, key: str | None) -> int:
    """The number, from 1, of the line with a key; if it cannot be found, of the line where its machine begins."""
    begin, end = 0, len(text)
    if machine is not None:
        headers = [match.start() for match in _HEADER.finditer(text)] + [len(text)]
        if machine + 1 < len(headers):
            begin, end = headers[machine], headers[machine + 1]
    if key is not None:
        match = re.compile(rf"^[ \t\[]*[\"']?{re.escape(key)}[\"' \t.=\]]", re.MULTILINE).search(text, begin, end)
        begin = match.start() if match else begin
    return text.count("\n", 0, begin) + 1
