"""An engine in twenty lines, exact and slow, so that the command line is tested without kernels.

It has the interface of bigconst.constants.planning and bigconst.constants.engine and computes with
math.isqrt.  `install` puts it in their place for one test.
"""

import math
import sys
import types
from dataclasses import dataclass

from bigconst import constants
from bigconst.base import units
from bigconst.base.constant import Constant
from bigconst.base.errors import DoesNotFit
from bigconst.base.events import Finished, PlanMade, StageDone, StageStarted
from bigconst.plans.trace import Trace
from bigconst.runs import kernels
from bigconst.runs import start as run_start


@dataclass(frozen=True)
class Plan:
    constant: Constant
    decimal_digits: int
    base: int
    threads: int
    memory_bytes: int
    certified: bool = True

    @property
    def digits(self) -> int:
        return self.decimal_digits if self.base == 10 else units.hex_digits(self.decimal_digits)

    @property
    def peak_memory_bytes(self) -> int:
        return 10 * self.decimal_digits

    @property
    def text_bytes(self) -> int:
        return len(expected_text(self))

    certificate_bytes = 7
    mode = "in memory"
    disk = None
    levels = ()
    fingerprint = ""
    trace = Trace(())

    def describe(self) -> list[tuple[str, str]]:
        return [("Constant", self.constant.title), ("Decimal digits", str(self.decimal_digits))]


def make_plan(constant, digits, base, threads, memory_bytes, certified=True, **_options) -> Plan:
    """Everything in memory, or not at all."""
    plan = Plan(constant, digits, base, threads, memory_bytes, certified)
    if plan.peak_memory_bytes > memory_bytes:
        raise DoesNotFit(f"needs {plan.peak_memory_bytes} bytes, --memory is {memory_bytes}")
    return plan


def scaled_floor(plan) -> int:
    """floor(constant * base^digits)."""
    scale = plan.base**plan.digits
    root = math.isqrt(plan.constant.number.d * scale * scale)
    return (scale + root) // 2 if plan.constant.number.kind == "phi" else root


def expected_text(plan) -> bytes:
    """The whole content of the digit file."""
    digits = format(scaled_floor(plan), "x" if plan.base == 16 else "d").rjust(plan.digits + 1, "0")
    return f"{digits[: -plan.digits]}.{digits[-plan.digits :]}\n".encode()


def run(plan, text, emit, certificate=None, volume=None):
    emit(PlanMade(plan))
    emit(StageStarted("root", 1, 1))
    data = expected_text(plan)
    for start in range(0, len(data), 10):
        text.write_at(start, memoryview(data[start : start + 10]))
    if certificate is not None:
        certificate.write_at(0, memoryview(b"a proof"))
    emit(StageDone("root", 1, 1, 0.25))
    emit(Finished())
    return types.SimpleNamespace(
        levels=[{"name": "root", "words": 1, "seconds": 0.25, "max_roundoff": 0.125}],
        max_roundoff=0.125,
        faults={"roundoff": 0},
        last_digits=data[:-1].decode().split(".")[1][-100:],
        digit_hash=scaled_floor(plan) % (2**61 - 1),
        stages=[],
        seconds={"compute": 0.5, "certificate": 0.0, "output": 0.01},
    )


def install(monkeypatch):
    """Replace plan, engine and loading of kernels; returns the fake engine module, to be changed by the test."""
    engine = types.ModuleType("bigconst.constants.engine")
    engine.run = run
    monkeypatch.setitem(sys.modules, engine.__name__, engine)
    monkeypatch.setattr(constants, "engine", engine, raising=False)
    monkeypatch.setattr(run_start, "make_plan", make_plan)
    monkeypatch.setattr(kernels, "load", lambda *families: None)
    return engine
