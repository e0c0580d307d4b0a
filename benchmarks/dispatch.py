"""The part of a run on disk that one thread of Python does at a time: a plan without kernels and without disks.

    python benchmarks/dispatch.py [--plan "1e12 256GiB"] ... [--units 6] [--lanes 8] [--processors 2 16 64 192]
                                  [--rate 0.75] [--json FILE]

The program of the plan runs as ever: units, requests, how lanes share them, threads, checks, carries, journal.  Left
out are the bodies of kernels, which return at once, and preadv and pwritev, which only count; memory is reserved, but
not touched.  Each pass runs its first units, `--units` of them, and counts for all of its units; what is between passes
is counted as it is.  Levels in memory and the files are not run.

GB/s         what moves, by the plan, divided by these seconds: no disks and no processors make a run faster than that
processors   more processors than that wait for Python, if each computes fast enough for `--rate` GB/s of traffic; a run
             in 512 MiB computes for 0.75 GB/s on one hardware thread of Zen 3
of a unit    seconds that a unit takes with as many threads, beside those with the fewest: what must not grow
"""

import argparse
import mmap
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from _common import Column, Report, make_parser
from checks import without_residues
from numba.core.registry import CPUDispatcher

from bigconst.arithmetic.disk.machine import DiskMachine
from bigconst.arithmetic.disk.number import Number
from bigconst.arithmetic.disk.operand import Operand
from bigconst.arithmetic.disk.products import DiskProducts
from bigconst.arithmetic.disk.stages import Stages
from bigconst.arithmetic.disk.values import DiskNumber
from bigconst.arithmetic.disk.workspace import DiskWorkspace
from bigconst.arithmetic.machine import one_or_several
from bigconst.arithmetic.memory.products import Products
from bigconst.arithmetic.words import Words
from bigconst.base.formats import WORDS
from bigconst.base.units import format_bytes, parse_count, parse_size
from bigconst.constants.golden import PHI
from bigconst.constants.planning import bounds_of, make_plan
from bigconst.kernels.chunk import STORED
from bigconst.runtime.arena import Arena
from bigconst.runtime.checkpoint import Checkpoint
from bigconst.runtime.pipeline import Pipeline
from bigconst.runtime.threads import Pool
from bigconst.storage.lane import Lane
from bigconst.storage.volume import Volume

MAP_NORESERVE = 0x4000      # Linux; the module mmap does not name it everywhere
PLANS = ("1e12 256GiB", "2e12 57GiB")

CHOOSING = ("add_multiple", "multiply_small", "divide_small", "regroup", "pack", "unpack", "is_packed", "checksum")
"""Functions of `bigconst.kernels` that call one of several kernels."""


# --- nothing computes, nothing moves -------------------------------------------------


def leave_out_kernels() -> None:
    """Replace every kernel, and the functions that choose one, by functions that return 0."""
    def nothing(*_arguments) -> int:
        return 0

    def is_stored(*_arguments) -> int:
        return STORED

    def loaded(_words, _limbs, _radix, found) -> int:
        found[0] = 0
        return 0

    def resolved(*arguments) -> None:
        arguments[-1][:] = 0        # the carries out of runs

    def folded(_sums, out, _size) -> None:
        out[:] = 0                  # the checksum of all data

    special = {"fold": folded, "describe_chunk": is_stored, "load_chunk": loaded, "resolve_carries": resolved}
    for name, module in list(sys.modules.items()):
        if name.startswith("bigconst."):
            for key, value in list(vars(module).items()):
                if isinstance(value, CPUDispatcher) or key in CHOOSING and callable(value):
                    setattr(module, key, special.get(key, nothing))


class NoDisk(Lane):
    """A lane whose file is never written."""

    def _open_direct(self, flags, note, keep) -> None:
        pass

    def free_bytes(self) -> int:
        return 1 << 60

    def resize(self, size_bytes: int) -> None:
        self.allocated_bytes = size_bytes

    def measure(self, size_bytes: int) -> tuple[float, float]:
        return 1e9, 1e9

    def sync(self) -> None:
        pass

    @property
    def direct(self) -> bool:
        return True

    def _call(self, failing, name, call, views, offset) -> int:
        return sum(map(len, views))


class FirstUnits(Pipeline):
    """Runs the first units of each pass, and adds up what all of its units would take."""

    def __init__(self, units: int):
        super().__init__()
        self._units = units
        self.not_run_s, self.unit_s = 0.0, []

    def run(self, count, read, compute, write, step=None, keep=lambda i: ({}, {})) -> None:
        """Pipeline.run for the first units."""
        began, units = time.perf_counter(), min(count, self._units)
        super().run(units, read, compute, write, step, keep)
        seconds = time.perf_counter() - began
        self.unit_s.append(seconds / units)
        self.not_run_s += seconds * (count - units) / units


class Reserved(Arena):
    """An arena whose memory is only reserved."""

    def __init__(self, size_bytes: int):
        self.size_bytes = size_bytes
        self._map = mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE)
        self._bytes = np.frombuffer(self._map, dtype=np.uint8)
        self._used = 0


