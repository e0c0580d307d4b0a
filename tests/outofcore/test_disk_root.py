"""The end of a run on disk: the remainder, its bound, and digits that are a unit off."""

import numpy as np
import pytest
from certificates import floor, remainder
from disk_parts import WatchedVolume, whole
from disk_runs import plan_on_disk, run_watched
from gmpy2 import mpz
from hypothesis import given
from hypothesis import strategies as st
from plan_places import square_of

from bigconst.arithmetic.disk.machine import DiskMachine
from bigconst.arithmetic.disk.products import DiskProducts
from bigconst.arithmetic.disk.reader import Reader
from bigconst.arithmetic.disk.stages import Stages
from bigconst.arithmetic.disk.workspace import DiskWorkspace
from bigconst.arithmetic.memory.products import Products
from bigconst.arithmetic.words import Words
from bigconst.base.errors import FaultError
from bigconst.constants import roots
from bigconst.constants.golden import PHI
from bigconst.constants.planning import bounds_of
from bigconst.constants.sqrt import root_of
from bigconst.plans.certificate import Claim, within_bound
from bigconst.runtime.arena import Arena
from bigconst.runtime.pipeline import Pipeline
from bigconst.runtime.recorder import Recorder
from bigconst.runtime.threads import Pool

CASES = [(PHI, 140_000, 10), (PHI, 139_997, 10), (PHI, 138_000, 16), (PHI, 138_001, 16),
         (root_of(2), 140_001, 10), (root_of(2**31 - 1), 139_998, 10), (root_of(12345), 137_999, 16)]
UNITS = [1, -1, 2, 10**9]


def started(constant, digits, base, pool):
    plan = plan_on_disk(constant, digits, base)
    words = Words(plan.format, pool)
    arena = Arena(max(plan.arena_bytes, plan.disk.used_bytes))
    scratch = DiskWorkspace(WatchedVolume(plan.disk.scratch_bytes), words, arena, Pipeline(), Recorder(),
                            lambda kind, where, message: None)
    products = DiskProducts(plan.disk, scratch, Products(words, lambda event: None))
    machine = DiskMachine(products, Stages(plan.disk, scratch, lambda event: None), None, lambda: False)
    constant.program(machine, bounds_of(plan, certified=True))
    return plan, words, machine.text_of[0], *machine.certificate_of[3]


@pytest.fixture
def by_remainder(monkeypatch):
    """Certificates as those of numbers that have no level on disk."""
    monkeypatch.setattr(roots, "_statement", lambda *arguments: None)


@pytest.mark.parametrize("constant,digits,base", CASES)
def test_digits_remainder_and_residues(constant, digits, base, by_remainder):
    with Pool(1) as pool:
        plan, words, x, r = started(constant, digits, base, pool)
        p = floor(constant.name, base, plan.digits)
        size = bounds_of(plan, certified=True).guard_range
        value = whole(x.number.read(0, plan.words + 1), words.format.radix)
        assert value // size == p and value % (2**61 - 1) == x.residue == x.number.residue()
        read, length, r_residue = Reader(r.operand, 4), square_of(plan.disk).stored_words, r.residue
        assert not r.is_positive
        r = remainder(constant.name, base, plan.digits, p) * size**2 * (4 if constant == PHI else 1)
        # In one piece, and in two that meet anywhere.
        assert whole(read(0, length), words.format.radix) == r and r_residue == r % (2**61 - 1)
        for cut in (1, length // 3, length - 1):
            assert whole(np.concatenate([read(0, cut), read(cut, length)]), words.format.radix) == r


@pytest.mark.parametrize("constant,digits,base,units", [
    *((*CASES[0], units) for units in UNITS), *((*case, UNITS[i % 4]) for i, case in enumerate(CASES[1:]))])
@pytest.mark.parametrize("is_remainder", [False, True])
def test_digits_that_are_units_off_are_never_certified(constant, digits, base, units, is_remainder, monkeypatch,
                                                      request):
    """As they would be without any other check: residues follow."""
    original = DiskMachine.sum

    def added(self, name, *arguments, **options):
        bounds = bounds_of(plan, certified=True)
        return original(self, name, *arguments, **options).plus(int(units * bounds.guard_range))

    monkeypatch.setattr(DiskMachine, "sum", added)
    if is_remainder:
        request.getfixturevalue("by_remainder")
    plan = plan_on_disk(constant, digits, base)
    with pytest.raises(FaultError, match="not within its bounds|wrong with words of every size" if is_remainder
                       else "does not prove its digits|out of their bounds"):
        run_watched(plan)


@given(kind=st.sampled_from(["phi", "sqrt"]), d=st.integers(2, 2**31 - 1), base=st.sampled_from([10, 16]),
       digits=st.integers(1, 80), step=st.integers(1, 30), off=st.integers(-2, 2), data=st.data())
def test_the_bound_is_exact(kind, d, base, digits, step, off, data):
    constant = PHI if kind == "phi" else root_of(d)
    p = floor(constant.name, base, digits)
    bound = 2 * p - base**digits if kind == "phi" else 2 * p
    r = data.draw(st.sampled_from([bound + off, 0, bound // 2, remainder(constant.name, base, digits, p)]))
    radix = mpz({10: 10**5, 16: 2**16}[base])

    def words_of(value):
        return lambda low, high: int(value // radix**low % radix ** (high - low))

    claim = Claim(constant.number, base, digits)
    assert within_bound(claim, step, words_of(max(r, 0)), words_of(p)) == (max(r, 0) <= bound)
