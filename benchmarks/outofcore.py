"""The golden ratio on disk in a bounded process, against what memory and the disk allow.

    python benchmarks/outofcore.py [--digits 1e9 ...] [--memory 512MiB] [--swap DIR ...] [--disk ssd] [--dir DIR]
                                   [--json FILE]

For every size: `bigconst phi` in memory in a fresh process (left out with --no-memory-run, or where it does not
fit), then fio on the scratch directory (bare system calls where it is not installed), then `bigconst phi --memory
--swap`, and fio once more.
From its report and from the operating system (resources of the finished process):

    elapsed   total - kernels_ready
    floor     max(elapsed in memory, read/r + written/w), r and w being the faster of what fio reached
              before and after; the page cache is out of it on both sides
    durable   the same with d for w and the files in `written`: what bare system calls write and make durable
              (fdatasync), as a run does that a power cut must not set back; a disk or a host with a cache of its own
              takes data faster than it keeps it
    peak      largest resident set, by the operating system
    io        bytes that the operating system counted for the process, beside those in the report;
              the text, the certificate and the report are written, not read

"right" says whether the digits equal those of the run in memory, byte for byte, and `bigconst verify` accepts them with
their certificate.
"""

import argparse
import filecmp
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _bare import bare_speed
from _common import Column, Report, make_parser

from bigconst.base.hardware import available_memory_bytes
from bigconst.base.units import format_bytes, parse_count, parse_size

FIO_BYTES = 4 << 30
FIO_S = 4


def run(digits: int, folder: Path, options: list[str]) -> dict:
    """Run one process; return its report, wall time, and peak memory, input and output as the system counts them."""
    command = [sys.executable, "-m", "bigconst", "phi", "--digits", str(digits), "--output", str(folder / "phi.txt"),
               "--json", str(folder / "report.json"), "--force", *options]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    message = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{message}")
    wall = time.perf_counter() - start
    report = json.loads((folder / "report.json").read_text())
    seconds = report["seconds"]
    return {"report": report, "wall_s": wall, "elapsed_s": seconds["total"] - seconds["kernels_ready"],
            "peak_bytes": usage.ru_maxrss * 1024, "system_read_bytes": usage.ru_inblock * 512,
            "system_written_bytes": usage.ru_oublock * 512}


