"""Whole computations against gmpy2's integer square root."""

from dataclasses import replace

import numpy as np
import pytest
from gmpy2 import isqrt, mpz
from hypothesis import given
from hypothesis import strategies as st

from bigconst.base.constant import Constant
from bigconst.base.units import hex_digits
from bigconst.constants import engine
from bigconst.constants.bounds import Bounds
from bigconst.constants.golden import PHI
from bigconst.constants.planning import bounds_of, make_plan
from bigconst.constants.sqrt import root_of

ROOTS = [1, 2, 3, 4, 5, 7, 9, 10, 12345, 46340**2, 46340**2 + 1, 2**31 - 1]
DIGITS = [1, 2, 3, 9, 10, 50, 99, 1000, 12345, 99999]


def expected(constant: Constant, decimal_digits: int, base: int) -> str:
    """The text by gmpy2."""
    digits = decimal_digits if base == 10 else hex_digits(decimal_digits)
    scale = mpz(base) ** digits
    value = isqrt(constant.number.d * scale * scale)
    if constant == PHI:
        value = (scale + value) // 2
    text = value.digits(base).rjust(digits + 1, "0")
    return f"{text[:-digits]}.{text[-digits:]}"


def same(a: str, b: str) -> bool:
    """Equality without pytest's attempt to explain a difference of a million characters."""
    return a == b


@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("d", ROOTS)
def test_square_roots(d, base):
    for digits in DIGITS:
        constant = root_of(d)
        assert same(engine.compute(constant, digits, base), expected(constant, digits, base)), (d, digits, base)


@pytest.mark.parametrize("base", [10, 16])
def test_phi(base):
    for digits in [*DIGITS, 10**6]:
        assert same(engine.compute(PHI, digits, base, threads=2), expected(PHI, digits, base)), digits


@pytest.mark.slow
@pytest.mark.parametrize("base", [10, 16])
@pytest.mark.parametrize("d", ROOTS)
def test_square_roots_to_a_million_digits(d, base):
    constant = root_of(d)
    assert same(engine.compute(constant, 10**6, base, threads=2), expected(constant, 10**6, base))


@pytest.mark.slow
@pytest.mark.parametrize("base", [10, 16])
def test_phi_to_ten_million_digits(base):
    assert same(engine.compute(PHI, 10**7, base, threads=2), expected(PHI, 10**7, base))


@given(st.integers(1, 30_000), st.integers(1, 2**31 - 1), st.sampled_from([10, 16]))
def test_any_root(digits, d, base):
    constant = root_of(d)
    assert same(engine.compute(constant, digits, base), expected(constant, digits, base))


@given(st.integers(1, 60_000), st.sampled_from([10, 16]))
def test_phi_to_any_length(digits, base):
    assert same(engine.compute(PHI, digits, base), expected(PHI, digits, base))


@pytest.mark.parametrize("base", [10, 16])
def test_thread_counts_give_identical_digits_and_round_off(base):
    results = []
    for threads in (1, 2, 3):
        plan = make_plan(root_of(3), 700_000, base, threads, 1 << 40)
        text = bytearray(plan.text_bytes)

        class Sink:
            def write_at(self, offset, data, text=text):
                text[offset:offset + len(data)] = data

        outcome = engine.run(plan, Sink(), lambda event: None)
        results.append((bytes(text), outcome.max_roundoff, outcome.digit_hash))
    assert results[0] == results[1] == results[2]


def test_digit_hash_is_the_value_modulo_2_61_minus_1():
    plan = make_plan(PHI, 12_345, 10, 1, 1 << 40)
    text = bytearray(plan.text_bytes)

    class Sink:
        def write_at(self, offset, data):
            text[offset:offset + len(data)] = data

    outcome = engine.run(plan, Sink(), lambda event: None)
    digits = text.decode().strip().replace(".", "")
    assert outcome.digit_hash == mpz(digits) % (2**61 - 1)
    assert outcome.last_digits == digits[-100:]


def test_error_of_y_is_within_its_bound_at_every_level():
    """The bound on which the guard digits rest, against exact integers."""
    from bigconst.arithmetic.ladder import inverse_root
    from bigconst.arithmetic.memory.machine import MemoryMachine
    from bigconst.arithmetic.memory.products import Products
    from bigconst.arithmetic.planner import memory_trace
    from bigconst.arithmetic.words import Words
    from bigconst.base.formats import WORDS
    from bigconst.constants.roots import Y_ERROR, ladder_bounds
    from bigconst.runtime.arena import Arena
    from bigconst.runtime.threads import Pool

    with Pool(1) as pool:
        for d, base in [(2, 10), (5, 16), (3, 10), (12345, 10), (2**31 - 1, 10), (46340**2 + 1, 16), (10, 16)]:
            plan = make_plan(root_of(d), 100_000, base, 1, 1 << 40)
            words = Words(WORDS[base], pool)
            ladder = ladder_bounds(d, bounds_of(plan, certified=False))
            trace = memory_trace(base, inverse_root, ladder, plan.words)
            machine = MemoryMachine(trace, Products(words, lambda event: None), Arena(trace.memory_bytes),
                                    lambda event: None)
            y = machine.run(inverse_root, ladder, plan.words)
            value = mpz(0)
            for word in y.words[::-1].tolist():
                value = value * plan.format.radix + word
            power = mpz(plan.format.radix) ** (2 * plan.words)
            true = isqrt(power // d)
            assert abs(value - true) <= Y_ERROR, (d, base)
            assert value % (2**61 - 1) == y.residue and y.sign == 1
            assert np.all(y.words >= 0)


@pytest.mark.parametrize("constant", [PHI, root_of(2), root_of(3)])
@pytest.mark.parametrize("base", [10, 16])
def test_last_digits_settled_by_the_exact_square(constant, base, monkeypatch):
    """With a bound so wide that many results are in doubt, the square alone decides, from both sides."""
    from bigconst.arithmetic.memory.machine import MemoryMachine

    asked = []
    original = MemoryMachine.corrected

    def corrected(self, name, x, count, correction, test):
        def watched(x):
            r = test(x)
            asked.append(r.is_positive)
            return r

        return original(self, name, x, count, correction, watched)

    monkeypatch.setattr(MemoryMachine, "corrected", corrected)
    # As far as the residual's length allows; a quarter of all numbers whose digits end with a word.
    original_correction = Bounds.correction
    monkeypatch.setattr(Bounds, "correction", lambda self, low: original_correction(
        replace(self, error=self.radix ** (self.words - self.text_words) // 8), low))
    for digits in range(2000, 2600, 5):
        assert same(engine.compute(constant, digits, base), expected(constant, digits, base))
        if len(asked) >= 4 and {True, False} <= set(asked):
            return
    raise AssertionError(f"only {asked} were asked")
