"""Sums of products of both machines against gmpy2: signs, lengths, shifts, wrapping, shapes, faults."""

import numpy as np
import pytest
from gmpy2 import isqrt, mpz, t_div
from hypothesis import given
from hypothesis import strategies as st
from machine_runs import CHUNK, in_memory, on_disk, planned_on_disk, results, value_of
from machine_runs import given as number_of

from bigconst.arithmetic.memory.machine import MemoryMachine
from bigconst.arithmetic.memory.products import Products
from bigconst.arithmetic.planner import PlannedNumber, memory_trace
from bigconst.arithmetic.words import Words
from bigconst.base import failpoints
from bigconst.base.errors import FaultError
from bigconst.base.formats import WORDS
from bigconst.runtime.arena import Arena
from bigconst.runtime.threads import Pool

MACHINES = pytest.mark.parametrize("where", ["in memory", "on disk"])
BASES = pytest.mark.parametrize("base", [10, 16])


def integers(words: int, base: int):
    """Integers of at most so many words: random digits, single powers, all largest words, ends that ripple."""
    radix = WORDS[base].radix
    top = mpz(radix) ** words - 1
    return st.one_of(
        st.builds(lambda seed: mpz(pow(seed + 3, 2**40, 2**4423 - 1)) ** (words // 200 + 1) % (top + 1),
                  st.integers(0, 2**40)),
        st.builds(lambda k: mpz(radix) ** k, st.integers(0, words - 1)),
        st.sampled_from([mpz(0), mpz(1), top, top - 1, top // 2, top // (radix - 1), top - mpz(radix) ** (words // 2)]))


@st.composite
def sums(draw):
    """Pairs of numbers with their lengths, a factor, numbers to add, and where."""
    base = draw(st.sampled_from([10, 16]))

    def number(most):
        length = draw(st.integers(1, most))
        return draw(st.sampled_from([1, -1])) * draw(integers(length, base)), length

    terms = [(number(2500), number(2500)) for _ in range(draw(st.integers(1, 3)))]
    plus = [(draw(st.integers(-2**30, 2**30)), number(3000), draw(st.integers(0, 12)) * CHUNK)
            for _ in range(draw(st.integers(0, 2)))]
    return base, terms, draw(st.sampled_from([1, 1, 2, 2**31 - 1])), plus, draw(st.integers(0, 2**31 - 1))


@MACHINES
@given(case=sums(), one_at=st.integers(0, 6000), kept=st.booleans())
def test_sums_of_any_signs_and_lengths(where, case, one_at, kept):
    base, terms, times, plus, one = case
    radix = mpz(WORDS[base].radix)
    length = max([a + b for (_, a), (_, b) in terms] + [x + at for _, (_, x), at in plus] + [one_at]) + 4

    def program(machine):
        pairs = [(number_of(machine, "a", *a), number_of(machine, "b", *b)) for a, b in terms]
        if kept:
            pairs = [(a, machine.spectrum("s", b, length + 1, len(pairs))) for a, b in pairs]
        added = [(c, number_of(machine, "x", *x), at) for c, x, at in plus]
        return machine.products("sum", pairs, length, times=times, plus=[*added, (one, None, one_at)])

    expected = times * sum(a * b for (a, _), (b, _) in terms) + sum(c * x * radix**at for c, (x, _), at in plus)
    assert results(program, base, where) == [expected + one * radix**one_at]


@MACHINES
@given(base=st.sampled_from([10, 16]), k=st.integers(3, 12), b=st.integers(2, 2**31 - 1), above=st.booleans(),
       parts=st.integers(1, 2))
def test_a_short_sum_of_long_products(where, base, k, b, above, parts):
    """z^2 - b*B^at, which cancels but for half of its words, from one square or as (z - 1)*z + z*1."""
    radix, at = mpz(WORDS[base].radix), 2 * k * CHUNK
    z = isqrt(b * radix**at) + above

    def program(machine):
        length = k * CHUNK + 3
        whole = number_of(machine, "z", z, length)
        terms = [(whole, whole)]
        if parts == 2:
            terms = [(number_of(machine, "less", z - 1, length), whole),
                     (number_of(machine, "one", 1, 1), whole)]
        return machine.products("r", terms, k * CHUNK + 4, plus=[(-b, None, at)])

    assert results(program, base, where) == [z * z - b * radix**at]


@MACHINES
@BASES
def test_a_long_number_wraps_where_it_is_added(where, base):
    """The remainder of a division: y*B^n - q*x is short, though both parts have three times as many words."""
    radix, n = mpz(WORDS[base].radix), 8 * CHUNK
    x, y = radix ** (n - 2) * 7 // 3, radix ** (2 * n) * 5 // 9
    q, r = divmod(y * radix**n, x)

    def program(machine):
        return machine.products(
            "r", [(number_of(machine, "q", -q, 2 * n + 3), number_of(machine, "x", x, n))], n,
            plus=[(1, number_of(machine, "y", y, 2 * n), n)])

    assert results(program, base, where) == [r]


@MACHINES
@given(data=st.data(), base=st.sampled_from([10, 16]), halved=st.booleans())
def test_multiples(where, data, base, halved):
    """Sums of multiples of numbers, shifted up, or down and cut, and of powers of the radix, or half of them."""
    radix = mpz(WORDS[base].radix)
    numbers = [(data.draw(st.integers(1, 2**31 - 1)), (data.draw(integers(2000, base)), 2000),
                data.draw(st.integers(-7, 7)) * CHUNK)]
    for _ in range(data.draw(st.integers(0, 2))):
        sign, length = data.draw(st.sampled_from([1, -1])), data.draw(st.integers(1, 2000))
        numbers.append((data.draw(st.integers(-2**30, 2**30)), (sign * data.draw(integers(length, base)), length),
                        data.draw(st.integers(-7, 7)) * CHUNK))
    powers = data.draw(st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 4000)), max_size=2))
    total = sum(c * (x * radix**shift if shift >= 0 else t_div(x, radix**-shift)) for c, (x, _), shift in numbers)
    total += sum(c * radix**at for c, at in powers)
    if total < 0:
        powers.append((1, 4090))
        total += radix**4090

    def program(machine):
        return machine.sum("sum", [*((c, number_of(machine, "x", *x), shift) for c, x, shift in numbers),
                                   *((c, None, at) for c, at in powers)], 4100, halved)

    assert results(program, base, where) == [total // 2 if halved else total]


@MACHINES
@BASES
def test_a_sum_that_is_longer_than_was_said(where, base):
    """Its residue is right: it is known modulo B^N + 1 only."""
    radix = mpz(WORDS[base].radix)
    z = radix ** (9 * CHUNK) // 3

    def program(machine):
        number = number_of(machine, "z", z, 9 * CHUNK)
        return machine.products("r", [(number, number)], 4 * CHUNK, plus=[(1, None, 2)])

    with pytest.raises(FaultError, match="the same wrong value twice .* not the hardware"):
        results(program, base, where)


@MACHINES
@BASES
@pytest.mark.parametrize("kept", [False, True])
def test_what_is_spoiled_once_is_repeated(where, base, kept):
    """Words, data and spectra, in sums of two products; twice in the same way on smaller words."""
    radix = mpz(WORDS[base].radix)
    values = [radix ** (6 * CHUNK) // k for k in (3, 7, -11, 13)]

    def program(machine):
        a, b, c, d = (number_of(machine, "x", value, 6 * CHUNK) for value in values)
        if kept:
            b, d = (machine.spectrum("s", x, 12 * CHUNK + 1, 2) for x in (b, d))
        return machine.products("sum", [(a, b), (c, d)], 12 * CHUNK)

    a, b, c, d = values
    places = {"in memory": ("product.words", "transform.data", "transform.spectrum", "transform.carries"),
              "on disk": ("slab.words", "slab.data", "row.data", "slab.carries")}[where]
    for place in places:
        events = []
        machine = (in_memory(program, base, events=events) if where == "in memory"
                   else on_disk(planned_on_disk(program, base), events=events))
        with machine as machine, failpoints.active(f"{place}=spoil:5@1"):
            assert value_of(program(machine), machine.radix) == a * b + c * d
        # Tiles have their checksums before they are spoiled.
        expected = (["checksum"],) if place == "slab.data" else (["residue"], ["round-off"])
        assert [event.kind for event in events] in expected


@MACHINES
def test_words_that_round_badly_are_made_smaller(where):
    """All words just below half the radix: the largest coefficients there are."""
    half = mpz("49999" * 40_000)

    def program(machine):
        a, b, c = (number_of(machine, "a", value, 40_000) for value in (half, -half, half // 3))
        return machine.products("sum", [(a, a), (b, c)], 80_000, plus=[(3, c, 4096)])

    options = {"chunk": 4096, "workspace": 12 << 20} if where == "on disk" else {}
    assert results(program, 10, where, **options) == [
        half * half - half * (half // 3) + 3 * (half // 3) * mpz(10) ** (5 * 4096)]


def test_an_argument_that_changed_before_it_was_loaded():
    trace = memory_trace(10, lambda machine, x: machine.products("r", [(x, x)], 600), PlannedNumber("x", 300))
    words = np.arange(300, dtype=np.int32)
    with Pool(1) as pool:
        products = Products(Words(WORDS[10], pool), lambda event: None)
        for changed in (0, 1):
            machine = MemoryMachine(trace, products, Arena(trace.memory_bytes), lambda event: None)
            residue = products.words.residue(words) + changed
            if not changed:
                assert value_of(machine.argument(lambda low, high: words[low:high], 1, residue), 10**5) > 0
                continue
            with pytest.raises(FaultError, match="an operand does not have its residue any more; run it again"):
                machine.argument(lambda low, high: words[low:high], 1, residue)


def test_a_sum_of_too_many_numbers():
    with pytest.raises(ValueError, match="sum: a sum has at most 3 numbers"):
        planned_on_disk(lambda machine: machine.sum("sum", [(1, number_of(machine, "x", 1, 1), 0)] * 4, 2), 10)
