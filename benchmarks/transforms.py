"""Complex transforms in GFLOP/s, a transform of N points counted as 5 N lg N operations, beside FFT libraries.

    python benchmarks/transforms.py [--log 10 26] [--odd 3 5 7] [--threads N] [--runs 5] [--json FILE]

What is counted:

rows (one core, in cache)
    `kernels.rows` on whole rows that fit the second-level cache together, called
    again and again on the same data.  "forward" is one transform of each row,
    5 P lg P operations for its P = 8*width points; "square" is forward,
    pointwise square and inverse in one pass, two transforms.  The square itself,
    the scaling and the making of twiddles are work that is not counted.

whole (memory to memory)
    `Transform.forward`, `square`, `inverse`: 2N words of radix 10^5 become N
    complex points (right-angle transform), are transformed, squared, transformed
    back, rounded, carried, and are words again.  Two transforms of N points are
    counted, 10 N lg N; balancing and folding the words, the square, rounding,
    the measured round-off and the carries are done in the same time and not
    counted.  The passes are also timed one by one: ns a point, and GB/s of the
    bytes that each has to move (words 8N, points 16N: columns forward 8 + 16,
    rows 16 + 16, columns inverse 16 + 8 bytes a point), beside the bandwidth of
    a copy past the caches measured in the same run.

peers (memory to memory)
    Forward and inverse complex transform of N points in double precision, also
    10 N lg N: numpy.fft and scipy.fft (ifft(fft(x)), scipy with overwrite_x),
    FFTW through pyfftw with planned, aligned arrays, in place or out of place,
    whichever a trial finds faster.  FFTW plans by FFTW_MEASURE, --plan-seconds
    for each plan at most (then it settles for what it knows: "cut"); planning is
    not timed.  No conversion of words, no square and no rounding are in their
    times.  numpy has no threads, and scipy uses its workers only for several
    transforms at a time: with 2 threads numpy is left out, and scipy is asked
    for two and takes one.

Only N that are 512 * odd * 2^k have a transform of exactly N points here; others are skipped.
"""

import math
import statistics
import time

import numpy as np
from _common import Column, Report, add_threads, in_turns, make_parser, medians, optional, seconds, thread_counts
from memory import copy_gb_per_s

from bigconst.arithmetic import tables
from bigconst.arithmetic.memory.transform import Transform
from bigconst.kernels.rows import FORWARD, SQUARE, rows, scratch_doubles
from bigconst.plans.shape import Shape, shape_for
from bigconst.runtime.arena import ALIGN_BYTES, Arena
from bigconst.runtime.threads import Pool

RADIX = 10**5
CACHE_BYTES = 512 << 10
REPEATS = 6
"""calls on one filling of the rows, so few that repeated squares stay within the range of doubles"""
PASS_BYTES = {"columns": 24, "rows": 32, "inverse": 24}
"""bytes per point that each pass reads and writes"""


def operations(points: int) -> float:
    """Operations of one complex transform, by convention."""
    return 5 * points * math.log2(points)


def aligned(count: int, dtype=np.float64) -> np.ndarray:
    """An array in huge pages."""
    return Arena(count * np.dtype(dtype).itemsize + ALIGN_BYTES).take(count, dtype)


# --- rows in cache ---------------------------------------------------------------------

