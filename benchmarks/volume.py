"""The speed of the scratch volume, beside that of bare system calls, and of fio, on its files within the same minute.

    python benchmarks/volume.py [--swap DIR] [--size 1GiB] [--lanes N] [--runs 3] [--json FILE]

A volume of --size lies in a temporary directory below DIR, a lane in each of
its subdirectories (so all lanes share one disk here).  Patterns are those of a
transform that is larger than memory:

    sequential  blocks of 16 MiB in order
    rows        blocks of 1 MiB in order
    slab        blocks of 1 MiB at a stride of 16: the columns of a matrix
    packed      blocks of 136 KiB at a stride of 16

GB/s are bytes of the blocks; "both" reads one half of the volume while it
writes the other.  Checksums are not made, which kernels do on the way; "checked"
lets the threads of the lanes make and compare them.  "buffered" goes through the
page cache, as on file systems without O_DIRECT.

"bare" moves the same blocks between the same memory and files, in the same order
and number at a time, by threads as many as those of the lanes that call preadv
and pwritev and do nothing else.  "share" is the volume's speed by that.

fio reads and writes the very same files: libaio, direct=1, the same block size,
random order for the patterns with a stride, as many requests in flight as the
volume has threads.  Its buffers are in huge pages like the volume's; without
them a disk can be two times slower.  Buffered rows stand beside the same
figures, past the page cache.
"""

import json
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from _bare import Bare
from _common import Column, Report, make_parser, seconds

from bigconst.base.units import parse_size
from bigconst.bench.measuredisks import MEMORY_BYTES, STRIDE, STRIPE_BYTES, Sweep
from bigconst.runtime.arena import Arena
from bigconst.storage.lane import DATA_NAME, THREADS, Lane
from bigconst.storage.volume import BlockRequest, Volume

PATTERNS = {
    "sequential": (16 << 20, 1),
    "rows": (1 << 20, 1),
    "slab": (1 << 20, STRIDE),
    "packed": (136 << 10, STRIDE),
}
"""(bytes of a block, stride in blocks at which the blocks are visited) of each pattern"""

OPERATIONS = ("write", "read", "both")


