"""Squarings modulo 2^p - 1: milliseconds an iteration by length and threads, beside FFTW's transforms or Mlucas.

    python benchmarks/mersenne.py [--largest 8192] [--threads 1 --threads 2] [--peer MLUCAS] [--json FILE]
    python benchmarks/mersenne.py --calibrate 10000 [--largest 8192] [--threads 2]
    python benchmarks/mersenne.py --choose [--smallest 64] [--largest 2048] [--threads 1]
    python benchmarks/mersenne.py --scaling | --proofs

An iteration is a weighted transform forth and back, the square, rounding, carries and the subtraction, of an exponent
that fills the length; it is timed in batches of many iterations, as a test runs them.  GFLOP/s counts 5 N/2 log2(N/2)
operations for each of the two transforms of N reals, as is usual.  Memory traffic counts the data four times (two
passes, read and written), only where the last-level cache does not hold it, and its share is that of what a copy past
the caches moves on as many threads, measured first.

pyfftw does rfft and irfft of N doubles without anything else, planned with FFTW_MEASURE: a yardstick, not a contestant.
--peer is the path of the program Mlucas, which does the same squarings of the same exponent at the same length, in
turns with ours; a dash is where it does not.

--calibrate N times nothing: at several lengths it does N squarings of random residues of the largest exponent, a new
residue after every thousand, and shows round-off errors.  They shall stay near 0.35 in a thousand squarings, and below
0.40625 in a test.

--choose times all lengths that might be offered, one after the other in several rounds, and says for each whether a
longer one is faster.  Those for which none is should be offered (ODD_PARTS in bigconst.plans.dwtshape), so that no
exponent takes longer than it has to.

--scaling times the work of one of 1, 2, 4 ... 64 threads alone, the one with the most, which shows what cannot be
shared out evenly.  The bandwidth of memory and barriers are left out.

--proofs times squarings and the products of which proofs are made, and says what follows for making and checking one.
"""

import os
from contextlib import ExitStack
from functools import partial
from math import log2

import _calibration
import _proofs
import numpy as np
from _common import Column, Report, Section, add_threads, in_turns, make_parser, medians, optional, thread_counts
from _mlucas import Mlucas
from _scaling import Share
from gmpy2 import is_prime
from memory import copy_gb_per_s

from bigconst.arithmetic.memory.squarer import Squarer
from bigconst.base.hardware import caches
from bigconst.base.units import parse_count
from bigconst.plans.dwtshape import DwtShape, dwt_shape, lengths, shape_of

EXPONENTS = {"M110503": 110_503, "M756839": 756_839, "M57885161": 57_885_161, "p of the tables": 57_984_131}
BATCH_S, QUICK_BATCH_S = 0.2, 0.002
COPY_BYTES, QUICK_COPY_BYTES = 256 << 20, 16 << 20
CANDIDATES = (1, 3, 5, 7, 9, 15, 21, 25, 27, 35)
"""odd parts that --choose looks at"""
CACHE_BYTES = 32 << 20
"""assumed size of the last-level cache where the system does not tell it"""


