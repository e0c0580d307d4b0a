"""The text files of the catalogue: columns, cells, and errors that name the line.

A table is UTF-8 text: comment lines (#), a header that names the columns, and a record on each line.  A blank cell is a
fact that was not found.  Records are combined elsewhere (catalogue.merge).
"""

import csv
import io
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import date
from typing import Generic, TypeVar

from bigconst.base.errors import UsageError
from bigconst.catalogue.model import NetworkVolume

PROVIDERS = ("aws", "gcp", "azure", "oci")

KINDS_OF_DISK = {"HDD": "hdd", "SSD": "ssd", "NVMe": "ssd", "EBS": "network", "network PD": "network",
              "network PD/Hyperdisk": "network", "Hyperdisk": "network", "": ""}
"""The name that each disk_kind of the table has in the rest of the program."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
"""Pattern of the name of a machine, a volume or a region."""

NAME_RULE = "letters, digits, points, - and _, at most 80 of them"

LARGEST = 1e12
"""Largest number in a cell."""

_NUMBER = re.compile(r"\d{1,15}(\.\d{1,15})?", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_YEAR = re.compile(r"\d{4}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True)
class InstanceRow:
    """A record of instances.csv; columns and units are explained in the file."""

    provider: str
    region: str
    type: str
    vcpus: int | None
    smt: int | None
    cpu: str
    ram_gib: float | None
    disk_kind: str
    disk_count: int | None
    disk_gb_each: float | None
    disk_gb: float | None
    seq_read_mb_s: float | None
    seq_write_mb_s: float | None
    network_gbit_s: float | None
    usd_per_hour: float | None
    price_date: str
    source: str


@dataclass(frozen=True)
class SpotRow:
    """A record of spot.csv."""

    provider: str
    region: str
    type: str
    spot_min: float
    spot_max: float
    source: str


@dataclass(frozen=True)
class ProcessorRow:
    """A record of processors.csv."""

    pattern: re.Pattern
    vector_bits: int
    source: str


class _Wrong(Exception):
    """An error in a record, without its place."""


def check_text(cell: str) -> str:
    """The cell, which must be a line that a terminal shows as it is.  Raises ValueError, like all checks of a cell."""
    if not cell.isprintable() or len(cell) > 2000:
        raise ValueError("is not a line of printable text")
    return cell


def check_name(cell: str) -> str:
    """The cell, which must be the name of a machine, a volume or a region."""
    if not NAME.fullmatch(cell):
        raise ValueError(f"is not a name ({NAME_RULE})")
    return cell


def check_date(cell: str) -> str:
    """The cell, which must be a day or a year of this century, or blank."""
    if cell:
        day_of(cell)
    return cell


def day_of(price_date: str) -> date:
    """The day of a price: a bare year counts as its last day, a blank date is older than all others.

    Raises ValueError when it is no date of this century.
    """
    if price_date == "":
        return date.min
    try:
        if _YEAR.fullmatch(price_date):
            day = date(int(price_date), 12, 31)
        elif _DAY.fullmatch(price_date):
            day = date.fromisoformat(price_date)
        else:
            day = None
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year < 2100:
        raise ValueError("is not a date like 2026-07-20 or 2026")
    return day


def _region(cell: str) -> str:
    return cell and check_name(cell)


def _provider(cell: str) -> str:
    if cell not in PROVIDERS:
        raise ValueError(f"is not one of {', '.join(PROVIDERS)}")
    return cell


def _disk_kind(cell: str) -> str:
    if cell not in KINDS_OF_DISK:
        raise ValueError(f"is not one of {', '.join(filter(None, KINDS_OF_DISK))}")
    return cell


def _number(cell: str) -> float:
    if not _NUMBER.fullmatch(cell):
        raise ValueError("is not a number")
    if not 0 < float(cell) <= LARGEST:
        raise ValueError(f"is not above 0 and at most {LARGEST:g}")
    return float(cell)


def _whole(cell: str) -> int:
    if not _WHOLE.fullmatch(cell) or int(cell) == 0:
        raise ValueError("is not a whole number from 1 on")
    return int(cell)


def _pattern(cell: str) -> re.Pattern:
    try:
        return re.compile(cell, re.IGNORECASE)
    except re.error:
        raise ValueError("is not a regular expression") from None


_CELLS = {str: check_text, float: _number, int: _whole, float | None: lambda cell: _number(cell) if cell else None,
          int | None: lambda cell: _whole(cell) if cell else None, re.Pattern: _pattern}
_NAMED_CELLS = {"provider": _provider, "region": _region, "type": check_name, "name": check_name,
                "disk_kind": _disk_kind, "price_date": check_date}


def _check_instance(row: InstanceRow) -> None:
    if row.vcpus and row.smt and row.vcpus % row.smt:
        raise _Wrong(f"column smt: {row.vcpus} vcpus are not {row.smt} for each core")
    if (row.disk_gb and row.disk_count and row.disk_gb_each
            and not math.isclose(row.disk_gb, row.disk_count * row.disk_gb_each)):
        raise _Wrong(f"column disk_gb: {row.disk_gb:g} is not {row.disk_count} times {row.disk_gb_each:g}")


def _check_spot(row: SpotRow) -> None:
    if row.spot_min > row.spot_max:
        raise _Wrong(f"column spot_max: {row.spot_max:g} is less than spot_min")


RowT = TypeVar("RowT")


@dataclass(frozen=True)
class Table(Generic[RowT]):
    """A kind of file."""

    row: type[RowT]
    """the dataclass of its records; its fields are the columns"""
    key: Callable[[RowT], tuple]
    """values that no two records have in common"""
    check: Callable[[RowT], None] = lambda row: None
    """raises an error if the fields of a record contradict each other"""

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in the order of the header."""
        return [field.name for field in fields(self.row)]


