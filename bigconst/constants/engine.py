"""Runs a plan, in memory or on disk: the program of its constant, text, certificate.

`runs.kernels` loads or compiles every kernel beforehand, so that nothing is compiled later and the clock of a run can
leave it out.
"""

import contextlib
import time
from collections.abc import Callable
from functools import partial

from bigconst.base.constant import Constant
from bigconst.base.events import Finished, PlanMade
from bigconst.base.formats import WORDS
from bigconst.base.starting import executor
from bigconst.constants.bounds import Bounds
from bigconst.constants.outcome import RunOutcome
from bigconst.constants.planning import bounds_of, make_plan
from bigconst.constants.roots import PROOFS
from bigconst.plans.plan import Plan


def run(plan: Plan, text, emit: Callable, certificate=None, volume=None, recorder=None,
        stop: Callable[[], bool] = lambda: False, store=None) -> RunOutcome:
    """Compute the digits of `plan` into `text` (write_at(offset, bytes)); the caller commits it.  Where digits from a
    file are certified, `text` is their DigitSource.

    `certificate` is a file with the same method, of plan.certificate_bytes; None writes no certificate.
    `volume` is the scratch of a plan on disk, at least plan.disk.scratch_bytes long.
    `recorder` records what is finished there, and returns the records of earlier processes; when stop() is true,
    a run on disk ends between two units with Interrupted.
    `store` (runtime.levelstore) stores finished levels, and returns those of earlier processes.
    Raises FaultError when a wrong value cannot be repaired.
    """
    from bigconst.arithmetic.memory.products import Products
    from bigconst.arithmetic.words import Words
    from bigconst.runtime.threads import Pool

    emit(PlanMade(plan))
    with Pool(plan.threads) as pool:
        words = Words(WORDS[plan.base], pool)
        products = Products(words, emit)
        if plan.disk is None:
            outcome = _run_in_memory(plan, products, text, emit, certificate, store)
        else:
            outcome = _run_on_disk(plan, products, text, emit, certificate, volume, recorder, stop, store)
        emit(Finished())
    outcome.max_roundoff, outcome.faults = products.max_roundoff, dict(products.faults.counts)
    return outcome


def _run_in_memory(plan: Plan, products, text, emit: Callable, certificate, store) -> RunOutcome:
    from bigconst.arithmetic.memory.machine import MemoryMachine
    from bigconst.constants.files import Files
    from bigconst.runtime.arena import Arena

    began = time.perf_counter()
    # Its thread exists before there is anything to lose.
    with executor(1) as side:
        bounds = bounds_of(plan, certified=certificate is not None)
        outputs = _InMemory(Files(plan, bounds, products.words, text, certificate), side)
        machine = MemoryMachine(plan.trace, products, Arena(plan.arena_bytes), emit, outputs=outputs, store=store,
                                source=_source(plan, text), save_last=False, lean=plan.lean)
        plan.constant.program(machine, bounds)
        last_digits, digit_hash = outputs.wait()
    rest = time.perf_counter() - outputs.began
    proof = rest - outputs.waited_s if bounds.certified else 0.0
    return RunOutcome({"compute": outputs.began - began, "certificate": proof, "output": rest - proof},
                      machine.records, 0.0, {}, last_digits, digit_hash)


def _source(plan: Plan, text):
    """The words of digits that are read from a file, as a machine asks for them; None where they are computed."""
    from bigconst.constants.digitsource import DigitSource

    return partial(text.words, plan.words) if isinstance(text, DigitSource) else None


