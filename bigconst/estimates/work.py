"""The work that a plan gives to processors, memory and disks, stage by stage.

Pure functions of plans.  Operations are those whose speeds `bigconst bench`
measures: `OPERATIONS` says what each is.  Steps follow one another; whatever
happens at the same time is one step.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import log2

from bigconst.base.constant import Limit
from bigconst.plans import accounts
from bigconst.plans.accounts import Pass, Traffic
from bigconst.plans.claim import Claim
from bigconst.plans.diskshape import batch_chunks
from bigconst.plans.formula import Coth, FormulaPart, Series
from bigconst.plans.limits import CHUDNOVSKY
from bigconst.plans.mersenneplan import MersennePlan
from bigconst.plans.plan import Plan
from bigconst.plans.quotient import LEAST_GUARD, MARGIN, Quotient
from bigconst.plans.trace import Step, Trace

OPERATIONS = {
    "touch": "memory written to for the first time, for each byte",
    "jacobi": "a Jacobi symbol, for each bit",
    "late": "chunks changed by carries that arrive after a pass",
    "forward": "words through the columns of a transform in memory, for each word of the transform",
    "spectrum": "rows of a transform in memory forward",
    "square": "rows of a transform in memory forward, squared and back",
    "multiply": "rows of a transform in memory forward, times a spectrum, and back",
    "inverse": "columns of a transform in memory back to words",
    "residue": "words modulo a prime",
    "multiply small": "words times a small integer",
    "update": "the sum of a step of the ladder",
    "shift": "words divided by a power of two",
    "pack": "words packed with checks and checksum, as a certificate or a chunk is",
    "unpack": "packed words unpacked",
    "checksum": "the checksum of scratch, of words in memory",
    "text": "words converted to digits, hashed and checked",
    "check text": "text and remainder read by a verifier",
    "sum": "the sum of a step of the ladder on disk, for each word of it",
    "root": "a multiple of a number on disk, like the root as a multiple of its inverse",
    "slab forward": "a slab of a transform on disk from packed words",
    "slab row": "a row of a transform on disk squared",
    "slab product": "a row of a transform on disk multiplied, both rows transformed",
    "slab back": "a slab of a transform on disk back to packed words",
    "slab between": "the columns between slabs and rows of a transform on disk",
    "slab forward, 4": "a slab of a transform on disk from packed words, with four digits a word instead of five",
    "slab back, 4": "a slab of a transform on disk back to packed words, with four digits a word instead of five",
    "squaring": "a squaring of a Mersenne test in memory",
    "series": "terms of a series of pi as single threads make them, for each word of the longest number of a range",
    "fraction": "terms of a continued fraction, likewise",
    "check series": "terms of a series of pi modulo three primes, for each term",
    "check fraction": "terms of a continued fraction modulo three primes, for each term",
}

MEMORY_BYTES = {"forward": 12, "spectrum": 16, "square": 16, "multiply": 24, "inverse": 12, "residue": 4,
                "multiply small": 8, "update": 16, "shift": 8, "pack": 4, "unpack": 4, "text": 4, "check text": 7,
                "squaring": 28}
"""Least number of bytes that an operation moves for each word."""

LEVELS = "ladder"
"""Name of the stage of all levels in memory, each of which is a step of it."""

JACOBI_BITS = 1 << 23
"""Bits of the largest number whose Jacobi symbol is measured."""


@dataclass(frozen=True)
class Move:
    """Blocks of scratch that are read and written."""

    traffic: Traffic
    block_bytes: int
    """size of a block, which has one checksum"""
    run_bytes: int
    """size of the blocks that lie together and are requested together"""


@dataclass(frozen=True)
class WorkStep:
    """Operations, and what is moved at the same time."""

    operations: tuple[tuple[str, int], ...] = ()
    """(name, words) of each operation"""
    moves: tuple[Move, ...] = ()
    """blocks of scratch that are moved"""
    syncs: int = 0
    """how often the step waits until what it wrote is durable"""
    text_bytes: int = 0
    """bytes of a digit file that are made and written"""
    certificate_bytes: int = 0
    """bytes of a certificate that are made and written"""
    file_read_bytes: int = 0
    """bytes of digit file and certificate that are read"""
    journal_bytes: int = 0
    """bytes of the journal that are written in one piece"""
    at_once: bool = True
    """whether processors and disks work at the same time"""


@dataclass(frozen=True)
class Stage:
    """Steps under the name that a report gives them."""

    name: str
    steps: tuple[WorkStep, ...]
    times: int = 1
    """how often the steps are carried out"""


# -- in memory ------------------------------------------------------------------------------

def _operations(steps: Iterable[Step]) -> tuple[tuple[str, int], ...]:
    return tuple(operation for step in steps for operation in step.operations)


def _computed(steps: Sequence[Step]) -> list[Stage]:
    """Stages in memory, all levels together as one; stages without operations are left out."""
    found: dict[str, dict[str, list[Step]]] = {}
    for step in steps:
        if step.operations:
            level, _, part = step.stage.partition(", ")     # the stages of a level are called like "level 2, u"
            found.setdefault(LEVELS if part else level, {}).setdefault(level, []).append(step)
    return [Stage(name, tuple(WorkStep(_operations(each)) for each in parts.values())) for name, parts in found.items()]


def _touch(plan: Plan) -> WorkStep:
    """The first use of the memory."""
    used_bytes = plan.arena_bytes if plan.disk is None else max(plan.arena_bytes, plan.disk.used_bytes)
    return WorkStep((("touch", used_bytes),))


def constant_work(plan: Plan) -> list[Stage]:
    """Stages of a computation, in memory or on disk, without the loading of kernels."""
    if plan.disk is not None:
        return _disk_work(plan)
    steps, text = plan.trace.steps, ("text", plan.text_words)
    written = next(i for i, step in enumerate(steps) if step.stage == "files")
    stages = _computed(steps[:written])
    if stages:
        stages[0] = replace(stages[0], steps=(_touch(plan), *stages[0].steps))
    if plan.certified:
        # The text is made and written at the same time.
        stages.append(Stage("certificate", (
            WorkStep((text, *_operations(steps[written:])), text_bytes=plan.text_bytes),
            WorkStep(certificate_bytes=plan.certificate_bytes))))
    else:
        stages.append(Stage("text", (WorkStep(text_bytes=plan.text_bytes),)))
    return stages


def verification_work(plan: Plan) -> list[Stage]:
    """Stages of `bigconst verify` for the files of a plan."""
    operations = [("check text", plan.text_words)]
    if isinstance(number := plan.constant.number, Limit):
        claim = Claim(number, plan.base, plan.digits)
        counts = Quotient(LEAST_GUARD, MARGIN).counts(claim)
        operations += [checked for part, count in zip(number.formula.parts, counts, strict=True)
                       if (checked := _checked(part, count)) is not None]
    return [Stage("verify", (WorkStep(tuple(operations), file_read_bytes=plan.text_bytes + plan.certificate_bytes),))]


def _checked(part: FormulaPart, count: int) -> tuple[str, int] | None:
    """So many terms modulo primes, as an operation; powers of a unit take no time."""
    if isinstance(part, Coth):
        return "check fraction", count
    if not isinstance(part, Series):
        return None
    # A term takes four products, each the time of three additions, and additions.
    of_pi, own = (12 + series.coefficients for series in (CHUDNOVSKY.terms, part.terms))
    return "check series", count * own // of_pi


# -- on disk ----------------------------------------------------------------------------------

def _disk_work(plan: Plan) -> list[Stage]:
    stages, touch = [], (_touch(plan),)
    for name, made in plan.disk.trace.stages():
        if name == "files":
            stages.append(Stage(name, _files(plan, [each for step in made for each in step.passes])))
            continue
        steps = [work for step in made for each in step.passes for work in _steps(plan, step, each)]
        calls = dict.fromkeys(step.name.rpartition("/")[0] for step in made)
        if inside := [plan.disk.memory[path] for path in calls if path in plan.disk.memory]:
            steps, touch = [*touch, *(work for trace in inside for work in _in_memory(trace)), *steps], ()
        stages.append(Stage(name, tuple(steps)))
    return stages


@lru_cache(maxsize=256)
def _in_memory(trace: Trace) -> tuple[WorkStep, ...]:
    """The work of a call in memory; alike calls have one trace."""
    return tuple(work for stage in _computed(trace.steps) for work in stage.steps)


def _steps(plan: Plan, step: Step, each: Pass) -> tuple[WorkStep, ...]:
    moves = (Move(each.tiles, each.tile_bytes, each.tile_run_bytes),
             Move(each.packed, each.chunk_bytes, each.chunk_run_bytes))
    # A pass over rows makes its records durable while it goes on; what is waited for comes at the end of a pass.
    common = {"moves": tuple(move for move in moves if move.traffic != Traffic()), "syncs": 2}
    # Words of three digits, and hexadecimal ones, are assumed to be regrouped as fast as those of four.
    suffix = "" if each.digits == plan.format.digits else ", 4"
    rows = "slab row" if each.operands == 1 else "slab product"
    match each.kind:
        case accounts.FORWARD:
            return (WorkStep((("slab forward" + suffix, each.words),), **common),)
        case accounts.ROWS:
            return (WorkStep(((rows, each.words * max(1, each.operands // 2)),), **common),)
        case accounts.BACK:
            return (WorkStep((("slab back" + suffix, each.words),), **common),)
        case accounts.BETWEEN:
            return (WorkStep((("slab between", each.words),), **common),)
        case accounts.LATE:
            # A few chunks at a time are read, and their changed pages recorded in the journal, and written.
            chunks = each.packed.read_bytes // each.chunk_bytes
            batches = -(-chunks // batch_chunks(each.chunk_bytes, plan.disk.chunk_words))
            words = chunks * plan.disk.chunk_words
            return (WorkStep((("late", words),), common["moves"], 2 * batches, journal_bytes=each.packed.written_bytes,
                         at_once=False),)
    name = "pack" if not each.packed.read_bytes else "root" if len(step.reads) == 1 else "sum"
    return (WorkStep(((name, each.words),), **common),)


def _files(plan: Plan, passes: Sequence[Pass]) -> tuple[WorkStep, ...]:
    """The steps for text, then certificate; the thread that makes a piece also reads its words and writes it."""
    parts = ("text_bytes", plan.text_bytes), ("certificate_bytes", plan.certificate_bytes)
    return (WorkStep((("touch", plan.disk.files_bytes),)),
            *(WorkStep((("unpack", each.words),), (Move(each.packed, each.chunk_bytes, each.chunk_bytes),),
                       at_once=False, **{name: size}) for (name, size), each in zip(parts, passes, strict=False)))


# -- tests of Mersenne numbers ----------------------------------------------------------------

def mersenne_work(plan: MersennePlan) -> list[Stage]:
    """Stages of a test: all squarings, and the Jacobi symbol at the end.

    Other checks are left out; they take a few thousandths of the time.
    """
    last = [] if plan.products else [Stage("Jacobi symbol", (WorkStep((("jacobi", _jacobi_bits(plan.exponent)),)),))]
    if plan.disk is None:
        return [Stage("squarings", (WorkStep((("squaring", plan.shape.words),)),), plan.iterations), *last]
    one, disk = plan.disk.traffic, plan.disk
    half = Traffic(one.read_bytes // 2, one.written_bytes // 2)
    steps = tuple(WorkStep((("squaring", plan.shape.words // 2),), (Move(half, disk.tile_bytes, disk.tile_bytes),),
                       syncs=2) for _ in range(2))
    return [Stage("squarings", steps, plan.iterations), *last]


def _jacobi_bits(bits: int) -> int:
    """Bits that take as long, at the measured rate of JACOBI_BITS, as a symbol of `bits` bits does by n log^2 n."""
    return bits if bits <= JACOBI_BITS else int(bits * (log2(bits) / log2(JACOBI_BITS)) ** 2)
