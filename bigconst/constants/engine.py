"""Runs a plan, in memory or on disk: ladder, root, text, certificate.

`runs.kernels` loads or compiles every kernel beforehand, so that nothing is compiled later and the clock of a run can
leave it out.
"""

import time
from collections.abc import Callable

from bigconst.base.constant import Constant
from bigconst.base.errors import FaultError
from bigconst.base.events import Finished, PlanMade
from bigconst.base.formats import WORDS
from bigconst.base.starting import executor
from bigconst.constants.outcome import RunOutcome
from bigconst.constants.planning import bounds_of, make_plan, program_of
from bigconst.plans.plan import Plan


def run(plan: Plan, text, emit: Callable, certificate=None, volume=None, recorder=None,
        stop: Callable[[], bool] = lambda: False, store=None) -> RunOutcome:
    """Compute the digits of `plan` into `text` (write_at(offset, bytes)); the caller commits it.

    `certificate` is a file with the same method, of plan.certificate_bytes, for r; None writes no certificate.
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
            outcome = _run_on_disk(plan, words, products, text, emit, certificate, volume, recorder, stop, store)
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
                                save_last=False)
        program_of(plan.constant)(machine, bounds)
        last_digits, digit_hash = outputs.written.result()
    rest = time.perf_counter() - outputs.began
    return RunOutcome({"compute": outputs.began - began, "certificate": rest if bounds.certified else 0.0,
                       "output": 0.0 if bounds.certified else rest}, machine.records, 0.0, {}, last_digits, digit_hash)


class _InMemory:
    """The files of a run in memory.  Text is made faster than a disk writes it: the remainder is computed meanwhile."""

    def __init__(self, files, side):
        self._files, self._side = files, side

    def text(self, x) -> None:
        """Begin to write the digits."""
        self.began = time.perf_counter()
        self.written = self._side.submit(self._files.write_text, x.read, x.residue)

    def certificate(self, r, x) -> None:
        """Write the certificate when the text is written."""
        self.written.result()
        if r.is_positive:
            raise FaultError("the remainder of the digits is not within its bounds")
        self._files.write_certificate(x.read, r.read, r.residue)


def _run_on_disk(plan: Plan, words, products, text, emit: Callable, certificate, volume, recorder, stop,
                 store) -> RunOutcome:
    from bigconst.constants.diskrun import DiskRun
    from bigconst.runtime.recorder import Recorder

    run_ = DiskRun(plan, words, products, emit, volume, recorder or Recorder(), stop, store=store)
    began = time.perf_counter()
    x, residue = run_.root()
    computed = time.perf_counter()
    r = run_.remainder(x, residue) if certificate is not None else None
    proved = time.perf_counter()
    last_digits, digit_hash = run_.write_files(x, residue, r, text, certificate)
    written = time.perf_counter()
    return RunOutcome({"compute": computed - began, "certificate": proved - computed, "output": written - proved},
                   run_.levels, 0.0, {}, last_digits, digit_hash, run_.stages.records, run_.longest_unit_s)


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