class Stored(Number):
    """A number whose chunks are all stored."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.kinds[:] = STORED


class Trusting(DiskProducts):
    """Takes every product for right when it was checked."""

    def number(self, address, length, first=0, name=""):
        return Stored(self.scratch.volume, self.words, address, length, self.disk.chunk_words, first, name,
                      self.scratch.recorder, self.scratch.note)

    def _verified(self, *arguments) -> int:
        super()._verified(*arguments)
        return 1


class Machine(DiskMachine):
    """Finds results of levels in memory, corrects nothing, and has no doubt."""

    def _in_memory(self, call, program, arguments):
        return one_or_several([
            DiskNumber(name, Operand(self._products.number(self._place(step), step.words, name=name)), 1, 0)
            for name, step in ((name, self._trace.by_name[name]) for name in call.results)])

    def corrected(self, name, x, count, correction, test):
        return x

    def either(self, holds, usual, in_doubt):
        usual()


# --- a plan ----------------------------------------------------------------------------


def dispatch(digits: int, memory_bytes: int, threads: int, units: int, lanes: int, folder: Path) -> dict:
    """Run a plan; returns its figures."""
    plan = make_plan(PHI, digits, 10, threads, memory_bytes, disk="ssd")
    leave_out_kernels()
    events: Counter = Counter()
    directories = [folder / str(i) for i in range(lanes)]
    for directory in directories:
        directory.mkdir()
    pipeline = FirstUnits(units)
    with Pool(threads) as pool, Volume(directories, plan.disk.scratch_bytes, plan.disk.stripe_bytes,
                                       lane=NoDisk) as volume:
        products = Products(Words(WORDS[10], pool), lambda event: None)
        recorder = Checkpoint.create(str(folder), {}).recorder(volume.sync)
        scratch = DiskWorkspace(volume, products.words, Reserved(plan.disk.used_bytes), pipeline, recorder,
                                lambda *fault: events.update([fault[2]]))
        machine = Machine(Trusting(plan.disk, scratch, products), Stages(plan.disk, scratch, lambda event: None),
                          None, lambda: False)
        began = time.perf_counter()
        PHI.program(machine, bounds_of(plan, certified=True))
        seconds = time.perf_counter() - began
    if events or products.faults.counts:
        raise SystemExit(f"not a run as ever: {dict(events)} {dict(products.faults.counts)}")
    files = next(traffic for name, traffic in plan.disk.stages if name == "files")
    moved = plan.disk.traffic.read_bytes + plan.disk.traffic.written_bytes - files.read_bytes - files.written_bytes
    return {"moved": moved, "seconds": seconds + pipeline.not_run_s, "unit_s": statistics.median(pipeline.unit_s),
            "chunk": plan.disk.chunk_bytes, "tile": plan.disk.stripe_bytes}


def main() -> None:
    """Measure every plan in a process of its own for every number of threads."""
    parser = make_parser(__doc__)
    parser.add_argument("--plan", action="append", metavar="'DIGITS MEMORY'", help="a golden ratio on solid state")
    parser.add_argument("--units", type=int, default=6)
    parser.add_argument("--lanes", type=int, default=8)
    parser.add_argument("--processors", type=int, nargs="+")
    parser.add_argument("--rate", type=float, default=0.75, help="GB/s for which a processor computes")
    arguments = parser.parse_args()
    plans = arguments.plan or (("1e8 300MiB",) if arguments.quick else PLANS)
    processors = arguments.processors or ([2] if arguments.quick else [2, 16, 64, 192])
    report = Report("dispatch", arguments)
    section = report.section("dispatch", "plans without kernels and without disks", [
        Column("plan", "plan of the golden ratio", "", 26), Column("threads", "threads", "d"),
        Column("tile", "tiles", "", 9), Column("chunk", "chunks", "", 9), Column("moved_tb", "TB", ".2f"),
        Column("seconds", "seconds", ".1f"), Column("gb_s", "GB/s", ".1f"),
        Column("processors", "processors", ".0f"), Column("grown", "of a unit", ".2f")])
    for plan in plans:
        digits, memory = plan.split()
        fewest = None
        for threads in processors:
            found = apart(parse_count(digits), parse_size(memory), threads, arguments)
            fewest = fewest or found["unit_s"]
            rate = found["moved"] / found["seconds"] / 1e9
            section.add(plan=f"{digits} digits in {memory}", threads=threads, tile=format_bytes(found["tile"]),
                        chunk=format_bytes(found["chunk"]), moved_tb=found["moved"] / 1e12, seconds=found["seconds"],
                        gb_s=rate, processors=rate / arguments.rate, grown=found["unit_s"] / fewest)
    report.close()


def apart(digits: int, memory_bytes: int, threads: int, arguments: argparse.Namespace) -> dict:
    """`dispatch` in a process of its own, which has no kernels afterwards."""
    def work(sender) -> None:
        without_residues()
        with tempfile.TemporaryDirectory(prefix="bigconst-dispatch-") as folder:
            sender.send(dispatch(digits, memory_bytes, threads, arguments.units, arguments.lanes, Path(folder)))

    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(sender,))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        raise SystemExit(f"the plan failed with {threads} threads") from None
    finally:
        process.join()


if __name__ == "__main__":
    main()