def fio(paths: list[Path], note: Callable[[str], None], operation: str, block_bytes: int, stride: int,
        total_bytes: int) -> float | None:
    """Seconds of fio for `total_bytes` of the same files; a note where it fails, as on disks without O_DIRECT."""
    order = "rand" if stride > 1 else ""
    command = ["fio", "--output-format=json", "--direct=1", "--ioengine=libaio", f"--iodepth={THREADS}",
               f"--bs={block_bytes}", "--thread", "--fallocate=none", "--clocksource=gettimeofday"]
    for path in paths:
        half = path.stat().st_size // 2 // block_bytes * block_bytes
        whole = ("--offset=0", f"--size={2 * half}")
        parts = {"write": [(order + "write", *whole)], "read": [(order + "read", *whole)],
                 "both": [(order + "read", "--offset=0", f"--size={half}"),
                          (order + "write", f"--offset={half}", f"--size={half}")]}[operation]
        for rw, *part in parts:
            command += [f"--name={rw}-{path.parent.name}", f"--filename={path}", f"--rw={rw}", *part]
    environment = {**os.environ, "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        note(f"fio failed and is left out: {done.stderr.strip().partition(chr(10))[0]}")
        return None
    results = [job[kind] for job in json.loads(done.stdout)["jobs"] for kind in ("read", "write")]
    # fio gives milliseconds, and 0 for less than one.
    elapsed_s = max(1, *(result["runtime"] for result in results)) / 1000
    # fio moves only whole blocks of each file, some bytes less than we do.
    return elapsed_s * total_bytes / sum(result["io_bytes"] for result in results)


class Checked:
    """A volume that makes and compares checksums."""

    def __init__(self, volume: Volume, blocks: int):
        self._volume, self._sums = volume, np.zeros(blocks, np.uint64)

    def read(self, requests: list[BlockRequest]):
        """Volume.read."""
        return self._volume.read(requests, self._sums)

    def write(self, requests: list[BlockRequest]):
        """Volume.write."""
        return self._volume.write(requests, self._sums)

    @property
    def size_bytes(self) -> int:
        """Size of the volume."""
        return self._volume.size_bytes


def measure(contestants: dict[str, object], memory: np.ndarray, pattern: str, runs: int,
            peer: Callable[..., float | None] | None) -> tuple[int, dict[str, dict[str, list[float]]]]:
    """Measure in turns; return the bytes moved, and for each operation the seconds of each contestant."""
    block_bytes, stride = PATTERNS[pattern]
    sweeps = {name: Sweep(each, memory, block_bytes, stride) for name, each in contestants.items()}
    times: dict[str, dict[str, list[float]]] = {operation: {} for operation in OPERATIONS}
    total_bytes = sweeps["bigconst"].total_bytes
    for _ in range(runs):
        for operation, found in times.items():
            for name, sweep in sweeps.items():
                found.setdefault(name, []).append(seconds(partial(sweep.run, operation)))
            if peer and (elapsed := peer(operation, block_bytes, stride, total_bytes)) is not None:
                found.setdefault("fio", []).append(elapsed)
    return total_bytes, times


def row(total_bytes: int, times: dict[str, list[float]]) -> dict:
    """The figures of one line of the table."""
    rates = {name: total_bytes / statistics.median(found) / 1e9 for name, found in times.items()}
    return {"gb_per_s": rates["bigconst"], "share": rates["bigconst"] / rates["bare"], "times_s": times,
            **{f"{name}_gb_per_s": rate for name, rate in rates.items() if name != "bigconst"}}


def main() -> None:
    """Measure and report."""
    parser = make_parser(__doc__)
    parser.add_argument("--swap", metavar="DIR", help="where the volumes lie (default: where temporary files do)")
    parser.add_argument("--size", type=parse_size, default=1 << 30, help="bytes of a volume (default 1GiB)")
    parser.add_argument("--lanes", type=int, action="append", metavar="N",
                        help="lanes, repeatable (default: 1, 2 and 4)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each (default 3)")
    arguments = parser.parse_args()
    size_bytes, runs = (64 << 20, 1) if arguments.quick else (arguments.size, arguments.runs)
    lanes = arguments.lanes or ([2] if arguments.quick else [1, 2, 4])
    report = Report("volume", arguments)
    has_fio = shutil.which("fio") is not None
    if not has_fio:
        report.note("fio is not installed and left out")

    def note(line: str) -> None:
        """Add a note to the report, but not that lanes share a disk, which is intended here."""
        if "same disk" not in line:
            report.note(line)

    table = report.section("volume", f"volume of {size_bytes >> 20} MiB, median of {runs}", [
        Column("pattern", "pattern", width=10), Column("lanes", "lanes"), Column("mode", "mode", width=8),
        Column("operation", "operation"), Column("gb_per_s", "GB/s", ".2f", 6),
        Column("bare_gb_per_s", "bare", ".2f", 6), Column("share", "share", ".0%"),
        Column("checked_gb_per_s", "checked", ".2f", 7), Column("fio_gb_per_s", "fio", ".2f", 6)])
    memory = Arena(MEMORY_BYTES).take(MEMORY_BYTES, np.uint8)
    memory[:] = np.frombuffer(os.urandom(1 << 20) * (MEMORY_BYTES >> 20), np.uint8)
    for count, direct in [*((count, True) for count in lanes), (lanes[0], False)]:
        with tempfile.TemporaryDirectory(dir=arguments.swap) as folder:
            directories = [Path(folder, str(i)) for i in range(count)]
            for directory in directories:
                directory.mkdir()
            paths = [directory / DATA_NAME for directory in directories]
            peer = partial(fio, paths, report.note) if direct and has_fio else None
            with Volume(directories, size_bytes, STRIPE_BYTES, note, partial(Lane, direct=direct)) as volume:
                bare = Bare(volume, paths, direct)
                for pattern, (block_bytes, _) in PATTERNS.items():
                    contestants = {"bigconst": volume, "bare": bare,
                                   "checked": Checked(volume, size_bytes // block_bytes)}
                    total_bytes, times = measure(contestants, memory, pattern, runs, peer)
                    for operation, found in times.items():
                        table.add(pattern=pattern, lanes=count, mode="direct" if direct else "buffered",
                                  operation=operation, **row(total_bytes, found))
                bare.close()
    report.close()


if __name__ == "__main__":
    main()
