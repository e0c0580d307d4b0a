"""Checked products on disk: what is repeated, on what, and what is refused; all values against gmpy2."""

import numpy as np
import pytest
from disk_parts import check_records, products_of, stored, to_words, value_of, whole
from gmpy2 import isqrt, mpz
from hypothesis import given
from hypothesis import strategies as st

from bigconst.arithmetic.disk.operand import Operand
from bigconst.arithmetic.disk.passes import DiskTransform
from bigconst.arithmetic.disk.products import DiskTerm
from bigconst.arithmetic.disk.tiles import Tiles
from bigconst.arithmetic.machine import Sum
from bigconst.base import failpoints
from bigconst.base.errors import FaultError
from bigconst.plans.diskshape import disk_shape
from bigconst.plans.trace import Step

P = 2**61 - 1
CHUNK = 256
PLACES = {"a": 0, "b": 1 << 20, "result": 2 << 20, "spectrum": 4 << 20, "work": 8 << 20}
BASES = pytest.mark.parametrize("base", [10, 16])


def radix_of(base):
    return 10**5 if base == 10 else 2**16


def shape_for(words, base, digits=None, least=1 << 15):
    """By default not too short for smaller words."""
    return disk_shape(max(words, least), base, digits or {10: 5, 16: 4}[base], CHUNK, 4 << 20, 2, 1)


def random_words(rng, base, count):
    return rng.integers(0, radix_of(base), count).astype(np.int32)


def multiply(products, shape, a, b, first=0, off=0, places=PLACES, chunk=CHUNK):
    """a*b, whose residue is said to be greater by `off`; the spectrum of b is there before."""
    a, b = (stored(products.scratch, words, chunk, places[name]) for name, words in (("a", a), ("b", b)))
    spectrum = Tiles(shape, places["spectrum"])
    products.transform(shape).forward(Operand(b), spectrum)
    wanted = Sum(1, (1,), (), (a.residue() * b.residue() + off) % P)
    term = DiskTerm(Operand(a), Operand(b), Tiles(shape, places["work"]), spectrum, True)
    result, sign = products.sum_of_products([term], wanted, shape.stored_words, Step("p", "", shape=shape, operands=2),
                                            places["result"], first, 1, "a product")
    assert sign == 1 and not result.complement
    return result.number


def kinds(events):
    return [event.kind for event in events]


@BASES
@pytest.mark.parametrize("a,b", [(1, 1), (20, 16), (16, 1), (16, 16)])
def test_a_product(base, a, b):
    rng = np.random.default_rng(a)
    shape = shape_for((a + b) * CHUNK, base)
    with products_of(shape) as (products, events):
        x, y = random_words(rng, base, a * CHUNK), random_words(rng, base, b * CHUNK)
        number = multiply(products, shape, x, y)
        assert value_of(number) == whole(x, radix_of(base)) * whole(y, radix_of(base)) and events == []
        check_records(number)
        assert products.scratch.volume.size_bytes == 16 << 20


@BASES
def test_the_lowest_chunks_may_be_left_out(base):
    rng = np.random.default_rng(3)
    shape = shape_for(40 * CHUNK, base)
    with products_of(shape) as (products, _):
        x, y = random_words(rng, base, 20 * CHUNK), random_words(rng, base, 20 * CHUNK)
        number = multiply(products, shape, x, y, first=17)
        upper = whole(x, radix_of(base)) * whole(y, radix_of(base)) // mpz(radix_of(base)) ** (17 * CHUNK)
        assert value_of(number, 17) - upper in (-1, 0, 1)


def spoil_round_off(monkeypatch, attempts):
    """Inverse transforms number 0 .. attempts - 1 report an error of a half."""
    calls, original = [], DiskTransform.inverse

    def inverse(self, *arguments):
        calls.append((self.shape.digits, arguments[0].address, arguments[1].address))
        top, error, peak = original(self, *arguments)
        return (top, 0.5, 1.0) if len(calls) <= attempts else (top, error, peak)

    monkeypatch.setattr(DiskTransform, "inverse", inverse)
    return calls


