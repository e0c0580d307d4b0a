"""Memory: the bandwidth of plain streams, and the cost of fresh pages.

    python benchmarks/memory.py [--size 1GiB] [--threads N] [--runs 7] [--json FILE]

Bandwidth is measured on arrays in huge pages, all touched before, each far
larger than any cache.  Counted are the bytes that the program reads and writes:

    read       one array read
    write      one array written through the caches (the hardware also reads the
               lines before it writes them; that is not counted)
    write-nt   one array written past the caches
    copy       one array read, one written through the caches: twice its size
    copy-nt    the same past the caches, as the transforms write their rows

First touch is the first write to fresh anonymous memory, one store a page of
4 KiB, so that what is timed is the operating system that finds and clears
pages: with 4 KiB pages and with huge pages (madvise).  GB/s of memory that
becomes usable.  `huge` is the share of it that really came as huge pages.
"""

import mmap
import statistics

import numpy as np
from _common import Column, Report, add_threads, in_turns, make_parser, seconds, thread_counts

from bigconst.base.units import parse_size
from bigconst.kernels.access import load_z, store_z, store_z_nt
from bigconst.kernels.jit import kernel
from bigconst.kernels.vector import imag, lane, make_z, real, splat
from bigconst.runtime.arena import Arena
from bigconst.runtime.threads import Pool, split

PAGE_BYTES = 4096
TASKS = 32
UNIT = 64
"""doubles, of which every piece of an array has a multiple"""


@kernel("f8(f8[::1], i8, i8)")
def _read(x, start, stop):
    """Sum of x[start:stop] in eight independent chains."""
    a = b = c = d = make_z(splat(0.0), splat(0.0))
    for i in range(start, stop, 64):
        a, b = a + load_z(x, i), b + load_z(x, i + 16)
        c, d = c + load_z(x, i + 32), d + load_z(x, i + 48)
    total = (a + b) + (c + d)
    return lane(real(total) + imag(total), 0)


@kernel("void(f8[::1], i8, i8)")
def _write(x, start, stop):
    value = make_z(splat(1.0), splat(2.0))
    for i in range(start, stop, 16):
        store_z(x, i, value)


@kernel("void(f8[::1], i8, i8)")
def _write_nt(x, start, stop):
    value = make_z(splat(1.0), splat(2.0))
    for i in range(start, stop, 16):
        store_z_nt(x, i, value)


@kernel("void(f8[::1], f8[::1], i8, i8)")
def _copy(x, y, start, stop):
    for i in range(start, stop, 16):
        store_z(y, i, load_z(x, i))


@kernel("void(f8[::1], f8[::1], i8, i8)")
def _copy_nt(x, y, start, stop):
    for i in range(start, stop, 16):
        store_z_nt(y, i, load_z(x, i))


@kernel("void(u1[::1], i8, i8)")
def _touch(x, start, stop):
    for i in range(start, stop, PAGE_BYTES):
        x[i] = 1


def bandwidth(size_bytes: int, threads: int, runs: int) -> dict[str, tuple[int, list[float]]]:
    """For each stream the bytes counted and the seconds of every run."""
    count = size_bytes // 8 // UNIT * UNIT
    arena = Arena(2 * size_bytes)
    x, y = arena.take(count), arena.take(count)
    x[:], y[:] = 1.0, 2.0
    pieces = split(count, TASKS, UNIT)
    with Pool(threads) as pool:
        functions = {
            "read": lambda: pool.run(lambda a, b: _read(x, a, b), pieces),
            "write": lambda: pool.run(lambda a, b: _write(x, a, b), pieces),
            "write-nt": lambda: pool.run(lambda a, b: _write_nt(x, a, b), pieces),
            "copy": lambda: pool.run(lambda a, b: _copy(x, y, a, b), pieces),
            "copy-nt": lambda: pool.run(lambda a, b: _copy_nt(x, y, a, b), pieces),
        }
        times = in_turns(functions, runs)
        _forget(pool)
    return {name: (8 * count * (2 if name.startswith("copy") else 1), values) for name, values in times.items()}


def copy_gb_per_s(size_bytes: int, threads: int, runs: int = 5) -> float:
    """Bytes read and written by a copy past the caches, in GB/s: what a pass over memory can reach."""
    counted, times = bandwidth(size_bytes, threads, runs)["copy-nt"]
    return counted / statistics.median(times) / 1e9


def _huge_bytes() -> int:
    """Memory of this process in huge pages."""
    with open("/proc/self/smaps_rollup") as file:
        for line in file:
            if line.startswith("AnonHugePages:"):
                return int(line.split()[1]) * 1024
    return 0


def _forget(pool: Pool) -> None:
    """Make the workers forget their last task, through which its memory would stay mapped."""
    pool.run(lambda i: None, [(i,) for i in range(pool.threads)])


def first_touch(size_bytes: int, pool: Pool, advice: int) -> tuple[float, float]:
    """Seconds to touch fresh memory, and the share of it in huge pages."""
    _forget(pool)
    before = _huge_bytes()
    block = mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    block.madvise(advice)
    view = np.frombuffer(block, dtype=np.uint8)
    elapsed = seconds(lambda: pool.run(lambda a, b: _touch(view, a, b), split(size_bytes, TASKS, 1 << 21)))
    return elapsed, (_huge_bytes() - before) / size_bytes


def main() -> None:
    """Measure and report."""
    parser = make_parser(__doc__)
    add_threads(parser)
    parser.add_argument("--size", type=parse_size, default=1 << 30, help="bytes of an array (default 1GiB)")
    parser.add_argument("--runs", type=int, default=7, help="runs of each (default 7)")
    arguments = parser.parse_args()
    size_bytes, runs = (16 << 20, 2) if arguments.quick else (arguments.size, arguments.runs)
    report = Report("memory", arguments)

    streams = report.section("bandwidth", f"bandwidth, arrays of {size_bytes >> 20} MiB, median of {runs}",
                             [Column("stream", "stream", width=10), Column("threads", "threads"),
                              Column("gb_per_s", "GB/s", ".2f", 7), Column("best_gb_per_s", "best", ".2f", 7)])
    for threads in thread_counts(arguments):
        for name, (counted, times) in bandwidth(size_bytes, threads, runs).items():
            streams.add(stream=name, threads=threads, gb_per_s=counted / statistics.median(times) / 1e9,
                        best_gb_per_s=counted / min(times) / 1e9, bytes=counted, times_s=times)

    touches = report.section("first_touch", f"first touch of {size_bytes >> 20} MiB, median of {runs}",
                             [Column("pages", "pages", width=10), Column("threads", "threads"),
                              Column("gb_per_s", "GB/s", ".2f", 7), Column("best_gb_per_s", "best", ".2f", 7),
                              Column("huge_share", "huge", ".0%")])
    for threads in thread_counts(arguments):
        with Pool(threads) as pool:
            for name, advice in (("4 KiB", mmap.MADV_NOHUGEPAGE), ("huge", mmap.MADV_HUGEPAGE)):
                times, shares = zip(*(first_touch(size_bytes, pool, advice) for _ in range(runs)), strict=True)
                touches.add(pages=name, threads=threads, gb_per_s=size_bytes / statistics.median(times) / 1e9,
                            best_gb_per_s=size_bytes / min(times) / 1e9, huge_share=statistics.median(shares),
                            times_s=times)
    report.close()


if __name__ == "__main__":
    main()