class _InMemory:
    """The files of a run in memory.  Text is made faster than a disk writes it: a remainder is computed meanwhile."""

    def __init__(self, files, side):
        self._files, self._side = files, side
        self._written = None
        self.waited_s = 0.0
        """seconds that were spent on nothing but the text"""

    def text(self, x, prefixes) -> None:
        """Begin to write the digits."""
        self.began = time.perf_counter()
        self._written = self._side.submit(self._files.write_text, x, prefixes)

    def wait(self) -> tuple[str, int]:
        """Return the last digits and the digit hash when the text is written."""
        began = time.perf_counter()
        written = self._written.result()
        self.waited_s += time.perf_counter() - began
        return written

    def certificate(self, claim, statement, x, numbers) -> None:
        """Write the certificate when the text is written, or was read once more."""
        if self._written is None:
            self.text(x, ())
        self.wait()
        self._files.write_certificate(claim, statement, x, numbers)


def _run_on_disk(plan: Plan, products, text, emit: Callable, certificate, volume, recorder, stop, store) -> RunOutcome:
    from bigconst.arithmetic.disk.machine import DiskMachine
    from bigconst.arithmetic.disk.products import DiskProducts
    from bigconst.arithmetic.disk.stages import Stages
    from bigconst.arithmetic.disk.workspace import DiskWorkspace
    from bigconst.runtime.arena import Arena
    from bigconst.runtime.pipeline import Pipeline
    from bigconst.runtime.recorder import Recorder

    arena, pipeline = Arena(max(plan.arena_bytes, plan.disk.used_bytes)), Pipeline(stop)
    scratch = DiskWorkspace(volume, products.words, arena, pipeline, recorder or Recorder(), products.faults.note)
    stages = Stages(plan.disk, scratch, emit)
    machine = DiskMachine(DiskProducts(plan.disk, scratch, products, store), stages, store, stop, _source(plan, text))
    bounds = bounds_of(plan, certified=certificate is not None)
    began = time.perf_counter()
    plan.constant.program(machine, bounds)
    computed = time.perf_counter()
    arena.drop()
    with stages.stage("files"):
        last_digits, digit_hash = _write_files(plan, bounds, products, text, certificate, volume, machine)
    proof = sum(record["seconds"] for record in stages.records if record["name"].rpartition(", ")[2] in PROOFS)
    return RunOutcome({"compute": computed - began - proof, "certificate": proof,
                       "output": stages.records[-1]["seconds"]},
                      machine.levels, 0.0, {}, last_digits, digit_hash, stages.records, pipeline.slowest_unit_s)


def _write_files(plan: Plan, bounds: Bounds, products, text, certificate, volume, machine) -> tuple[str, int]:
    """Write text and certificate of numbers on the volume."""
    from bigconst.base.formats import PACKED_PIECE_WORDS
    from bigconst.constants.files import Files
    from bigconst.runtime.stream import slots
    from bigconst.storage.atomicfile import StdoutText

    claim, statement, x, numbers = machine.certificate_of or (None, None, None, ())
    x, prefixes = machine.text_of or (x, ())
    # Chunks to cache: those of a piece of text or certificate for every slot.
    kept = slots(plan.threads) * (1 + PACKED_PIECE_WORDS // plan.disk.chunk_words)
    files = Files(plan, bounds, products.words, text, certificate, kept)
    # What is printed cannot be printed again.
    for attempt in products.faults.attempts("files"):
        with contextlib.nullcontext() if isinstance(text, StdoutText) else attempt:
            written = files.write_text(x, prefixes)
            if statement is not None:
                files.write_certificate(claim, statement, x, numbers)
            return written


class _Collected:
    """A text file in memory, with the method write_at of the file on disk."""

    def __init__(self, size: int):
        self.data = bytearray(size)

    def write_at(self, offset: int, data) -> None:
        self.data[offset:offset + len(data)] = data


def compute(constant: Constant, digits: int, base: int = 10, threads: int = 1, memory_bytes: int = 1 << 62) -> str:
    """The digits of a constant as text, for numbers that fit memory easily; raises what make_plan and run raise."""
    plan = make_plan(constant, digits, base, threads, memory_bytes)
    text = _Collected(plan.text_bytes)
    run(plan, text, lambda event: None)
    return text.data.decode().rstrip("\n")