INSTANCES = Table(InstanceRow, lambda row: (row.provider, row.region.lower(), row.type.lower(), row.price_date),
                  _check_instance)
VOLUMES = Table(NetworkVolume, lambda row: (row.provider, row.region.lower(), row.name.lower()))
SPOT = Table(SpotRow, lambda row: (row.provider, row.region.lower(), row.type.lower()), _check_spot)
PROCESSORS = Table(ProcessorRow, lambda row: (row.pattern.pattern,))


def decode(data: bytes, path: str, remedy: str) -> str:
    """The content of a file as text.

    Raises UsageError, which names file and line, for NUL bytes and for bytes that are not UTF-8 text.
    """
    try:
        text = data.decode("utf-8-sig")
        end = text.find("\0")
        lines, what = text.count("\n", 0, end), "a NUL byte"
    except UnicodeDecodeError as error:
        end, lines, what = error.start, data.count(b"\n", 0, error.start), "bytes that are not UTF-8 text"
    if end >= 0:
        #: The file is damaged in that line, or is not written as its format wants. Correct it if it is yours
        #: (`machines.toml`); refresh the catalogue, or install again, if it is not.
        raise UsageError(f"{path}, line {lines + 1}: {what}", remedy)
    return text


def parse(table: Table[RowT], data: bytes, path: str, remedy: str) -> list[RowT]:
    """The records of a file, checked.

    Raises UsageError with `path`, line, column, what is wrong there, and `remedy`.
    """
    rows, seen, header = [], {}, False
    number = 0
    for number, line in enumerate(decode(data, path, remedy).split("\n"), 1):
        line = line.removesuffix("\r")
        if not line.strip() or line.startswith("#"):
            continue
        try:
            cells = next(csv.reader([line], strict=True))
            if not header:
                header = _check_header(cells, table.columns)
                continue
            row = _row(table, cells)
            first = seen.setdefault(table.key(row), number)
            if first != number:
                raise _Wrong(f"the same as line {first}")
            rows.append(row)
        except csv.Error as error:
            #: As for "…, line …: a NUL byte".
            raise UsageError(f"{path}, line {number}: {error}", remedy) from error
        except _Wrong as wrong:
            #: As for "…, line …: there is no header".
            raise UsageError(f"{path}, line {number}: {wrong}", remedy) from wrong
    if not header:
        #: A table of the catalogue was changed by hand or is damaged. `bigconst estimate --refresh` replaces a newer
        #: one; one that came with the program comes back when it is installed again.
        raise UsageError(f"{path}, line {number}: there is no header", remedy)
    return rows


def _check_header(cells: list[str], columns: list[str]) -> bool:
    if cells != columns:
        wrong = ([f"{name} is missing" for name in columns if name not in cells]
                 + [f"{name[:40]!r} is unknown" for name in cells if name not in columns] or ["they are out of order"])
        raise _Wrong(f"the columns must be {','.join(columns)}: {wrong[0]}")
    return True


def _row(table: Table[RowT], cells: list[str]) -> RowT:
    if len(cells) != len(table.columns):
        raise _Wrong(f"{len(cells)} columns instead of {len(table.columns)}")
    values = {}
    for field, cell in zip(fields(table.row), cells, strict=True):
        try:
            values[field.name] = _NAMED_CELLS.get(field.name, _CELLS[field.type])(cell)
        except ValueError as error:
            raise _Wrong(f"column {field.name}: {cell[:40]!r} {error}") from error
    row = table.row(**values)
    table.check(row)
    return row


def encode(table: Table[RowT], rows: Iterable[RowT], comment: str) -> bytes:
    """The content of a file that `parse` reads as these records; `comment`, lines that begin with #, comes first."""
    text = io.StringIO(comment)
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([_cell(getattr(row, column)) for column in table.columns] for row in rows)
    return text.getvalue().encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.10f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
