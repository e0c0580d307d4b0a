"""Estimates held against runs: `bigconst bench`, then for each configuration `bigconst estimate`, then the run itself.

    python benchmarks/estimates.py [--dir DIR] [--only NAME ...] [--twice] [--json FILE]

The benchmark is made once, before anything else (with --twice once more at the
end, to see how far the machine has moved meanwhile).  Each estimate is written
to a file before its run begins, and no constant of the model comes from these
runs: the model knows the benchmark and the plan, nothing else.

    estimated   seconds of the whole command, from parsed arguments to finished files
    measured    "total" of the report; of a Mersenne test, the time of the process
    error       (estimated - measured) / measured

Before each run the machine is left alone for some seconds, since hosts of virtual
machines take back memory that lies idle, as they will have done before anybody
else's run; `bench` measures what getting it back costs.
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
    """what both commands are told"""
    run: str = ""
    """what only the run is told"""
    lanes: int = 0

    @property
    def is_test(self) -> bool:
        """Of a Mersenne number."""
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
    """Seconds of the program in a folder; ends this one where it fails."""
    command = [sys.executable, "-m", "bigconst", *arguments]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    elapsed = time.perf_counter() - began
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return elapsed


def swap_options(lanes: int) -> list[str]:
    """Of a scratch in so many directories."""
    return [part for i in range(lanes) for part in ("--swap", f"lane{i + 1}")]


def measure(configuration: Configuration, folder: Path) -> dict:
    """The estimate, which stays in a file, and the run."""
    options = [*configuration.what.split(), *swap_options(configuration.lanes)]
    path = folder / f"{configuration.name.replace(' ', '_').replace(',', '')}.estimate.json"
    bigconst(folder, "estimate", *options, "--json", str(path))
    told = json.loads(path.read_text())["estimates"][0]
    time.sleep(PAUSE_S)
    if configuration.is_test:
        seconds = bigconst(folder, *options, *configuration.run.split())
        stages: list = []
    else:
        bigconst(folder, *options, "--output", "digits.txt", "--force", "--json", "report.json")
        report = json.loads((folder / "report.json").read_text())
        seconds, stages = report["seconds"]["total"], [*report["levels"], *report["stages"]]
    for left in ("digits.txt", "digits.txt.cert", "report.json"):
        (folder / left).unlink(missing_ok=True)
    return {"name": configuration.name, "command": " ".join(options), "estimated_s": told["seconds"],
            "measured_s": seconds, "error": told["seconds"] / seconds - 1, "bar": told["relative_error"],
            "bound": told["bound"], "estimate": told, "stages": stages}


def main() -> None:
    """Measure and report."""
    parser = make_parser(__doc__)
    parser.add_argument("--dir", help="for files and scratch (default: a temporary directory)")
    parser.add_argument("--only", action="append", metavar="NAME", help="these configurations alone")
    parser.add_argument("--twice", action="store_true", help="the benchmark once more at the end")
    arguments = parser.parse_args()
    chosen = [each for each in (QUICK if arguments.quick else CONFIGURATIONS)
              if arguments.only is None or each.name in arguments.only]
    report = Report("estimates", arguments)
    table = report.section("estimates", "whole commands, seconds", [
        Column("name", "configuration", width=26), Column("estimated_s", "estimated", ".2f"),
        Column("bar", "+-", ".0%"), Column("measured_s", "measured", ".2f"), Column("error", "error", "+.0%"),
        Column("bound", "bound by", width=8)])
    with tempfile.TemporaryDirectory(prefix="bigconst-", dir=arguments.dir) as name:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"], kept = str(folder / "cache"), os.environ.get("XDG_CACHE_HOME")
        _share_kernels(folder, kept)
        for i in range(max(each.lanes for each in chosen)):
            (folder / f"lane{i + 1}").mkdir()
        for lanes in sorted({0, *(each.lanes for each in chosen)}) if not arguments.quick else ():
            bigconst(folder, "bench", *swap_options(lanes), "--json", f"bench{lanes}.json")
            report.note(f"benchmark with {lanes} lanes: " + _facts(folder / f"bench{lanes}.json"))
        rows = []
        for configuration in chosen:
            rows.append(measure(configuration, folder))
            table.add(**rows[-1])
        if arguments.twice:
            bigconst(folder, "bench", *swap_options(1), "--json", "after.json")
            report.note("benchmark after the runs: " + _facts(folder / "after.json"))
    errors = [abs(row["error"]) for row in rows]
    sizes = report.section("errors", "sizes of errors", [Column("median", "median", ".1%"),
                                                         Column("worst", "worst", ".1%")])
    sizes.add(median=statistics.median(errors), worst=max(errors))
    report.close()


def _share_kernels(folder: Path, kept: str | None) -> None:
    """Compiled kernels of this user, beside a benchmark that is not."""
    base = Path(kept) if kept else Path.home() / ".cache"
    if (base / "bigconst").is_dir():
        shutil.copytree(base / "bigconst", folder / "cache" / "bigconst", ignore=shutil.ignore_patterns("*.json"))


def _facts(path: Path) -> str:
    told = json.loads(path.read_text())
    disks = ", ".join(f"{p['request_bytes'] >> 10} KiB " + "/".join(
        f"{p[name] / 1e9:.2f}" for name in ("read_bytes_per_s", "write_bytes_per_s", "both_bytes_per_s"))
        for each in told["disks"] for p in each["patterns"])
    squares = {rate["words"]: rate["seconds_per_word"] * 1e9 for rate in told["rates"]["square"]
               if rate["threads"] == told["threads"]}
    return (f"rows {squares[max(squares)]:.2f} ns a word, copy {told['copy_bytes_per_s'] / 1e9:.1f} GB/s, text "
            f"{told['text_bytes_per_s'] / 1e9:.2f} GB/s" + (f", scratch read/write/both GB/s {disks}" if disks else ""))


if __name__ == "__main__":
    main()