def row_gflops(shape: Shape, mode: int, runs: int) -> list[float]:
    """GFLOP/s of every run for rows of this shape's width."""
    points = 8 * shape.width
    count = max(1, CACHE_BYTES // (8 * shape.stride))
    base, leaf_re, leaf_im = tables.row_base(shape.row_radices)
    angles = tables.child_numerators(shape.column_radices, *tables.ROOT)
    twiddles = np.tile(tables.row_twiddles(*angles, shape.row_radices), -(-count // shape.height))
    radices = np.array(shape.row_radices, dtype=np.int64)
    data, scratch = aligned(count * shape.stride), aligned(scratch_doubles(radices))
    fresh = np.random.default_rng(1).normal(0, 1 / math.sqrt(2 * points), len(data))

    def call() -> None:
        rows(data, 0, count, shape.stride, shape.width, radices, base, twiddles, leaf_re, leaf_im, 1 / points, mode,
             data, scratch)

    work = operations(points) * count * (2 if mode == SQUARE else 1)
    out = []
    for _ in range(runs):
        times = []
        for _ in range(max(3, round(2e7 / work))):
            data[:] = fresh
            call()
            times.append(seconds(call, REPEATS - 1))
        out.append(work / statistics.median(times) / 1e9)
    return out


def report_rows(report: Report, lengths: list[int], runs: int) -> None:
    """Print one line for each row length that the transforms of `lengths` points use."""
    section = report.section("rows", "rows in cache, one core, GFLOP/s",
                             [Column("points", "points", ",d", 9), Column("radices", "radices", width=12),
                              Column("forward", "forward", ".1f"), Column("square", "square", ".1f", 8)])
    shapes = {shape.width: shape for shape in map(shape_for, (2 * n for n in lengths))}
    for width, shape in sorted(shapes.items()):
        figures = {"forward": row_gflops(shape, FORWARD, runs), "square": row_gflops(shape, SQUARE, runs)}
        section.add(points=8 * width, radices="*".join(map(str, shape.row_radices + (8, 8))), **medians(figures),
                    runs=figures)


# --- whole transforms -----------------------------------------------------------------

class Ours:
    """Our transform: words -> spectrum -> square -> words, with the time of each pass."""

    def __init__(self, points: int, pool: Pool):
        self._transform = Transform(shape_for(2 * points), pool)
        shape = self._transform.shape
        self._data, self._out = aligned(shape.data_bytes // 8), aligned(shape.words, np.int32)
        self._words = np.random.default_rng(points).integers(0, RADIX, shape.words, dtype=np.int32)
        self.roundoff = 0.0
        self.passes: dict[str, list[float]] = {name: [] for name in PASS_BYTES}

    def __call__(self) -> None:
        transform, data = self._transform, self._data
        self.passes["columns"].append(seconds(lambda: transform.forward(self._words, RADIX, data)))
        self.passes["rows"].append(seconds(lambda: transform.square(data)))
        self.passes["inverse"].append(seconds(self._inverse))

    def _inverse(self) -> None:
        _, self.roundoff, _ = self._transform.inverse(self._data, self._out, RADIX)


def fftw_pair(pyfftw, points: int, threads: int, plan_seconds: float):
    """The faster of FFTW's forward + inverse in place and out of place, and how it was planned."""
    options = {"flags": ("FFTW_MEASURE",), "threads": threads, "planning_timelimit": plan_seconds}
    trials, plans = {}, {}
    for name in ("in place", "out of place"):
        a = pyfftw.empty_aligned(points, dtype="complex128")
        b = a if name == "in place" else pyfftw.empty_aligned(points, dtype="complex128")
        start = time.perf_counter()
        forward = pyfftw.FFTW(a, b, direction="FFTW_FORWARD", **options)
        backward = pyfftw.FFTW(b, a, direction="FFTW_BACKWARD", **options)
        plans[name] = f"{name}, cut" if time.perf_counter() - start > plan_seconds else name
        a[:] = _signal(points)       # planning has overwritten it
        # execute() is FFTW alone: no copies, no scaling.  Repeated, the values may overflow, which takes no longer.
        trials[name] = lambda f=forward, g=backward: (f.execute(), g.execute())
        trials[name]()
    best = min(trials, key=lambda name: seconds(trials[name]))
    return trials[best], plans[best]


def _signal(points: int) -> np.ndarray:
    rng = np.random.default_rng(points)
    return rng.standard_normal(points) + 1j * rng.standard_normal(points)


def peers(report: Report, points: int, threads: int, plan_seconds: float) -> tuple[dict, str | None]:
    """Forward + inverse of `points` by each library that is there, and how FFTW was planned."""
    out, plan = {}, None
    scipy_fft, pyfftw = optional("scipy.fft", report), optional("pyfftw", report)
    if threads == 1:
        x = _signal(points)
        out["numpy"] = lambda: np.fft.ifft(np.fft.fft(x))
    if scipy_fft:
        y = _signal(points)
        out["scipy"] = lambda: scipy_fft.ifft(scipy_fft.fft(y, workers=threads), workers=threads, overwrite_x=True)
    if pyfftw:
        out["fftw"], plan = fftw_pair(pyfftw, points, threads, plan_seconds)
    return out, plan


def report_whole(report: Report, lengths: list[int], threads: int, runs: int, least_s: float, plan_seconds: float,
                 copy_bytes: int) -> None:
    """Print two tables for one number of threads: GFLOP/s beside the peers, and our passes."""
    memory = copy_gb_per_s(copy_bytes, threads)
    ratio = [Column(f"ratio_{name}", f"/{name}", ".2f", 6) for name in ("numpy", "scipy", "fftw")]
    whole = report.section("whole", f"whole transforms, {threads} thread(s), GFLOP/s, median of {runs}",
                           [Column("points", "points", ",d", 10), Column("bigconst", "bigconst", ".1f"),
                            *(Column(name, name, ".1f", 6) for name in ("numpy", "scipy", "fftw")), *ratio,
                            Column("roundoff", "round-off", ".3f"), Column("fftw_plan", "FFTW plan", width=22)])
    timed = []
    with Pool(threads) as pool:
        for points in lengths:
            if shape_for(2 * points).words != 2 * points:
                report.note(f"no transform of exactly {points} points, skipped")
                continue
            ours = Ours(points, pool)
            others, plan = peers(report, points, threads, plan_seconds)
            times = in_turns({"bigconst": ours, **others}, runs, least_s)
            middle = medians(times)
            work = 2 * operations(points)
            whole.add(points=points, threads=threads, roundoff=ours.roundoff, fftw_plan=plan, times_s=times,
                      **{name: work / value / 1e9 for name, value in middle.items()},
                      **{f"ratio_{name}": middle[name] / middle["bigconst"] for name in others})
            timed.append((points, ours.passes))
            del ours, others
    columns = [Column("points", "points", ",d", 10)]
    for name in PASS_BYTES:
        columns += [Column(f"{name}_ns", f"{name} ns", ".3f"), Column(f"{name}_gb_per_s", "GB/s", ".1f", 6),
                    Column(f"{name}_share", "of copy", ".0%")]
    passes = report.section("passes", f"our passes, {threads} thread(s), ns a point; copy past the caches: "
                                      f"{memory:.1f} GB/s", columns)
    for points, figures in timed:
        row = {}
        for name, times in figures.items():
            ns = statistics.median(times) / points * 1e9
            rate = PASS_BYTES[name] / ns
            row |= {f"{name}_ns": ns, f"{name}_gb_per_s": rate, f"{name}_share": rate / memory}
        passes.add(points=points, threads=threads, copy_gb_per_s=memory, **row)


def main() -> None:
    """Measure and report."""
    parser = make_parser(__doc__)
    add_threads(parser)
    parser.add_argument("--log", type=int, nargs=2, default=(10, 26), metavar=("LOW", "HIGH"),
                        help="N = 2^LOW .. 2^HIGH (default 10 26)")
    parser.add_argument("--odd", type=int, nargs="*", default=(3, 5, 7),
                        help="also odd*2^k, two lengths each: near 2^17 and near 2^24 (default 3 5 7)")
    parser.add_argument("--runs", type=int, default=5, help="turns (default 5)")
    parser.add_argument("--plan-seconds", type=float, default=10, metavar="S",
                        help="most time for one of FFTW's plans (default 10)")
    arguments = parser.parse_args()
    low, high, runs, least_s, copy_bytes = *arguments.log, arguments.runs, 0.02, 1 << 30
    plan_seconds = arguments.plan_seconds
    if arguments.quick:
        low, high, runs, least_s, copy_bytes, plan_seconds = 10, 12, 2, 0.001, 1 << 24, 0.01
    lengths = [1 << k for k in range(low, high + 1)]
    for odd in arguments.odd:
        below = odd.bit_length()
        lengths += [odd << (k - below) for k in (17, 24) if low <= k <= high]
        lengths += [odd << 9] if arguments.quick else []
    lengths.sort()
    report = Report("transforms", arguments)
    report_rows(report, lengths, runs)
    for threads in thread_counts(arguments):
        report_whole(report, lengths, threads, runs, least_s, plan_seconds, copy_bytes)
    report.close()


if __name__ == "__main__":
    main()
