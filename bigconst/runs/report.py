"""The report of a run: one dictionary, shown on the terminal and written as JSON.

Only `make_report` knows the schema `bigconst-report/1`.  No key is ever missing: one that does not apply to a run has
the value 0, null, [] or {}.
"""

import json
import platform
from dataclasses import dataclass
from datetime import datetime

from bigconst.base.hardware import DISK_KINDS
from bigconst.base.units import (
    format_bytes,
    format_count,
    format_rate,
    format_seconds,
    format_spent,
    hex_digits,
    spent_usd,
)
from bigconst.base.version import __version__
from bigconst.constants.outcome import RunOutcome
from bigconst.plans.plan import Plan
from bigconst.reading.lines import LINE_DIGITS, digit_line

SCHEMA = "bigconst-report/1"
MOST_FILES = 5
"""files that are all shown on the terminal"""


@dataclass(frozen=True)
class ScratchMeasured:
    """Measurements of the scratch volume of a run."""

    disk: str
    """hdd or ssd"""
    reason: str
    """how the kind is known"""
    peak_bytes: int
    read_bytes: int
    written_bytes: int
    lanes: tuple[tuple[str, float, float], ...]
    """(directory, bytes/s read, bytes/s written), measured before the run"""


@dataclass(frozen=True)
class Measured:
    """Measurements of a run around the engine."""

    command: str
    start: datetime
    end: datetime
    kernels_ready_s: float
    commit_s: float
    total_s: float
    cpu_s: float
    peak_memory_bytes: int
    files: tuple[tuple[str, int], ...]
    """(path, bytes) of every file written"""
    certificate: str | None = None
    """path of the certificate"""
    scratch: ScratchMeasured | None = None
    """measurements of the scratch; None in memory"""
    usd_per_hour: float | None = None
    """price of the machine, if it is known"""
    earlier_s: float | None = 0.0
    """seconds of earlier processes of the run; None where they are unknown"""


def make_report(plan: Plan, outcome: RunOutcome, measured: Measured) -> dict:
    """The report of a finished run as plain dictionaries, lists, numbers and strings."""
    cpu_percent = 100 * measured.cpu_s / measured.total_s
    return {
        "schema": SCHEMA,
        "constant": plan.constant.name,
        "title": plan.constant.title,
        "algorithm": plan.constant.algorithm,
        "base": plan.base,
        "digits": plan.digits,
        "decimal_digits": plan.decimal_digits,
        "hex_digits": hex_digits(plan.decimal_digits),
        "version": __version__,
        "host": platform.node(),
        "command": measured.command,
        "threads": plan.threads,
        "mode": plan.mode,
        "start": measured.start.isoformat(timespec="milliseconds"),
        "end": measured.end.isoformat(timespec="milliseconds"),
        "seconds": {
            "kernels_ready": measured.kernels_ready_s,
            "compute": outcome.seconds["compute"],
            "certificate": outcome.seconds["certificate"],
            "output": outcome.seconds["output"] + measured.commit_s,
            "total": measured.total_s,
        },
        "cpu_percent": cpu_percent,
        "efficiency": cpu_percent / plan.threads,
        "memory": {"planned_bytes": plan.peak_memory_bytes, "peak_bytes": measured.peak_memory_bytes},
        "scratch": _scratch(plan, outcome, measured.scratch),
        "stages": list(outcome.stages),
        "levels": list(outcome.levels),
        "max_roundoff": outcome.max_roundoff,
        "faults": dict(outcome.faults),
        "last_digits": outcome.last_digits,
        "digit_hash": outcome.digit_hash,
        "certificate": measured.certificate,
        "files": [{"path": path, "bytes": size_bytes} for path, size_bytes in measured.files],
        "cost": _cost(plan, measured),
    }


def _cost(plan: Plan, measured: Measured) -> dict:
    """Dollars of the whole run; digits are decimal ones in every base, so that runs can be compared."""
    if measured.usd_per_hour is None:
        return {}
    seconds = measured.total_s + (measured.earlier_s or 0.0)
    usd = spent_usd(seconds, measured.usd_per_hour)
    return {
        "usd_per_hour": measured.usd_per_hour,
        "seconds": seconds,
        "counted": "this process" if measured.earlier_s is None else "the whole run",
        "usd": usd,
        "digits_per_usd": plan.decimal_digits / usd,
        "usd_per_1e12_digits": usd / plan.decimal_digits * 1e12,
    }


