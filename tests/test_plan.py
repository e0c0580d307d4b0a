"""The plan: pure, complete, and refused in words when it cannot be."""

from math import isqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_places import ladder_levels

from bigconst.base.errors import DoesNotFit
from bigconst.base.units import hex_digits
from bigconst.constants.golden import PHI
from bigconst.constants.planning import bounds_of, make_plan
from bigconst.constants.roots import Y_ERROR, ladder_bounds
from bigconst.constants.sqrt import root_of
from bigconst.plans.certificate import Claim, Remainder


@given(st.integers(1, 5 * 10**9), st.integers(1, 2**31 - 1), st.sampled_from([10, 16]))
def test_the_ladder_keeps_the_bounds_of_its_derivation(digits, d, base):
    plan = make_plan(root_of(d), digits, base, 2, 1 << 60)
    radix, bounds = plan.format.radix, bounds_of(plan, certified=True)
    ladder = ladder_bounds(d, bounds)
    assert plan.digits == (hex_digits(digits) if base == 16 else digits)
    assert plan.text_words * plan.format.digits >= plan.digits
    assert radix ** (plan.words - plan.text_words) >= bounds.error * radix**2
    assert radix**ladder.overlap >= 1000 * d
    assert radix**ladder.guard >= 40 * (isqrt(d) + 1)
    assert bounds.error > Y_ERROR * d and bounds.words == plan.words
    # The exact square of the certificate needs two words more than its remainder.
    r = Remainder().numbers(Claim(plan.constant.number, base, plan.digits))[0].words(base)
    assert isqrt(d) ** 2 == d or plan.square_words >= r + 2
    for level in ladder_levels(plan.trace):
        assert 3 * level.words_in - level.words_out >= ladder.overlap
        assert level.residual.words > level.words_in + ladder.guard
        assert level.product.words >= 2 * (level.words_in + ladder.guard)
        # e, u, the spectrum of e with v over it, and the work array
        arrays = 4 * (level.residual.words + level.product.words) + 2 * level.product.data_bytes
        assert arrays + 4 * level.words_out <= plan.arena_bytes
    for before, after in zip(ladder_levels(plan.trace), ladder_levels(plan.trace)[1:], strict=False):
        assert before.words_out == after.words_in
    if ladder_levels(plan.trace):
        assert ladder_levels(plan.trace)[-1].words_out == plan.words
    assert bool(ladder_levels(plan.trace)) == (isqrt(d) ** 2 != d and plan.words > 400)


def test_memory_is_at_most_5_bytes_a_digit():
    for digits in (10**8, 3 * 10**8, 10**9, 5 * 10**9):
        assert make_plan(PHI, digits, 10, 2, 1 << 60).peak_memory_bytes <= 5 * digits + 300_000_000


def test_too_little_memory_names_both_numbers():
    with pytest.raises(DoesNotFit, match=r"4\.\d+ GiB.*1\.00 GiB") as caught:
        make_plan(PHI, 10**9, 10, 2, 1 << 30)
    assert caught.value.exit_code == 4


def test_too_long_a_transform_names_the_bound():
    with pytest.raises(DoesNotFit, match="1,073,741,824"):
        make_plan(PHI, 10**12, 10, 2, 1 << 60)


def test_equal_requests_give_equal_plans_and_every_shape_is_printed():
    plan = make_plan(PHI, 10**6, 10, 2, 1 << 40)
    assert plan == make_plan(PHI, 10**6, 10, 2, 1 << 40)
    text = "\n".join(value for _, value in plan.describe())
    for level in ladder_levels(plan.trace):
        assert str(level.residual) in text and str(level.product) in text
