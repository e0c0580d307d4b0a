"""Another version of the program beside this one: whole commands, each a process of its own, in turn.

    python benchmarks/versions.py --other OTHER/.venv/bin/bigconst [--only NAME ...] [--dir DIR] [--swap DIR]

Each command runs once uncounted with both versions, which fills their caches of kernels, and then in pairs: this
version, the other one, this one ..., fifteen pairs of short commands and five of long ones. A figure is the median of
wall seconds or of processor seconds with all child processes; a ratio is the median of the ratios of the pairs, this
version over the other, with the smallest and the largest beside it. Digits that both have written must be equal, byte
for byte; certificates may differ. Squarings are timed by their process itself, without its start. "Cold" commands have
an empty cache of kernels every time: what a first user waits for. Without --other the program is compared with itself,
which shows the noise of the machine.
"""

import filecmp
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _common import Column, Report, make_parser

COMMANDS = {
    "phi 1e8 in memory": (15, "phi --digits 1e8 --output {out} --force"),
    "phi 1e8, no certificate": (15, "phi --digits 1e8 --no-certificate --output {out} --force"),
    "phi 1e9 in memory": (5, "phi --digits 1e9 --output {out} --force"),
    "phi 1e9 in 512 MiB": (5, "phi --digits 1e9 --memory 512MiB --disk ssd --swap {swap} --output {out} --force"),
    "zeta3 1e8 in memory": (5, "zeta3 --digits 1e8 --output {out} --force"),
    "gamma 1e6": (5, "gamma --digits 1e6 --output {out} --force"),
    **{f"M{p}, {count} squarings, {threads} thread(s)": (15, f"squarings {p} {count} {threads}")
       for p, count in ((110503, 50000), (2976221, 4000), (20996011, 400), (57984131, 150)) for threads in (1, 2)},
    "M756839 in full": (3, "ll 756839 --no-factor --threads 2 --dir {folder}"),
    "phi 1000": (15, "phi --digits 1000 --output -"),
    "help": (15, "--help"),
    "cold: phi": (1, "phi --digits 1000 --output -"),
    "cold: ll": (1, "ll 11213 --iterations 100 --no-factor --dir {folder}"),
    "cold: find": (1, "find {text} 2"),
    "cold: verify": (1, "verify {text}"),
    "cold: warmup": (1, "warmup"),
}
SQUARINGS = """
import sys, time, bigconst
p, count, threads = map(int, sys.argv[1:])
bigconst.iterate(p, 3, 2, 2, threads=threads)
wall_s, cpu_s = time.perf_counter(), time.process_time()
bigconst.iterate(p, 3, count, 2, threads=threads)
print(time.perf_counter() - wall_s, time.process_time() - cpu_s)
"""
QUICK = {
    "M9941, 2 squarings, 1 thread(s)": (2, "squarings 9941 2 1"),
    "phi 1e4 in memory": (2, "phi --digits 1e4 --output {out} --force"),
    "help": (2, "--help"),
}


def timed(program: str, command: str, places: dict[str, str], cache: str | None) -> tuple[float, float]:
    """(wall seconds, processor seconds) of one process and its children, with another cache of kernels if one is named,
    or of squarings inside of it.
    """
    words = [word.format(**places) for word in command.split()]
    if words[0] == "squarings":
        run = subprocess.run([Path(program).with_name("python"), "-c", SQUARINGS, *words[1:]], check=True,
                             capture_output=True, text=True, cwd=places["folder"])
        wall_s, cpu_s = map(float, run.stdout.split())
        return wall_s, cpu_s
    environment = os.environ | ({} if cache is None else {"BIGCONST_CACHE": cache})
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([program, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   cwd=places["folder"], env=environment)
    wall_s, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = make_parser(__doc__)
    this = str(Path(sys.executable).with_name("bigconst"))
    parser.add_argument("--other", metavar="PROGRAM", default=this, help="the other version (default: this one)")
    parser.add_argument("--only", metavar="NAME", action="append", help="commands by their names in the table")
    parser.add_argument("--dir", metavar="DIR", help="where files are written (default: the system's)")
    parser.add_argument("--swap", metavar="DIR", help="where scratch goes (default: as --dir)")
    arguments = parser.parse_args()
    report = Report("versions", arguments)
    section = report.section("commands", f"this version / {arguments.other}, median seconds, pairs in turn", [
        Column("name", "command", width=26), Column("pairs", "pairs"), Column("wall_s", "wall", ".3f", 8),
        Column("other_wall_s", "other", ".3f", 8), Column("ratio", "ratio", ".3f"), Column("least", "least", ".3f"),
        Column("most", "most", ".3f"), Column("cpu_s", "CPU s", ".3f", 8), Column("other_cpu_s", "other", ".3f", 8),
        Column("same", "same digits")])
    commands = QUICK if arguments.quick else COMMANDS
    for name, (pairs, command) in commands.items():
        if arguments.only is None or name in arguments.only:
            with (tempfile.TemporaryDirectory(dir=arguments.dir) as folder,
                  tempfile.TemporaryDirectory(dir=arguments.swap or arguments.dir) as swap):
                if "{text}" in command:
                    timed(this, f"phi --digits 1e4 --output {folder}/text.txt", {"folder": folder}, None)
                section.add(name=name, pairs=pairs, **compare(this, arguments.other, command, pairs, folder, swap,
                                                              name.startswith("cold")))
    report.close()


def compare(this: str, other: str, command: str, pairs: int, folder: str, swap: str, cold: bool) -> dict:
    """A row of the table; with `cold`, every process compiles."""
    found: dict[str, list[tuple[float, float]]] = {"this": [], "other": []}
    for turn in range(cold, pairs + 1):
        for name, program in (("this", this), ("other", other)):
            places = {"out": f"{folder}/{name}.txt", "text": f"{folder}/text.txt", "folder": folder, "swap": swap}
            with tempfile.TemporaryDirectory() as cache:
                times = timed(program, command, places, cache if cold else None)
            if turn:
                found[name].append(times)
    ratios = [ours[0] / theirs[0] for ours, theirs in zip(found["this"], found["other"], strict=True)]
    is_file = os.path.exists(f"{folder}/this.txt")
    same = is_file and filecmp.cmp(f"{folder}/this.txt", f"{folder}/other.txt", shallow=False)
    medians = {name: [statistics.median(column) for column in zip(*times, strict=True)]
               for name, times in found.items()}
    return {"wall_s": medians["this"][0], "other_wall_s": medians["other"][0], "ratio": statistics.median(ratios),
            "least": min(ratios), "most": max(ratios), "cpu_s": medians["this"][1], "other_cpu_s": medians["other"][1],
            "same": ("yes" if same else "NO") if is_file else "-", "times": found}


if __name__ == "__main__":
    main()