def _scratch(plan: Plan, outcome: RunOutcome, measured: ScratchMeasured | None) -> dict:
    """The scratch of a run on disk, planned and measured; zeros for a run in memory."""
    if measured is None:
        return {"planned_bytes": 0, "peak_bytes": 0, "planned_read_bytes": 0, "read_bytes": 0,
                "planned_written_bytes": 0, "written_bytes": 0, "wait_seconds": 0, "longest_unit_seconds": 0,
                "disk": None, "disk_reason": None, "lanes": []}
    return {
        "planned_bytes": plan.disk.scratch_bytes,
        "peak_bytes": measured.peak_bytes,
        "planned_read_bytes": plan.disk.traffic.read_bytes,
        "read_bytes": measured.read_bytes,
        "planned_written_bytes": plan.disk.traffic.written_bytes,
        "written_bytes": measured.written_bytes,
        "wait_seconds": sum(stage["wait_seconds"] for stage in outcome.stages),
        "longest_unit_seconds": outcome.longest_unit_s,
        "disk": measured.disk,
        "disk_reason": measured.reason,
        "lanes": [{"directory": directory, "read_bytes_per_s": read, "write_bytes_per_s": written}
                  for directory, read, written in measured.lanes],
    }


def report_json(report: dict) -> str:
    """The report as indented JSON text with a final newline."""
    # numpy scalars know their plain value; a report must not fail after a long run because of one.
    return json.dumps(report, indent=2, default=lambda value: value.item()) + "\n"


def format_report(report: dict) -> str:
    """The report as the lines printed on a terminal."""
    seconds, memory = report["seconds"], report["memory"]
    planned, peak = format_bytes(memory["planned_bytes"]), format_bytes(memory["peak_bytes"])
    rows = [
        ("Program version", f"bigconst {report['version']}"),
        ("Constant", report["title"]),
        ("Algorithm", report["algorithm"]),
        ("Decimal digits", format_count(report["decimal_digits"])),
        ("Hexadecimal digits", format_count(report["hex_digits"])),
        ("Threads", str(report["threads"])),
        ("Mode", report["mode"]),
        ("Working memory", f"{planned} planned, {peak} peak"),
        *(_scratch_rows(report) if report["stages"] else []),
        ("Start date", _date(report["start"])),
        ("End date", _date(report["end"])),
        ("Computation time", format_seconds(seconds["compute"])),
        (("Certificate time", format_seconds(seconds["certificate"])) if report["certificate"]
         else ("Certificate", "none")),
        ("Output time", format_seconds(seconds["output"])),
        ("Loading of kernels", format_seconds(seconds["kernels_ready"])),
        ("Total time", format_seconds(seconds["total"])),
        ("CPU utilisation", f"{report['cpu_percent']:.1f} %"),
        ("Multi-core efficiency", f"{report['efficiency']:.1f} %"),
        ("Largest round-off", f"{report['max_roundoff']:.3g}"),
        ("Faults repaired", _faults(report["faults"])),
        *([("Cost", _cost_text(report["cost"]))] if report["cost"] else []),
        *(("File", path) for path in _file_names([file["path"] for file in report["files"]])),
    ]
    lines = [f"{name + ':':<24}{value}" for name, value in rows]
    if report["stages"]:
        lines += ["", *_stage_lines(report["stages"])]
    lines += ["", f"Last digits (base {report['base']}):", *_last_digit_lines(report), ""]
    lines.append(f"{'Digit hash:':<24}{report['digit_hash']}")
    return "\n".join(lines) + "\n"


def _file_names(paths: list[str]) -> list[str]:
    """What is shown of the files: of many, the first two and the last one."""
    if len(paths) <= MOST_FILES:
        return paths
    return [*paths[:2], f"... {format_count(len(paths) - 3)} files more", paths[-1]]


