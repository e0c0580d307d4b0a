"""Programs run on the memory machine and on the disk machine, and what they made as integers."""

import contextlib
from types import SimpleNamespace

from disk_parts import WatchedVolume
from gmpy2 import mpz
from oracle_words import to_mpz

from bigconst.arithmetic.disk.machine import DiskMachine
from bigconst.arithmetic.disk.products import DiskProducts
from bigconst.arithmetic.disk.values import DiskNumber
from bigconst.arithmetic.disk.workspace import DiskWorkspace
from bigconst.arithmetic.diskplanner import DiskPlanner
from bigconst.arithmetic.machine import several
from bigconst.arithmetic.memory.machine import MemoryMachine
from bigconst.arithmetic.memory.products import Products
from bigconst.arithmetic.planner import MemoryPlanner
from bigconst.arithmetic.words import Words
from bigconst.base.formats import WORDS
from bigconst.plans import diskplan
from bigconst.plans.diskplan import DiskPlan
from bigconst.runtime.arena import Arena
from bigconst.runtime.pipeline import Pipeline
from bigconst.runtime.recorder import Recorder
from bigconst.runtime.threads import Pool

CHUNK = 256
WORKSPACE = 2 << 20


def value_of(number, radix: int) -> mpz:
    """A number of either machine, with its sign; its residue must be right."""
    if isinstance(number, DiskNumber):
        count = number.operand.chunks * number.number.chunk_words
        magnitude = to_mpz(number.read(0, count), radix) if count else mpz(0)
    else:
        magnitude = to_mpz(number.words, radix)
    assert magnitude % (2**61 - 1) == number.residue
    return number.sign * magnitude


def given(machine, name: str, value: int, length: int):
    """An integer as a number of a machine or a planner."""
    return machine.integer(name, lambda: value, length)


def planned_on_disk(program, base: int, chunk: int = CHUNK, workspace: int = WORKSPACE, passes: int = 3,
                    threads: int = 1) -> DiskPlan:
    """The plan of program(machine), on disk as far as it does not fit the workspace."""
    planner = DiskPlanner(base, threads, chunk, workspace, passes, diskplan.piece_chunks_of(chunk, base, workspace))
    made = program(planner)
    return DiskPlan("ssd", base, threads, chunk, 0, workspace, 0,
                    planner.trace(*several(made)), planner.memory)


@contextlib.contextmanager
def on_disk(disk: DiskPlan, volume=None, recorder=None, events=None):
    """A disk machine for a plan."""
    with Pool(disk.threads) as pool:
        words, emit = Words(WORDS[disk.base], pool), (events if events is not None else []).append
        products = Products(words, emit)
        size = max([disk.used_bytes, *(trace.memory_bytes for trace in disk.memory.values())])
        scratch = DiskWorkspace(volume or WatchedVolume(disk.scratch_bytes), words, Arena(size), Pipeline(),
                                recorder or Recorder(), products.faults.note)
        stages = SimpleNamespace(stage=lambda name: contextlib.nullcontext())
        yield DiskMachine(DiskProducts(disk, scratch, products), stages, None, lambda: False)


@contextlib.contextmanager
def in_memory(program, base: int, threads: int = 1, events=None):
    """A memory machine for program(machine)."""
    planner = MemoryPlanner(base)
    made = program(planner)
    trace = planner.trace(*several(made))
    with Pool(threads) as pool:
        products = Products(Words(WORDS[base], pool), (events if events is not None else []).append)
        yield MemoryMachine(trace, products, Arena(trace.memory_bytes), lambda event: None)


def results(program, base: int, where: str, **options) -> list[mpz]:
    """What program(machine) makes "in memory" or "on disk"."""
    if where == "on disk":
        machine = on_disk(planned_on_disk(program, base, **options))
    else:
        machine = in_memory(program, base)
    with machine as machine:
        return [value_of(number, machine.radix) for number in several(program(machine))]
