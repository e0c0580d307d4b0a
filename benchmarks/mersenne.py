"""Squarings modulo 2^p - 1: milliseconds an iteration by length and threads, beside FFTW's transforms of that length.

    python benchmarks/mersenne.py [--largest 8192] [--threads 1 --threads 2] [--json FILE]

An iteration is a weighted transform forth and back, the square, rounding, carries and the subtraction, of an exponent
that fills the length; it is timed in batches of many iterations, as a test runs them.  GFLOP/s counts 5 N/2 log2(N/2)
operations for each of the two transforms of N reals, as is usual; the share of memory bandwidth counts the data four
times (two passes, read and written) and only where it does not fit the caches.  pyfftw does rfft and irfft of N doubles
without anything else, planned with FFTW_MEASURE: a yardstick, not a contestant.
"""

from math import log2

import numpy as np
from _common import Column, Report, add_threads, in_turns, make_parser, medians, optional, thread_counts

from bigconst.arithmetic.squarer import Squarer
from bigconst.dwtshape import DwtShape, dwt_shape, lengths

EXPONENTS = {"M110503": 110_503, "M756839": 756_839, "M57885161": 57_885_161, "p of the tables": 57_984_131}
BATCH_S = 0.2


def fftw(pyfftw, words: int, threads: int):
    """A real transform there and back."""
    data = pyfftw.empty_aligned(words, "float64")
    spectrum = pyfftw.empty_aligned(words // 2 + 1, "complex128")
    there = pyfftw.FFTW(data, spectrum, threads=threads, flags=("FFTW_MEASURE",))
    back = pyfftw.FFTW(spectrum, data, direction="FFTW_BACKWARD", threads=threads, flags=("FFTW_MEASURE",))
    data[:] = np.random.default_rng(1).random(words)

    def run() -> None:
        there()
        back()

    return run


def measure(section, pyfftw, shape: DwtShape, p: int, threads: int, runs: int, what: str = "") -> None:
    """One row."""
    with Squarer(p, shape, threads) as squarer:
        squarer.load(int.from_bytes(np.random.default_rng(p).bytes(p // 8), "little"))
        batch = max(4, round(BATCH_S / (shape.words * 1.2e-8)))
        errors = []
        contestants = {"squarer": lambda: errors.append(squarer.iterate(batch, 2))}
        if pyfftw is not None:
            contestants["fftw"] = fftw(pyfftw, shape.words, threads)
        times = in_turns(contestants, runs)
    middle = medians(times)
    iteration_s = middle["squarer"] / batch
    flops = 2 * 2.5 * shape.words * log2(shape.words / 2)
    section.add(what=what, length=str(shape), rows=f"{shape.height} x {8 * shape.width}", exponent=p, threads=threads,
                ms=1e3 * iteration_s, gflops=flops / iteration_s / 1e9,
                moved=4 * 8 * shape.words / iteration_s / 1e9 if shape.words > 1 << 20 else None,
                fftw_ms=1e3 * middle["fftw"] if "fftw" in middle else None, roundoff=max(errors),
                times_s={"squarer": [t / batch for t in times["squarer"]], "fftw": times.get("fftw", [])})


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--largest", type=int, default=8192, metavar="K", help="longest length in K (default 8192)")
    parser.add_argument("--runs", type=int, help="figures each (default 5)")
    add_threads(parser)
    arguments = parser.parse_args()
    runs = arguments.runs or (1 if arguments.quick else 5)
    report = Report("mersenne", arguments)
    pyfftw = optional("pyfftw", report)
    columns = [Column("length", "length", "", 6), Column("rows", "rows x columns", "", 14),
               Column("exponent", "exponent", ",d", 11), Column("threads", "threads", "d"),
               Column("ms", "ms/iteration", ".4f"), Column("gflops", "GFLOP/s", ".1f"),
               Column("moved", "GB/s of memory", ".1f"), Column("roundoff", "round-off", ".3f"),
               Column("fftw_ms", "FFTW ms", ".4f")]
    smallest, largest = (1, 2) if arguments.quick else (16, arguments.largest)
    section = report.section("lengths", "by length, exponents near the largest of each", columns)
    for shape in lengths():
        if smallest << 10 <= shape.words <= largest << 10 and (arguments.quick or shape.words & (shape.words - 1) == 0
                                                               or shape.words == 3 << 20):
            for threads in thread_counts(arguments):
                measure(section, pyfftw, shape, shape.max_exponent, threads, runs)
    section = report.section("exponents", "exponents that people know", [Column("what", "what", "", 16), *columns])
    for name, p in list(EXPONENTS.items())[:1 if arguments.quick else None]:
        for threads in thread_counts(arguments):
            measure(section, pyfftw, dwt_shape(p), p, threads, runs, name)
    report.close()


if __name__ == "__main__":
    main()