def _scratch_rows(report: dict) -> list[tuple[str, str]]:
    """Space, traffic and speed of the disks."""
    scratch, digits = report["scratch"], report["digits"]

    def beside(planned: int, measured: int) -> str:
        return (f"{format_bytes(planned)} planned, {format_bytes(measured)} measured, "
                f"{measured / digits:.2f} bytes per digit")

    planned = scratch["planned_read_bytes"] + scratch["planned_written_bytes"]
    moved = scratch["read_bytes"] + scratch["written_bytes"]
    seconds = sum(stage["seconds"] for stage in report["stages"])
    # The time that the disks would need for these bytes if they did nothing else.
    least_s = (scratch["read_bytes"] / sum(lane["read_bytes_per_s"] for lane in scratch["lanes"])
               + scratch["written_bytes"] / sum(lane["write_bytes_per_s"] for lane in scratch["lanes"]))
    return [
        ("Scratch", f"{format_bytes(scratch['planned_bytes'])} planned, {format_bytes(scratch['peak_bytes'])} peak, "
                    f"{scratch['peak_bytes'] / digits:.2f} bytes per digit"),
        ("Scratch read", beside(scratch["planned_read_bytes"], scratch["read_bytes"])),
        ("Scratch written", beside(scratch["planned_written_bytes"], scratch["written_bytes"])),
        ("Scratch traffic", beside(planned, moved)),
        ("Disks", f"{DISK_KINDS[scratch['disk']]}: {scratch['disk_reason']}"),
        *((f"  lane {i}", f"{format_rate(lane['read_bytes_per_s'])} read, "
                          f"{format_rate(lane['write_bytes_per_s'])} written before the run, {lane['directory']}")
          for i, lane in enumerate(scratch["lanes"], 1)),
        ("Throughput", f"{format_rate(moved / seconds)} on average, "
                       f"{100 * least_s / seconds:.0f} % of the lanes' speed"),
        ("Waiting for disks", f"{format_seconds(scratch['wait_seconds'])}, "
                              f"{100 * scratch['wait_seconds'] / seconds:.0f} %"),
        ("Longest unit", format_seconds(scratch["longest_unit_seconds"])),
    ]


def _faults(faults: dict[str, int]) -> str:
    """The number of faults, and the number of each kind where there are any."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in faults.items())
    return str(sum(faults.values())) + (f": {kinds}" if kinds else "")


def _cost_text(cost: dict) -> str:
    """Dollars, price and digits a dollar; it says so where only this process is counted."""
    mantissa, _, exponent = f"{cost['digits_per_usd']:.1e}".partition("e")
    alone = "" if cost["counted"] == "the whole run" else ", this process alone: what earlier ones took is not known"
    return f"{format_spent(cost['usd'], cost['usd_per_hour'])}, {mantissa}e{int(exponent)} digits a dollar{alone}"


def _stage_lines(stages: list[dict]) -> list[str]:
    """A table of the stages; those of a level, which are called like "level 2, u", share a row."""
    groups: dict[str, list[dict]] = {}
    for stage in stages:
        groups.setdefault(stage["name"].partition(", ")[0], []).append(stage)
    lines = [f"{'Stage':<18}{'time':>18}{'read':>12}{'written':>12}{'GB/s':>8}{'waiting':>10}"]
    for name, members in [*groups.items(), ("together", stages)]:
        seconds, waited, read, written = (sum(stage[key] for stage in members) for key in
                                          ("seconds", "wait_seconds", "read_bytes", "written_bytes"))
        rate = (read + written) / seconds / 1e9
        lines.append(f"{name:<18}{format_seconds(seconds):>18}{format_bytes(read):>12}{format_bytes(written):>12}"
                     f"{rate:>8.2f}{100 * waited / seconds:>8.0f} %")
    return lines


def _date(iso: str) -> str:
    return datetime.fromisoformat(iso).strftime("%Y-%m-%d %H:%M:%S %z")


def _last_digit_lines(report: dict) -> list[str]:
    """The last digits in lines, each with the position of its last digit."""
    text, before = report["last_digits"], report["digits"] - len(report["last_digits"])
    lines = [text[start : start + LINE_DIGITS] for start in range(0, len(text), LINE_DIGITS)]
    return [digit_line(line, before + i * LINE_DIGITS + len(line)) for i, line in enumerate(lines)]