@pytest.mark.parametrize("base,digits", [(10, [5, 4, 3]), (16, [4, 3])])
def test_bad_rounding_is_repeated_on_smaller_words_behind_all_others(base, digits, monkeypatch):
    rng = np.random.default_rng(5)
    shape = shape_for(30 * CHUNK, base)
    x, y = random_words(rng, base, 14 * CHUNK), random_words(rng, base, 15 * CHUNK)
    for smaller in range(len(digits)):
        attempts = 2 * smaller      # each size twice: what comes twice is not the hardware
        with products_of(shape) as (products, events), monkeypatch.context() as patch:
            calls = spoil_round_off(patch, attempts)
            number = multiply(products, shape, x, y)
            assert value_of(number) == whole(x, radix_of(base)) * whole(y, radix_of(base))
            check_records(number)
            assert [call[0] for call in calls] == [d for d in digits[:smaller] for _ in range(2)] + [digits[smaller]]
            assert kinds(events) == ["round-off"] * attempts == ["round-off"] * products.faults.counts["round-off"]
            assert all(call[1:] == (PLACES["work"], PLACES["result"]) for call in calls[:2])
            # What smaller words need lies where nothing was planned.
            assert all(at >= 16 << 20 for call in calls[2:] for at in call[1:])
            assert (products.scratch.volume.size_bytes > 16 << 20) == (attempts > 0)