def fftw(pyfftw, words: int, threads: int):
    """A function that does a real transform of `words` doubles and its inverse."""
    data = pyfftw.empty_aligned(words, "float64")
    spectrum = pyfftw.empty_aligned(words // 2 + 1, "complex128")
    there = pyfftw.FFTW(data, spectrum, threads=threads, flags=("FFTW_MEASURE",))
    back = pyfftw.FFTW(spectrum, data, direction="FFTW_BACKWARD", threads=threads, flags=("FFTW_MEASURE",))
    data[:] = np.random.default_rng(1).random(words)

    def run() -> None:
        there()
        back()

    return run


def largest_prime(shape: DwtShape) -> int:
    """The largest exponent of a test that the length holds."""
    return next(p for p in range(shape.max_exponent, 1, -1) if is_prime(p))


def cache_bytes(report: Report) -> int:
    """The size of the last-level cache in bytes."""
    if not (found := caches()):
        report.note(f"the system does not tell its caches; {CACHE_BYTES >> 20} MiB are taken for the last level")
        return CACHE_BYTES
    return found[max(found)]


class Race:
    """The contestants that are measured in turns: the squarer, FFTW and the peer."""

    def __init__(self, arguments, report: Report, runs: int):
        self._runs, self._cache_bytes = runs, cache_bytes(report)
        self._batch_s = QUICK_BATCH_S if arguments.quick else BATCH_S
        self._peer = Mlucas(arguments.peer) if arguments.peer else None
        self._pyfftw = None if arguments.peer else optional("pyfftw", report)
        self._copy = self._copies(arguments, report)
        self.columns = [Column("length", "length", "", 6), Column("rows", "rows x columns", "", 14),
                        Column("exponent", "exponent", ",d", 11), Column("threads", "threads", "d"),
                        Column("ms", "ms/iteration", ".4f"), Column("gflops", "GFLOP/s", ".1f"),
                        Column("moved", "GB/s of memory", ".1f"), Column("share", "share", ".0%"),
                        Column("roundoff", "round-off", ".3f"),
                        Column("peer_ms", "Mlucas ms", ".4f") if self._peer else Column("fftw_ms", "FFTW ms", ".4f")]

    @staticmethod
    def _copies(arguments, report: Report) -> dict[int, float]:
        """Measure the GB/s of memory that copies move, by number of threads."""
        size_bytes = QUICK_COPY_BYTES if arguments.quick else COPY_BYTES
        section = report.section("bandwidth", f"copies of {size_bytes >> 20} MiB past the caches", [
            Column("threads", "threads", "d"), Column("gb_per_s", "GB/s", ".1f")])
        found = {}
        for threads in thread_counts(arguments):
            found[threads] = copy_gb_per_s(size_bytes, threads)
            section.add(threads=threads, gb_per_s=found[threads])
        return found

    def measure(self, section: Section, shape: DwtShape, p: int, threads: int, what: str = "") -> None:
        """Measure and add one row."""
        with Squarer(p, shape, threads) as squarer:
            squarer.load(int.from_bytes(np.random.default_rng(p).bytes(p // 8), "little"))
            batch = max(4, round(self._batch_s / (shape.words * 1.2e-8)))
            errors = []
            contestants = {"squarer": lambda: errors.append(squarer.iterate(batch, 2))}
            if self._pyfftw is not None:
                contestants["fftw"] = fftw(self._pyfftw, shape.words, threads)
            peer = self._peer and self._peer.contestant(shape.words, p, threads)
            if peer:
                contestants["peer"] = peer
            times = in_turns(contestants, self._runs)
        times["squarer"] = [t / batch for t in times["squarer"]]
        if peer:
            times["peer"] = peer.times_s[-self._runs:]      # by its own clock, without its start
        middle = medians({name: values for name, values in times.items() if values})
        flops = 2 * 2.5 * shape.words * log2(shape.words / 2)
        is_large = 8 * shape.stride * shape.rows > self._cache_bytes
        moved = 4 * 8 * shape.words / middle["squarer"] / 1e9 if is_large else None
        section.add(what=what, length=str(shape), rows=f"{shape.height} x {8 * shape.width}", exponent=p,
                    threads=threads, ms=1e3 * middle["squarer"], gflops=flops / middle["squarer"] / 1e9, moved=moved,
                    share=moved and moved / self._copy[threads], roundoff=max(errors),
                    fftw_ms=1e3 * middle["fftw"] if "fftw" in middle else None,
                    peer_ms=1e3 * middle["peer"] if "peer" in middle else None,
                    peer_radices=peer.radices if peer else None, times_s=times)


def race(arguments, report: Report) -> None:
    """Measure times by length, and times of well-known exponents."""
    runner = Race(arguments, report, arguments.runs or (1 if arguments.quick else 5))
    section = report.section("lengths", "by length, the largest prime exponent of each", runner.columns)
    smallest, largest = (1, 2) if arguments.quick else (16, arguments.largest)
    for shape in lengths():
        if smallest << 10 <= shape.words <= largest << 10 and (arguments.quick or shape.words & (shape.words - 1) == 0
                                                               or shape.words == 3 << 20):
            for threads in thread_counts(arguments):
                runner.measure(section, shape, largest_prime(shape), threads)
    section = report.section("exponents", "exponents that people know", [Column("what", "what", "", 16),
                                                                         *runner.columns])
    for name, p in list(EXPONENTS.items())[:1 if arguments.quick else None]:
        for threads in thread_counts(arguments):
            runner.measure(section, dwt_shape(p), p, threads, name)


def calibrate(arguments, report: Report) -> None:
    """Measure errors by length: powers of four, the length of the tables, and one length of each odd factor."""
    section = report.section("calibration", f"round-off of {arguments.calibrate} squarings", [
        Column("length", "length", "", 6), Column("exponent", "exponent", ",d", 11),
        Column("bits", "bits a word", ".3f"), Column("batches", "starts", "d"),
        Column("least", f"of {_calibration.BATCH}: least", ".4f"),
        Column("median", "median", ".4f"), Column("largest", "largest", ".4f"),
        Column("test", "of a test, expected", ".4f")])
    logs = {1: range(10, 24, 2), 3: (14, 20), 5: (15,), 7: (15,), 9: (15,), 15: (18,), 21: (15,), 25: (17,)}
    wanted = {odd << log for odd in logs for log in logs[odd]}
    most = (2 if arguments.quick else arguments.largest) << 10
    for shape in lengths():
        if shape.words in wanted and shape.words <= most:
            p = largest_prime(shape)
            found = _calibration.measure(shape, p, max(thread_counts(arguments)), arguments.calibrate)
            section.add(length=str(shape), exponent=p, bits=p / shape.words, batches=len(found.largest),
                        least=min(found.largest), median=float(np.median(found.largest)), largest=max(found.largest),
                        test=found.of_a_test, errors=found.largest)


def choose(arguments, report: Report) -> None:
    """Time all lengths that might be offered, with one number of threads."""
    threads = thread_counts(arguments)[0]
    least, most = (1, 2) if arguments.quick else (arguments.smallest, arguments.largest)
    shapes = sorted((shape_of(odd, log) for odd in CANDIDATES for log in range(9, 30)
                     if least << 10 <= odd << log <= most << 10), key=lambda shape: shape.words)
    with ExitStack() as stack:
        contestants, batches = {}, {}
        for shape in shapes:
            squarer = stack.enter_context(Squarer(shape.max_exponent, shape, threads))
            squarer.load(int.from_bytes(np.random.default_rng(shape.words).bytes(shape.max_exponent // 8), "little"))
            batches[shape] = max(6, round((QUICK_BATCH_S if arguments.quick else BATCH_S) / (shape.words * 5e-9)))
            contestants[shape] = partial(squarer.iterate, batches[shape], 2)
        times = in_turns(contestants, arguments.runs or (1 if arguments.quick else 5))
    ms = {shape: 1e3 * middle / batches[shape] for shape, middle in medians(times).items()}
    section = report.section("lengths", f"which lengths to offer, threads: {threads}", [
        Column("length", "length", "", 8), Column("odd", "odd part", "d"), Column("rows", "rows x columns", "", 14),
        Column("ms", "ms/iteration", ".4f"), Column("word", "ns/word", ".3f"), Column("better", "faster one", "", 10),
        Column("ratio", "its ratio", ".3f"), Column("offered", "offered", "", 7)])
    for i, shape in enumerate(shapes):
        best = min(shapes[i:], key=ms.__getitem__)
        section.add(length=str(shape), odd=shape.words // (shape.words & -shape.words),
                    rows=f"{shape.height} x {8 * shape.width}", ms=ms[shape], word=1e6 * ms[shape] / shape.words,
                    better="" if best is shape else str(best), ratio=None if best is shape else ms[best] / ms[shape],
                    offered="yes" if shape in lengths() else "no")


def scaling(arguments, report: Report) -> None:
    """Time what one of many threads does."""
    section = report.section("scaling", "the work of one thread", [
        Column("what", "what", "", 16), Column("length", "length", "", 6), Column("threads", "threads", "d"),
        Column("rows", "rows ms", ".4f"), Column("columns", "columns", ".4f"), Column("enter", "carries in", ".4f"),
        Column("all", "in all", ".4f"), Column("speedup", "speed-up", ".2f"), Column("efficiency", "of best", ".0%")])
    for name, p in list(EXPONENTS.items())[:1 if arguments.quick else None]:
        shape = dwt_shape(p)
        share, alone = Share(p, shape), 0.0
        for threads in (1, 2, 4, 8, 16, 32, 64):
            if threads <= shape.width // shape.block:
                found = share.of(threads)
                seconds = sum(found.values())
                alone = alone or seconds
                section.add(what=name, length=str(shape), threads=threads, all=1e3 * seconds, speedup=alone / seconds,
                            efficiency=alone / seconds / threads, **{k: 1e3 * v for k, v in found.items()})


def proofs(arguments, report: Report) -> None:
    """Measure what proofs cost."""
    section = report.section("proofs", "proofs, estimated from squarings and products", [
        Column("exponent", "exponent", ",d", 11), Column("threads", "threads", "d"), Column("power", "power", "d"),
        Column("square", "squaring ms", ".3f"), Column("product", "x^h y ms", ".1f"),
        Column("making", "making s", ".1f"), Column("making_share", "of the test", ".3%"),
        Column("checking", "checking s", ".1f"), Column("checking_share", "of the test", ".3%"),
        Column("disk_gb", "kept GB", ".3f")])
    for p in list(EXPONENTS.values())[:1 if arguments.quick else None]:
        for threads in thread_counts(arguments):
            section.add(exponent=p, threads=threads,
                        **_proofs.measure(p, threads, arguments.runs or (1 if arguments.quick else 5)))


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--largest", type=int, default=8192, metavar="K", help="longest length in K (default 8192)")
    parser.add_argument("--runs", type=int, help="figures each (default 5)")
    parser.add_argument("--peer", metavar="PATH", help="the program Mlucas, in place of pyfftw")
    parser.add_argument("--smallest", type=int, default=64, metavar="K", help="shortest one of --choose (default 64)")
    parser.add_argument("--choose", action="store_true", help="measure which lengths to offer")
    parser.add_argument("--scaling", action="store_true", help="measure how work is shared out among many threads")
    parser.add_argument("--proofs", action="store_true", help="measure what proofs of PRP tests cost")
    parser.add_argument("--calibrate", type=parse_count, metavar="N", help="measure the round-off of N squarings")
    add_threads(parser)
    arguments = parser.parse_args()
    if arguments.peer and not os.access(arguments.peer, os.X_OK):
        parser.error(f"{arguments.peer} is no program that can be run")
    report = Report("mersenne", arguments)
    modes = {proofs: arguments.proofs, calibrate: arguments.calibrate, choose: arguments.choose,
             scaling: arguments.scaling, race: True}
    next(mode for mode, wanted in modes.items() if wanted)(arguments, report)
    report.close()


if __name__ == "__main__":
    main()
