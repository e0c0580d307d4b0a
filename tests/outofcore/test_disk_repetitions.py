"""What hardly ever happens in a run on disk: a last digit in doubt, and products that are repeated."""

from dataclasses import replace

import pytest
from certificates import digit_text, floor, proves
from disk_runs import ONE_LEVEL, REGROUPED, ROOMY, TWO_LEVELS, are_right, plan_on_disk, run_watched, same
from plan_places import ladder_levels

from bigconst.arithmetic.disk.machine import DiskMachine
from bigconst.arithmetic.disk.passes import DiskTransform
from bigconst.base.errors import FaultError
from bigconst.base.units import hex_digits
from bigconst.constants.bounds import Bounds
from bigconst.constants.golden import PHI
from bigconst.constants.sqrt import root_of

SQRT2, SQRT_MAX = root_of(2), root_of(2**31 - 1)

# --- the last digit ----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("constant,base", [(PHI, 10), (PHI, 16), (SQRT2, 10), (root_of(3), 16)])
def test_last_digits_settled_by_the_exact_square(constant, base, monkeypatch):
    """With a bound so wide that many results are in doubt, the square alone decides, from both sides."""
    asked, original = [], DiskMachine.products

    def products(self, name, *arguments, **options):
        made = original(self, name, *arguments, **options)
        if self._stage == "in doubt, last digit":
            asked.append(made.is_positive)
        return made

    monkeypatch.setattr(DiskMachine, "products", products)
    # As far as the residual's length allows; a quarter of all numbers whose digits end with a word.
    original_correction = Bounds.correction
    monkeypatch.setattr(Bounds, "correction", lambda self, low: original_correction(
        replace(self, error=self.radix ** (self.words - self.text_words) // 8), low))
    for digits in without_guard_words_to_spare(base):
        plan = plan_on_disk(constant, digits, base)
        assert plan.words - plan.text_words == 3 and plan.digits % plan.format.digits == 0
        text = digit_text(floor(constant.name, base, plan.digits), base, plan.digits)
        found = run_watched(plan, digits)
        assert same(found.text, text) and proves(found.text, found.certificate), digits
        if len(asked) >= 4 and {True, False} <= set(asked):
            return
    raise AssertionError(f"only {asked} were asked")


def without_guard_words_to_spare(base):
    """Decimal digits for which rounding up to whole chunks adds nothing, so that the guard words can be in doubt."""
    for chunks in range(28, 200):
        written = (1024 * chunks - 3) * {10: 5, 16: 4}[base]
        for digits in [written] if base == 10 else range(int(written * 1.204), 2 * written):
            if base == 10 or hex_digits(digits) == written:
                yield digits
                break


# --- repetitions -------------------------------------------------------------------------


@pytest.mark.parametrize("digits", [ONE_LEVEL, pytest.param(TWO_LEVELS, marks=pytest.mark.slow)])
@pytest.mark.parametrize("constant,base", [(PHI, 10), (SQRT2, 16)])
def test_any_product_may_be_repeated_once(constant, digits, base, monkeypatch):
    """Each one in turn, on the same words: the digits are right, with no more scratch."""
    plan = plan_on_disk(constant, digits, base, threads=2)
    original = DiskTransform.inverse
    products = 3 * len(ladder_levels(plan.disk.trace))
    for turn in range(products):
        calls = []

        def inverse(self, *arguments, turn=turn, calls=calls):
            top, error, peak = original(self, *arguments)
            calls.append(self.shape.digits)
            return top, 0.5 if len(calls) == turn + 1 else error, peak

        monkeypatch.setattr(DiskTransform, "inverse", inverse)
        found = run_watched(plan, turn)
        assert are_right(found.files(), constant, digits, base), turn
        assert found.faults == ["round-off"] and found.outcome.faults == {"round-off": 1}
        assert len(calls) == products + 1 and len(set(calls)) == 1
        assert max(found.sizes) <= plan.disk.scratch_bytes


@pytest.mark.parametrize("constant,base", [
    (PHI, 10), pytest.param(SQRT_MAX, 10, marks=pytest.mark.slow), (SQRT2, 16)])
def test_every_product_on_smaller_words(constant, base, monkeypatch):
    """A limit that no word of the planned size keeps."""
    plan = plan_on_disk(constant, REGROUPED, base, ROOMY)
    original = DiskTransform.inverse

    def inverse(self, *arguments):
        top, error, peak = original(self, *arguments)
        return top, error + (self.shape.digits == plan.format.digits), peak

    monkeypatch.setattr(DiskTransform, "inverse", inverse)
    found = run_watched(plan)
    assert are_right(found.files(), constant, REGROUPED, base)
    products, (_, grown) = 3 * len(ladder_levels(plan.disk.trace)), plan.disk.repetition
    assert found.faults == ["round-off"] * 2 * products
    # What each one takes at the end of the volume is known beforehand, but for whole stripes.
    growth = max(found.sizes) - plan.disk.scratch_bytes
    assert grown <= growth <= products * (grown + 3 * plan.disk.stripe_bytes)


def test_a_limit_that_nothing_keeps_stops_the_run(monkeypatch):
    monkeypatch.setattr("bigconst.arithmetic.memory.products.ROUNDOFF_LIMIT", 1e-9)
    with pytest.raises(FaultError, match="wrong with words of every size"):
        run_watched(plan_on_disk(PHI, ONE_LEVEL))
