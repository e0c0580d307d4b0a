"""Common parts of the benchmark programs: facts about the machine, measurement in turns, tables, JSON.

Every program prints tables, and writes their figures with all timings to `--json FILE`.  Contestants are measured in
turns within one run, so that a slow minute of the machine hits all of them; a figure is the median of its turns and a
ratio the quotient of medians.  Nothing here asserts a time.
"""

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from bigconst.base.hardware import caches

SCHEMA = "bigconst-benchmark/1"
PACKAGES = ("bigconst", "numba", "llvmlite", "numpy", "scipy", "pyfftw", "gmpy2", "python-flint")


# --- the machine -------------------------------------------------------------------

def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _field(text: str, name: str) -> str:
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def machine() -> dict:
    """Facts about the machine that figures depend on."""
    cpu = _read("/proc/cpuinfo")
    flags = _field(cpu, "flags").split()
    return {
        "cpu": _field(cpu, "model name") or platform.processor(),
        "cpu_family": _field(cpu, "cpu family"),
        "cpu_model": _field(cpu, "model"),
        "hypervisor": "hypervisor" in flags,
        "vector_flags": [flag for flag in ("avx2", "fma", "avx512f", "avx512dq", "avx512ifma") if flag in flags],
        "cores": len(os.sched_getaffinity(0)),
        "caches": {f"L{level}": f"{size >> 10}K" for level, size in caches().items()},
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "huge_pages": _read("/sys/kernel/mm/transparent_hugepage/enabled").strip(),
        "load_average": os.getloadavg()[0],
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {package: version for package in PACKAGES if (version := _version(package))},
    }


def _machine_lines(facts: dict) -> list[str]:
    packages = ", ".join(f"{name} {version}" for name, version in facts["packages"].items())
    sizes = ", ".join(f"{name} {size}" for name, size in facts["caches"].items())
    virtual = ", virtual" if facts["hypervisor"] else ""
    return [
        f"{facts['cpu']} (family {facts['cpu_family']}, model {facts['cpu_model']}{virtual}), {facts['cores']} cores, "
        f"{sizes}, {facts['memory_bytes'] / 2**30:.1f} GiB, {facts['kernel']}",
        f"vectors: {' '.join(facts['vector_flags'])}; huge pages: {facts['huge_pages']}; "
        f"load at the start {facts['load_average']:.2f}",
        f"python {facts['python']}, {packages}",
    ]


# --- the command line and the result -----------------------------------------------

def make_parser(docstring: str) -> argparse.ArgumentParser:
    """A parser with --json and --quick that shows the program's docstring."""
    first, _, rest = docstring.partition("\n")
    parser = argparse.ArgumentParser(description=first, epilog=rest, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", metavar="FILE", help="write all figures and timings")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that everything runs")
    return parser


def add_threads(parser: argparse.ArgumentParser) -> None:
    """--threads, repeatable; `thread_counts` resolves it."""
    parser.add_argument("--threads", type=int, action="append", metavar="N",
                        help="threads of all contestants, repeatable (default: 1 and 2)")


def thread_counts(arguments: argparse.Namespace) -> list[int]:
    """The thread counts asked for; 1 and, where there is a second core, 2."""
    return arguments.threads or [1, 2][:len(os.sched_getaffinity(0))]


class Report:
    """The figures of one program: tables are printed as they come, everything is written as JSON at the end."""

    def __init__(self, program: str, arguments: argparse.Namespace):
        self.facts = machine()
        self._path = arguments.json
        self._start = datetime.now().astimezone()
        self._data = {
            "schema": SCHEMA,
            "program": program,
            "start": self._start.isoformat(timespec="seconds"),
            "command": [program, *sys.argv[1:]],
            "quick": arguments.quick,
            "machine": self.facts,
            "notes": [],
            "results": {},
        }
        print(f"{program}  {self._start:%Y-%m-%d %H:%M %Z}  {' '.join(sys.argv[1:])}")
        print("\n".join(_machine_lines(self.facts)))

    def note(self, text: str) -> None:
        """Print and store a remark that belongs beside the figures; a repeated one is ignored."""
        if text not in self._data["notes"]:
            self._data["notes"].append(text)
            print(f"note: {text}", flush=True)

    def section(self, name: str, title: str, columns: Sequence["Column"]) -> "Section":
        """A table whose rows are also stored for the JSON file, under `name`."""
        rows = self._data["results"].setdefault(name, [])
        return Section(title, columns, rows)

    def close(self) -> None:
        """Write the JSON file if one was asked for."""
        self._data["end"] = datetime.now().astimezone().isoformat(timespec="seconds")
        if self._path:
            Path(self._path).write_text(json.dumps(self._data, indent=1) + "\n")


class Column:
    """One column of a table: the key in the row, the heading, how a number is shown."""

    def __init__(self, key: str, heading: str, form: str = "", width: int = 0):
        self.key, self.heading, self.form = key, heading, form
        self.width = max(width, len(heading))

    def cell(self, row: dict) -> str:
        """The text of this column in `row`, "-" where the row has nothing."""
        value = row.get(self.key)
        text = "-" if value is None else format(value, self.form)
        return text.ljust(self.width) if isinstance(value, str) else text.rjust(self.width)


class Section:
    """A table printed row by row."""

    def __init__(self, title: str, columns: Sequence[Column], rows: list[dict]):
        self._columns, self._rows = columns, rows
        print(f"\n{title}\n" + "  ".join(column.heading.ljust(column.width) for column in columns), flush=True)

    def add(self, **row) -> None:
        """Print and store one row; keys without a column go to the JSON file only."""
        self._rows.append(row)
        print("  ".join(column.cell(row) for column in self._columns).rstrip(), flush=True)


# --- measuring ---------------------------------------------------------------------

def optional(module: str, report: Report):
    """The imported module of a peer; None, and a note in the report, where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        report.note(f"{module} is not installed and left out")
        return None


def seconds(function: Callable, repeats: int = 1) -> float:
    """Seconds of one call, the mean over `repeats`."""
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - start) / repeats


def in_turns(functions: dict[str, Callable], runs: int, least_s: float = 0.01) -> dict[str, list[float]]:
    """Seconds per call of each function, `runs` figures each, measured in turns after one uncounted call.

    A figure is the mean over as many calls as take `least_s` together.
    """
    repeats = {name: max(1, round(least_s / max(seconds(function), 1e-7))) for name, function in functions.items()}
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(runs):
        for name, function in functions.items():
            times[name].append(seconds(function, repeats[name]))
    return times


def medians(times: dict[str, list[float]]) -> dict[str, float]:
    """The median of each list."""
    return {name: statistics.median(values) for name, values in times.items()}
