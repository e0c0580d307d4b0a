"""Estimates compared with runs: for each configuration `bigconst bench`, `bigconst estimate`, then the run itself.

    python benchmarks/estimates.py [--dir DIR] [--only NAME ...] [--runs 3] [--json FILE]

Each estimate is written to a file before its runs begin, and no constant of the
model comes from these runs: it knows the benchmark and the plan, nothing else.
The benchmark precedes them, since the speed of a virtual machine may change by half
within minutes: "rows ns" is the time per word that it measured each time.

    estimated   seconds of the whole command, from parsed arguments to finished files
    measured    "total" of the report; of a Mersenne test, the time of the process; the median of the runs
    spread      (slowest - fastest) / median of the runs
    error       (estimated - measured) / measured

Before each run the machine is idle for some seconds: hosts of virtual machines take
back unused memory, as they usually have when a user starts a run; `bench` measures
what getting it back costs.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from _common import Column, Report, make_parser

PAUSE_S = 10.0


@dataclass(frozen=True)
class Configuration:
    """A command, and how many lanes its scratch has."""

    name: str
    what: str
    """arguments of both the estimate and the run"""
    run: str = ""
    """further arguments of the run alone"""
    lanes: int = 0

    @property
    def is_test(self) -> bool:
        """Whether the run is a test of a Mersenne number."""
        return self.what.startswith("ll")


CONFIGURATIONS = (
    Configuration("1e7", "phi --digits 1e7"),
    Configuration("1e8", "phi --digits 1e8"),
    Configuration("1e8, 1 thread", "phi --digits 1e8 --threads 1"),
    Configuration("hex 1e8", "sqrt 2 --digits 1e8 --base 16 --no-certificate"),
    Configuration("1e9", "phi --digits 1e9"),
    Configuration("disk 1e8, 64 MiB", "phi --digits 1e8 --workspace 64MiB", lanes=1),
    Configuration("disk 1e9, 512 MiB", "phi --digits 1e9 --memory 512MiB", lanes=1),
    Configuration("disk 1e9, 1 GiB, 2 lanes", "phi --digits 1e9 --memory 1GiB", lanes=2),
    Configuration("disk 3e9, 2 GiB", "sqrt 3 --digits 3e9 --memory 2GiB --no-certificate", lanes=1),
    Configuration("M216091", "ll 216091", "--no-factor"),
    Configuration("M57885161", "ll 57885161 --iterations 300", "--no-factor"),
)
QUICK = (
    Configuration("1e6", "phi --digits 1e6"),
    Configuration("disk 1e6, 1 MiB", "phi --digits 1e6 --workspace 1MiB", lanes=1),
    Configuration("M11213", "ll 11213", "--no-factor"),
)


def bigconst(folder: Path, *arguments: str) -> float:
    """Seconds of bigconst in a folder; where it fails, this program ends, too."""
    command = [sys.executable, "-m", "bigconst", *arguments]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    elapsed = time.perf_counter() - began
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return elapsed


def swap_options(lanes: int) -> list[str]:
    """The options of a scratch in `lanes` directories."""
    return [part for i in range(lanes) for part in ("--swap", f"lane{i + 1}")]


def measure(configuration: Configuration, folder: Path, quick: bool, runs: int) -> dict:
    """Run benchmark, estimate and computations; return a row of the table.

    A quick turn has no benchmark of its own: the first estimate runs a short one.
    """
    bench = None
    if not quick:
        bigconst(folder, "bench", *swap_options(configuration.lanes), "--json", "bench.json")
        bench = json.loads((folder / "bench.json").read_text())
    options = [*configuration.what.split(), *swap_options(configuration.lanes)]
    path = folder / f"{configuration.name.replace(' ', '_').replace(',', '')}.estimate.json"
    bigconst(folder, "estimate", *options, "--json", str(path))
    told = json.loads(path.read_text())["estimates"][0]
    times, stages = [], []
    for _ in range(runs):
        if not quick:
            time.sleep(PAUSE_S)
        if configuration.is_test:
            times.append(bigconst(folder, *options, *configuration.run.split()))
        else:
            bigconst(folder, *options, "--output", "digits.txt", "--force", "--json", "report.json")
            report = json.loads((folder / "report.json").read_text())
            times.append(report["seconds"]["total"])
            stages.append([*report["levels"], *report["stages"]])
        for left in ("digits.txt", "digits.txt.cert", "report.json"):
            (folder / left).unlink(missing_ok=True)
    seconds = statistics.median(times)
    return {"name": configuration.name, "command": " ".join(options), "estimated_s": told["seconds"],
            "measured_s": seconds, "spread": (max(times) - min(times)) / seconds, "times_s": times,
            "error": told["seconds"] / seconds - 1, "bar": told["relative_error"],
            "bound": told["bound"], "rows_ns": bench and _rows_ns(bench), "estimate": told, "stages": stages,
            "bench": bench}


def main() -> None:
    """Measure and report."""
    parser = make_parser(__doc__)
    parser.add_argument("--dir", help="for files and scratch (default: a temporary directory)")
    parser.add_argument("--only", action="append", metavar="NAME", help="these configurations alone")
    parser.add_argument("--runs", type=int, help="runs for each estimate (default 3)")
    arguments = parser.parse_args()
    arguments.runs = arguments.runs or (1 if arguments.quick else 3)
    chosen = [each for each in (QUICK if arguments.quick else CONFIGURATIONS)
              if arguments.only is None or each.name in arguments.only]
    report = Report("estimates", arguments)
    table = report.section("estimates", "whole commands, seconds", [
        Column("name", "configuration", width=26), Column("estimated_s", "estimated", ".2f"),
        Column("bar", "+-", ".0%"), Column("measured_s", "measured", ".2f"), Column("spread", "spread", ".0%"),
        Column("error", "error", "+.0%"),
        Column("bound", "bound by", width=8), Column("rows_ns", "rows ns", ".2f")])
    with tempfile.TemporaryDirectory(prefix="bigconst-", dir=arguments.dir) as name:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"], before = str(folder / "cache"), os.environ.get("XDG_CACHE_HOME")
        _share_kernels(folder, before)
        for i in range(max(each.lanes for each in chosen)):
            (folder / f"lane{i + 1}").mkdir()
        rows = []
        for configuration in chosen:
            rows.append(measure(configuration, folder, arguments.quick, arguments.runs))
            table.add(**rows[-1])
    errors = [abs(row["error"]) for row in rows]
    sizes = report.section("errors", "sizes of errors", [Column("median", "median", ".1%"),
                                                         Column("worst", "worst", ".1%")])
    sizes.add(median=statistics.median(errors), worst=max(errors))
    report.close()


def _share_kernels(folder: Path, cache_home: str | None) -> None:
    """Copy the compiled kernels of this user, but not the stored speeds, into the cache of the folder."""
    base = Path(cache_home) if cache_home else Path.home() / ".cache"
    if (base / "bigconst").is_dir():
        shutil.copytree(base / "bigconst", folder / "cache" / "bigconst", ignore=shutil.ignore_patterns("*.json"))


def _rows_ns(bench: dict) -> float:
    """Nanoseconds of the pass over rows per word of the longest transform."""
    rates = {rate["words"]: rate["seconds_per_word"] for rate in bench["rates"]["square"]
             if rate["threads"] == bench["threads"]}
    return 1e9 * rates[max(rates)]


if __name__ == "__main__":
    main()
