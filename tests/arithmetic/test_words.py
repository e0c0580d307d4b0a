"""Linear operations over many pieces, and the arithmetic modulo B^N + 1, against Python's integers."""

import numpy as np
import pytest
from gmpy2 import mpz
from hypothesis import given
from hypothesis import strategies as st
from oracle_words import to_mpz

from bigconst.arithmetic import words as words_module
from bigconst.arithmetic.words import MERSENNE_61, Words
from bigconst.base.formats import WORDS
from bigconst.runtime.threads import Pool, split


@pytest.fixture(scope="module", params=[10, 16])
def words(request):
    with Pool(2) as pool:
        yield Words(WORDS[request.param], pool)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """Many pieces even of short numbers, so that carries cross their borders."""
    monkeypatch.setattr(words_module, "LINEAR_TASK_WORDS", 64)


def random(words, rng, count, kind):
    radix = words.format.radix
    match kind:
        case "random":
            return rng.integers(0, radix, count).astype(np.int32)
        case "largest":
            return np.full(count, radix - 1, np.int32)
        case _:
            return np.zeros(count, np.int32)


KINDS = st.sampled_from(["random", "largest", "zero"])


@given(count=st.integers(1, 3000), seed=st.integers(0, 2**32 - 1), kind=KINDS, factor=st.integers(0, 2**31 - 1))
def test_residue_multiplication_and_half(words, count, seed, kind, factor):
    radix = words.format.radix
    a = random(words, np.random.default_rng(seed), count, kind)
    value = to_mpz(a, radix)
    assert words.residue(a) == value % MERSENNE_61
    out = np.empty_like(a)
    top = words.multiply_small(out, a, factor)
    assert to_mpz(out, radix) + top * mpz(radix) ** count == value * factor
    words.shift_bits(out, a, 1)
    assert to_mpz(out, radix) == value // 2
    for digits in range(words.format.digits):
        words.shift_digits(out, a, digits)
        assert to_mpz(out, radix) == value // words.format.base**digits


@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_newton_update(words, data, seed):
    radix = words.format.radix
    rng = np.random.default_rng(seed)
    fresh = data.draw(st.integers(0, 2500))
    old = data.draw(st.integers(8, 1500))
    length = fresh + old
    y = random(words, rng, length, data.draw(KINDS))
    y[-1] = radix // 2      # room for what comes and goes
    u = random(words, rng, data.draw(st.integers(1, length - 4)), data.draw(KINDS))
    v = random(words, rng, data.draw(st.integers(1, length - 4)), data.draw(KINDS))
    sign = data.draw(st.sampled_from([1, -1]))
    kept = y.copy()
    kept[:fresh] = 0
    expected = to_mpz(kept, radix) - sign * (to_mpz(u, radix) // 2) + 3 * (to_mpz(v, radix) // 8)
    words.newton_update(y, fresh, u, v, sign)
    assert y.min() >= 0 and y.max() < radix
    assert to_mpz(y, radix) == expected


@given(count=st.integers(1, 2000), seed=st.integers(0, 2**32 - 1), kind=KINDS, top=st.integers(-3, 3))
def test_sign_and_magnitude(words, count, seed, kind, top):
    radix = words.format.radix
    a = random(words, np.random.default_rng(seed), count, kind)
    modulus = mpz(radix) ** count + 1
    value = (to_mpz(a, radix) + top * mpz(radix) ** count) % modulus
    sign = words.sign_magnitude(a, top)
    assert a.min() >= 0 and a.max() < radix
    assert (sign * to_mpz(a, radix) - value) % modulus == 0
    assert to_mpz(a, radix) <= modulus // 2 + 1


def test_the_residue_without_canonical_words_terminates(words):
    """B^N = -1: wrapping its carry alternates between all zero and all largest words."""
    for a, top in ((np.zeros(100, np.int32), 1), (np.full(100, words.format.radix - 1, np.int32), -1)):
        value = (to_mpz(a, words.format.radix) + top * mpz(words.format.radix) ** 100) % (
            mpz(words.format.radix) ** 100 + 1)
        sign = words.sign_magnitude(a, top)
        assert (sign * to_mpz(a, words.format.radix) - value) % (mpz(words.format.radix) ** 100 + 1) == 0


@given(seed=st.integers(0, 2**32 - 1), length=st.integers(1, 500), added=st.integers(0, 1500), at=st.integers(0, 2000),
       factor=st.integers(-2**30, 2**30))
def test_add_wrapped(words, seed, length, added, at, factor):
    radix, rng = words.format.radix, np.random.default_rng(seed)
    out, a = random(words, rng, length, "random"), random(words, rng, added, "random")
    expected = to_mpz(out, radix) + factor * to_mpz(a, radix) * mpz(radix) ** at
    top = words.add_wrapped(out, a, at, factor)
    assert (to_mpz(out, radix) + top * mpz(radix) ** length - expected) % (mpz(radix) ** length + 1) == 0


@given(value=st.integers(0, 2**4000))
def test_integers_and_regrouping(words, value):
    a = words.from_int(value, 260)
    assert words.to_int(a) == value
    for fmt in words.format.smaller():
        smaller = words.regroup(a, words.format.digits, fmt.digits)
        assert to_mpz(smaller, fmt.radix) == value
        assert words.to_int(words.regroup(smaller, fmt.digits, words.format.digits)) == value


@pytest.mark.parametrize("length", [0, 1, 2, 511, 200_000])
def test_integers_of_many_words(words, length):
    a = random(words, np.random.default_rng(length), length, "random")
    value = words.to_int(a)
    assert type(value) is int and value == to_mpz(a, words.format.radix)
    assert np.array_equal(words.from_int(value, length), a)
    assert np.array_equal(words.from_int(value, length + 3), np.pad(a, (0, 3)))


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 100))
def test_split_covers_everything_once(length, parts, unit):
    pieces = split(length, parts, unit)
    assert len(pieces) <= parts
    assert sum(b - a for a, b in pieces) == length
    assert all(a % unit == 0 for a, _ in pieces)
    assert all(x[1] == y[0] for x, y in zip(pieces, pieces[1:], strict=False))
