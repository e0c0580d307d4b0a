"""Runs a plan, in memory or on disk: ladder, root, text, certificate.

`load_kernels` has to be called first; it compiles or loads every kernel, so
that nothing is compiled later and the clock of a run can leave it out.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bigconst.base.constant import Constant
from bigconst.base.events import Finished, PlanMade
from bigconst.base.formats import WORDS
from bigconst.plans.plan import Plan, make_plan


@dataclass
class RunOutcome:
    """What a finished run tells the report."""

    seconds: dict[str, float]
    levels: list[dict]
    max_roundoff: float
    faults: dict[str, int]
    last_digits: str
    digit_hash: int
    """floor(x * base^digits) modulo 2^61 - 1"""
    stages: list[dict] = field(default_factory=list)
    """on disk: what each stage of the plan took"""
    longest_unit_s: float = 0.0
    """on disk: the longest time between two moments at which the run could have been interrupted and resumed"""


def load_kernels() -> None:
    """Compile all kernels that constants need, or load them from the cache."""
    import bigconst.constants.digits  # noqa: F401
    import bigconst.constants.diskroot  # noqa: F401
    import bigconst.constants.remainder  # noqa: F401
    from bigconst.kernels import jit

    jit.mark_complete()


def load_test_kernels() -> None:
    """The same for tests of Mersenne numbers.  Constants do without: it would cost them a tenth of their start."""
    import bigconst.arithmetic.memory.squarer  # noqa: F401
    from bigconst.kernels import jit

    jit.mark_complete(jit.TESTS)


def load_reading_kernels() -> None:
    """The same for searching and counting in digit files."""
    import bigconst.kernels.search  # noqa: F401
    from bigconst.kernels import jit

    jit.mark_complete(jit.READING)


def run(plan: Plan, text, emit: Callable, certificate=None, volume=None, recorder=None,
        stop: Callable[[], bool] = lambda: False, store=None) -> RunOutcome:
    """Compute the digits of `plan` into `text` (write_at(offset, bytes)); the caller commits it.

    `certificate` is a file of the same kind, of plan.certificate_bytes, for r beside the digits.
    `volume` is the scratch of a plan on disk, of plan.disk.scratch_bytes at least.
    `recorder` keeps what is finished there, and knows what was before; when stop() is true, the run
    ends between two units with Interrupted.
    `store` (runtime.levelstore) keeps finished levels, and knows those of the processes before.
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
    from concurrent.futures import ThreadPoolExecutor

    import xxhash

    from bigconst.constants.digits import write_digits
    from bigconst.constants.remainder import certify_words
    from bigconst.constants.root import make_ladder, root_words

    began = time.perf_counter()
    ladder = make_ladder(plan, products, emit, store)
    x, spare, residue = root_words(plan, ladder)
    computed = time.perf_counter()
    hasher = xxhash.xxh3_128()
    # The disk is slower than the text is made: the remainder is computed while it writes.
    with ThreadPoolExecutor(1) as side:
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
    """Text kept in memory."""

    def __init__(self, size: int):
        self.data = bytearray(size)

    def write_at(self, offset: int, data) -> None:
        self.data[offset:offset + len(data)] = data


def compute(constant: Constant, digits: int, base: int = 10, threads: int = 1, memory_bytes: int = 1 << 62) -> str:
    """The digits as text, for numbers that fit comfortably; raises what make_plan and run raise."""
    plan = make_plan(constant, digits, base, threads, memory_bytes)
    text = _Collected(plan.text_bytes)
    run(plan, text, lambda event: None)
    return text.data.decode().rstrip("\n")


def self_test() -> list[tuple[str, bool]]:
    """(name, passed) of computations whose results gmpy2 knows.  Needs both sets of kernels."""
    return _test_roots() + _test_squarings()


def _test_roots() -> list[tuple[str, bool]]:
    from gmpy2 import isqrt, mpz

    results = []
    for constant, digits, base in ((Constant("phi", 5), 200_000, 10), (Constant("sqrt", 2), 50_000, 16),
                                   (Constant("sqrt", 2**31 - 1), 30_000, 10), (Constant("sqrt", 12345), 1_000, 10)):
        text = compute(constant, digits, base, threads=2)
        point = text.index(".")
        scale = mpz(base) ** (len(text) - point - 1)
        expected = isqrt(constant.d * scale * scale)
        if constant.kind == "phi":
            expected = (scale + expected) // 2
        ok = mpz(text.replace(".", ""), base) == expected
        results.append((f"{constant.name}, {digits} digits, base {base}", bool(ok)))
    return results


def _test_squarings() -> list[tuple[str, bool]]:
    from gmpy2 import mpz

    from bigconst.arithmetic.memory.squarer import Squarer
    from bigconst.plans.dwtshape import dwt_shape

    results = []
    for p, squarings, threads in ((4253, 300, 1), (216_091, 40, 2)):
        modulus = (mpz(1) << p) - 1
        expected = mpz(3)
        for _ in range(squarings):
            expected = (expected * expected - 2) % modulus
        with Squarer(p, dwt_shape(p), threads) as squarer:
            squarer.load(3, p // 3)
            squarer.iterate(squarings, 2)
            results.append((f"{squarings} squarings modulo 2^{p}-1", bool(squarer.value() == expected)))
    return results
