"""Programs with several long-lived numbers on disk: power is lost, bits flip, words are wrong."""

import numpy as np
import power_loss
import pytest
from gmpy2 import mpz, t_divmod
from machine_runs import CHUNK, given, on_disk, planned_on_disk, value_of
from quotients import fraction

from bigconst.arithmetic.division import DivisionBounds, divide
from bigconst.base import failpoints
from bigconst.base.errors import FaultError, ReadError
from bigconst.constants import quotients
from bigconst.plans.limits import limit
from bigconst.runtime import recorder as recorder_module

WORKSPACE = 560 << 10
TERMS, POWER = 5000, 9000
"""Terms of the series of pi, and power of the unit."""
DIVIDEND, DIVISOR = 46_000, 300
"""Words for which the reciprocal takes a step on disk."""


def numbers(base: int) -> tuple[mpz, mpz, mpz]:
    """Dividend, divisor and a third number."""
    radix = mpz(10**5 if base == 10 else 2**16)
    return -radix**DIVIDEND * 7 // 11, radix**DIVISOR * 3 // 7, radix**DIVIDEND // 13


def program(base: int):
    """A division, and a sum of two products that needs what was there before it."""
    y, x, z = numbers(base)

    def divided(machine):
        a, b = given(machine, "y", y, DIVIDEND), given(machine, "x", x, DIVISOR)
        c = given(machine, "z", z, DIVIDEND)
        q, r = divide(machine, DivisionBounds(DIVIDEND, DIVISOR, 2), a, b, CHUNK)
        return q, r, machine.products("sum", [(q, b), (c, r.negated())], DIVIDEND + DIVISOR + CHUNK, times=3,
                                      plus=[(5, c, CHUNK)])
    return divided


def fraction_of_pi(machine):
    """X and Y of pi."""
    return quotients.fraction(machine, limit("pi").formula, (TERMS, POWER))


def expected(base: int) -> list[mpz]:
    """What the program makes, by gmpy2."""
    y, x, z = numbers(base)
    shift = mpz(10**5 if base == 10 else 2**16) ** CHUNK
    q, r = t_divmod(y * shift, x)
    return [q, r, 3 * (q * x - z * r) + 5 * z * shift]


def run(base: int, plan):
    """run(disk) that carries the program out."""
    def on(disk):
        with on_disk(plan, disk, disk.recorder()) as machine:
            return [value_of(number, machine.radix) for number in program(base)(machine)]
    return on


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("flush_s", [0.0, 1e9])
def test_power_losses(base, flush_s, monkeypatch):
    monkeypatch.setattr(recorder_module, "FLUSH_S", flush_s)
    plan, losses = planned_on_disk(program(base), base, workspace=WORKSPACE), 0
    assert [call.title for call in plan.trace.calls if call.title] == ["reciprocal in memory", "reciprocal step 1"]
    for seed in range(2):
        count, found = power_loss.lives(run(base, plan), plan.scratch_bytes, np.random.default_rng([seed, base]), 150)
        assert found == expected(base), seed
        losses += count
    assert losses > 3, "power was hardly ever lost, the test is void"


@pytest.mark.parametrize("flush_s", [0.0, 1e9])
def test_power_losses_in_a_series(flush_s, monkeypatch):
    """Nodes on disk, ranges in memory, and a power of the unit."""
    monkeypatch.setattr(recorder_module, "FLUSH_S", flush_s)
    plan, losses = planned_on_disk(fraction_of_pi, 10, workspace=WORKSPACE), 0
    assert sum(call.is_in_memory for call in plan.trace.calls) >= 4
    assert sum("terms" in stage for stage, _ in plan.trace.stages()) >= 6

    def on(disk):
        with on_disk(plan, disk, disk.recorder()) as machine:
            return [value_of(number, machine.radix) for number in fraction_of_pi(machine)]

    for seed in range(2):
        count, found = power_loss.lives(on, plan.scratch_bytes, np.random.default_rng([seed]), 150)
        assert found == list(fraction("pi", (TERMS, POWER))), seed
        losses += count
    assert losses > 3, "power was hardly ever lost, the test is void"


def test_power_losses_flips_and_wrong_words():
    """What cannot be repaired, like two chunks of a number that is needed for long, stops the run."""
    rng, outcomes = np.random.default_rng(3), []
    plan = planned_on_disk(program(10), 10, workspace=WORKSPACE)

    def outcome(disk):
        try:
            return "right" if run(10, plan)(disk) == expected(10) else "wrong"
        except (FaultError, ReadError):
            return "stopped"

    slabs = np.cumsum(rng.integers(25, 70, 40))
    with failpoints.active(", ".join(f"slab.words=spoil:{at}@{at}" for at in slabs)) as rules:
        for seed in range(4):
            outcomes.append(power_loss.lives(outcome, plan.scratch_bytes, np.random.default_rng([seed, 7]), 400,
                                             flips=True))
    assert {what for _, what in outcomes} <= {"right", "stopped"} and "right" in {what for _, what in outcomes}
    assert sum(count for count, _ in outcomes) > 3 and rules[0].calls > slabs[2], "the test is void"


def reusing(machine):
    """Numbers in the places of others that are not needed any more."""
    a, words = given(machine, "a", A, WORDS), WORDS
    for i in range(4):
        b = given(machine, "b", A // (i + 2), WORDS)
        if i == 3:
            return machine.sum("sum", [(1, a, 0), (1, b, 0)], words)
        a, words = machine.products("a", [(a, b)], words + WORDS), words + WORDS


WORDS = 4_000
A = mpz(10) ** (5 * WORDS) // 7


def test_what_lies_in_the_place_of_a_dead_number_stays():
    """A power loss at any write; operations that were finished before do not write again."""
    plan = planned_on_disk(reusing, 10, workspace=WORKSPACE)
    places = plan.places
    assert len({places[step.out] for step in plan.trace.steps}) < len(plan.trace.steps), "nothing is placed again"

    def outcome(disk):
        with on_disk(plan, disk, disk.recorder()) as machine:
            return value_of(reusing(machine), machine.radix)

    right, writes = A * (A // 2) * (A // 3) * (A // 4) + A // 5, 0
    while True:
        writes += 1
        disk = power_loss.Disk(plan.scratch_bytes, np.random.default_rng(writes), writes)
        try:
            assert outcome(disk) == right
            break
        except power_loss.PowerLoss:
            again = power_loss.Disk(plan.scratch_bytes, np.random.default_rng(0), 0, *disk.after)
            assert outcome(again) == right, writes
    assert writes > 30
