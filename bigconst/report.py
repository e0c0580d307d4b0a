"""The report of a run: one dictionary, shown on the terminal and written as JSON.

`make_report` is the only place that knows the schema `bigconst-report/1`;
keys that do not apply to a run hold 0, null, [] or {} and are never missing.
"""

import json
import platform
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bigconst import __version__
from bigconst.units import format_bytes, format_count, format_seconds, hex_digits

SCHEMA = "bigconst-report/1"


@dataclass(frozen=True)
class Measured:
    """What the command measured around the engine."""

    command: str
    start: datetime
    end: datetime
    kernels_ready_s: float
    commit_s: float
    total_s: float
    cpu_s: float
    peak_memory_bytes: int
    files: tuple[tuple[str, int], ...]
    """(path, bytes) of every file written."""
    certificate: str | None = None


def make_report(plan: Any, outcome: Any, measured: Measured) -> dict:
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
        "mode": "in memory",
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
        "scratch": {
            "planned_bytes": 0,
            "peak_bytes": 0,
            "planned_read_bytes": 0,
            "read_bytes": 0,
            "planned_written_bytes": 0,
            "written_bytes": 0,
            "wait_seconds": 0,
        },
        "levels": list(outcome.levels),
        "max_roundoff": outcome.max_roundoff,
        "faults": dict(outcome.faults),
        "last_digits": outcome.last_digits,
        "digit_hash": outcome.digit_hash,
        "certificate": measured.certificate,
        "files": [{"path": path, "bytes": size_bytes} for path, size_bytes in measured.files],
        "cost": {},
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
        ("Start date", _date(report["start"])),
        ("End date", _date(report["end"])),
        ("Computation time", format_seconds(seconds["compute"])),
        *([("Certificate time", format_seconds(seconds["certificate"]))] if report["certificate"] else []),
        ("Output time", format_seconds(seconds["output"])),
        ("Loading of kernels", format_seconds(seconds["kernels_ready"])),
        ("Total time", format_seconds(seconds["total"])),
        ("CPU utilisation", f"{report['cpu_percent']:.1f} %"),
        ("Multi-core efficiency", f"{report['efficiency']:.1f} %"),
        ("Largest round-off", f"{report['max_roundoff']:.3g}"),
        ("Faults repaired", str(sum(report["faults"].values()))),
        *((("File", file["path"])) for file in report["files"]),
    ]
    lines = [f"{name + ':':<24}{value}" for name, value in rows]
    lines += ["", f"Last digits (base {report['base']}):", *_last_digit_lines(report), ""]
    lines.append(f"{'Digit hash:':<24}{report['digit_hash']}")
    return "\n".join(lines) + "\n"


def _date(iso: str) -> str:
    return datetime.fromisoformat(iso).strftime("%Y-%m-%d %H:%M:%S %z")


def _last_digit_lines(report: dict) -> list[str]:
    """Lines of 50 digits in groups of ten, each followed by the position of its last digit."""
    text, lines = report["last_digits"], []
    before = report["digits"] - len(text)
    for start in range(0, len(text), 50):
        line = text[start : start + 50]
        groups = " ".join(line[i : i + 10] for i in range(0, len(line), 10))
        lines.append(f"  {groups:<54}  :  {format_count(before + start + len(line))}")
    return lines