def fio(folder: str, how: str, quick: bool) -> float | None:
    """Bytes a second of direct requests of 1 MiB, four at a time from each of four threads; None where it fails."""
    size = 64 << 20 if quick else FIO_BYTES
    command = ["fio", "--name=bigconst", f"--filename={folder}/fio.data", f"--size={size}", f"--rw={how}", "--bs=1m",
               "--direct=1", "--ioengine=libaio", "--iodepth=4", "--numjobs=4", "--thread",
               f"--offset_increment={size // 4}", f"--io_size={size}", "--time_based",
               f"--runtime={1 if quick else FIO_S}", "--group_reporting", "--output-format=json"]
    # Buffers on huge pages, as ours are: with small ones fio is slower.
    environment = {**os.environ, "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        return None
    return float(json.loads(done.stdout)["jobs"][0][how]["bw_bytes"])


def disk_speed(folder: str, quick: bool) -> tuple[float | None, float | None, float]:
    """(bytes/s read, bytes/s written) by fio, or by bare system calls where it is not installed, and bytes/s written
    and made durable by the latter."""
    bare = bare_speed(folder, 64 << 20 if quick else FIO_BYTES)
    if shutil.which("fio") is None:
        return bare
    written = fio(folder, "write", quick)
    read = fio(folder, "read", quick)
    Path(folder, "fio.data").unlink(missing_ok=True)
    return read, written, bare[2]


def faster(a: float | None, b: float | None) -> float | None:
    """The larger of the known speeds; None where none is known."""
    return max((x for x in (a, b) if x is not None), default=None)


def measure(section, digits: int, arguments: argparse.Namespace, folder: Path) -> None:
    """Measure and add one row of the table."""
    lanes = arguments.swap or [str(folder / "swap")]
    for lane in lanes:
        Path(lane).mkdir(exist_ok=True)
    memory = None
    if not arguments.no_memory_run and 4.5 * digits + (1 << 29) < available_memory_bytes():
        (folder / "memory").mkdir()
        memory = run(digits, folder / "memory", [])
    before = disk_speed(lanes[0], arguments.quick)
    options = [part for lane in lanes for part in ("--swap", lane)]
    for name in ("memory", "workspace", "disk"):
        if getattr(arguments, name) is not None:
            options += [f"--{name}", str(getattr(arguments, name))]
    ours = run(digits, folder, options)
    after = disk_speed(lanes[0], arguments.quick)
    read, write, durable = map(faster, before, after)
    scratch = ours["report"]["scratch"]
    files = sum(file["bytes"] for file in ours["report"]["files"])
    bound = durable_bound = 0.0 if memory is None else memory["elapsed_s"]
    if read is not None and write is not None:
        bound = max(bound, scratch["read_bytes"] / read + scratch["written_bytes"] / write)
        durable_bound = max(durable_bound, scratch["read_bytes"] / read + (scratch["written_bytes"] + files) / durable)
    same = None
    if memory is not None:
        is_proved = subprocess.run([sys.executable, "-m", "bigconst", "verify", str(folder / "phi.txt")],
                                   capture_output=True).returncode == 0
        is_same = filecmp.cmp(folder / "phi.txt", folder / "memory" / "phi.txt", shallow=False)
        same = "yes" if is_same and is_proved else "NO"
        shutil.rmtree(folder / "memory")
    section.add(
        digits=digits, elapsed_s=ours["elapsed_s"], memory_s=memory and memory["elapsed_s"],
        fio_read=read and read / 1e9, fio_write=write and write / 1e9,
        durable=durable / 1e9, ratio=ours["elapsed_s"] / bound if bound else None,
        durable_ratio=ours["elapsed_s"] / durable_bound if durable_bound else None, peak_mib=ours["peak_bytes"] / 2**20,
        traffic=(scratch["read_bytes"] + scratch["written_bytes"]) / digits, scratch=scratch["peak_bytes"] / digits,
        io_read=ours["system_read_bytes"] / max(1, scratch["read_bytes"]),
        io_written=ours["system_written_bytes"] / max(1, scratch["written_bytes"] + files),
        plan=(scratch["planned_read_bytes"] + scratch["planned_written_bytes"])
        / max(1, scratch["read_bytes"] + scratch["written_bytes"]), same=same,
        stages=ours["report"]["stages"], report=ours["report"], options=options, files_bytes=files)


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--digits", action="append", type=parse_count, metavar="N", help="repeatable (default: 1e9)")
    parser.add_argument("--memory", type=parse_size, metavar="SIZE", help="bound on the process (default 512MiB)")
    parser.add_argument("--workspace", type=parse_size, metavar="SIZE", help="bound on the working arrays")
    parser.add_argument("--swap", action="append", metavar="DIR", help="repeatable (default: a temporary directory)")
    parser.add_argument("--disk", choices=("hdd", "ssd"), help="default: what the system says")
    parser.add_argument("--dir", help="for outputs, and scratch without --swap (default: a temporary directory)")
    parser.add_argument("--no-memory-run", action="store_true", help="do not compute it in memory, too")
    arguments = parser.parse_args()
    sizes = arguments.digits or [10**6 if arguments.quick else 10**9]
    if arguments.quick:
        arguments.workspace = arguments.workspace or 1 << 20
    else:
        arguments.memory = arguments.memory or 512 << 20
    report = Report("outofcore", arguments)
    if shutil.which("fio") is None:
        report.note("fio is not installed: bare system calls in its place")
    bound = format_bytes(arguments.memory) if arguments.memory else f"workspace {format_bytes(arguments.workspace)}"
    section = report.section("outofcore", f"phi on disk, {bound}; B/digit of scratch; GB/s by fio", [
        Column("digits", "digits", ",", 14), Column("elapsed_s", "elapsed s", ".2f"),
        Column("memory_s", "in memory s", ".2f"), Column("fio_read", "fio read", ".2f"),
        Column("fio_write", "write", ".2f"), Column("durable", "durable", ".2f"), Column("ratio", "of floor", ".2f"),
        Column("durable_ratio", "of durable", ".2f"), Column("peak_mib", "peak MiB", ".0f"),
        Column("traffic", "traffic", ".2f"), Column("scratch", "peak", ".3f"), Column("plan", "plan/run", ".4f"),
        Column("io_read", "system/read", ".4f"), Column("io_written", "/written", ".4f"),
        Column("same", "right")])
    for digits in sizes:
        with tempfile.TemporaryDirectory(prefix="bigconst-", dir=arguments.dir) as name:
            measure(section, digits, arguments, Path(name))
    report.close()


if __name__ == "__main__":
    main()