def test_structured_words_are_repeated_on_smaller_ones():
    """All words just below half the radix: the largest coefficients there are."""
    chunk = 4096
    half = np.full(38 * chunk, 10**5 // 2 - 1, np.int32)
    shape = disk_shape(2 * len(half), 10, 5, chunk, 16 << 20, 2, 1)
    with products_of(shape, 16 << 20) as (products, events):
        products.scratch.volume.resize(128 << 20)
        places = {"a": 100 << 20, "b": 110 << 20, "spectrum": 40 << 20, "work": 70 << 20, "result": 0}
        assert value_of(multiply(products, shape, half, half, 0, 0, places, chunk)) == whole(half, 10**5) ** 2
        # Half the largest error that there is.
        assert kinds(events) == ["round-off"] * 2


@BASES
@pytest.mark.parametrize("pattern", ["142857", "49999", "50000", "99999", "000001", "9", "123"])
def test_short_periods(base, pattern):
    digits = {10: 5, 16: 4}[base]
    text = (pattern * (digits * 15 * CHUNK))[:digits * 15 * CHUNK]
    words = to_words(mpz(text, base), 15 * CHUNK, radix_of(base))
    shape = shape_for(30 * CHUNK, base)
    with products_of(shape) as (products, _):
        assert value_of(multiply(products, shape, words, words)) == mpz(text, base) ** 2


@BASES
def test_a_product_that_is_wrong_twice_in_the_same_way_is_given_up(base):
    shape = shape_for(20 * CHUNK, base)
    words = np.arange(10 * CHUNK, dtype=np.int32)
    with products_of(shape) as (products, events):
        with pytest.raises(FaultError, match="a product: the same wrong value twice .* not the hardware") as caught:
            multiply(products, shape, words, words, off=1)
        assert caught.value.exit_code == 5
        assert kinds(events) == ["residue"] * 2


@pytest.mark.parametrize("operands", [1, 2])
def test_a_spectrum_that_was_spoiled_is_made_anew(operands, monkeypatch):
    rng = np.random.default_rng(7)
    shape = shape_for(28 * CHUNK, 10, 3)
    x, y = random_words(rng, 10, 13 * CHUNK), random_words(rng, 10, 13 * CHUNK)
    with products_of(shape) as (products, events):
        original, calls = DiskTransform.forward, []

        def forward(self, operand, tiles, *name):
            calls.append(tiles.address)
            if len(calls) == 1:
                wrong = stored(products.scratch, np.full(13 * CHUNK, 3, np.int32), CHUNK, 12 << 20)
                return original(self, Operand(wrong), tiles, *name)
            return original(self, operand, tiles, *name)

        monkeypatch.setattr(DiskTransform, "forward", forward)
        if operands == 2:
            assert value_of(multiply(products, shape, x, y)) == whole(x, 10**5) * whole(y, 10**5)
        else:
            z, b, at, length, expected = short_square(10, 13, 3)
            check_residual(products, shape, z, 1, b, at, length, expected)
        assert kinds(events) == ["residue"]
        assert products.scratch.volume.size_bytes == 16 << 20


# --- residuals ------------------------------------------------------------------------


def short_square(base, chunks, b, above=False):
    """z, b, at, length and z^2 - b*B^at for the root of b*B^at, or what is one above it."""
    radix, at = radix_of(base), 2 * chunks * CHUNK - 2
    z = isqrt(b * mpz(radix) ** at) + above
    return z, b, at, chunks * CHUNK + 2, z * z - b * mpz(radix) ** at


def square(products, shape, number, residue, a, b, at, length):
    """a*z^2 - b*B^at for the number z, said to have this residue."""
    wanted = Sum(1, (1,), ((-b, None, at),), (a * residue * residue - b * products.words.power(at)) % P)
    term = DiskTerm(Operand(number), Operand(number), Tiles(shape, PLACES["work"]), None, False)
    return products.sum_of_products([term], wanted, length, Step("r", "", shape=shape, operands=1), PLACES["result"], 0,
                                    a, "a residual")


def check_residual(products, shape, z, a, b, at, length, expected):
    radix = products.words.format.radix
    number = stored(products.scratch, to_words(z, -(-length // CHUNK) * CHUNK, radix), CHUNK, PLACES["a"])
    result, sign = square(products, shape, number, z % P, a, b, at, length)
    found = value_of(result.number)
    if result.complement:
        found = mpz(radix) ** result.number.length - 1 - found
    assert sign * found == expected and result.residue() == found % P
    assert result.complement == (sign < 0)
    check_records(result.number)
    return result


@given(base=st.sampled_from([10, 16]), chunks=st.integers(1, 40), b=st.integers(2, 2**31 - 1), above=st.booleans())
def test_residuals_of_both_signs(base, chunks, b, above):
    z, b, at, length, expected = short_square(base, chunks, b, above)
    shape = shape_for(length + 1, base, least=1 << 13)
    with products_of(shape) as (products, events):
        check_residual(products, shape, z, 1, b, at, length, expected)
        assert events == []


@given(base=st.sampled_from([10, 16]), k=st.integers(17, 40), d=st.integers(2, 2**31 - 1), nudge=st.integers(-4, 4))
def test_residuals_of_the_ladder(base, k, d, nudge):
    """d*y^2 - B^(2k), whose power lies beyond the length or within it."""
    radix = radix_of(base)
    k *= CHUNK
    y = isqrt(mpz(radix) ** (2 * k) // d) + nudge
    length = k + 5
    for words in (length + 1, 2 * k + 10):
        with products_of(shape_for(words, base, least=1 << 13)) as (products, _):
            (shape, *_), = products.disk.shapes
            assert (2 * k >= shape.stored_words) == (words == length + 1)
            check_residual(products, shape, y, d, 1, 2 * k, length, d * y * y - mpz(radix) ** (2 * k))


@BASES
def test_a_residual_of_nothing(base):
    z, b, at, length, expected = short_square(base, 10, 1)
    assert expected == 0
    shape = shape_for(length + 1, base)
    with products_of(shape) as (products, _):
        result = check_residual(products, shape, z, 1, b, at, length, 0)
        assert not result.number.kinds.any() and not result.complement


@BASES
def test_a_residual_that_is_not_short_is_refused(base):
    """Though its residue is right: it is known modulo B^N + 1 only."""
    z, b, at, length, _ = short_square(base, 10, 2)
    radix = radix_of(base)
    shape = shape_for(length + 1, base)
    for off in (mpz(radix) ** 3, -mpz(radix) ** 3):
        with products_of(shape) as (products, events):
            with pytest.raises(FaultError, match="a residual: the same wrong value twice"):
                check_residual(products, shape, z + off, 1, b, at, length, None)
            assert set(kinds(events)) == {"residue"}


@BASES
def test_a_wrong_word_is_repeated_and_a_wrong_operand_refused(base):
    z, b, at, length, expected = short_square(base, 12, 5, True)
    shape = shape_for(length + 1, base)
    with products_of(shape) as (products, events), failpoints.active("slab.words[a residual]=spoil@1"):
        check_residual(products, shape, z, 1, b, at, length, expected)
        assert kinds(events) == ["residue"]
    with products_of(shape) as (products, events):
        number = stored(products.scratch, to_words(z, 13 * CHUNK, radix_of(base)), CHUNK)
        with pytest.raises(FaultError, match="a residual: the same wrong value twice"):
            square(products, shape, number, (z + 1) % P, 1, b, at, length)
        assert kinds(events) == ["residue"] * 2
