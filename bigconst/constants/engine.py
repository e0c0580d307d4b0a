"""Runs a plan, in memory or on disk: ladder, root, text, certificate.

`runs.kernels` loads or compiles every kernel beforehand, so that nothing is compiled later and the clock of a run can
leave it out.
"""

import time
from collections.abc import Callable

from bigconst.base.constant import Constant
from bigconst.base.events import Finished, PlanMade
from bigconst.base.formats import WORDS
from bigconst.base.starting import executor
from bigconst.constants.outcome import RunOutcome
from bigconst.constants.planning import make_plan
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
            outcome = _run_in_memory(plan, words, products, text, emit, certificate, store)
        else:
            outcome = _run_on_disk(plan, words, products, text, emit, certificate, volume, recorder, stop, store)
        emit(Finished())
    outcome.max_roundoff, outcome.faults = products.max_roundoff, dict(products.faults.counts)
    return outcome


def _run_in_memory(plan: Plan, words, products, text, emit: Callable, certificate, store) -> RunOutcome:
    import xxhash

    from bigconst.constants.digits import write_digits
    from bigconst.constants.remainder import certify_words
    from bigconst.constants.root import make_ladder, root_words

    began = time.perf_counter()
    # Its thread exists before there is anything to lose.
    with executor(1) as side:
        ladder = make_ladder(plan, products, emit, store)
        x, spare, residue = root_words(plan, ladder)
        computed = time.perf_counter()
        hasher = xxhash.xxh3_128()
        # Text is made faster than a disk writes it, so the remainder is computed meanwhile.
        text_written = side.submit(write_digits, plan, words, lambda a, b: x[a:b], residue, text, hasher)
        if certificate is not None:
            def text_xxh3() -> str:
                text_written.result()
                return hasher.hexdigest()

            certify_words(plan, ladder, x, spare, residue, text_xxh3, certificate)
        last_digits, digit_hash = text_written.result()
    rest = time.perf_counter() - computed
    certified = certificate is not None
    return RunOutcome({"compute": computed - began, "certificate": rest if certified else 0.0,
                    "output": 0.0 if certified else rest}, ladder.records, 0.0, {}, last_digits, digit_hash)


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
