"""Values corrupted on purpose in memory, one in each run: whatever happens, no wrong digit comes out."""

from collections import Counter

import numpy as np
import pytest
from gmpy2 import isqrt, mpz
from plan_places import ladder_levels

from bigconst.arithmetic.memory.machine import MemoryMachine
from bigconst.base import failpoints
from bigconst.base.errors import FaultError, UsageError
from bigconst.constants import engine
from bigconst.constants.golden import PHI
from bigconst.constants.planning import make_plan

DIGITS = 60_000
PLAN = make_plan(PHI, DIGITS, 10, 1, 1 << 40)


@pytest.fixture(scope="module")
def truth():
    scale = mpz(10) ** DIGITS
    return str((scale + isqrt(5 * scale * scale)) // 2)


class Sink:
    def __init__(self, size):
        self.text = bytearray(size)

    def write_at(self, offset, data):
        self.text[offset:offset + len(data)] = data


def outcome(truth: str) -> str:
    """What became of a run in which something is corrupted: it is stopped, or its digits are right."""
    sink, events = Sink(PLAN.text_bytes), []
    try:
        engine.run(PLAN, sink, events.append)
    except FaultError as error:
        return "stopped: " + str(error).split(";")[0].split(",")[-1].split(": ")[-1][:60]
    assert sink.text.decode().strip().replace(".", "") == truth
    kinds = [event.kind for event in events if type(event).__name__ == "Fault"]
    return "repaired after " + " and ".join(sorted(set(kinds))) if kinds else "harmless"


LEVELS = len(ladder_levels(PLAN.trace))
# failpoint: (runs, how often values pass it when nothing is repeated)
PLACES = {"transform.data": (30, 3 * LEVELS), "transform.spectrum": (20, LEVELS), "transform.carries": (30, 3 * LEVELS),
          "product.words[, e]": (30, LEVELS), "product.words[, u]": (30, LEVELS), "product.words[, v]": (20, LEVELS),
          "sum.words": (20, LEVELS + 1), "level.words": (10, LEVELS)}
AFTER_ITS_CHECK = 10
"""Runs in which the result itself changes."""


def test_two_hundred_are_injected():
    assert sum(runs for runs, _ in PLACES.values()) + AFTER_ITS_CHECK == 200 and LEVELS > 2


@pytest.mark.parametrize("place", PLACES)
def test_a_wrong_value_never_reaches_the_digits(place, truth, record_property):
    runs, calls = PLACES[place]
    caught = Counter()
    for seed in range(runs):
        at = 1 + seed % calls
        with failpoints.active(f"{place}=spoil:{seed}@{at}, {place}=sleep:0") as (_, passed):
            found = outcome(truth)
        assert passed.calls >= at, "nothing was corrupted, the test is void"
        assert found != "harmless" or passed.calls == calls
        caught[found] += 1
    record_property("caught", dict(caught))
    print(f"\n{place}: {dict(caught)}")


def test_a_result_that_changes_after_its_check_is_not_written(truth, monkeypatch):
    rng, original = np.random.default_rng(5), MemoryMachine.sum

    def changed(*arguments, **options):
        x = original(*arguments, **options)
        at = rng.integers(len(x.words))
        x.words[at] = (x.words[at] + rng.integers(1, 100_000)) % 100_000
        return x

    monkeypatch.setattr(MemoryMachine, "sum", changed)
    for _ in range(AFTER_ITS_CHECK):
        assert outcome(truth).startswith("stopped: ")


# --- the failpoints ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype,below,changes", [
    (np.float64, 0, lambda a, b: 1e3 <= b - a <= 1e11),
    (np.int64, 0, lambda a, b: abs(b - a) == 1),
    (np.uint64, 0, lambda a, b: int(a ^ b).bit_count() == 1),
    (np.int32, 10**5, lambda a, b: a != b and 0 <= b < 10**5),
    (np.uint64, 2**61 - 1, lambda a, b: a != b and b < 2**61 - 1),
    (np.int8, 3, lambda a, b: a != b and 0 <= b < 3),
])
def test_one_value_becomes_another_that_is_possible(dtype, below, changes):
    values = np.arange(12).astype(dtype) % (below or 12)
    found = set()
    for seed in range(40):
        spoilt = values.copy().reshape(3, 4)
        with failpoints.active(f"slab.words=spoil:{seed}@2"):
            failpoints.touch("slab.words", "x", spoilt, below)
            assert np.array_equal(spoilt.ravel(), values)
            failpoints.touch("slab.words", "x", spoilt, below)
        at, = np.flatnonzero(spoilt.ravel() != values)
        assert changes(values[at], spoilt.ravel()[at])
        found.add(at)
        again = values.copy()
        with failpoints.active(f"slab.words=spoil:{seed}"):
            failpoints.touch("slab.words", "x", again, below)
        assert np.array_equal(again, spoilt.ravel()), "the argument decides"
    assert len(found) > 8


def test_values_are_told_apart_by_what_they_belong_to():
    values = np.zeros(1, np.int64)
    with failpoints.active("product.words[, u]=spoil@2-3, product.words=sleep:0") as (some, every):
        for where in ("level 1, u", "level 1, v", "level 2, u", "level 2, u, 4 digits", "level 3, u"):
            failpoints.touch("product.words", where, values[:])
        failpoints.touch("product.words", "level 4, u", values[:0])
    assert (some.calls, every.calls) == (5, 6) and abs(values[0]) in (0, 2)


@pytest.mark.parametrize("rule", ["slab.words=EIO", "slab.words=flip:3", "slab.words=torn", "lane.read=spoil"])
def test_files_and_values_fail_in_their_own_ways(rule):
    with pytest.raises(UsageError, match="makes no sense there"), failpoints.active(rule):
        pass
